"""The list of traces: one row each, the filters around it, and where to go on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from traces_app.domain.budget import thinned_text
from traces_app.domain.durations import MILLISECOND_NS
from traces_app.domain.ids import new_span_id, new_trace_id
from traces_app.domain.problems import lost_spans
from traces_app.domain.retention import Retention
from traces_app.domain.summary import TraceSummary
from traces_app.explorer.filters import ListQuery
from traces_app.explorer.formats import (
    Moment,
    cost_text,
    count_text,
    duration_text,
    judgement_text,
    moment,
    plural,
    tokens_text,
    words,
)
from traces_app.explorer.pages.density import Density, density
from traces_app.explorer.pages.links import Link
from traces_app.explorer.pages.list_filters import (
    LOW_SCORE,
    STATUS_LABELS,
    Choices,
    chips,
    choices,
    completions,
    filter_link,
    presets,
    scopes,
    tag_link,
)
from traces_app.explorer.pages.times import RANGE_LABELS, RangePicker, range_picker
from traces_app.explorer.visible import visible, visible_line
from traces_app.explorer.visitor import Visitor
from traces_app.saved_views import SavedView
from traces_app.searching import Found

PAGE_SIZE: Final = 50
MAX_TAGS_SHOWN: Final = 3
MAX_MODELS_SHOWN: Final = 2
MAX_SCORES_SHOWN: Final = 3
MAX_LOSSES_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class ScoreChip:
    name: str
    value: str
    is_low: bool


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One trace. ``bar_width`` is a percentage of a long trace of the page."""

    trace_id: str
    address: str
    name: str
    is_root_missing: bool
    is_pinned: bool
    kept: str
    thinned: str
    status: str
    status_label: str
    asked: str
    said: str
    losses: str
    started: Moment | None
    duration: str
    bar_width: str
    first_token: str
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
    scores: list[ScoreChip]
    more_scores: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a project without traces shows."""

    base_url: str
    key: str
    curl_body: str


@dataclass(frozen=True, slots=True)
class TraceListPage:
    """``counted`` says what the choices and the strip were made of; ``searched`` how far the search came."""

    project: str
    query: ListQuery
    search_text: str
    lines: list[TraceLine]
    range: RangePicker
    scopes: list[Link]
    presets: list[Link]
    choices: list[Choices]
    chips: list[Link]
    completions: list[str]
    density: Density | None
    views: list[Link]
    session_address: str
    counted: str
    searched: str
    back: str
    may_write: bool
    losses: str
    inside_address: str
    """Where nothing matches: the same words, looked for inside inputs, outputs and errors."""
    clear_address: str
    newest_address: str
    older_address: str
    goes_on: bool
    newer_json: str
    welcome: Welcome | None


def trace_list_page(
    found: Found,
    query: ListQuery,
    *,
    visitor: Visitor,
    losses: Mapping[str, int],
    kept: Retention,
    views: Sequence[SavedView],
    base_url: str,
) -> TraceListPage:
    longest_ms = _long_duration_ms(found.traces)
    is_empty = not found.searched and not query.is_filtered and query.cursor is None
    session_id = query.search.value_of("session")
    return TraceListPage(
        project=visitor.project,
        query=query,
        search_text=visible(query.text),
        lines=[_line(summary, query, longest_ms, kept, visitor.now_ns) for summary in found.traces],
        range=_range(query, visitor.now_ns),
        scopes=scopes(query),
        presets=presets(found.sample, query),
        choices=choices(found.sample, query),
        chips=chips(query),
        completions=completions(found.sample),
        density=density(found.sample, query, reached_end=_is_all(found), now_ns=visitor.now_ns),
        views=[_view(view, query) for view in views],
        session_address=_session_address(session_id) if session_id and found.traces else "",
        counted=_counted(found, query),
        searched=_searched(found, query),
        back=query.at_cursor(query.cursor),
        may_write=visitor.may_write,
        losses=_main_losses(losses),
        inside_address="" if found.traces else _inside_address(query),
        clear_address=query.without_filters(),
        newest_address=query.at_cursor(None) if query.cursor else "",
        older_address=query.at_cursor(found.next_cursor) if found.next_cursor else "",
        goes_on=found.unopened > 0,
        newer_json=_newer_json(found, query),
        welcome=_welcome(visitor, base_url) if is_empty else None,
    )


def _is_all(found: Found) -> bool:
    return found.reached_end and not found.unopened


def _range(query: ListQuery, now_ns: int) -> RangePicker:
    return range_picker(
        query.time,
        {name: visible(value) for name, value in query.parameters.items()},
        address=query.with_range,
        names=tuple(RANGE_LABELS),
        any_time=True,
        now_ns=now_ns,
    )


def _view(view: SavedView, query: ListQuery) -> Link:
    title = "shared" if view.is_shared else "yours"
    return Link(visible_line(view.name, 80), view.query, title, is_current=view.query == query.saved())


def _session_address(session_id: str) -> str:
    return f"{reverse('explorer:session')}?{urlencode({'id': session_id})}"


def _counted(found: Found, query: ListQuery) -> str:
    if query.search.needs_spans:
        return f"of the {plural(len(found.sample), 'trace')} found here"
    if found.reached_end:
        return f"of all {plural(found.searched, 'trace')}"
    return f"of the newest {plural(found.searched, 'trace')}"


def _searched(found: Found, query: ListQuery) -> str:
    """How much was looked at, where that is not everything that is shown."""
    if not query.is_narrowed:
        return ""
    if not query.search.needs_spans:
        return f"searched {plural(found.searched, 'trace')}"
    everything = found.opened + found.unopened
    more = "" if found.reached_end else "+"
    if everything == found.opened:
        return f"searched inside {plural(found.opened, 'trace')} of {plural(found.searched, 'trace')}"
    return f"searched inside {found.opened:,} of {everything:,}{more} traces"


def _inside_address(query: ListQuery) -> str:
    terms = query.search.terms
    inside = tuple(replace(term, key=term.key or "text") for term in terms)
    return query.with_search(replace(query.search, terms=inside)) if inside != terms else ""


def _newer_json(found: Found, query: ListQuery) -> str:
    """Where a script asks whether there are newer traces; only the newest page has such."""
    if not found.traces or query.cursor or query.time.until_ns is not None:
        return ""
    asked = query.at_cursor(None)
    return f"{reverse('explorer:newer_json')}{asked}&after={found.traces[0].trace_id}"


def _line(
    summary: TraceSummary, query: ListQuery, longest_ms: float, kept: Retention, now_ns: int
) -> TraceLine:
    duration_ms = summary.duration_ms
    return TraceLine(
        trace_id=summary.trace_id,
        address=reverse("explorer:trace", args=[summary.trace_id]),
        name=visible_line(summary.name or "(no name)"),
        is_root_missing=summary.root_span_id is None,
        is_pinned=summary.is_pinned,
        kept="kept {} ({})".format(*kept_text(summary, kept.reason(summary), now_ns)),
        thinned="" if summary.thinned is None else thinned_text(summary.thinned),
        status=summary.status,
        status_label=STATUS_LABELS.get(summary.status, summary.status),
        asked=visible_line(summary.input_preview or ""),
        said=visible_line(summary.output_preview or ""),
        losses=losses_text(lost_spans(summary.dropped)),
        started=moment(summary.start_ns, now_ns=now_ns),
        duration=duration_text(None if duration_ms is None else duration_ms * MILLISECOND_NS),
        bar_width=f"{min(100, 100 * duration_ms / longest_ms):.1f}%" if duration_ms and longest_ms else "",
        first_token=_first_token_text(summary),
        spans=_spans_text(summary),
        errors=count_text(summary.error_count) if summary.error_count else "",
        tokens=tokens_text(summary.input_tokens, summary.output_tokens, short=True),
        tokens_title=_tokens_title(summary),
        cost=total_cost_text(summary),
        cost_title=unpriced_text(summary),
        user=filter_link(query, "user", summary.user_id),
        session=filter_link(query, "session", summary.session_id),
        tags=[tag_link(query, tag) for tag in summary.tags[:MAX_TAGS_SHOWN]],
        more_tags=_more(summary.tags, MAX_TAGS_SHOWN),
        models=[visible_line(model, 60) for model in summary.models[:MAX_MODELS_SHOWN]],
        more_models=_more(summary.models, MAX_MODELS_SHOWN),
        scores=[_score(name, value) for name, value in list(summary.scores.items())[:MAX_SCORES_SHOWN]],
        more_scores=_more(list(summary.scores), MAX_SCORES_SHOWN),
    )


def _score(name: str, value: float) -> ScoreChip:
    return ScoreChip(visible_line(name, 24), judgement_text(float(value)), is_low=value < LOW_SCORE)


def kept_text(summary: TraceSummary, kept_by: str, now_ns: int) -> tuple[str, str]:
    """Until when, and why."""
    at = None if summary.expires_at is None else moment(summary.expires_at * 10**9, now_ns=now_ns)
    return f"until {at.day}" if at else "for ever", visible_line(kept_by, 200)


def _spans_text(summary: TraceSummary) -> str:
    """Of what runs only the finished ones are counted: none of them yet is no 0."""
    is_unknown = summary.status == "pending" and not summary.span_count
    return count_text(None if is_unknown else summary.span_count)


def _first_token_text(summary: TraceSummary) -> str:
    """Empty where nothing told it: most programs do not stream."""
    if summary.first_token_ms is None:
        return ""
    return duration_text(summary.first_token_ms * MILLISECOND_NS)


def _long_duration_ms(traces: Sequence[TraceSummary]) -> float:
    """Nine in ten are no longer: one trace of an hour must not flatten all the others' bars."""
    durations = sorted(summary.duration_ms for summary in traces if summary.duration_ms is not None)
    return durations[len(durations) * 9 // 10] if durations else 0


def _main_losses(losses: Mapping[str, int]) -> str:
    """The most frequent reasons; the page of problems has them all."""
    ordered = sorted(losses.items(), key=lambda item: -item[1])
    told = [f"{count:,} {words(visible_line(reason))}" for reason, count in ordered[:MAX_LOSSES_SHOWN]]
    rest = sum(count for _, count in ordered[MAX_LOSSES_SHOWN:])
    return ", ".join([*told, f"{rest:,} for other reasons"] if rest else told)


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
        "start_time_unix_nano": visitor.now_ns - 800 * MILLISECOND_NS,
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
