"""Everything about one span, for the pane beside the tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse

from traces_app.domain.durations import MILLISECOND_NS
from traces_app.domain.search import ANY_SPAN, quoted
from traces_app.domain.span import Span, Usage
from traces_app.domain.tree import TreeRow
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
from traces_app.explorer.pages.absence import other_notices, what_is_hidden, why_empty
from traces_app.explorer.pages.content import (
    ContentView,
    FieldView,
    TextView,
    content_of,
    pretty,
    text_view,
)
from traces_app.explorer.pages.history import Connections, connections
from traces_app.explorer.pages.retries import Attempts, attempts
from traces_app.explorer.pages.scores_and_events import event_fields, score_fields
from traces_app.explorer.pages.span_usage import (
    CostView,
    Share,
    TokenLine,
    cost_view,
    token_lines,
    token_shares,
)
from traces_app.explorer.pages.traceback import FrameGroup, frame_groups
from traces_app.explorer.visible import visible_line
from traces_app.explorer.visitor import Visitor
from traces_app.queries import Trace

WHOLE_FIELDS: Final = (
    "input",
    "output",
    "error",
    "tool",
    "documents",
    "prompt",
    "parameters",
    "scores",
    "metadata",
    "attributes",
    "events",
)
"""Fields that can be taken away as text, whole."""

MAX_CAUSES: Final = 20
SIMILAR_CHARACTERS: Final = 60
"""Of a message: what comes later is mostly about the one case."""


@dataclass(frozen=True, slots=True)
class DetailFact:
    label: str
    value: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class ErrorView:
    type: str
    message: TextView
    traceback: list[FrameGroup]
    causes: list[DetailFact]
    attempts: Attempts | None


@dataclass(frozen=True, slots=True)
class Tab:
    name: str
    label: str
    count: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A folded part of the pane: fields, or items one below the other."""

    title: str
    tab: str
    fields: list[FieldView]
    whole_address: str


@dataclass(frozen=True, slots=True)
class SpanDetail:
    span_id: str
    name: str
    kind: str
    status: str
    started: Moment | None
    facts: list[DetailFact]
    error: ErrorView | None
    tabs: list[Tab]
    main_tab: str
    input: ContentView
    output: ContentView
    tokens: list[TokenLine]
    shares: list[Share]
    cost: CostView | None
    sections: list[Section]
    not_sent: str
    notices: list[str]
    ids: list[DetailFact]
    address: str
    json_address: str
    markdown_address: str
    score_address: str
    """Empty for who may not write."""
    similar_address: str
    """Of this week's spans that failed alike; empty for one that did not fail."""


def detail_of(trace: Trace, span_id: str, *, visitor: Visitor) -> SpanDetail:
    """Raises queries.SpanNotFound."""
    span = trace.span(span_id)
    row = next(row for row in trace.rows if row.span.span_id == span_id)
    place = [span.trace_id, span.span_id]
    connected = connections(trace, span)
    asked, said = (_content(span, name, place, connected) for name in ("input", "output"))
    is_chat = "messages" in (asked.shape, said.shape)
    sections, not_sent = _sections(span, place)
    return SpanDetail(
        span_id=span.span_id,
        name=visible_line(span.display_name or span.name),
        kind=span.kind,
        status=span.status,
        started=moment(span.start_ns, now_ns=visitor.now_ns),
        facts=_facts(span, row),
        error=_error(trace, span, row),
        tabs=_tabs(span, is_chat=is_chat),
        main_tab="messages" if is_chat else "io",
        input=asked,
        output=said,
        tokens=token_lines(span.usage),
        shares=token_shares(span.usage),
        cost=cost_view(span),
        sections=sections,
        not_sent=", ".join(not_sent),
        notices=[visible_line(notice, 500) for notice in other_notices(span)],
        ids=_ids(span),
        address=reverse("explorer:span", args=place),
        json_address=reverse("explorer:span_json", args=place),
        markdown_address=reverse("explorer:span_markdown", args=place),
        score_address=reverse("explorer:score_span", args=place) if visitor.may_write else "",
        similar_address=_similar_errors(span),
    )


def _tabs(span: Span, *, is_chat: bool) -> list[Tab]:
    """Those with something in them, and the span as it is stored."""
    tabs = [
        Tab("messages", "Messages") if is_chat else Tab("io", "Input / Output"),
        Tab("attributes", "Attributes"),
    ]
    if span.events:
        tabs.append(Tab("events", "Events", count_text(len(span.events))))
    if span.scores:
        tabs.append(Tab("scores", "Scores", count_text(len(span.scores))))
    return [*tabs, Tab("raw", "Raw")]


def _content(span: Span, field: str, place: Sequence[str], connected: Connections) -> ContentView:
    address, value = _whole_address(place, field), getattr(span, field)
    view = content_of(field, value, whole_address=address, connected=connected)
    if view.shape == "absent":
        return replace(view, note=why_empty(span, field))
    return replace(view, hidden=what_is_hidden(span, field, view.texts))


def whole_text(span: Span, field: str) -> str | None:
    """One field, uncut; ``None`` when there is no such field or nothing in it."""
    value = getattr(span, field) if field in WHOLE_FIELDS else None
    return None if value is None else pretty(value)


