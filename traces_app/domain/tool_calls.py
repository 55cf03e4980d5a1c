"""Calls of tools that models asked for, and whether anything answered them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from traces_app.domain.chat import Message, Part, called_tools, read_message, read_part
from traces_app.domain.span import Span

MAX_DEPTH: Final = 12
"""Of what is looked through: messages lie in choices, in lists, in wrappers; deeper lie arguments."""

_TURNS: Final = ("tool_call", "tool_result")
_INNER: Final = (
    "messages",
    "choices",
    "candidates",
    "message",
    "content",
    "parts",
    "output",
    "generations",
    "kwargs",
    "data",
)


def unanswered_calls(spans: Sequence[Span], whole: Callable[[str], Span]) -> set[str]:
    """Ids of the calls of models that asked for a tool which no span and no result in the trace answered.

    A result answers by the call's id, a span by that or by the tool's name if it does not begin before the
    model's and is not the run of another call. ``whole`` opens one of ``spans``, which may be heads.
    """
    models = [whole(span.span_id) for span in spans if span.kind == "llm"]
    asked = [(span, turn) for span in models for turn in tool_turns(span.output) if turn.kind == "tool_call"]
    if not asked:
        return set()
    others = [whole(span.span_id) for span in spans if span.kind != "llm"]
    results = [turn for span in (*models, *others) for turn in _results(span)]
    answered = {turn.call_id or turn.name for turn in results} | {_called_id(span) for span in others}
    asked_ids = {turn.call_id for _, turn in asked if turn.call_id}
    latest_ns = _latest_runs(span for span in others if _called_id(span) not in asked_ids)
    return {
        span.span_id
        for span, turn in asked
        if (turn.call_id or turn.name) not in answered and latest_ns.get(turn.name, -1) < (span.start_ns or 0)
    }


def _latest_runs(runs: Iterable[Span]) -> dict[str, int]:
    """When a tool of each name last began."""
    latest_ns: dict[str, int] = {}
    for run in runs:
        for name in _names(run):
            latest_ns[name] = max(latest_ns.get(name, 0), run.start_ns or 0)
    return latest_ns


def tool_turns(value: Any, depth: int = 0) -> Iterator[Part]:
    """Calls and results in an input or output, however its messages are wrapped. Arguments are not looked
    into.
    """
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for one in value:
            yield from tool_turns(one, depth + 1)
    elif isinstance(value, dict):
        message = read_message(value)
        yield from _in_wrapper(value, depth) if message is None else _in_message(message, depth)


def _in_message(message: Message, depth: int) -> Iterator[Part]:
    for part in message.parts:
        if part.kind in _TURNS:
            yield part
        elif part.kind == "other":
            yield from tool_turns(part.value, depth + 1)


def _in_wrapper(value: dict[str, Any], depth: int) -> Iterator[Part]:
    part = read_part(value)
    if part.kind in _TURNS:
        yield part
        return
    yield from called_tools(value)
    for key in _INNER:
        if isinstance(value.get(key), dict | list):
            yield from tool_turns(value[key], depth + 1)


def _results(span: Span) -> Iterator[Part]:
    for value in (span.input, span.output):
        yield from (turn for turn in tool_turns(value) if turn.kind == "tool_result")


def _called_id(span: Span) -> str:
    called = (span.tool or {}).get("call_id")
    return called if isinstance(called, str) else ""


def _names(run: Span) -> set[str]:
    told = (run.name, run.display_name, (run.tool or {}).get("name"))
    return {name for name in told if isinstance(name, str) and name}
