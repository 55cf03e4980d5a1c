"""A session read as a conversation: what was asked and said in each of its traces, the oldest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from traces_app.domain.durations import MILLISECOND_NS
from traces_app.domain.preview import spoken_text
from traces_app.domain.summary import TraceSummary
from traces_app.explorer.formats import (
    Moment,
    bytes_text,
    cost_text,
    duration_text,
    moment,
    tokens_text,
)
from traces_app.explorer.pages.links import Link
from traces_app.explorer.pages.list_filters import STATUS_LABELS
from traces_app.explorer.visible import Excerpt, excerpt, visible_line
from traces_app.queries import Trace

TURNS_A_PAGE: Final = 20
"""Each turn opens its trace."""

MAX_TURN_CHARACTERS: Final = 6000
MAX_TOOLS_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Turn:
    address: str
    name: str
    status: str
    status_label: str
    started: Moment | None
    duration: str
    cost: str
    asked: Excerpt | None
    said: Excerpt | None
    asked_note: str
    said_note: str
    error: str
    tools: list[str]


@dataclass(frozen=True, slots=True)
class Replay:
    session: str
    users: list[Link]
    turns: list[Turn]
    facts: list[tuple[str, str]]
    traces_address: str
    first: Moment | None
    last: Moment | None
    earlier_address: str
    later_address: str
    shown: str


def page_of(count: int, page: str) -> tuple[int, int]:
    """First and last turn of a page, counted from the newest; pages count from 1."""
    number = int(page) if page.isdecimal() and 0 < len(page) < 5 else 1  # noqa: PLR2004 - sessions are not longer
    first = max(0, min(number - 1, max(0, count - 1) // TURNS_A_PAGE)) * TURNS_A_PAGE
    return first, min(count, first + TURNS_A_PAGE)


def replay(
    session_id: str,
    summaries: Sequence[TraceSummary],
    opened: Sequence[Trace | None],
    *,
    place: tuple[int, int],
    is_cut: bool,
    now_ns: int,
) -> Replay:
    """``summaries`` of the whole session, newest first; ``opened`` are those at ``place``."""
    first, last = place
    page = first // TURNS_A_PAGE + 1
    turns = [
        _turn(summary, trace, now_ns) for summary, trace in zip(summaries[first:last], opened, strict=True)
    ]
    starts = [summary.start_ns for summary in summaries if summary.start_ns is not None]
    return Replay(
        session=visible_line(session_id),
        users=_users(summaries),
        turns=turns[::-1],
        facts=_facts(summaries, is_cut=is_cut),
        traces_address=reverse("explorer:traces") + "?" + urlencode({"session": session_id}),
        first=moment(min(starts, default=None), now_ns=now_ns),
        last=moment(max(starts, default=None), now_ns=now_ns),
        earlier_address=_page_address(session_id, page + 1) if last < len(summaries) else "",
        later_address=_page_address(session_id, page - 1) if first else "",
        shown=f"turns {len(summaries) - last + 1} to {len(summaries) - first} of {len(summaries)}",
    )


def _page_address(session_id: str, page: int) -> str:
    return "?" + urlencode({"id": session_id, "page": page})


def _users(summaries: Sequence[TraceSummary]) -> list[Link]:
    names = dict.fromkeys(summary.user_id for summary in summaries if summary.user_id)
    return [
        Link(visible_line(name, 60), reverse("explorer:traces") + "?" + urlencode({"user": name}))
        for name in names
    ][:5]


def _facts(summaries: Sequence[TraceSummary], *, is_cut: bool) -> list[tuple[str, str]]:
    failed = sum(summary.has_failed_span for summary in summaries)
    costs = [summary.cost_usd for summary in summaries if summary.cost_usd is not None]
    unpriced = any(summary.unpriced_count for summary in summaries)
    tokens = [
        [count for summary in summaries if (count := getattr(summary, name)) is not None]
        for name in ("input_tokens", "output_tokens")
    ]
    sums = [sum(counts) if counts else None for counts in tokens]
    cost = ("≥ " if unpriced and costs else "") + cost_text(sum(costs) if costs else None)
    return [
        ("Traces", ("newest " if is_cut else "") + f"{len(summaries):,}"),
        ("With a failed span", f"{failed:,}"),
        ("Tokens in → out", tokens_text(sums[0], sums[1])),
        ("Cost", cost),
    ]


def _turn(summary: TraceSummary, trace: Trace | None, now_ns: int) -> Turn:
    asked, said = _words_of(trace) if trace else ("", "")
    duration_ms = summary.duration_ms
    return Turn(
        address=reverse("explorer:trace", args=[summary.trace_id]),
        name=visible_line(summary.name or "(no name)"),
        status=summary.status,
        status_label=STATUS_LABELS.get(summary.status, summary.status),
        started=moment(summary.start_ns, now_ns=now_ns),
        duration=duration_text(None if duration_ms is None else duration_ms * MILLISECOND_NS),
        cost=cost_text(summary.cost_usd) if summary.cost_usd is not None else "",
        asked=_excerpt(asked),
        said=_excerpt(said),
        asked_note=_cut_note(asked),
        said_note=_cut_note(said),
        error=_error_of(trace) if trace else "",
        tools=_tools_of(trace) if trace else [],
    )


def _words_of(trace: Trace) -> tuple[str, str]:
    """The root's; where it has none, what the first call of a model was asked and the last one said."""
    calls = [row.span.span_id for row in trace.rows if row.span.kind == "llm"]
    asked = said = ""
    if trace.summary.thinned is not None:
        return trace.summary.input_preview or "", trace.summary.output_preview or ""
    if trace.summary.root_span_id is not None:
        root = trace.span(trace.summary.root_span_id)
        asked, said = spoken_text(root.input), spoken_text(root.output)
    if calls:
        asked = asked or spoken_text(trace.span(calls[0]).input)
        said = said or spoken_text(trace.span(calls[-1]).output)
    return asked, said


def _tools_of(trace: Trace) -> list[str]:
    """``search x3``: names as they are called, at most eight."""
    counts = Counter(row.span.name for row in trace.rows if row.span.kind in ("tool", "retrieval"))
    names = [
        f"{visible_line(name, 40)} x{count}" if count > 1 else visible_line(name, 40)
        for name, count in counts.items()
    ]
    more = len(names) - MAX_TOOLS_SHOWN
    return [*names[:MAX_TOOLS_SHOWN], f"+{more}"] if more > 0 else names


def _error_of(trace: Trace) -> str:
    failed = next((row.span for row in trace.rows if row.span.status == "error"), None)
    if failed is None:
        return ""
    error = trace.span(failed.span_id).error or {}
    words = ": ".join(str(error[name]) for name in ("type", "message") if error.get(name))
    return visible_line(f"{failed.name}: {words or 'failed'}", 300)


def _excerpt(text: str) -> Excerpt | None:
    return excerpt(text, MAX_TURN_CHARACTERS) if text else None


def _cut_note(text: str) -> str:
    if len(text) <= MAX_TURN_CHARACTERS:
        return ""
    whole = excerpt(text, MAX_TURN_CHARACTERS).total_bytes
    return f"The first {MAX_TURN_CHARACTERS:,} characters of {bytes_text(whole)}: the trace has the whole."
