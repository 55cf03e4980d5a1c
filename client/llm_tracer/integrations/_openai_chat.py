"""POST /chat/completions: of OpenAI and of the many servers that speak as it does."""

from __future__ import annotations

from typing import Any, Final

from llm_tracer.integrations._endpoint import (
    Answer,
    Document,
    Endpoint,
    Question,
    known,
    listed,
    mapped,
    split,
)

_REASONING: Final = ("reasoning_content", "reasoning")
"""Where compatible servers put what the model thought; of these the first is what readers know."""

_JOINED: Final = ("content", "refusal", *_REASONING)
"""Members of a delta whose pieces are put one behind the other."""


def question(body: Document) -> Question:
    """Messages as they are; what is left are parameters."""
    messages = body.get("messages")
    tools = listed(body.get("tools")) or listed(body.get("functions")) or None
    return Question(messages, tools, split(body, "messages", "tools", "functions"))


def answer(document: Document) -> Answer:
    """One choice is its message, several are ``{"choices": [...]}``."""
    choices = [mapped(choice) for choice in listed(document.get("choices"))]
    messages = [_message(mapped(choice.get("message"))) for choice in choices]
    reasons = [reason for choice in choices if (reason := choice.get("finish_reason"))]
    output = messages[0] if len(messages) == 1 else {"choices": [{"message": m} for m in messages]}
    return Answer(
        output=output if messages else None,
        model=document.get("model"),
        usage=usage_of(mapped(document.get("usage"))),
        metadata=known(
            finish_reason=", ".join(dict.fromkeys(map(str, reasons))) or None,
            response_id=document.get("id"),
            service_tier=document.get("service_tier"),
            system_fingerprint=document.get("system_fingerprint"),
        ),
    )


def usage_of(usage: Document) -> dict[str, int | None]:
    """OpenAI's counts are inclusive, as ours are."""
    asked = mapped(usage.get("prompt_tokens_details"))
    said = mapped(usage.get("completion_tokens_details"))
    return {
        "input_tokens": usage.get("prompt_tokens"),
        "output_tokens": usage.get("completion_tokens"),
        "cache_read_tokens": asked.get("cached_tokens"),
        "cache_write_tokens": asked.get("cache_write_tokens"),
        "input_audio_tokens": asked.get("audio_tokens"),
        "reasoning_tokens": said.get("reasoning_tokens"),
        "output_audio_tokens": said.get("audio_tokens"),
    }


class ChatChunks:
    """Deltas put together, by choice and by tool call."""

    def __init__(self) -> None:
        self._top: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}

    def add(self, chunk: Document) -> bool:
        for name in ("id", "model", "usage", "service_tier", "system_fingerprint"):
            if chunk.get(name):
                self._top[name] = chunk[name]
        added = [self._add_choice(mapped(choice)) for choice in listed(chunk.get("choices"))]
        return True in added

    def document(self) -> Document:
        return {**self._top, "choices": [_joined(self._choices[index]) for index in sorted(self._choices)]}

    def _add_choice(self, piece: Document) -> bool:
        choice = self._choices.setdefault(
            piece.get("index") or 0, {"pieces": {}, "calls": {}, "function": {}}
        )
        delta = mapped(piece.get("delta"))
        choice["finish_reason"] = piece.get("finish_reason") or choice.get("finish_reason")
        choice["role"] = delta.get("role") or choice.get("role")
        has_content = False
        for name in _JOINED:
            if delta.get(name):
                choice["pieces"].setdefault(name, []).append(delta[name])
                has_content = True
        for call in listed(delta.get("tool_calls")):
            _add_call(choice["calls"], mapped(call))
            has_content = True
        if delta.get("function_call"):
            _add_function(choice["function"], mapped(delta["function_call"]))
            has_content = True
        return has_content


def _add_call(calls: dict[int, dict[str, Any]], piece: Document) -> None:
    call = calls.setdefault(piece.get("index") or 0, {"type": "function", "function": {}})
    call.update(known(id=piece.get("id") or None, type=piece.get("type")))
    _add_function(call["function"], mapped(piece.get("function") or piece.get("custom")))


def _add_function(function: dict[str, Any], piece: Document) -> None:
    function.setdefault("arguments", [])
    function.update(known(name=piece.get("name") or None))
    function["arguments"].append(piece.get("arguments") or piece.get("input") or "")


def _joined(choice: dict[str, Any]) -> Document:
    message: dict[str, Any] = {"role": choice["role"] or "assistant", "content": None}
    message.update({name: "".join(map(str, pieces)) for name, pieces in choice["pieces"].items()})
    calls = [choice["calls"][index] for index in sorted(choice["calls"])]
    if calls:
        message["tool_calls"] = [{**call, "function": _whole(call["function"])} for call in calls]
    if choice["function"]:
        message["function_call"] = _whole(choice["function"])
    return {"message": message, "finish_reason": choice["finish_reason"]}


def _whole(function: dict[str, Any]) -> dict[str, Any]:
    return {**function, "arguments": "".join(function["arguments"])}


def _message(message: Document) -> dict[str, Any]:
    """As it came, but for the parsed copy of its text and another server's name for reasoning."""
    kept = {name: value for name, value in message.items() if name not in ("parsed", "reasoning")}
    reasoning = next((message[name] for name in _REASONING if isinstance(message.get(name), str)), None)
    if reasoning:
        kept["reasoning_content"] = reasoning
    if "tool_calls" in kept:
        kept["tool_calls"] = [_call(mapped(call)) for call in listed(kept["tool_calls"])]
    kept.setdefault("content", None)
    return kept


def _call(call: Document) -> Document:
    """Calls of tools with free text instead of JSON have names of their own for the same things."""
    custom = mapped(call.get("custom"))
    function = {"name": custom.get("name"), "arguments": custom.get("input")}
    return {**{k: v for k, v in call.items() if k != "custom"}, "function": function} if custom else call


CHAT: Final = Endpoint(
    operation="chat", kind="llm", question=question, answer=answer, chunks=ChatChunks, asks_for_usage=True
)
