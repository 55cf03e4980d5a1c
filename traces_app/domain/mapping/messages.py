"""Messages in one normal form, whichever shape they came in.

``{role, parts: [...], name?, finish_reason?}``, the parts being ``{type: "text", content}``,
``{type: "reasoning", content}``, ``{type: "tool_call", id, name, arguments}``,
``{type: "tool_result", id, name?, content}``,
``{type: "media", mime_type?, modality?, uri | data | file_id}`` and, as it came, whatever is none of these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from traces_app.domain.json_text import decoded

Message = dict[str, Any]

_ROLES: Final = {
    "human": "user",
    "ai": "assistant",
    "model": "assistant",
    "developer": "system",
    "function": "tool",
    "aimessage": "assistant",
    "humanmessage": "user",
    "systemmessage": "system",
    "toolmessage": "tool",
}
_ITEM_ROLES: Final = {
    "function_call": "assistant",
    "reasoning": "assistant",
    "function_call_output": "tool",
    "human": "user",
    "ai": "assistant",
    "system": "system",
    "tool": "tool",
}
"""Entries that stand among messages and say by their type who speaks: OpenAI's responses, LangChain."""

_CONTENT_KEYS: Final = frozenset(
    {"content", "parts", "contents", "tool_calls", "tool_call_id", "function_call", "refusal", "kwargs"}
)
_FINISH_REASONS: Final = {"tool_call": "tool_calls", "toolcalls": "tool_calls", "function_call": "tool_calls"}


def chat_of(value: Any, *, role: str = "") -> list[Message] | None:
    """The messages in a request, a response or a list; ``None`` where it is something else.

    ``role`` is for messages that do not name theirs.
    """
    items = _items(decoded(value))
    if not items or not all(_is_message(item, role) for item in items):
        return None
    return [message_of(item, role=role) for item in items]


def message_of(item: dict[str, Any], *, role: str = "") -> Message:
    """One message, of any known shape."""
    item = _unwrapped(item)
    said = item.get("role") or _ITEM_ROLES.get(str(item.get("type"))) or role
    message: Message = {"role": _role(said), "parts": _parts(item)}
    if isinstance(item.get("tool_call_id"), str) and item["tool_call_id"]:
        message["role"] = "tool"  # Anthropic's results come from the user
    if message["role"] == "tool":
        message["parts"] = _as_results(item, message["parts"])
    if isinstance(item.get("name"), str) and item["name"] and "role" in item:
        message["name"] = item["name"]
    reason = finish_reason(item.get("finish_reason") or item.get("stop_reason"))
    if reason:
        message["finish_reason"] = reason
    return message


def instructions_of(value: Any) -> list[Message]:
    """System instructions, a text or parts, as a message; an empty list where there are none."""
    value = decoded(value)
    if isinstance(value, dict):
        value = value.get("parts") or [value]
    parts = _content(value)
    return [{"role": "system", "parts": parts}] if parts else []


def finish_reason(value: Any) -> str | None:
    """``tool_calls`` for tool-calls, tool_call and the like; of several the first."""
    value = decoded(value)
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, str) or not value:
        return None
    text = value.rpartition(".")[2].lower().replace("-", "_")
    return _FINISH_REASONS.get(text, text)


def text_message(role: str, text: Any) -> Message:
    return {"role": role, "parts": _content(text)}


def tool_call_of(call: dict[str, Any]) -> dict[str, Any]:
    call = call["tool_call"] if isinstance(call.get("tool_call"), dict) else call
    function = call["function"] if isinstance(call.get("function"), dict) else call
    arguments = _first(function, "arguments", "input", "args")
    return {
        "type": "tool_call",
        "id": _text(call, "id", "call_id", "toolCallId", "tool_call_id"),
        "name": _text(function, "name", "toolName", "tool_name"),
        "arguments": {} if arguments in (None, "") else decoded(arguments),
    }


def _items(value: Any) -> list[Any]:
    """The entries that are messages, wherever a request or a response keeps them."""
    if isinstance(value, list):
        only = value[0] if len(value) == 1 else None
        return only if isinstance(only, list) else value  # LangChain batches: [[message, ...]]
    if not isinstance(value, dict):
        return []
    for key in ("messages", "contents", "choices", "candidates", "generations", "output"):
        if isinstance(value.get(key), list):
            return [*_instructions_in(value), *map(_choice, _items(value[key]))]
    if isinstance(value.get("input"), list) and _is_message(value["input"][:1] and value["input"][0], ""):
        return [*_instructions_in(value), *value["input"]]
    return [value]