def _facts(span: Span, row: TreeRow) -> list[DetailFact]:
    """Those that were sent, in the order they are asked for."""
    facts = [DetailFact("Duration", duration_text(span.duration_ns))]
    if row.child_count and row.self_ns is not None:
        facts.append(DetailFact("Self", duration_text(row.self_ns), "Time that no child covers"))
    if span.time_to_first_token_ms is not None:
        facts.append(DetailFact("First token", duration_text(span.time_to_first_token_ms * MILLISECOND_NS)))
    usage = span.usage
    if usage is not None:
        title = "Repeats what its children sent: not counted again" if row.is_rollup else ""
        facts.append(DetailFact("Tokens", tokens_text(usage.input_tokens, usage.output_tokens), title))
        facts += _speed(span, usage)
    if span.cost_usd is not None or usage is not None:
        facts.append(DetailFact("Cost", cost_text(span.cost_usd) if span.cost_usd is not None else "unknown"))
    named = span.name if span.display_name else None
    for label, value in (
        ("Model", span.model),
        ("Provider", span.provider),
        ("Agent", span.agent_name),
        ("Name", named),
    ):
        if value is not None:
            facts.append(DetailFact(label, visible_line(value, 80), visible_line(value)))
    return facts


def _speed(span: Span, usage: Usage) -> list[DetailFact]:
    """Output tokens a second, of the time after the first one where that is known."""
    first_ns = (span.time_to_first_token_ms or 0) * MILLISECOND_NS
    writing_ns = (span.duration_ns or 0) - first_ns
    if not usage.output_tokens or writing_ns <= 0:
        return []
    return [DetailFact("Speed", f"{usage.output_tokens * 1e9 / writing_ns:,.0f} tok/s")]


def _error(trace: Trace, span: Span, row: TreeRow) -> ErrorView | None:
    if span.error is None and span.status != "error":
        return None
    error = span.error or {}
    causes = error.get("causes") if isinstance(error.get("causes"), list) else []
    traceback = error.get("stacktrace")
    return ErrorView(
        type=visible_line(str(error.get("type") or "Error")),
        message=text_view(str(error.get("message") or _no_message(row))),
        traceback=frame_groups(str(traceback)) if traceback else [],
        causes=[_cause(cause) for cause in (causes or [])[:MAX_CAUSES]],
        attempts=attempts(trace, span),
    )


def _similar_errors(span: Span) -> str:
    """By the type where it is known, else by how the message begins."""
    error = span.error or {}
    told = str(error.get("type") or error.get("message") or "").split("\n")[0][:SIMILAR_CHARACTERS].strip()
    if span.status != "error" or not told:
        return ""
    search = f"error:true status:error text:{quoted(told, always=True)}"
    query = urlencode({"q": search, "scope": ANY_SPAN, "range": "7d"})
    return f"{reverse('explorer:traces')}?{query}"


def _no_message(row: TreeRow) -> str:
    below = f"; {plural(row.descendant_error_count, 'error')} below" if row.descendant_error_count else ""
    return f"No message was sent with this status{below}."


def _cause(cause: Any) -> DetailFact:
    if not isinstance(cause, Mapping):
        return DetailFact("", visible_line(str(cause), 500))
    return DetailFact(
        visible_line(str(cause.get("type") or "")), visible_line(str(cause.get("message") or ""), 500)
    )


def _sections(span: Span, place: Sequence[str]) -> tuple[list[Section], list[str]]:
    """The sections that hold something, and the names of those that do not."""
    sections, not_sent = [], []
    for field in ("tool", "documents", "prompt", "parameters", "scores", "metadata", "attributes", "events"):
        value = getattr(span, field)
        if value:
            tab = _TABS.get(field, "attributes")
            named = {"scores": score_fields, "events": event_fields}.get(field)
            fields = named(span) if named else _fields(value)
            sections.append(Section(field.capitalize(), tab, fields, _whole_address(place, field)))
        else:
            not_sent.append(field)
    return sections, not_sent


_TABS: Final = {"documents": "main", "events": "events", "scores": "scores"}


def _fields(value: Any) -> list[FieldView]:
    if isinstance(value, Mapping):
        content = content_of("", dict(value), whole_address="")
        return list(content.fields) or [FieldView("", text_view(value))]
    content = content_of("", {str(index): item for index, item in enumerate(value, 1)}, whole_address="")
    return list(content.fields) or [FieldView("", text_view(value))]


def _ids(span: Span) -> list[DetailFact]:
    found = [
        ("span", span.span_id),
        ("trace", span.trace_id),
        ("parent", span.parent_span_id),
        ("session", span.session_id),
        ("user", span.user_id),
        ("environment", span.environment),
        ("release", span.release),
        *((f"dropped, {words(reason)}", str(count)) for reason, count in span.dropped.items()),
    ]
    return [
        DetailFact(visible_line(label), visible_line(value)) for label, value in found if value is not None
    ]


def _whole_address(place: Sequence[str], field: str) -> str:
    address: str = reverse("explorer:span_text", args=[*place, field])
    return address
