"""The transcript's rows: in a line each, what a span was asked and what it said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson

from traces_app.domain.chat import MEDIA, Message, Part, read_messages
from traces_app.domain.span import Span
from traces_app.domain.tree import TreeRow
from traces_app.explorer.visible import visible_line
from traces_app.queries import SpanNotFound, Trace

TOLD_KINDS: Final = frozenset({"llm", "tool", "agent", "retrieval", "guardrail", "evaluator"})
"""The others are how a program is built, not what was said in it."""

MAX_PREVIEW_CHARACTERS: Final = 320
MAX_PREVIEWS: Final = 60
"""Of one request: a screen of rows and as many below it."""


@dataclass(frozen=True, slots=True)
class Line:
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    asked: Line | None
    said: Line | None


def is_told(row: TreeRow) -> bool:
    return row.span.kind in TOLD_KINDS or row.span.status == "error" or row.depth == 0


def previews(trace: Trace, span_ids: Sequence[str]) -> dict[str, Preview]:
    """By span id; ids that are not there (any more) are left out."""
    found = {}
    for span_id in islice(span_ids, MAX_PREVIEWS):
        try:
            found[span_id] = preview_of(trace.span(span_id))
        except SpanNotFound:
            continue
    return found


def preview_of(span: Span) -> Preview:
    error = span.error or {}
    failure = error.get("message") or error.get("type")
    said = Line("error", _cut(str(failure))) if failure and span.output is None else _line(span.output)
    return Preview(_line(span.input), said or _documents_line(span.documents))


def _documents_line(documents: list[Any] | None) -> Line | None:
    """What a retrieval found, where it says so in documents alone."""
    if not documents:
        return None
    first, count = documents[0], len(documents)
    if isinstance(first, dict):
        first = first.get("text") or first.get("content") or first
    return Line("", _cut(f"{count} document{'s' * (count > 1)}: {_compact(first)}"))


def _line(value: Any) -> Line | None:
    if value is None or value in ("", {}, []):
        return None
    messages = read_messages(value)
    if messages is None:
        return Line("", _cut(_compact(value)))
    told = next((message for message in reversed(messages) if message.parts), messages[-1])
    return Line(visible_line(told.role, 20), _cut(" ".join(_words(told))))


def _words(message: Message) -> list[str]:
    return [text for part in message.parts if (text := _part_words(part))]


def _part_words(part: Part) -> str:
    if part.kind == "tool_call":
        return f"→ {part.name or 'tool'}({_compact(part.value)[:MAX_PREVIEW_CHARACTERS]})"
    if part.kind in MEDIA:
        return f"[{part.kind}]"
    return "" if part.kind == "reasoning" or part.value is None else _compact(part.value)


def _compact(value: Any) -> str:
    if isinstance(value, str):
        return value[: 4 * MAX_PREVIEW_CHARACTERS]
    if isinstance(value, dict) and len(value) == 1 and isinstance(only := next(iter(value.values())), str):
        return only[: 4 * MAX_PREVIEW_CHARACTERS]
    try:
        return orjson.dumps(value).decode()[: 4 * MAX_PREVIEW_CHARACTERS]
    except TypeError:
        return str(value)[: 4 * MAX_PREVIEW_CHARACTERS]


def _cut(text: str) -> str:
    return visible_line(" ".join(text.split()), MAX_PREVIEW_CHARACTERS)