def _instructions_in(request: dict[str, Any]) -> list[Any]:
    """Anthropic's and Vercel's ``system``, and the ``instructions`` of OpenAI's responses."""
    found = request.get("system") or request.get("instructions")
    return [{"role": "system", "content": found}] if found and "choices" not in request else []


def _choice(choice: Any) -> Any:
    """What a choice (OpenAI), a candidate (Gemini) or a generation (LangChain) wraps."""
    if not isinstance(choice, dict) or "role" in choice:
        return choice
    inner = choice.get("message", choice.get("content"))
    if not isinstance(inner, dict):
        return choice
    reason = choice.get("finish_reason") or choice.get("finishReason")
    return {"finish_reason": reason, **_unwrapped(inner)}


def _is_message(item: Any, role: str) -> bool:
    if not isinstance(item, dict):
        return False
    item = _unwrapped(item)
    if isinstance(item.get("role"), str):
        return not _CONTENT_KEYS.isdisjoint(item) or len(item) == 1
    if role and not _CONTENT_KEYS.isdisjoint(item):
        return True
    return str(item.get("type")) in _ITEM_ROLES


def _unwrapped(item: dict[str, Any]) -> dict[str, Any]:
    """OpenInference's ``{message: {...}}``, a choice's, and LangChain's ``{id, kwargs: {content, type}}``."""
    inner = item.get("message")
    if isinstance(inner, dict) and "role" not in item and "content" not in item:
        return {**item, **inner}
    if isinstance(item.get("kwargs"), dict) and "role" not in item:
        return dict(item["kwargs"])
    return item


def _role(said: Any) -> str:
    role = str(said or "user").rpartition(".")[2]
    return _ROLES.get(role.lower(), role.lower())


def _parts(item: dict[str, Any]) -> list[dict[str, Any]]:
    if item.get("type") in ("function_call", "reasoning", "function_call_output"):
        return [_part(item)]
    parts = _reasoning_beside(item)
    if isinstance(item.get("parts"), list):
        return [*parts, *_content(item["parts"])]
    contents = _content(item.get("contents"))
    has_text = any(part.get("type") == "text" for part in contents)
    parts += contents if has_text else [*_content(item.get("content")), *contents]
    if isinstance(item.get("refusal"), str) and item["refusal"]:
        parts.append({"type": "text", "content": item["refusal"]})
    return parts + _calls_beside(item, parts)


def _reasoning_beside(item: dict[str, Any]) -> list[dict[str, Any]]:
    found = item.get("reasoning_content") or item.get("reasoning") or item.get("thinking")
    return [{"type": "reasoning", "content": found}] if isinstance(found, str) and found else []


