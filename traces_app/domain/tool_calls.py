"""Calls of tools that models asked for, and whether anything answered them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from traces_app.domain.span import Span

MAX_DEPTH: Final = 12
"""Of what is looked through: messages lie in choices, in lists, in wrappers; deeper lie arguments."""

_CALL_TYPES: Final = frozenset({"tool_call", "tool_use", "function_call"})
_RESULT_TYPES: Final = frozenset({"tool_result", "tool_call_response", "function_call_output"})
_RESULT_ROLES: Final = frozenset({"tool", "function"})
_INNER: Final = (
    "messages",
    "choices",
    "message",
    "content",
    "parts",
    "output",
    "generations",
    "kwargs",
    "data",
)
_ID_KEYS: Final = ("call_id", "tool_call_id", "tool_use_id", "toolCallId", "id")


@dataclass(frozen=True, slots=True)
class ToolTurn:
    """A call, or the result of one. Either text may be empty."""

    kind: Literal["call", "result"]
    name: str
    call_id: str


def unanswered_calls(spans: Sequence[Span], whole: Callable[[str], Span]) -> set[str]:
    """Ids of the calls of models that asked for a tool which no span and no result in the trace answered.

    A result answers by the call's id, a span by that or by the tool's name if it does not begin before the
    model's and is not the run of another call. ``whole`` opens one of ``spans``, which may be heads.
    """
    models = [whole(span.span_id) for span in spans if span.kind == "llm"]
    asked = [(span, turn) for span in models for turn in tool_turns(span.output) if turn.kind == "call"]
    if not asked:
        return set()
    others = [whole(span.span_id) for span in spans if span.kind != "llm"]
    results = [turn for span in (*models, *others) for turn in _results(span)]
    answered = {turn.call_id or turn.name for turn in results} | {_called_id(span) for span in others}
    asked_ids = {turn.call_id for _, turn in asked if turn.call_id}
    runs = [span for span in others if _called_id(span) not in asked_ids]
    return {
        span.span_id
        for span, turn in asked
        if (turn.call_id or turn.name) not in answered and not any(_ran(turn, span, run) for run in runs)
    }


def tool_turns(value: Any, depth: int = 0) -> Iterator[ToolTurn]:
    """Of an input or output in any of the shapes that messages come in. Arguments are not looked into."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for one in value:
            yield from tool_turns(one, depth + 1)
    elif isinstance(value, dict):
        turn = _turn(value)
        if turn is not None:
            yield turn
            return
        yield from _calls_beside_content(value)
        for key in _INNER:
            if isinstance(value.get(key), dict | list):
                yield from tool_turns(value[key], depth + 1)


def _results(span: Span) -> Iterator[ToolTurn]:
    for value in (span.input, span.output):
        yield from (turn for turn in tool_turns(value) if turn.kind == "result")


def _turn(part: dict[str, Any]) -> ToolTurn | None:
    kind = str(part.get("type", "")).replace("-", "_")
    if kind in _CALL_TYPES:
        return _call(part)
    if kind in _RESULT_TYPES:
        return ToolTurn("result", _text(part, "name", "toolName", "tool_name"), _text(part, *_ID_KEYS))
    if isinstance(part.get("functionCall"), dict):  # Gemini's parts have no type
        return _call(part["functionCall"])
    if isinstance(part.get("functionResponse"), dict):
        return ToolTurn(
            "result", _text(part["functionResponse"], "name"), _text(part["functionResponse"], "id")
        )
    if part.get("role") in _RESULT_ROLES and _text(part, "tool_call_id", "name"):
        return ToolTurn("result", _text(part, "name"), _text(part, "tool_call_id"))
    return None


def _calls_beside_content(message: dict[str, Any]) -> Iterator[ToolTurn]:
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            yield _call(call)
    if isinstance(message.get("function_call"), dict):
        yield _call(message["function_call"])


def _call(part: dict[str, Any]) -> ToolTurn:
    inner = part["function"] if isinstance(part.get("function"), dict) else part
    return ToolTurn("call", _text(inner, "name", "toolName", "tool_name"), _text(part, *_ID_KEYS))


def _called_id(span: Span) -> str:
    return _text(span.tool or {}, "call_id")


def _ran(call: ToolTurn, asking: Span, run: Span) -> bool:
    names = (run.name, run.display_name, (run.tool or {}).get("name"))
    return call.name in names and (run.start_ns or 0) >= (asking.start_ns or 0)


def _text(part: dict[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := part.get(name), str) and value), "")
