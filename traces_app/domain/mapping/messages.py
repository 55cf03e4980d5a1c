"""Messages in one normal form, whichever shape they came in.

``{role, parts: [...], name?, finish_reason?}``, the parts being ``{type: "text", content}``,
``{type: "reasoning", content}``, ``{type: "tool_call", id, name, arguments}``,
``{type: "tool_result", id, name?, content}``,
``{type: "media", mime_type?, modality?, uri | data | file_id}`` and, as it came, whatever is none of these.
"""

from __future__ import annotations

from typing import Any, Final

from traces_app.domain.json_text import decoded
from traces_app.domain.mapping.parts import content_of, part_of, text_in, tool_call_of

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
    "tool-call": "assistant",
    "tool-response": "tool",
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

_PAIR: Final = 2
_PAIR_ROLES: Final = frozenset({"system", "user", "human", "assistant", "ai", "tool", "developer"})
_CONTENT_KEYS: Final = frozenset(
    {"content", "parts", "contents", "tool_calls", "tool_call_id", "function_call", "refusal", "kwargs"}
)
_FINISH_REASONS: Final = {"tool_call": "tool_calls", "toolcalls": "tool_calls", "function_call": "tool_calls"}


def chat_of(value: Any, *, role: str = "") -> list[Message] | None:
    """The messages in a request, a response or a list; ``None`` where it is something else.

    ``role`` is for messages that do not name theirs.
    """
    items = [_spoken(item) for item in _items(decoded(value)) if not _is_offer(item)]
    if not items or not all(_is_message(item, role) for item in items):
        return None
    return [message_of(item, role=role) for item in items]


def offered_tools(value: Any) -> list[Any]:
    """Langfuse's LangChain handler lists the tools that a model may call among the messages."""
    return [item["content"] for item in _items(decoded(value)) if _is_offer(item)]


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
    parts = content_of(value)
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
    return {"role": role, "parts": content_of(text)}


def _items(value: Any) -> list[Any]:
    """The entries that are messages, wherever a request or a response keeps them."""
    if isinstance(value, list):
        return _items_of_batch(value)
    return _items_of_object(value) if isinstance(value, dict) else []


def _items_of_batch(batch: list[Any]) -> list[Any]:
    """LangChain has batches of one, ``[[message, ...]]``; a node of LangGraph answers with an update."""
    only = batch[0] if len(batch) == 1 else None
    if isinstance(only, dict) and {"graph", "update"} <= only.keys():
        return _items(only["update"])
    return only if isinstance(only, list) and not _is_pair(only) else batch


def _items_of_object(value: dict[str, Any]) -> list[Any]:
    for key in ("messages", "contents", "choices", "candidates", "generations", "output"):
        if isinstance(value.get(key), list):
            return [*_instructions_in(value), *map(_choice, _items(value[key]))]
    if isinstance(value.get("input"), list) and _is_message(value["input"][:1] and value["input"][0], ""):
        return [*_instructions_in(value), *value["input"]]
    if isinstance(value.get("input"), str) and "model" in value:
        return [*_instructions_in(value), {"role": "user", "content": value["input"]}]
    return [value]


def _is_pair(item: Any) -> bool:
    """LangChain takes ``("user", "hi")`` for a message."""
    return isinstance(item, list) and len(item) == _PAIR and all(isinstance(text, str) for text in item)


def _spoken(item: Any) -> Any:
    return {"role": item[0], "content": item[1]} if _is_pair(item) and item[0] in _PAIR_ROLES else item


def _is_offer(item: Any) -> bool:
    content = item.get("content") if isinstance(item, dict) and item.get("role") == "tool" else None
    return isinstance(content, dict) and isinstance(content.get("function"), dict)


def _instructions_in(request: dict[str, Any]) -> list[Any]:
    """Anthropic's and Vercel's ``system``, and OpenAI's ``instructions``, which its responses repeat."""
    found = request.get("system") or request.get("instructions")
    is_request = "choices" not in request and "output" not in request
    return [{"role": "system", "content": found}] if found and is_request else []


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
    """OpenInference's and a choice's ``{message: {...}}``, LangChain's ``{type, data}`` and ``{kwargs}``."""
    inner = item.get("message")
    if isinstance(inner, dict) and "role" not in item and "content" not in item:
        return {**item, **inner}
    for key in ("kwargs", "data"):
        if isinstance(item.get(key), dict) and "role" not in item:
            return dict(item[key])
    return item


def _role(said: Any) -> str:
    role = str(said or "user").rpartition(".")[2]
    return _ROLES.get(role.lower(), role.lower())


def _parts(item: dict[str, Any]) -> list[dict[str, Any]]:
    if item.get("type") in ("function_call", "reasoning", "function_call_output"):
        return [part_of(item)]
    parts = _reasoning_beside(item)
    if isinstance(item.get("parts"), list):
        return [*parts, *content_of(item["parts"])]
    contents = content_of(item.get("contents"))
    has_text = any(part.get("type") == "text" for part in contents)
    parts += contents if has_text else [*content_of(item.get("content")), *contents]
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
    if any(part.get("type") in ("tool_result", "tool_call") for part in parts):
        return parts
    only = parts[0] if len(parts) == 1 else {}
    content = {"text": only.get("content"), "other": only.get("value")}.get(str(only.get("type")), parts)
    result = {"type": "tool_result", "id": text_in(item, "tool_call_id", "id"), "content": decoded(content)}
    return [result | ({"name": item["name"]} if isinstance(item.get("name"), str) else {})]
