"""One trace: its totals, what it carries, and one page of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse

from traces_app.domain.budget import thinned_text
from traces_app.domain.durations import MILLISECOND_NS
from traces_app.domain.problems import lost_spans
from traces_app.domain.search import exactly
from traces_app.domain.summary import MAX_PROMPT_CHARACTERS, TraceSummary, prompt_label
from traces_app.domain.tree import TreeRow
from traces_app.explorer.formats import (
    Moment,
    bytes_text,
    count_text,
    duration_text,
    moment,
    plural,
    tokens_text,
)
from traces_app.explorer.pages.content import pretty
from traces_app.explorer.pages.extent import extent_ns
from traces_app.explorer.pages.list_filters import STATUS_LABELS, Link
from traces_app.explorer.pages.skeleton import revision
from traces_app.explorer.pages.span_detail import SpanDetail
from traces_app.explorer.pages.trace_list import (
    kept_text,
    losses_text,
    total_cost_text,
    unpriced_text,
)
from traces_app.explorer.pages.tree_rows import AxisMark, Drawing, axis_of, window_of
from traces_app.explorer.visible import Excerpt, excerpt, visible_line
from traces_app.explorer.visitor import Visitor
from traces_app.queries import Trace

VIEWS: Final = ("transcript", "tree", "table")
MAX_TAGS_SHOWN: Final = 24


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled value. ``note`` stands beside it, ``title`` appears over it, ``mark`` colours it."""

    label: str
    value: str
    title: str = ""
    address: str = ""
    mark: str = ""
    span_id: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class TracePage:
    """``view`` is how the spans are listed; without JavaScript a table is shown as the tree."""

    trace_id: str
    view: str
    modes: list[Link]
    revision: str
    name: str
    status: str
    status_label: str
    started: Moment | None
    facts: list[Fact]
    labels: list[Fact]
    is_pinned: bool
    may_write: bool
    tags: list[Link]
    more_tags: str
    metadata: Excerpt | None
    notes: list[str]
    rows: list[dict[str, Any]]
    rows_shown: str
    earlier_rows_address: str
    later_rows_address: str
    axis: list[AxisMark]
    list_address: str
    json_address: str
    skeleton_address: str
    previews_address: str
    exports: list[Link]
    compare_address: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks of the list: ``rows_page`` else the page that holds the open span."""

    view: str = ""
    rows_page: str = ""


def trace_page(
    trace: Trace, detail: SpanDetail | None, *, visitor: Visitor, asked: Asked, kept_by: str
) -> TracePage:
    summary = trace.summary
    selected = detail.span_id if detail else ""
    view = asked.view if asked.view in VIEWS else default_view(trace.rows)
    window = window_of(trace.rows, selected, asked.rows_page, view)
    extent = extent_ns(summary, trace.rows, visitor.now_ns)
    place = [summary.trace_id]
    base = reverse("explorer:trace", args=place)
    drawing = Drawing(base, selected, extent)
    return TracePage(
        trace_id=summary.trace_id,
        view=view,
        modes=_modes(view),
        revision=revision(trace),
        name=visible_line(summary.name or "(no name)"),
        status=summary.status,
        status_label=STATUS_LABELS.get(summary.status, summary.status),
        started=moment(summary.start_ns, now_ns=visitor.now_ns),
        facts=_facts(summary, trace.rows, base),
        labels=_labels(trace, Fact("kept", *kept_text(summary, kept_by, visitor.now_ns))),
        is_pinned=summary.is_pinned,
        may_write=visitor.may_write,
        tags=[_tag(tag) for tag in summary.tags[:MAX_TAGS_SHOWN]],
        more_tags=_more_tags(summary),
        metadata=excerpt(pretty(summary.metadata)) if summary.metadata else None,
        notes=_notes(summary, trace.rows),
        rows=drawing.told_rows(trace, window.rows) if view == "transcript" else drawing.rows(window.rows),
        rows_shown=window.text,
        earlier_rows_address=window.address(-1, view),
        later_rows_address=window.address(1, view),
        axis=axis_of(extent),
        list_address=reverse("explorer:traces"),
        json_address=reverse("explorer:trace_json", args=place),
        skeleton_address=reverse("explorer:skeleton", args=place),
        previews_address=reverse("explorer:previews", args=place),
        exports=exports_of(summary.trace_id),
        compare_address=f"{reverse('explorer:compare')}?{_pair('a', summary.trace_id)}",
    )


def default_view(rows: Sequence[TreeRow]) -> str:
    return "transcript" if any(row.span.kind == "llm" for row in rows) else "tree"


def exports_of(trace_id: str) -> list[Link]:
    return [
        Link(text, reverse(f"explorer:{name}", args=[trace_id]))
        for text, name in (
            ("JSON, everything", "download"),
            ("OpenTelemetry JSON", "trace_otlp"),
            ("Markdown", "trace_markdown"),
            ("One HTML file", "trace_html"),
        )
    ]


def _modes(view: str) -> list[Link]:
    return [Link(mode.capitalize(), f"?view={mode}", is_current=mode == view) for mode in VIEWS]


def _facts(summary: TraceSummary, rows: Sequence[TreeRow], base: str) -> list[Fact]:
    duration_ms = summary.duration_ms
    calls = sum(row.span.kind == "llm" and not row.is_rollup for row in rows)
    spans = len(rows) if summary.thinned is None else summary.span_count
    lost = sum(lost_spans(summary.dropped).values())
    facts = [
        Fact("Duration", duration_text(None if duration_ms is None else duration_ms * MILLISECOND_NS)),
        Fact("LLM calls", count_text(calls if summary.thinned is None else None)),
        Fact("Tokens", tokens_text(summary.input_tokens, summary.output_tokens), note=_cache_share(summary)),
        Fact("Cost", total_cost_text(summary), note=unpriced_text(summary)),
        Fact(
            "Spans",
            count_text(spans),
            mark="lost" if lost else "",
            note=f"of {spans + lost:,}" if lost else "",
        ),
    ]
    share = _model_share(summary, rows)
    if share:
        facts.insert(1, Fact("In models", share, "Of the duration, while at least one model was called"))
    if summary.error_count:
        facts.append(_errors(summary.error_count, rows, base))
    return facts


def _model_share(summary: TraceSummary, rows: Sequence[TreeRow]) -> str:
    """Calls may overlap: covered time is a union. Rows of one parent come by start, all of them do not."""
    calls = sorted(
        (row.offset_ns, row.offset_ns + row.duration_ns)
        for row in rows
        if row.span.kind == "llm" and row.duration_ns
    )
    covered = reached = 0
    for start, end in calls:
        covered += max(0, end - max(start, reached))
        reached = max(reached, end)
    return f"{100 * covered / (summary.duration_ms * 1e6):.0f} %" if calls and summary.duration_ms else ""


def _cache_share(summary: TraceSummary) -> str:
    if not summary.input_tokens or summary.cache_read_tokens is None:
        return ""
    return f"{100 * summary.cache_read_tokens / summary.input_tokens:.0f} % cached"


def _errors(error_count: int, rows: Sequence[TreeRow], base: str) -> Fact:
    """The deepest of the first failing branch is where it broke; its parents only pass it on."""
    failing = [row for row in rows if row.span.status == "error"]
    broke = next((row for row in failing if not row.descendant_error_count), None)
    span_id = broke.span.span_id if broke else ""
    address = f"{base}/s/{span_id}#{span_id}" if broke else ""
    return Fact(
        "Errors",
        count_text(error_count),
        "Go to where it broke first (x: the next error)",
        address,
        "error",
        span_id,
    )


def _labels(trace: Trace, kept: Fact) -> list[Fact]:
    summary = trace.summary
    listing = reverse("explorer:traces")
    found = [
        ("user", "user", summary.user_id),
        ("session", "session", summary.session_id),
        ("environment", "env", summary.environment),
    ]
    labels = [
        Fact(label, visible_line(value, 60), _LABEL_TITLES.get(label, ""), f"{listing}?{_pair(name, value)}")
        for label, name, value in found
        if value is not None
    ]
    if summary.release is not None:
        labels.append(Fact("release", visible_line(summary.release, 60)))
    labels += [Fact("model", visible_line(model, 60)) for model in summary.models[:4]]
    if summary.stored_bytes:
        labels.append(Fact("stored", bytes_text(summary.stored_bytes)))
    return [*labels, *_prompt(trace, listing), kept]


_LABEL_TITLES: Final = {"user": "All traces of this user (g u)", "session": "The whole session (g s)"}


def _prompt(trace: Trace, listing: str) -> list[Fact]:
    """The root's, else that of the first call of a model. Of heads alone the summary could name none."""
    for row in [*trace.rows[:1], *[row for row in trace.rows if row.span.kind == "llm"][:1]]:
        label = prompt_label(trace.span(row.span.span_id))[:MAX_PROMPT_CHARACTERS]
        if label:
            address = f"{listing}?{_pair('q', str(exactly('prompt', label)))}"
            return [Fact("prompt", visible_line(label, 60), "All traces with this prompt", address)]
    return []