def _calls_beside(item: dict[str, Any], parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Calls listed beside the content, unless the content holds them already."""
    calls = decoded(item.get("tool_calls"))
    calls = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    if isinstance(item.get("function_call"), dict):
        calls.append(item["function_call"])
    if "function_call_name" in item:
        calls.append(
            {"name": item["function_call_name"], "arguments": item.get("function_call_arguments_json")}
        )
    inside = [part for part in parts if part.get("type") == "tool_call"]
    known = {part["id"] for part in inside if part["id"]}
    return [call for call in map(tool_call_of, calls) if call["id"] not in known and call not in inside]


def _as_results(item: dict[str, Any], parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a tool's message holds is its result."""
    if any(part.get("type") == "tool_result" for part in parts):
        return parts
    texts = [part["content"] for part in parts if part.get("type") == "text"]
    content = texts[0] if len(texts) == len(parts) == 1 else parts
    result = {"type": "tool_result", "id": _text(item, "tool_call_id", "id"), "content": decoded(content)}
    return [result | ({"name": item["name"]} if isinstance(item.get("name"), str) else {})]


def _content(content: Any) -> list[dict[str, Any]]:
    if content is None or content in ("", []):
        return []
    if isinstance(content, str):
        inner = decoded(content) if content.startswith(('[{"type"', '[{"text"', '[{"content"')) else None
        return _content(inner) if isinstance(inner, list) else [{"type": "text", "content": content}]
    if isinstance(content, list):
        return [_part(part) if isinstance(part, dict) else _plain(part) for part in content]
    return [_part(content) if isinstance(content, dict) else _plain(content)]


def _plain(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"type": "text", "content": value}
    return {"type": "text", "content": str(value)} if isinstance(value, int | float) else _other(value)


def _other(value: Any) -> dict[str, Any]:
    return {"type": "other", "value": value}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if isinstance(part.get("message_content"), dict):
        part = part["message_content"]
    if isinstance(part.get("tool_call"), dict):
        return tool_call_of(part)
    kind = str(part.get("type") or part.get("kind") or "").lower().replace("-", "_")
    return _READERS.get(kind, _untyped)(part)


def _untyped(part: dict[str, Any]) -> dict[str, Any]:
    """Gemini's and Bedrock's parts have no type, but a name: ``{text}``, ``{toolUse}``."""
    if "type" in part:
        return part
    for key, read in _NAMED_PARTS.items():
        if isinstance(part.get(key), dict):
            return read(part[key])
    text = part.get("text", part.get("content"))
    return {"type": "text", "content": text} if isinstance(text, str) else _other(part)


def _read_text(part: dict[str, Any]) -> dict[str, Any]:
    value = _first(part, "text", "content", "refusal")
    return {"type": "text", "content": value} if isinstance(value, str) else _other(part)


def _read_reasoning(part: dict[str, Any]) -> dict[str, Any]:
    value = _first(part, "thinking", "text", "content", "reasoning", "summary")
    if isinstance(value, list):
        texts = [_text(one, "text", "content") for one in value if isinstance(one, dict)]
        value = "\n\n".join(filter(None, texts))
    return {"type": "reasoning", "content": value if isinstance(value, str) else ""}


def _read_result(part: dict[str, Any]) -> dict[str, Any]:
    value = _first(part, "result", "response", "output", "content")
    if isinstance(value, dict) and value.keys() == {"type", "value"}:  # Vercel's {type: "json", value}
        value = value["value"]
    result = {
        "type": "tool_result",
        "id": _text(part, "id", "call_id", "tool_use_id", "toolCallId", "toolUseId", "tool_call_id"),
        "content": decoded(value),
    }
    name = _text(part, "name", "toolName", "tool_name")
    return result | {"name": name} if name else result


def _read_media(part: dict[str, Any]) -> dict[str, Any]:
    """Images, audio and files: where they are, or their base64."""
    source = _first(
        part, "image_url", "image", "source", "input_audio", "audio", "file", "url", "uri", "data"
    )
    while isinstance(source, dict) and isinstance(source.get("image"), dict):
        source = source["image"]
    inner = source if isinstance(source, dict) else {}
    kind = str(part.get("type", "")).lower()
    found = {
        "mime_type": _text({**part, **inner}, "mime_type", "media_type", "mediaType", "mimeType", "format"),
        "modality": _text(part, "modality") or next((m for m in _MODALITIES if m in kind), ""),
        "file_id": _text({**part, **inner}, "file_id", "filename"),
    }
    where = _text(inner, "url", "uri", "file_uri") or (source if isinstance(source, str) else "")
    data = _text(inner, "data", "file_data") or ("" if where else _text(part, "content", "data"))
    if where and not where.startswith(("http", "data:", "gs:", "s3:", "file:", "/")):
        where, data = "", where  # base64 where an address could be, as Vercel's SDK writes it
    return {"type": "media"} | {
        key: text for key, text in {**found, "uri": where, "data": data}.items() if text
    }


_MODALITIES: Final = ("image", "audio", "video", "file", "document")

_READERS: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    **dict.fromkeys(("text", "input_text", "output_text", "refusal"), _read_text),
    **dict.fromkeys(("reasoning", "thinking", "redacted_thinking"), _read_reasoning),
    **dict.fromkeys(("tool_call", "tool_use", "function_call", "server_tool_use", "function"), tool_call_of),
    **dict.fromkeys(
        ("tool_result", "tool_call_response", "function_call_output", "tool_return"), _read_result
    ),
    **dict.fromkeys(
        ("image", "image_url", "input_image", "blob", "uri", "file", "media", "video"), _read_media
    ),
    **dict.fromkeys(("audio", "input_audio", "input_file", "document", "image_file"), _read_media),
}
_NAMED_PARTS: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "functionCall": tool_call_of,
    "function_call": tool_call_of,
    "toolUse": tool_call_of,
    "functionResponse": _read_result,
    "function_response": _read_result,
    "toolResult": _read_result,
    "inlineData": _read_media,
    "inline_data": _read_media,
}


def _first(part: dict[str, Any], *names: str) -> Any:
    return next((part[name] for name in names if part.get(name) is not None), None)


def _text(part: dict[str, Any], *names: str) -> str:
    value = _first(part, *names)
    return value if isinstance(value, str) else ""
