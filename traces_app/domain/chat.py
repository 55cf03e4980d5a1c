"""Messages in what models were sent and said, whichever provider's shape they came in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

PartKind = Literal["text", "reasoning", "tool_call", "tool_result", "image", "audio", "file", "other"]

MEDIA: Final = ("image", "audio", "file")

CALL_ID_KEYS: Final = ("call_id", "tool_call_id", "tool_use_id", "toolCallId", "toolUseId", "id")
"""Where a call and its result name the call: ``id`` last, for OpenAI's responses that is the entry's own."""

TOOL_NAME_KEYS: Final = ("name", "toolName", "tool_name")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message. ``value``: text, arguments, a result, an image's address, or what it is."""

    kind: PartKind
    value: Any
    name: str = ""
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    role: str
    parts: list[Part] = field(default_factory=list)
    name: str = ""


def read_messages(value: Any) -> list[Message] | None:
    """The messages in an input or output, or ``None`` when it is something else.

    Known: lists of messages, one message, ``{"messages": [...]}`` and what providers answer with; content as
    text, as parts (OpenAI chat and responses, Anthropic, Gemini, OpenTelemetry, Vercel), calls beside it.
    """
    messages = [read_message(item) for item in message_items(value)]
    found = [message for message in messages if message is not None]
    return found if found and len(found) == len(messages) else None


def message_items(value: Any) -> list[Any]:
    """The entries of an input or output that may be messages, as they came."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("messages"), list):
        return list(value["messages"])
    for name, inner in _ANSWERS.items():
        if isinstance(value.get(name), list):
            return [one.get(inner) if isinstance(one, dict) else None for one in value[name]]
    is_response = value.get("object") == "response" and isinstance(value.get("output"), list)
    return list(value["output"]) if is_response else [value]


_ANSWERS: Final = {"choices": "message", "candidates": "content"}
"""OpenAI's and Gemini's: each one of several."""


def read_message(item: Any) -> Message | None:
    """One message, also one without a role that calls tools: the model's. ``None`` for anything else."""
    role = _role(item) if isinstance(item, dict) else ""
    if not role:
        return None
    name = item.get("name")
    message = Message(role=role, name=name if isinstance(name, str) else "")
    if "role" not in item and str(item.get("type")) in _ITEM_ROLES:
        message.parts.append(read_part(item))
        return message
    if isinstance(item.get("reasoning_content"), str) and item["reasoning_content"]:
        message.parts.append(Part("reasoning", item["reasoning_content"]))
    message.parts.extend(_content_parts(item))
    if isinstance(item.get("refusal"), str):
        message.parts.append(Part("text", item["refusal"], name="refusal"))
    message.parts.extend(called_tools(item))
    return message


def _role(item: dict[str, Any]) -> str:
    role = item.get("role")
    if isinstance(role, str):
        return role if any(key in item for key in _CONTENT_KEYS) else ""
    if "role" in item:
        return ""
    is_whole = not item.keys().isdisjoint(("content", "parts")) or item.keys() <= set(_CONTENT_KEYS)
    return _ITEM_ROLES.get(str(item.get("type")), "assistant" if is_whole and _calls_tools(item) else "")


_CONTENT_KEYS: Final = ("content", "parts", "tool_calls", "function_call", "refusal")
_ITEM_ROLES: Final = {"function_call": "assistant", "function_call_output": "tool", "reasoning": "assistant"}
"""Entries of OpenAI's responses that stand among messages without a role."""


def _calls_tools(item: dict[str, Any]) -> bool:
    content = item.get("parts", item.get("content"))
    inside = content if isinstance(content, list) else []
    return bool(called_tools(item)) or any(
        read_part(part).kind == "tool_call" for part in inside if isinstance(part, dict)
    )


def called_tools(item: dict[str, Any]) -> list[Part]:
    """The calls that stand beside a message's content."""
    calls = item.get("tool_calls")
    calls = list(calls) if isinstance(calls, list) else []
    if isinstance(item.get("function_call"), dict):
        calls.append({"function": item["function_call"]})
    return [_read_tool_call(call if isinstance(call, dict) else {"value": call}) for call in calls]


def _content_parts(item: dict[str, Any]) -> list[Part]:
    content = item.get("parts") if "parts" in item else item.get("content")
    found = _parts(content)
    is_result = item.get("role") in _RESULT_ROLES and "parts" not in item
    if is_result and not any(part.kind == "tool_result" for part in found):
        return [Part("tool_result", content, _text(item, "name"), _text(item, "tool_call_id"))]
    return found


_RESULT_ROLES: Final = ("tool", "function")


def _parts(content: Any) -> list[Part]:
    if content is None or content == "":
        return []
    if isinstance(content, list):
        return [read_part(part) if isinstance(part, dict) else _plain(part) for part in content]
    return [read_part(content) if isinstance(content, dict) and "type" in content else _plain(content)]


def _plain(value: Any) -> Part:
    return Part("text", value) if isinstance(value, str) else Part("other", value)


def read_part(part: dict[str, Any]) -> Part:
    """A piece of a message; of the kind ``other``, as it came, where it is none that is known."""
    return _PART_READERS.get(str(part.get("type", "")).replace("-", "_"), _read_unnamed)(part)


def _read_text(part: dict[str, Any]) -> Part:
    value = _first(part, "text", "content", "refusal")
    return Part("text", value) if isinstance(value, str) else Part("other", part)


