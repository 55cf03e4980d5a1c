"""What went in and what came out: messages where it is a chat, else the value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from traces_app.domain.conventions.otel_genai import DETAILS_EVENT, MESSAGE_EVENTS
from traces_app.domain.json_text import decoded
from traces_app.domain.mapping.messages import (
    Message,
    chat_of,
    finish_reason,
    instructions_of,
    message_of,
    text_message,
)
from traces_app.domain.mapping.parts import tool_call_of
from traces_app.domain.mapping.reader import Reader
from traces_app.domain.span import Span

_CALL_KEYS: Final = frozenset({"args", "kwargs", "sanitize_inputs_outputs"})
_NO_CHAT_KINDS: Final = frozenset({"tool", "embedding", "retrieval", "reranker"})


def fill_content(span: Span, reader: Reader) -> None:
    """``input`` and ``output`` where they are empty."""
    events = Events(span.events, reader)
    if span.input is None:
        chat = _chat_input(span, reader, events)
        span.input = _said_to(span.kind, chat) if chat else _value_input(span, reader)
    if span.output is None:
        messages = _chat_output(span, reader, events)
        span.output = _answered(span.kind, messages, reader) if messages else _value_output(span, reader)


def _said_to(kind: str, chat: list[Message]) -> Any:
    """A tool's input is its arguments and an embedding's its texts, even where they are told as a chat."""
    if kind == "tool":
        arguments = _values(chat, "tool_call", "arguments") or _values(chat, "tool_result", "content")
        return arguments[0] if len(arguments) == 1 else chat
    texts = _values(chat, "text", "content")
    return texts if kind == "embedding" and texts else chat


def _answered(kind: str, chat: list[Message], reader: Reader) -> Any:
    if kind == "tool":
        told = (("tool_result", "content"), ("text", "content"), ("other", "value"))
        results = next(filter(None, (_values(chat, *where) for where in told)), [])
        return results[0] if len(results) == 1 else chat
    return _with_finish_reasons(chat, reader)


def _values(chat: list[Message], part_type: str, name: str) -> list[Any]:
    parts = (part for message in chat for part in message["parts"])
    return [part[name] for part in parts if part.get("type") == part_type]


class Events:
    """The messages among a span's events, and in the list of events pydantic-ai keeps as an attribute."""

    def __init__(self, events: Sequence[dict[str, Any]], reader: Reader) -> None:
        self.inputs: list[Message] = []
        self.outputs: list[Message] = []
        listed = decoded(reader.attributes.get("events"))
        for event in listed if isinstance(listed, list) else ():
            if isinstance(event, dict):
                self._add(str(event.get("event.name")), event)
        for event in events:
            name = event.get("name") or (event.get("attributes") or {}).get("event.name")
            body = event.get("body")
            self._add(str(name), body if isinstance(body, dict) else event.get("attributes") or {})

    def _add(self, name: str, data: dict[str, Any]) -> None:
        role = MESSAGE_EVENTS.get(name)
        if role is None:
            return
        where = self.outputs if role == "" else self.inputs
        if name.startswith("gen_ai.content."):
            text = data.get("gen_ai.prompt", data.get("gen_ai.completion"))
            where += chat_of(text, role=role or "assistant") or [text_message(role or "assistant", text)]
        elif role == "":
            where.append(message_of(_choice(data), role="assistant"))
        else:
            where.append(message_of({"role": role, **data}))


def _choice(data: dict[str, Any]) -> dict[str, Any]:
    """The message is an object; with Strands Agents a text, or a list of parts."""
    inner = decoded(data.get("message"))
    if inner is None:
        return data
    message = inner if isinstance(inner, dict) else {"content": inner}
    return {**message, "finish_reason": data.get("finish_reason")}