def _more_tags(summary: TraceSummary) -> str:
    more = len(summary.tags) - MAX_TAGS_SHOWN
    return plural(more, "more tag") if more > 0 else ""


def _tag(tag: str) -> Link:
    return Link(visible_line(tag, 60), f"{reverse('explorer:traces')}?{_pair('tag', tag)}")


def _pair(name: str, value: str) -> str:
    return urlencode({name: value})


def _notes(summary: TraceSummary, rows: Sequence[TreeRow]) -> list[str]:
    """What is missing, in sentences."""
    notes = [] if summary.thinned is None else [f"{thinned_text(summary.thinned).capitalize()}."]
    spans = lost_spans(summary.dropped)
    if lost := sum(spans.values()):
        received = summary.span_count or len(rows)
        notes.append(f"{received:,} of {received + lost:,} spans, {losses_text(spans)}")
    parts = {reason: count for reason, count in summary.dropped.items() if reason not in spans}
    notes += [f"{count:,} {visible_line(reason, 60)}" for reason, count in parts.items() if count]
    if summary.root_span_id is None:
        notes.append("The root was not received: the name and the status are the first span's.")
    orphans = sum(row.is_orphan for row in rows)
    if orphans:
        notes.append(f"{plural(orphans, 'span')} under a parent that never came: shown at the top level.")
    return notes
