"""How a call of a model hangs together with the others: what it was told before, and which tools it ran."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.urls import reverse

from traces_app.domain.chat import message_items
from traces_app.domain.span import Span
from traces_app.domain.tree import TreeRow
from traces_app.explorer.formats import duration_text
from traces_app.queries import Trace

CALLS_LOOKED_AT: Final = 6
"""Calls before this one whose history may have grown into this one's: agents that take turns are few."""

TOOLS_LOOKED_AT: Final = 40
"""Tool spans on either side of a call that are unpacked to find the one with the call's id."""

MESSAGES_LOOKED_AT: Final = 20
"""At either end, to see whether there are calls of tools at all."""


@dataclass(frozen=True, slots=True)
class SpanLink:
    address: str
    span_id: str
    duration: str
    status: str


@dataclass(frozen=True, slots=True)
class Connections:
    """``seen`` messages of the input stood in the call before, at ``previous``; ``tools`` by id or name.

    ``answer`` unpacks what the span of a tool gave back: only of those that are shown.
    """

    seen: int = 0
    previous: SpanLink | None = None
    tools: Mapping[str, SpanLink] = field(default_factory=dict)
    definitions: Mapping[str, Any] = field(default_factory=dict)
    answer: Callable[[str], Any] = lambda _: None


def connections(trace: Trace, span: Span) -> Connections:
    if span.kind not in ("llm", "agent"):
        return Connections()
    seen, previous = _previous(trace, span) if span.kind == "llm" else (0, None)
    tools, definitions = _tools(trace, span), _definitions(span)
    return Connections(seen, previous, tools, definitions, lambda span_id: trace.span(span_id).output)


def _previous(trace: Trace, span: Span) -> tuple[int, SpanLink | None]:
    """The latest earlier call whose whole input begins this one's, and how much of this one it covers."""
    items = message_items(span.input)
    if len(items) < 2:  # noqa: PLR2004 - one message has no history
        return 0, None
    for row in _calls_before(trace, span):
        before = trace.span(row.span.span_id)
        known = message_items(before.input)
        if known and len(known) < len(items) and items[: len(known)] == known:
            seen = len(known) + _repeats_answer(items[len(known)], before)
            return min(seen, len(items) - 1), link_to(row)
    return 0, None


def _repeats_answer(item: Any, before: Span) -> bool:
    return before.output is not None and isinstance(item, dict) and item.get("role") in ("assistant", "model")


def _calls_before(trace: Trace, span: Span) -> Iterator[TreeRow]:
    calls = [
        row
        for row in trace.rows
        if row.span.kind == "llm" and (row.span.start_ns or 0) < (span.start_ns or 0)
    ]
    calls.sort(key=lambda row: row.span.start_ns or 0, reverse=True)
    return iter(calls[:CALLS_LOOKED_AT])


def _tools(trace: Trace, span: Span) -> dict[str, SpanLink]:
    told = str(
        [message_items(span.output)[:MESSAGES_LOOKED_AT], message_items(span.input)[-MESSAGES_LOOKED_AT:]]
    )
    if "call" not in told and "tool" not in told:
        return {}
    found: dict[str, SpanLink] = {}
    for row in _tool_rows(trace, span):
        tool = trace.span(row.span.span_id).tool or {}
        link = link_to(row)
        for key in (tool.get("call_id"), tool.get("name"), row.span.name):
            if isinstance(key, str) and key:
                found.setdefault(key, link)
    return found


def _tool_rows(trace: Trace, span: Span) -> Sequence[TreeRow]:
    """Those that started after the call first, the nearest first: an id may be used again."""
    start_ns = span.start_ns or 0
    tools = [row for row in trace.rows if row.span.kind == "tool"]
    tools.sort(key=lambda row: row.span.start_ns or 0)
    after = [row for row in tools if (row.span.start_ns or 0) >= start_ns]
    before = [row for row in reversed(tools) if (row.span.start_ns or 0) < start_ns]
    return [*after[:TOOLS_LOOKED_AT], *before[:TOOLS_LOOKED_AT]]


def link_to(row: TreeRow) -> SpanLink:
    span = row.span
    address = reverse("explorer:span", args=[span.trace_id, span.span_id])
    return SpanLink(address, span.span_id, duration_text(row.duration_ns), span.status)


def _definitions(span: Span) -> dict[str, Any]:
    """What the model was told of each tool, by name."""
    definitions = (span.tool or {}).get("definitions")
    found = {}
    for definition in definitions if isinstance(definitions, list) else []:
        inner = definition.get("function", definition) if isinstance(definition, dict) else None
        if isinstance(inner, dict) and isinstance(inner.get("name"), str):
            found[inner["name"]] = inner
    return found
