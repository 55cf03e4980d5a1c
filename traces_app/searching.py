"""What the list asks: traces that a search holds for, and a look at what there is around them.

Conditions on summaries cost nothing beyond reading the list. Conditions on spans and their texts open the
traces: as many as one request affords; then the answer says how far it came, and a cursor goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Final

import orjson

from traces_app.domain.durations import DAY_MS
from traces_app.domain.search import Search
from traces_app.domain.summary import TraceSummary
from traces_app.domain.tool_calls import unanswered_calls
from traces_app.queries import (
    MANY_ITEMS,
    MAX_SEARCHED,
    Trace,
    TraceNotFound,
    as_stored,
    cursor_of,
    get_trace,
    position_of,
)
from traces_app.storage import get_store, keys

__all__ = ["Found", "count_newer", "each_match", "search_traces"]

MAX_SAMPLED: Final = 500
"""Traces that choices and the density strip are made of: some 300 KB, 35 read units, 20 ms."""

SAMPLED_ITEMS: Final = MAX_SAMPLED + MAX_SAMPLED // 10 + 2
"""Some traces came in several batches; one more tells where the last ends."""

MAX_SAMPLED_DAYS: Final = 4
"""A day is a request: a quiet project must not pay ninety of them for its counts."""

MAX_OPENED: Final = 200
"""Traces opened for one answer; the time allowed usually ends it earlier where they are large."""

MAX_CANDIDATES: Final = 2000
"""How far an answer that could not open all of them counts those that are left."""

MAX_NEWER: Final = 99
START_CHARACTERS: Final = 13
"""Of a position: the start in milliseconds."""
CHECKED_EVERY: Final = 1000
"""Summaries between two looks at the clock."""

_Stream = Iterator[tuple[str, TraceSummary]]


@dataclass(slots=True)
class Found:
    """One page of traces, and what was seen on the way."""

    traces: list[TraceSummary] = field(default_factory=list)
    sample: list[TraceSummary] = field(default_factory=list)
    """Those the search holds for among the newest ``searched``: the page's and more."""
    next_cursor: str | None = None
    searched: int = 0
    opened: int = 0
    unopened: int = 0
    """Traces that would have had to be opened, but for the time this takes."""
    reached_end: bool = False
    """Nothing older lies in the range."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """How spans are looked at, and how long."""

    holds: Callable[[TraceSummary], bool]
    limit: int
    is_time_up: Callable[[], bool]

    def are_spent(self, found: Found) -> bool:
        return len(found.traces) == self.limit or found.opened == MAX_OPENED or self.is_time_up()


def search_traces(
    project: str,
    search: Search,
    *,
    since_ns: int | None = None,
    until_ns: int | None = None,
    limit: int = 50,
    cursor: str | None = None,
    is_time_up: Callable[[], bool] = bool,
    now_ns: int,
) -> Found:
    """Newest first. ``is_time_up`` ends the search; a cursor goes on. Raises BadCursor."""
    bounds = (since_ns, until_ns, position_of(cursor))
    stream = _stream(project, search, bounds, now_ns)
    found = Found()
    if search.needs_spans:
        holds = partial(_holds, project, search, now_ns=now_ns)
        _search_spans(found, stream, search, rules=_Rules(holds, limit, is_time_up))
    else:
        _search_summaries(found, stream, search, limit, is_time_up)
    return found


def each_match(
    project: str,
    search: Search,
    *,
    since_ns: int | None = None,
    until_ns: int | None = None,
    cursor: str | None = None,
    now_ns: int,
) -> Iterator[tuple[str, TraceSummary]]:
    """All that the search holds for, newest first, however long it takes; each with the cursor behind it.

    For exports, which no request waits for. Raises BadCursor.
    """
    bounds = (since_ns, until_ns, position_of(cursor))
    for position, trace in _stream(project, search, bounds, now_ns):
        if search.matches(trace) and (
            not search.needs_spans or _holds(project, search, trace, now_ns=now_ns)
        ):
            yield cursor_of(position), trace


def count_newer(project: str, search: Search, *, after: str, now_ns: int) -> int:
    """Traces listed before the one with the id ``after``, at most 99. What spans would tell is not asked."""
    count = 0
    for looked_at, (_, trace) in enumerate(_stream(project, search, (None, None, None), now_ns)):
        if trace.trace_id == after or looked_at == MAX_SAMPLED or count == MAX_NEWER:
            break
        count += search.matches(trace)
    return count


def _stream(
    project: str, search: Search, bounds: tuple[int | None, int | None, str | None], now_ns: int
) -> _Stream:
    since_ns, until_ns, before = bounds
    return get_store().iterate_traces(
        project,
        session_id=as_stored(search.value_of("session")),
        user_id=as_stored(search.value_of("user")),
        before=before,
        since_ms=(since_ns or 0) // 1_000_000,
        until_ms=keys.MAX_START_MS if until_ns is None else until_ns // 1_000_000,
        page_items=MANY_ITEMS if search.terms else SAMPLED_ITEMS,
        now_ns=now_ns,
    )


def _search_summaries(
    found: Found, stream: _Stream, search: Search, limit: int, is_time_up: Callable[[], bool]
) -> None:
    days: set[int] = set()
    position = ""
    for next_position, trace in stream:
        is_full = len(found.traces) == limit
        if is_full and found.next_cursor is None:
            found.next_cursor = cursor_of(position)
        if is_full and (found.searched >= MAX_SAMPLED or len(days) > MAX_SAMPLED_DAYS):
            return
        is_long = found.searched and found.searched % CHECKED_EVERY == 0
        if found.searched == MAX_SEARCHED or (is_long and is_time_up()):
            found.next_cursor = found.next_cursor or cursor_of(position)
            return
        found.searched += 1
        position = next_position
        days.add(int(position[:START_CHARACTERS]) // DAY_MS)
        if search.matches(trace):
            found.sample.append(trace)
            if not is_full:
                found.traces.append(trace)
    found.reached_end = True


def _search_spans(found: Found, stream: _Stream, search: Search, *, rules: _Rules) -> None:
    """Until the page is full or the time is up; then only what is left is counted.

    One trace is opened in any case: whoever goes on comes to the end.
    """
    position = ""
    for next_position, trace in stream:
        is_over = found.opened > 0 and (rules.are_spent(found))
        if is_over and found.next_cursor is None:
            found.next_cursor = cursor_of(position)
        if found.unopened == MAX_CANDIDATES or found.searched == MAX_SEARCHED:
            found.next_cursor = found.next_cursor or cursor_of(position)
            return
        found.searched += 1
        position = next_position
        if not search.matches(trace):
            continue
        if is_over:
            found.unopened += 1
            continue
        found.opened += 1
        if rules.holds(trace):
            found.traces.append(trace)
            found.sample.append(trace)
    found.reached_end = True


def _holds(project: str, search: Search, summary: TraceSummary, *, now_ns: int) -> bool:
    """Whether one span of the opened trace meets everything that is asked of spans."""
    try:
        trace = get_trace(project, summary.trace_id, now_ns=now_ns)
    except TraceNotFound:  # expired or deleted between the list and here
        return False
    missed = cache(lambda: unanswered_calls([row.span for row in trace.rows], trace.span))
    return any(search.matches_span(row.span, _opened(trace, row.span.span_id, missed)) for row in trace.rows)


def _opened(trace: Trace, span_id: str, missed: Callable[[], set[str]]) -> dict[str, Callable[[], str]]:
    return {
        "text": partial(_texts, trace, span_id),
        "missed": lambda: "true" if span_id in missed() else "",
    }


def _texts(trace: Trace, span_id: str) -> str:
    """Input, output and error as one text in lower case; texts in JSON as they are written by people."""
    span = trace.span(span_id)
    return "\n".join(_plain(value) for value in (span.input, span.output, span.error)).lower()


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_plain(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return "\n".join(_plain(inner) for inner in value)
    return "" if value is None else orjson.dumps(value).decode()
