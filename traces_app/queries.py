"""The one way out: every question that pages, the read API and commands may ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from traces_app.domain.ids import is_trace_id
from traces_app.domain.limits import MAX_ID_CHARACTERS
from traces_app.domain.mapping import map_span
from traces_app.domain.packing import span_from
from traces_app.domain.preview import preview, preview_of_answer
from traces_app.domain.problems import NOTE_PREFIX, Problem
from traces_app.domain.retention import with_lifetime
from traces_app.domain.span import Span
from traces_app.domain.summary import Fragment, TraceSummary, fragment_of, merge
from traces_app.domain.tree import TreeRow, arrange
from traces_app.storage import StoreUnavailable, StoreUnusable, get_store, keys

__all__ = [
    "BadCursor",
    "Problem",
    "SpanNotFound",
    "Stats",
    "StoreUnavailable",
    "StoreUnusable",
    "Trace",
    "TraceFilter",
    "TraceNotFound",
    "TracePage",
    "as_stored",
    "cursor_of",
    "engine_name",
    "get_losses",
    "get_problems",
    "get_stats",
    "get_trace",
    "list_traces",
    "position_of",
]

MANY_ITEMS: int = 1000
"""Some 500 KB of fragments, half of what one request may return."""

MAX_LOSS_RECORDS: int = 500
MAX_SEARCHED: int = 20_000
"""Traces looked at for one filtered page; the page then says how far it got and can go on."""

Location = tuple[int, int]
"""Index of a chunk, and of the span in it."""


class TraceNotFound(LookupError):
    """No such trace in this project."""


class SpanNotFound(LookupError):
    """No such span in this trace."""


class BadCursor(ValueError):
    """The cursor is not one that a page of this list gave out."""


@dataclass(slots=True, frozen=True)
class TraceFilter:
    """All that is given must hold. ``name`` is any part of the name, in any case; times bound the start."""

    status: str | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    user_id: str | None = None
    session_id: str | None = None
    environment: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None

    def matches(self, trace: TraceSummary) -> bool:
        return (
            self.status in (None, trace.status)
            and as_stored(self.user_id) in (None, trace.user_id)
            and as_stored(self.session_id) in (None, trace.session_id)
            and self.environment in (None, trace.environment)
            and (self.name is None or self.name.lower() in (trace.name or "").lower())
            and set(self.tags) <= set(trace.tags)
        )


@dataclass(slots=True)
class TracePage:
    """``searched`` traces were looked at; ``next_cursor`` is ``None`` when there are no more."""

    traces: list[TraceSummary]
    next_cursor: str | None
    searched: int


@dataclass(slots=True)
class Stats:
    """Totals over traces that start in the range. ``None`` is unknown, never 0."""

    total_traces: int = 0
    total_spans: int = 0
    total_errors: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    unpriced_count: int = 0
    losses: dict[str, int] = field(default_factory=dict)

    @property
    def total_tokens(self) -> int | None:
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)


class Trace:
    """One opened trace. Rows hold the spans' heads; ``span`` unpacks one span's payload."""

    def __init__(
        self, summary: TraceSummary, rows: list[TreeRow], payloads: Mapping[str, Sequence[_Piece]]
    ) -> None:
        self.summary = summary
        self.rows = rows
        self._payloads = payloads

    def span(self, span_id: str) -> Span:
        """The whole span. Raises SpanNotFound."""
        pieces = self._payloads.get(span_id)
        if pieces is None:
            raise SpanNotFound(span_id)
        span = span_from(self.summary.trace_id, _merged([piece.whole() for piece in pieces]))
        if "name" not in pieces[0].head:
            map_span(span)  # events came apart from their span: now they meet
        return span

    def spans(self) -> Iterator[Span]:
        """Every span whole, in the order of the tree."""
        return (self.span(row.span.span_id) for row in self.rows)


def list_traces(
    project: str, filters: TraceFilter, *, limit: int = 50, cursor: str | None = None, now_ns: int
) -> TracePage:
    """Newest first. Raises BadCursor."""
    stream = get_store().iterate_traces(
        project,
        session_id=as_stored(filters.session_id),
        user_id=as_stored(filters.user_id),
        before=position_of(cursor),
        since_ms=(filters.since_ns or 0) // 1_000_000,
        until_ms=keys.MAX_START_MS if filters.until_ns is None else filters.until_ns // 1_000_000,
        page_items=_page_items(filters, limit),
        now_ns=now_ns,
    )
    if filters.session_id is not None:
        filters = replace(filters, session_id=None)  # a trace of several sessions is in each one's list
    else:
        filters = replace(filters, user_id=None)
    page = TracePage([], None, 0)
    last_position = None
    for position, trace in stream:
        if len(page.traces) == limit or page.searched == MAX_SEARCHED:
            page.next_cursor = cursor_of(last_position or "")
            break
        page.searched += 1
        last_position = position
        if filters.matches(trace):
            page.traces.append(trace)
    return page


def _page_items(filters: TraceFilter, limit: int) -> int:
    """Fragments to read at a time: a few more than are shown, or many where most may not match.

    One more says that there are further ones, one more where the last shown ends.
    """
    shown = limit + 2 + limit // 10
    rest = replace(filters, since_ns=None, until_ns=None, session_id=None, user_id=None)
    return shown if rest == TraceFilter() else max(shown, MANY_ITEMS)


def get_trace(project: str, trace_id: str, *, now_ns: int, consistent: bool = False) -> Trace:
    """The trace as a tree, each span once in whatever order and how often it came. Raises TraceNotFound.

    Who writes what depends on the answer asks for a ``consistent`` read.
    """
    if not is_trace_id(trace_id):
        raise TraceNotFound(trace_id)
    store = get_store()
    chunks = store.read_trace(project, trace_id, now_ns=now_ns, consistent=consistent)
    if not chunks and not consistent:  # it may have been acknowledged a moment ago
        chunks = store.read_trace(project, trace_id, now_ns=now_ns, consistent=True)
    pieces: dict[str, list[_Piece]] = {}
    for chunk in chunks:
        for index, row in enumerate(chunk.rows):
            pieces.setdefault(row["span_id"], []).append(_Piece(row, chunk.payload, index))
    for records in pieces.values():  # sorting is stable: in the order they came, but what is whole comes last
        records.sort(key=lambda piece: (piece.head.get("status") != "pending", "name" in piece.head))
    spans = [span_from(trace_id, _merged([piece.head for piece in records])) for records in pieces.values()]
    named = [span for span in spans if any("name" in piece.head for piece in pieces[span.span_id])]
    has_root = any(span.parent_span_id is None for span in named)  # a thinned batch has it, and keeps it
    thinned = [] if has_root else _thinned(project, trace_id, now_ns)
    fragments = [fragment for fragment, *_ in thinned] + ([fragment_of(spans)] if spans else [])
    if not fragments:
        raise TraceNotFound(trace_id)
    rows = arrange(named if thinned else spans)
    summary = merge(project, trace_id, fragments, now_ns=now_ns)
    summary.raw_bytes, summary.stored_bytes = None, sum(chunk.stored_bytes for chunk in chunks)
    batches = [(chunk.written_us * 1000, chunk.expires_at) for chunk in chunks]
    batches += [(written_us * 1000, expires_at) for _, expires_at, written_us in thinned]
    never_ends = any(expires_at is None for _, expires_at in batches)
    is_pinned = never_ends and _is_pinned(project, trace_id, now_ns)
    with_lifetime(summary, batches, is_pinned=is_pinned)
    trace = Trace(summary, rows, pieces)
    if not thinned:
        _add_payload_of_root(trace)
    return trace


def _thinned(project: str, trace_id: str, now_ns: int) -> list[tuple[Fragment, int | None, int]]:
    """What lists know of a trace whose spans were not kept; when that expires and was written."""
    listed = get_store().read_listed(project, trace_id, now_ns=now_ns)
    return [
        (fragment, item.expires_at, item.at or 0)
        for item, fragment in listed
        if fragment.facts.thinned is not None
    ]


def get_stats(
    project: str, *, since_ns: int | None = None, until_ns: int | None = None, now_ns: int
) -> Stats:
    """Sums over every trace of the range, however many pages that takes."""
    stats = Stats(losses=get_losses(project, now_ns=now_ns))
    stream = get_store().iterate_traces(
        project,
        since_ms=(since_ns or 0) // 1_000_000,
        until_ms=keys.MAX_START_MS if until_ns is None else until_ns // 1_000_000,
        page_items=MANY_ITEMS,
        now_ns=now_ns,
    )
    for _, trace in stream:
        _add(stats, trace)
    return stats


def get_losses(project: str, *, now_ns: int) -> dict[str, int]:
    """What senders said they lost and what was refused here, by reason, in the newest 500 such batches."""
    losses: dict[str, int] = {}
    for problem in get_problems(project, now_ns=now_ns):
        if not problem.reason.startswith(NOTE_PREFIX):
            losses[problem.reason] = losses.get(problem.reason, 0) + problem.count
    return losses


def get_problems(project: str, *, now_ns: int) -> list[Problem]:
    """What was lost, refused or not understood, by day and reason, in the newest 500 such batches.

    The newest day first, in it the most frequent.
    """
    counts: dict[tuple[str, str], int] = {}
    partition = keys.losses_partition(project)
    for sort, counters in get_store().list_records(partition, newest=MAX_LOSS_RECORDS, now_ns=now_ns):
        for reason, count in counters.items():
            counts[sort[:8], reason] = counts.get((sort[:8], reason), 0) + count
    problems = [Problem(day, reason, count) for (day, reason), count in counts.items()]
    return sorted(problems, key=lambda problem: (problem.day, problem.count), reverse=True)


def engine_name() -> str:
    """``sqlite`` or ``dynamodb``."""
    return get_store().name


def cursor_of(position: str) -> str:
    """How an address names a place in a list."""
    return position.replace("#", "-")


def position_of(cursor: str | None) -> str | None:
    """Where a list goes on. Raises BadCursor."""
    if cursor is None:
        return None
    start_ms, _, trace_id = cursor.partition("-")
    if not (keys.is_start(start_ms) and is_trace_id(trace_id)):
        raise BadCursor("cursor: use the next_cursor of an earlier answer as it is")
    return keys.trace_prefix(int(start_ms), trace_id)


def as_stored(owner_id: str | None) -> str | None:
    """Ids are cut on the way in, so they are on the way out."""
    return None if owner_id is None else owner_id[:MAX_ID_CHARACTERS]


@dataclass(slots=True)
class _Piece:
    """One record of a span: the head is at hand, the payload lies in its chunk."""

    head: dict[str, Any]
    payload: Any
    index: int

    def whole(self) -> dict[str, Any]:
        payload: dict[str, Any] = self.payload(self.index)
        return self.head | payload


def _is_pinned(project: str, trace_id: str, now_ns: int) -> bool:
    """Asked only of what never expires: its pin stands in the list."""
    store = get_store()
    position = store.position_of(project, trace_id, now_ns=now_ns)
    return position is not None and store.lifetimes.is_pinned(project, position)


def _merged(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Later fields win, nothing known is overwritten by nothing (unknown fields are not in a record)."""
    merged: dict[str, Any] = {}
    for record in records:
        for name in ("metadata", "attributes"):
            if name in merged and name in record:
                record = {**record, name: {**merged[name], **record[name]}}  # noqa: PLW2901
        if "tags" in merged and "tags" in record:
            record = {**record, "tags": list(dict.fromkeys([*merged["tags"], *record["tags"]]))}  # noqa: PLW2901
        if "scores" in merged and "scores" in record:
            record = {**record, "scores": _later_scores(merged["scores"], record["scores"])}  # noqa: PLW2901
        if "events" in merged and "events" in record:
            record = {**record, "events": _united(merged["events"], record["events"])}  # noqa: PLW2901
        merged |= record
    return merged


