"""The list of traces: one row each, the filters around it, and where to go on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from traces_app.domain.ids import new_span_id, new_trace_id
from traces_app.domain.summary import TraceSummary
from traces_app.explorer.filters import ListQuery
from traces_app.explorer.formats import (
    Moment,
    cost_text,
    count_text,
    duration_text,
    moment,
    plural,
    tokens_text,
    words,
)
from traces_app.explorer.pages.list_filters import (
    KEPT_NAMES,
    STATUS_LABELS,
    Choices,
    Input,
    Link,
    chips,
    choices,
    filter_link,
    inputs,
    ranges,
    tag_link,
)
from traces_app.explorer.visible import visible_line
from traces_app.explorer.visitor import Visitor
from traces_app.queries import TracePage

PAGE_SIZE: Final = 50
MAX_TAGS_SHOWN: Final = 3
MAX_MODELS_SHOWN: Final = 2
_MILLISECOND_NS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One trace. ``bar_width`` is a percentage of a long trace of the page."""

    trace_id: str
    address: str
    name: str
    is_root_missing: bool
    status: str
    status_label: str
    preview: str
    losses: str
    started: Moment | None
    duration: str
    bar_width: str
    spans: str
    errors: str
    tokens: str
    tokens_title: str
    cost: str
    cost_title: str
    user: Link | None
    session: Link | None
    tags: list[Link]
    more_tags: str
    models: list[str]
    more_models: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a project without traces shows."""

    base_url: str
    key: str
    curl_body: str


@dataclass(frozen=True, slots=True)
class TraceListPage:
    project: str
    query: ListQuery
    search_text: str
    inputs: list[Input]
    kept_names: Sequence[str]
    lines: list[TraceLine]
    ranges: list[Link]
    choices: list[Choices]
    chips: list[Link]
    actions: list[tuple[str, str]]
    searched: str
    losses: str
    clear_address: str
    newest_address: str
    older_address: str
    welcome: Welcome | None


def trace_list_page(
    found: TracePage,
    query: ListQuery,
    *,
    visitor: Visitor,
    losses: Mapping[str, int],
    base_url: str,
    actions: Sequence[tuple[str, str]],
) -> TraceListPage:
    longest_ms = _long_duration_ms(found.traces)
    is_empty = not found.traces and not query.is_filtered and query.cursor is None
    return TraceListPage(
        project=visitor.project,
        query=query,
        search_text=query.value("q"),
        inputs=inputs(query),
        kept_names=KEPT_NAMES,
        lines=[_line(summary, query, longest_ms, visitor.now_ns) for summary in found.traces],
        ranges=ranges(query),
        choices=choices(found.traces, query),
        chips=chips(query),
        actions=list(actions),
        searched=plural(found.searched, "trace") if query.is_filtered else "",
        losses=", ".join(f"{count:,} {words(visible_line(reason))}" for reason, count in losses.items()),
        clear_address=query.without_filters(),
        newest_address=query.at_cursor(None) if query.cursor else "",
        older_address=query.at_cursor(found.next_cursor) if found.next_cursor else "",
        welcome=_welcome(visitor, base_url) if is_empty else None,
    )


def _line(summary: TraceSummary, query: ListQuery, longest_ms: float, now_ns: int) -> TraceLine:
    duration_ms = summary.duration_ms
    return TraceLine(
        trace_id=summary.trace_id,
        address=reverse("explorer:trace", args=[summary.trace_id]),
        name=visible_line(summary.name or "(no name)"),
        is_root_missing=summary.root_span_id is None,
        status=summary.status,
        status_label=STATUS_LABELS.get(summary.status, summary.status),
        preview=visible_line(summary.input_preview or ""),
        losses=losses_text(summary.dropped),
        started=moment(summary.start_ns, now_ns=now_ns),
        duration=duration_text(None if duration_ms is None else duration_ms * _MILLISECOND_NS),
        bar_width=f"{min(100, 100 * duration_ms / longest_ms):.1f}%" if duration_ms and longest_ms else "",
        spans=count_text(summary.span_count),
        errors=count_text(summary.error_count) if summary.error_count else "",
        tokens=tokens_text(summary.input_tokens, summary.output_tokens),
        tokens_title=_tokens_title(summary),
        cost=total_cost_text(summary),
        cost_title=unpriced_text(summary),
        user=filter_link(query, "user", summary.user_id),
        session=filter_link(query, "session", summary.session_id),
        tags=[tag_link(query, tag) for tag in summary.tags[:MAX_TAGS_SHOWN]],
        more_tags=_more(summary.tags, MAX_TAGS_SHOWN),
        models=[visible_line(model, 60) for model in summary.models[:MAX_MODELS_SHOWN]],
        more_models=_more(summary.models, MAX_MODELS_SHOWN),
    )


def _long_duration_ms(traces: Sequence[TraceSummary]) -> float:
    """Nine in ten are no longer: one trace of an hour must not flatten all the others' bars."""
    durations = sorted(summary.duration_ms for summary in traces if summary.duration_ms is not None)
    return durations[len(durations) * 9 // 10] if durations else 0


def losses_text(dropped: Mapping[str, int]) -> str:
    """``3 dropped: queue full``; empty when nothing was lost."""
    lost = sum(dropped.values())
    reasons = ", ".join(words(visible_line(reason, 60)) for reason, count in dropped.items() if count)
    return f"{lost:,} dropped: {reasons}" if lost else ""


def total_cost_text(summary: TraceSummary) -> str:
    """Calls without a price make the sum a lower bound, and alone make it unknown."""
    if summary.unpriced_count and not summary.cost_usd:
        return "unknown" if summary.cost_usd is None else "≥ $0"
    return ("≥ " if summary.unpriced_count else "") + cost_text(summary.cost_usd)


def unpriced_text(summary: TraceSummary) -> str:
    return f"{plural(summary.unpriced_count, 'call')} without a known price" if summary.unpriced_count else ""


def _tokens_title(summary: TraceSummary) -> str:
    parts = [
        f"{count:,} {label}"
        for count, label in (
            (summary.input_tokens, "in"),
            (summary.cache_read_tokens, "of them from cache"),
            (summary.output_tokens, "out"),
            (summary.reasoning_tokens, "of them reasoning"),
        )
        if count is not None
    ]
    return ", ".join(parts) or "no token counts were sent"


def _more(values: Sequence[str], shown: int) -> str:
    return f"+{len(values) - shown}" if len(values) > shown else ""


def _welcome(visitor: Visitor, base_url: str) -> Welcome:
    """A first trace to send: its ids and times are new with every look, so sending twice makes two."""
    span = {
        "trace_id": new_trace_id(visitor.now_ns),
        "span_id": new_span_id(),
        "name": "hello",
        "kind": "llm",
        "model": "gpt-4o-mini",
        "start_time_unix_nano": visitor.now_ns - 800 * _MILLISECOND_NS,
        "end_time_unix_nano": visitor.now_ns,
        "input": "Say hello",
        "output": "Hello!",
        "usage": {"input_tokens": 9, "output_tokens": 3},
    }
    return Welcome(
        base_url=base_url,
        key="project-dev" if visitor.project == "dev" else "YOUR-KEY",
        curl_body=json.dumps({"spans": [span]}, indent=1),
    )
