"""One trace: its totals, and the tree with its waterfall, one row a span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse

from traces_app.domain.summary import TraceSummary
from traces_app.domain.tree import TreeRow
from traces_app.explorer.formats import (
    UNKNOWN,
    Moment,
    bytes_text,
    cost_text,
    count_text,
    duration_text,
    moment,
    plural,
    tokens_text,
)
from traces_app.explorer.pages.content import pretty
from traces_app.explorer.pages.list_filters import STATUS_LABELS, Link
from traces_app.explorer.pages.span_detail import SpanDetail
from traces_app.explorer.pages.trace_list import (
    losses_text,
    total_cost_text,
    unpriced_text,
)
from traces_app.explorer.visible import Excerpt, excerpt, visible_line
from traces_app.explorer.visitor import Visitor
from traces_app.queries import Trace

ROWS_PER_PAGE: Final = 1000
MAX_DEPTH_DRAWN: Final = 24
"""Deeper rows are not moved further right: their depth is written beside the name."""

MAX_NAME_CHARACTERS: Final = 120
MIN_MARKED_BAR_PERCENT: Final = 2
"""Narrower bars have no room for the mark of the first token."""

MIN_BAR_PERCENT: Final = 0.35
"""About two pixels: a span of no time is still seen."""

AXIS_MARKS: Final = 3
_MILLISECOND_NS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled value. ``title`` says more; ``mark`` colours it."""

    label: str
    value: str
    title: str = ""
    address: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class AxisMark:
    x: str
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class TracePage:
    trace_id: str
    name: str
    status: str
    status_label: str
    started: Moment | None
    facts: list[Fact]
    labels: list[Fact]
    tags: list[Link]
    metadata: Excerpt | None
    notes: list[str]
    rows: list[dict[str, Any]]
    rows_shown: str
    earlier_rows_address: str
    later_rows_address: str
    axis: list[AxisMark]
    list_address: str
    json_address: str
    download_address: str


def trace_page(trace: Trace, detail: SpanDetail | None, *, visitor: Visitor, rows_page: str) -> TracePage:
    """``rows_page`` is what the address asks for; without it the page that holds the open span."""
    summary = trace.summary
    selected = detail.span_id if detail else ""
    first = _first_row(trace.rows, selected, rows_page)
    shown = trace.rows[first : first + ROWS_PER_PAGE]
    extent_ns = _extent_ns(summary, trace.rows, visitor.now_ns)
    base = reverse("explorer:trace", args=[summary.trace_id])
    return TracePage(
        trace_id=summary.trace_id,
        name=visible_line(summary.name or "(no name)"),
        status=summary.status,
        status_label=STATUS_LABELS.get(summary.status, summary.status),
        started=moment(summary.start_ns, now_ns=visitor.now_ns),
        facts=_facts(summary, trace.rows, base),
        labels=_labels(summary),
        tags=[_tag(tag) for tag in summary.tags],
        metadata=excerpt(pretty(summary.metadata)) if summary.metadata else None,
        notes=_notes(summary, trace.rows),
        rows=[_row(row, base, selected, extent_ns) for row in shown],
        rows_shown=_rows_shown(first, len(shown), len(trace.rows)),
        earlier_rows_address=_rows_address(first - ROWS_PER_PAGE) if first else "",
        later_rows_address=_rows_address(first + ROWS_PER_PAGE)
        if first + ROWS_PER_PAGE < len(trace.rows)
        else "",
        axis=_axis(extent_ns),
        list_address=reverse("explorer:traces"),
        json_address=reverse("explorer:trace_json", args=[summary.trace_id]),
        download_address=reverse("explorer:download", args=[summary.trace_id]),
    )


def _facts(summary: TraceSummary, rows: Sequence[TreeRow], base: str) -> list[Fact]:
    duration_ms = summary.duration_ms
    calls = sum(row.span.kind == "llm" and not row.is_rollup for row in rows)
    facts = [
        Fact("Duration", duration_text(None if duration_ms is None else duration_ms * _MILLISECOND_NS)),
        Fact("LLM calls", count_text(calls)),
        Fact("Tokens", tokens_text(summary.input_tokens, summary.output_tokens), _cache_share(summary)),
        Fact("Cost", total_cost_text(summary), unpriced_text(summary)),
        Fact("Spans", count_text(summary.span_count or len(rows)), mark="lost" if summary.dropped else ""),
    ]
    if summary.error_count:
        facts.append(_errors(summary.error_count, rows, base))
    return facts


def _cache_share(summary: TraceSummary) -> str:
    if not summary.input_tokens or summary.cache_read_tokens is None:
        return ""
    return f"{100 * summary.cache_read_tokens / summary.input_tokens:.0f} % of the input from cache"


def _errors(error_count: int, rows: Sequence[TreeRow], base: str) -> Fact:
    """The deepest of the first failing branch is where it broke; its parents only pass it on."""
    failing = [row for row in rows if row.span.status == "error"]
    broke = next((row for row in failing if not row.descendant_error_count), None)
    address = f"{base}/s/{broke.span.span_id}#{broke.span.span_id}" if broke else ""
    return Fact("Errors", count_text(error_count), "Go to where it broke first", address, "error")


def _labels(summary: TraceSummary) -> list[Fact]:
    listing = reverse("explorer:traces")
    found = [
        ("user", "user", summary.user_id),
        ("session", "session", summary.session_id),
        ("environment", "env", summary.environment),
    ]
    labels = [
        Fact(label, visible_line(value, 60), address=f"{listing}?{_pair(name, value)}")
        for label, name, value in found
        if value is not None
    ]
    if summary.release is not None:
        labels.append(Fact("release", visible_line(summary.release, 60)))
    labels += [Fact("model", visible_line(model, 60)) for model in summary.models[:4]]
    if summary.stored_bytes:
        labels.append(Fact("stored", bytes_text(summary.stored_bytes)))
    return labels