def _later_scores(known: list[dict[str, Any]], later: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What one source said again under a name replaces what it said before."""
    again = {(score.get("name"), score.get("source")) for score in later}
    return [score for score in known if (score.get("name"), score.get("source")) not in again] + later


def _united(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each event once, however often it came, in the order of their times."""
    distinct = {orjson.dumps(event): event for event in (*first, *second)}
    return sorted(distinct.values(), key=lambda event: event.get("time_ns") or 0)


def _add_payload_of_root(trace: Trace) -> None:
    """The root's metadata and texts; where it has none, those of the first and the last call of a model."""
    summary = trace.summary
    calls = [row.span.span_id for row in trace.rows if row.span.kind == "llm"]
    asked = said = None
    if summary.root_span_id is not None:
        root = trace.span(summary.root_span_id)
        summary.metadata = root.metadata
        asked, said = preview(root.input), preview_of_answer(root.output)
    if calls:
        asked = asked or preview(trace.span(calls[0]).input)
        said = said or preview_of_answer(trace.span(calls[-1]).output)
    summary.input_preview, summary.output_preview = asked, said


def _add(stats: Stats, trace: TraceSummary) -> None:
    stats.total_traces += 1
    stats.total_spans += trace.span_count
    stats.total_errors += trace.error_count
    stats.unpriced_count += trace.unpriced_count
    for name in ("input_tokens", "output_tokens", "cost_usd"):
        value = getattr(trace, name)
        if value is not None:
            setattr(stats, name, (getattr(stats, name) or 0) + value)