def _read_unnamed(part: dict[str, Any]) -> Part:
    """Parts of Gemini and Bedrock have no type, but a name; plain ``{"text": ...}`` has neither."""
    if "type" in part:
        return Part("other", part)
    for name, read in _NAMED_READERS.items():
        if isinstance(part.get(name), dict):
            return read(part[name])
    text = part.get("text")
    return Part("text", text) if isinstance(text, str) else Part("other", part)


def _read_reasoning(part: dict[str, Any]) -> Part:
    value = _first(part, "thinking", "text", "content", "reasoning", "summary")
    if isinstance(value, list):
        value = "\n\n".join(_text(one, "text") for one in value if isinstance(one, dict))
    return Part("reasoning", value if isinstance(value, str) else part)


def _read_tool_call(part: dict[str, Any]) -> Part:
    function = part["function"] if isinstance(part.get("function"), dict) else part
    arguments = _first(function, "arguments", "input", "args", "value")
    return Part(
        "tool_call",
        _parsed(arguments),
        name=_text(function, *TOOL_NAME_KEYS),
        call_id=_text(part, *CALL_ID_KEYS),
    )


def _read_function(part: dict[str, Any]) -> Part:
    """A call, or with a description in place of arguments what a model is told of a tool."""
    function = part.get("function")
    is_call = isinstance(function, dict) and "parameters" not in function and "description" not in function
    return _read_tool_call(part) if is_call else Part("other", part)


def _read_tool_result(part: dict[str, Any]) -> Part:
    return Part(
        "tool_result",
        _parsed(_first(part, "result", "response", "output", "content", "value")),
        name=_text(part, *TOOL_NAME_KEYS),
        call_id=_text(part, *CALL_ID_KEYS),
    )


def _read_image(part: dict[str, Any]) -> Part:
    """The address of an image: ``data:`` or elsewhere. What cannot be read stays as it came."""
    image = _first(part, "image_url", "image", "source", "url")
    if isinstance(image, dict) and isinstance(image.get("data"), str):
        return Part("image", f"data:{image.get('media_type', 'image/png')};base64,{image['data']}")
    if isinstance(image, dict):
        image = image.get("url")
    return Part("image", image) if isinstance(image, str) else Part("other", part)


def _read_media(part: dict[str, Any]) -> Part:
    """Our own form: where it is, or its base64."""
    mime_type = str(part.get("mime_type") or "image/png")
    where = part.get("uri") or (f"data:{mime_type};base64,{part['data']}" if part.get("data") else None)
    if not isinstance(where, str):
        return Part("other", part)
    kind: PartKind = "image" if part.get("modality") == "image" or mime_type.startswith("image/") else "file"
    return Part("audio" if mime_type.startswith("audio/") else kind, where, name=_text(part, "name"))


def _read_audio(part: dict[str, Any]) -> Part:
    """OpenAI's: base64 and its format."""
    audio = _first(part, "input_audio", "audio")
    data = audio.get("data") if isinstance(audio, dict) else None
    if not isinstance(audio, dict) or not isinstance(data, str):
        return Part("other", part)
    kind = _text(audio, "format") or "wav"
    return Part("audio", f"data:audio/{_AUDIO_TYPES.get(kind, kind)};base64,{data}")


_AUDIO_TYPES: Final = {"mp3": "mpeg"}


def _read_file(part: dict[str, Any]) -> Part:
    """OpenAI's files and Anthropic's documents."""
    file = _first(part, "file", "source") or part
    if not isinstance(file, dict):
        return Part("other", part)
    name = _text(part, "filename", "title", "name") or _text(file, "filename", "name")
    data, where = _text(file, "data"), _text(file, "file_data", "file_url", "url", "file_id")
    if data and _text(file, "type") == "text":
        return Part("text", data, name=name)
    if data:
        where = f"data:{_text(file, 'media_type', 'mime_type') or 'application/octet-stream'};base64,{data}"
    return Part("file", where, name=name) if where else Part("other", part)


_PART_READERS: Final[dict[str, Callable[[dict[str, Any]], Part]]] = {
    "text": _read_text,
    "input_text": _read_text,
    "output_text": _read_text,
    "refusal": _read_text,
    "reasoning": _read_reasoning,
    "thinking": _read_reasoning,
    "tool_call": _read_tool_call,
    "tool_use": _read_tool_call,
    "function_call": _read_tool_call,
    "function": _read_function,
    "tool_result": _read_tool_result,
    "tool_call_response": _read_tool_result,
    "function_call_output": _read_tool_result,
    "image_url": _read_image,
    "input_image": _read_image,
    "image": _read_image,
    "media": _read_media,
    "input_audio": _read_audio,
    "file": _read_file,
    "input_file": _read_file,
    "document": _read_file,
}
_NAMED_READERS: Final[dict[str, Callable[[dict[str, Any]], Part]]] = {
    "functionCall": _read_tool_call,
    "function_call": _read_tool_call,
    "toolUse": _read_tool_call,
    "functionResponse": _read_tool_result,
    "function_response": _read_tool_result,
    "toolResult": _read_tool_result,
}


def _first(part: dict[str, Any], *names: str) -> Any:
    return next((part[name] for name in names if part.get(name) is not None), None)


def _text(part: dict[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := part.get(name), str) and value), "")


def _parsed(value: Any) -> Any:
    """Arguments often come as JSON in a string."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