def _tag(tag: str) -> Link:
    return Link(visible_line(tag, 60), f"{reverse('explorer:traces')}?{_pair('tag', tag)}")


def _pair(name: str, value: str) -> str:
    return urlencode({name: value})


def _notes(summary: TraceSummary, rows: Sequence[TreeRow]) -> list[str]:
    """What is missing, in sentences."""
    notes = []
    lost = sum(summary.dropped.values())
    if lost:
        received = summary.span_count or len(rows)
        notes.append(f"{received:,} of {received + lost:,} spans, {losses_text(summary.dropped)}")
    if summary.root_span_id is None:
        notes.append("The root was not received: the name and the status are the first span's.")
    orphans = sum(row.is_orphan for row in rows)
    if orphans:
        notes.append(f"{plural(orphans, 'span')} under a parent that never came: shown at the top level.")
    return notes


# -- rows ------------------------------------------------------------------------------------------
def _row(row: TreeRow, base: str, selected: str, extent_ns: int) -> dict[str, Any]:
    """A dict: the template engine asks keys before attributes, and there are a thousand rows."""
    span = row.span
    usage = span.usage
    x = 100 * row.offset_ns / extent_ns
    return {
        "id": span.span_id,
        "address": f"{base}/s/{span.span_id}",
        "classes": _classes(row),
        "is_selected": span.span_id == selected,
        "name": visible_line(span.display_name or span.name, MAX_NAME_CHARACTERS),
        "note": _row_note(row),
        "duration": duration_text(row.duration_ns) if row.duration_ns is not None else UNKNOWN,
        "tokens": tokens_text(usage.input_tokens, usage.output_tokens, short=True) if usage else "",
        "cost": cost_text(span.cost_usd) if span.cost_usd is not None else "",
        "x": f"{min(x, 100 - MIN_BAR_PERCENT):.2f}%",
        "width": f"{_width(row.duration_ns, x, extent_ns):.2f}%",
        "self_width": f"{_width(row.self_ns, x, extent_ns):.2f}%" if row.child_count and row.self_ns else "",
        "first_token_x": _first_token_x(row, extent_ns),
    }


def _classes(row: TreeRow) -> str:
    names = [row.span.kind, f"d{min(row.depth, MAX_DEPTH_DRAWN)}"]
    if row.span.status != "ok":
        names.append(row.span.status)
    if row.descendant_error_count and row.span.status != "error":
        names.append("broken-below")
    if row.is_orphan:
        names.append("orphan")
    return " ".join(names)


def _row_note(row: TreeRow) -> str:
    notes = []
    if row.depth > MAX_DEPTH_DRAWN:
        notes.append(f"depth {row.depth}")
    if row.is_orphan:
        notes.append("parent missing")
    if row.span.status in ("pending", "cancelled"):
        notes.append(STATUS_LABELS[row.span.status])
    return " · ".join(notes)


def _width(duration_ns: int | None, x: float, extent_ns: int) -> float:
    """Running spans reach to the right edge."""
    if duration_ns is None:
        return max(MIN_BAR_PERCENT, 100 - x)
    return max(MIN_BAR_PERCENT, min(100 * duration_ns / extent_ns, 100 - x))


def _first_token_x(row: TreeRow, extent_ns: int) -> str:
    is_narrow = 100 * (row.duration_ns or 0) < MIN_MARKED_BAR_PERCENT * extent_ns
    if is_narrow or not row.span.time_to_first_token_ms:
        return ""
    at_ns = row.offset_ns + row.span.time_to_first_token_ms * _MILLISECOND_NS
    return f"{min(100.0, 100 * at_ns / extent_ns):.2f}%"


def _extent_ns(summary: TraceSummary, rows: Sequence[TreeRow], now_ns: int) -> int:
    """From the first start to the last end; while a span runs to now, but not past a day."""
    extent_ns = max((row.offset_ns + (row.duration_ns or 0) for row in rows), default=0)
    if summary.start_ns is not None and any(row.span.is_pending for row in rows):
        running_ns = now_ns - summary.start_ns
        if running_ns < 24 * 3600 * 10**9:
            extent_ns = max(extent_ns, running_ns)
    return max(1, extent_ns)


def _axis(extent_ns: int) -> list[AxisMark]:
    anchors = ["start", *["middle"] * (AXIS_MARKS - 1), "end"]
    return [
        AxisMark(f"{100 * mark / AXIS_MARKS:.0f}%", duration_text(extent_ns * mark / AXIS_MARKS), anchor)
        for mark, anchor in enumerate(anchors)
    ]


# -- pages of rows ---------------------------------------------------------------------------------
def _first_row(rows: Sequence[TreeRow], selected: str, rows_page: str) -> int:
    if rows_page.isdecimal() and len(rows_page) < 7:  # noqa: PLR2004 - no trace has a million pages
        page = int(rows_page)
        if 1 <= page <= -(-len(rows) // ROWS_PER_PAGE):
            return (page - 1) * ROWS_PER_PAGE
    index = next((index for index, row in enumerate(rows) if row.span.span_id == selected), 0)
    return index - index % ROWS_PER_PAGE


def _rows_address(first: int) -> str:
    return f"?rows={first // ROWS_PER_PAGE + 1}"


def _rows_shown(first: int, shown: int, total: int) -> str:
    return f"{first + 1:,} to {first + shown:,} of {total:,}" if total > ROWS_PER_PAGE else ""