def details_of(events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The attributes of a span that came in an event of their own."""
    found: dict[str, Any] = {}
    for event in events:
        if event.get("name") == DETAILS_EVENT:
            body = event.get("body")
            found |= {**(body if isinstance(body, dict) else {}), **(event.get("attributes") or {})}
    return found


def _chat_input(span: Span, reader: Reader, events: Events) -> list[Message] | None:
    system = instructions_of(reader.first("system_instructions"))
    messages = _first_chat(reader, "input_messages", "user")
    if messages:
        return [*system, *messages] if system and system[0] != messages[0] else messages
    if events.inputs:
        return events.inputs
    alone = system if span.kind == "llm" else None
    said = _chat_in_text(span, reader, "input_messages_as_text", "user")
    return said or _chat_of_call(span, reader, "input_value", "user") or alone


def _first_chat(reader: Reader, field: str, role: str) -> list[Message] | None:
    """The most believed chat in which anything is said; LiteLLM's newer names lose calls of tools."""
    sources = (source for source in reader.every(field) if source is not reader.attributes.get("events"))
    silent: list[Message] | None = None
    for chat in filter(None, (chat_of(source, role=role) for source in sources)):
        if any(message["parts"] for message in chat):
            return chat
        silent = silent or chat
    return silent


def _chat_in_text(span: Span, reader: Reader, field: str, role: str) -> list[Message] | None:
    if span.kind in _NO_CHAT_KINDS:
        return None
    found = (chat_of(source, role=role) for source in reader.every(field))
    return next(filter(None, found), None)


def _chat_of_call(span: Span, reader: Reader, field: str, role: str) -> list[Message] | None:
    """Spans made by hand have the messages of a call as its plain input and output."""
    return chat_of(reader.first(field), role=role) if span.kind == "llm" else None


def _chat_output(span: Span, reader: Reader, events: Events) -> list[Message] | None:
    if messages := _first_chat(reader, "output_messages", "assistant"):
        return messages
    if events.outputs:
        return events.outputs
    if span.kind != "llm":
        return _chat_in_text(span, reader, "output_messages_as_text", "assistant")
    return (
        _vercel_output(reader)
        or _chat_in_text(span, reader, "output_messages_as_text", "assistant")
        or _said(reader.first("output_messages_as_text"))
        or _chat_of_call(span, reader, "output_value", "assistant")
        or _images(reader)
    )


def _said(text: Any) -> list[Message] | None:
    """What a model answered as a plain text."""
    value = decoded(text)
    return [text_message("assistant", value)] if isinstance(value, str) and value else None


def _images(reader: Reader) -> list[Message] | None:
    """What an image model made; ``output.value`` holds the same and more."""
    images = [
        {"type": "image", **image} for image in reader.first("output_images") or () if isinstance(image, dict)
    ]
    return [message_of({"role": "assistant", "content": images})] if images else None


def _vercel_output(reader: Reader) -> list[Message] | None:
    text = reader.first("output_text") or reader.first("output_object")
    message = text_message("assistant", text if isinstance(text, str) else None)
    reasoning = decoded(reader.first("output_reasoning"))
    if reasoning:
        message["parts"][:0] = [part | {"type": "reasoning"} for part in text_message("", reasoning)["parts"]]
    calls = decoded(reader.first("output_tool_calls"))
    if isinstance(calls, list):
        message["parts"] += [tool_call_of(call) for call in map(decoded, calls) if isinstance(call, dict)]
    return [message] if message["parts"] else None


def _with_finish_reasons(messages: list[Message], reader: Reader) -> list[Message]:
    """One for each choice where as many are told, else the first for the last message."""
    told = decoded(reader.first("finish_reason"))
    is_one_each = isinstance(told, list) and len(told) == len(messages)
    reasons = told if is_one_each else [None] * (len(messages) - 1) + [told]
    for message, reason in zip(messages, map(finish_reason, reasons), strict=True):
        if reason:
            message.setdefault("finish_reason", reason)
    return messages


def _value_input(span: Span, reader: Reader) -> Any:
    if span.kind == "embedding" and (texts := _embedded_texts(reader)):
        return texts
    if span.kind == "llm" and (prompts := reader.first("prompt_texts")):
        return _texts(prompts, "prompt")
    value = _value(reader, "input_value", "input.mime_type")
    if span.kind == "embedding" and isinstance(value, dict) and value.get("input"):
        return value["input"] if isinstance(value["input"], list) else [value["input"]]
    if span.kind == "tool":
        return _arguments(value if value is not None else decoded(reader.first("tool_arguments")))
    return _question(reader) if value is None and span.kind == "agent" else value


def _value_output(span: Span, reader: Reader) -> Any:
    if span.kind == "embedding":
        return _vectors_told(reader)
    if span.kind == "llm" and (completions := reader.first("completion_texts")):
        return _texts(completions, "completion")
    value = _value(reader, "output_value", "output.mime_type")
    return _result_in(value) if span.kind == "tool" else value


def _result_in(value: Any) -> Any:
    """What a tool returned, where LangChain has put it into a message for the model."""
    told = value["output"] if isinstance(value, dict) and value.keys() == {"output"} else value
    chat = chat_of(told) if isinstance(told, dict) else None
    results = _values(chat, "tool_result", "content") if chat else []
    return results[0] if len(results) == 1 else value


def _value(reader: Reader, field: str, mime_key: str) -> Any:
    value = reader.first(field)
    is_text = str(reader.attributes.get(mime_key, "")).startswith("text/")
    return value if is_text else decoded(value)


def _arguments(value: Any) -> Any:
    """A decorator's ``{args, kwargs}`` is unwrapped where only one of them holds something."""
    if isinstance(value, dict) and "kwargs" in value and value.keys() <= _CALL_KEYS:
        if not value.get("args"):
            return value["kwargs"]
        if not value["kwargs"]:
            return value["args"]
    return value


def _question(reader: Reader) -> str | None:
    """What an agent was asked: what users said before the first answer in the conversation it kept."""
    messages = chat_of(reader.first("input_messages_of_agents")) or []
    texts: list[str] = []
    for message in messages:
        if message["role"] == "assistant":
            break
        if message["role"] == "user":
            texts += [part["content"] for part in message["parts"] if part.get("type") == "text"]
    return "\n\n".join(texts) or None


def _texts(value: Any, name: str) -> Any:
    """``[{prompt: {text}}, ...]`` and ``["...", ...]``: the only text, or all of them."""
    entries = value if isinstance(value, list) else [value]
    texts = [entry.get(name, entry) if isinstance(entry, dict) else entry for entry in entries]
    texts = [entry.get("text", entry) if isinstance(entry, dict) else entry for entry in texts]
    return texts[0] if len(texts) == 1 else texts


def _embedded_texts(reader: Reader) -> list[Any]:
    entries = decoded(reader.first("embedding_inputs"))
    if not isinstance(entries, list):
        return [entries] if entries else []
    return [text for text in map(_embedded_text, entries) if text is not None]


def _embedded_text(entry: Any) -> Any:
    if isinstance(entry, dict):
        inner = entry.get("embedding")
        return inner.get("text") if isinstance(inner, dict) else entry.get("text")
    return decoded(entry)


def _vectors_told(reader: Reader) -> dict[str, int] | None:
    """How many vectors of which length came out: the numbers themselves are not kept."""
    vectors = reader.vectors()
    dimensions = reader.count("embedding_dimensions") or (vectors[0] if vectors else None)
    told = {"count": len(vectors) or None, "dimensions": dimensions}
    return {name: number for name, number in told.items() if number} or None
