"""POST /responses."""

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

_SHOWN_TYPES: Final = frozenset({"function_call", "function_call_output", "reasoning"})
"""Items without a role that stand among messages as they are."""

_TEXT_PARTS: Final = {
    "response.output_text.delta": "output_text",
    "response.refusal.delta": "refusal",
}
_ARGUMENTS: Final = frozenset(
    {"response.function_call_arguments.delta", "response.custom_tool_call_input.delta"}
)
_REASONING: Final = frozenset({"response.reasoning_summary_text.delta", "response.reasoning_text.delta"})
_LAST: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})


def question(body: Document) -> Question:
    """Instructions are the first message."""
    asked = body.get("input")
    messages = [{"role": "user", "content": asked}] if isinstance(asked, str) else _items(asked)
    if body.get("instructions"):
        messages.insert(0, {"role": "system", "content": body["instructions"]})
    return Question(
        messages, listed(body.get("tools")) or None, split(body, "input", "instructions", "tools")
    )


def answer(document: Document) -> Answer:
    status = document.get("status")
    reason = mapped(document.get("incomplete_details")).get("reason") or status
    fault = mapped(document.get("error"))
    return Answer(
        output=_items(document.get("output")) or None,
        model=document.get("model"),
        usage=usage_of(mapped(document.get("usage"))),
        metadata=known(
            finish_reason=reason, response_id=document.get("id"), service_tier=document.get("service_tier")
        ),
        error=str(fault.get("message") or fault.get("code") or "failed") if status == "failed" else None,
    )


def usage_of(usage: Document) -> dict[str, int | None]:
    asked = mapped(usage.get("input_tokens_details"))
    said = mapped(usage.get("output_tokens_details"))
    return {
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "cache_read_tokens": asked.get("cached_tokens"),
        "cache_write_tokens": asked.get("cache_write_tokens"),
        "reasoning_tokens": said.get("reasoning_tokens"),
    }


class ResponseEvents:
    """The last event holds the whole answer; until it comes, what the others said."""

    def __init__(self) -> None:
        self._response: dict[str, Any] = {}
        self._items: dict[int, dict[str, Any]] = {}
        self._texts: dict[int, list[str]] = {}

    def add(self, chunk: Document) -> bool:
        kind = str(chunk.get("type"))
        index = chunk.get("output_index") or 0
        if isinstance(chunk.get("response"), dict):
            self._response = {**chunk["response"], "is_whole": kind in _LAST}
        elif kind in ("response.output_item.added", "response.output_item.done"):
            self._items[index] = {**mapped(chunk.get("item")), "is_whole": kind.endswith("done")}
        elif kind.endswith(".delta"):
            self._add_delta(kind, index, str(chunk.get("delta") or ""))
            return True
        return False

    def document(self) -> Document:
        response = dict(self._response)
        if not response.pop("is_whole", False):
            response["output"] = [self._item(index) for index in sorted({*self._items, *self._texts})]
        return response

    def _add_delta(self, kind: str, index: int, text: str) -> None:
        if kind in _TEXT_PARTS or kind in _ARGUMENTS or kind in _REASONING:
            self._texts.setdefault(index, []).append(text)

    def _item(self, index: int) -> dict[str, Any]:
        """An item that ended, or as much of it as came."""
        item = dict(self._items.get(index) or {"type": "message", "role": "assistant"})
        text = "".join(self._texts.get(index, []))
        if item.pop("is_whole", False) or not text:
            return item
        if item["type"] == "reasoning":
            return {**item, "summary": [{"type": "summary_text", "text": text}]}
        if "call" in item["type"]:
            return {**item, "arguments": text}
        return {**item, "content": [{"type": "output_text", "text": text}]}


def _items(items: Any) -> list[Any]:
    return [_as_message(item) if isinstance(item, dict) else item for item in listed(items)]


def _as_message(item: dict[str, Any]) -> dict[str, Any]:
    """Searches, code runs and the like are parts of what the assistant said."""
    if "role" in item or item.get("type") in _SHOWN_TYPES:
        return item
    return {"role": "assistant", "content": [item]}


RESPONSES: Final = Endpoint(
    operation="chat", kind="llm", question=question, answer=answer, chunks=ResponseEvents
)
