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


ByName = Mapping[tuple[str, bool], SpanLink]
"""By the name of a tool, and whether its span tells the id of a call."""


@dataclass(frozen=True, slots=True)
class Connections:
    """``seen`` messages of the input stood in the call before, at ``previous``; ``tools`` by the call's id,
    ``before`` and ``after`` it by name.

    ``answer`` unpacks what the span of a tool gave back: only of those that are shown.
    """

    seen: int = 0
    previous: SpanLink | None = None
    tools: Mapping[str, SpanLink] = field(default_factory=dict)
    before: ByName = field(default_factory=dict)
    after: ByName = field(default_factory=dict)
    definitions: Mapping[str, Any] = field(default_factory=dict)
    answer: Callable[[str], Any] = lambda _: None

    def ran(self, call_id: str, name: str, *, is_output: bool) -> SpanLink | None:
        """The span of the tool; by its name only one that tells no other id. What an output asks for runs
        after it.
        """
        named = self.after if is_output else self.before
        found = self.tools.get(call_id) or named.get((name, False))
        return found if found or call_id else named.get((name, True))


def connections(trace: Trace, span: Span) -> Connections:
    if span.kind not in ("llm", "agent"):
        return Connections()
    seen, previous = _previous(trace, span) if span.kind == "llm" else (0, None)
    tools, before, after = _tools(trace, span) if _calls_tools(span) else ({}, {}, {})
    return Connections(
        seen, previous, tools, before, after, _definitions(span), lambda span_id: trace.span(span_id).output
    )


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


def _calls_tools(span: Span) -> bool:
    told = str(
        [message_items(span.output)[:MESSAGES_LOOKED_AT], message_items(span.input)[-MESSAGES_LOOKED_AT:]]
    ).lower()
    return "call" in told or "tool" in told or "function" in told


def _tools(trace: Trace, span: Span) -> tuple[dict[str, SpanLink], ByName, ByName]:
    by_id: dict[str, SpanLink] = {}
    before, after = _tool_rows(trace, span)
    named_after = _named(trace, after, by_id)  # first: an id may be used again
    return by_id, _named(trace, before, by_id), named_after


def _named(trace: Trace, rows: Sequence[TreeRow], by_id: dict[str, SpanLink]) -> ByName:
    """Puts those that tell the id of a call into ``by_id``, too."""
    found: dict[tuple[str, bool], SpanLink] = {}
    for row in rows:
        tool = trace.span(row.span.span_id).tool or {}
        link = link_to(row)
        call_id = tool.get("call_id")
        if isinstance(call_id, str) and call_id:
            by_id.setdefault(call_id, link)
        for name in (tool.get("name"), row.span.name):
            if isinstance(name, str) and name:
                found.setdefault((name, bool(call_id)), link)
    return found


def _tool_rows(trace: Trace, span: Span) -> tuple[Sequence[TreeRow], Sequence[TreeRow]]:
    """Those that started before the call and those after it, the nearest first."""
    start_ns = span.start_ns or 0
    tools = [row for row in trace.rows if row.span.kind == "tool"]
    tools.sort(key=lambda row: row.span.start_ns or 0)
    after = [row for row in tools if (row.span.start_ns or 0) >= start_ns]
    before = [row for row in reversed(tools) if (row.span.start_ns or 0) < start_ns]
    return before[:TOOLS_LOOKED_AT], after[:TOOLS_LOOKED_AT]


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
