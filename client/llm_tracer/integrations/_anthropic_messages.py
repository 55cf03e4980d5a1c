"""POST /v1/messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
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

_TEXTS: Final = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
"""Deltas that are put one behind the other, and the member of the block that they belong to. Each names its
piece as the block does."""


def question(body: Document) -> Question:
    """The system prompt is the first message."""
    messages = body.get("messages")
    if body.get("system") and isinstance(messages, list):
        messages = [{"role": "system", "content": body["system"]}, *messages]
    return Question(messages, listed(body.get("tools")) or None, split(body, "messages", "system", "tools"))


def answer(document: Document) -> Answer:
    role, content = document.get("role"), document.get("content")
    usage = mapped(document.get("usage"))
    return Answer(
        output=None if content is None else {"role": role or "assistant", "content": content},
        model=document.get("model"),
        usage=usage_of(usage),
        metadata=known(
            finish_reason=document.get("stop_reason"),
            stop_sequence=document.get("stop_sequence"),
            response_id=document.get("id"),
            service_tier=usage.get("service_tier"),
        ),
    )


def usage_of(usage: Document) -> dict[str, int | None]:
    """Anthropic counts cached tokens beside the input; ours are parts of it."""
    fresh = usage.get("input_tokens")
    read, written = usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens")
    return {
        "input_tokens": None if fresh is None else fresh + (read or 0) + (written or 0),
        "output_tokens": usage.get("output_tokens"),
        "cache_read_tokens": read,
        "cache_write_tokens": written,
        "reasoning_tokens": mapped(usage.get("output_tokens_details")).get("thinking_tokens"),
    }


class MessageEvents:
    """Blocks put together from their deltas."""

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}

    def add(self, chunk: Document) -> bool:
        kind = chunk.get("type")
        if kind == "message_start":
            self._message = dict(mapped(chunk.get("message")))
            self._usage = dict(mapped(self._message.get("usage")))
        elif kind == "message_delta":
            self._message.update(known(**mapped(chunk.get("delta"))))
            self._usage.update(known(**mapped(chunk.get("usage"))))
        elif kind == "content_block_start":
            self._blocks[chunk.get("index") or 0] = {"block": dict(mapped(chunk.get("content_block")))}
        elif kind == "content_block_delta":
            _add_delta(self._blocks.setdefault(chunk.get("index") or 0, {}), mapped(chunk.get("delta")))
            return True
        return False

    def document(self) -> Document:
        content = [_block(self._blocks[index]) for index in sorted(self._blocks)]
        return {**self._message, "content": content, "usage": self._usage}


def _add_delta(pieces: dict[str, Any], delta: Document) -> None:
    kind = str(delta.get("type"))
    if kind in _TEXTS:
        pieces.setdefault(_TEXTS[kind], []).append(delta.get(_TEXTS[kind]) or "")
    elif kind == "input_json_delta":
        pieces.setdefault("input", []).append(delta.get("partial_json") or "")
    elif kind == "citations_delta":
        pieces.setdefault("citations", []).append(delta.get("citation"))


def _block(pieces: dict[str, Any]) -> dict[str, Any]:
    block: dict[str, Any] = dict(pieces.get("block") or {"type": "text"})
    for name in _TEXTS.values():
        if name in pieces:
            block[name] = (block.get(name) or "") + "".join(pieces[name])
    if "input" in pieces:
        block["input"] = _arguments("".join(pieces["input"])) or block.get("input") or {}
    if "citations" in pieces:
        block["citations"] = pieces["citations"]
    return block


def _arguments(text: str) -> Any:
    """The arguments of a tool, or their text as far as it came."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return text
    return parsed if isinstance(parsed, Mapping) else text


MESSAGES: Final = Endpoint(
    operation="chat", kind="llm", question=question, answer=answer, chunks=MessageEvents
)
