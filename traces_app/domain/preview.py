"""What was asked and said, in words: of a chat the last turn, of anything else its text."""

from __future__ import annotations

from typing import Any

import orjson

from traces_app.domain.chat import Part, read_message, read_part
from traces_app.domain.limits import PREVIEW_CHARACTERS


def preview(value: Any) -> str | None:
    """The first words of an input or output: the last user's message of a chat, else the text itself."""
    text = spoken_text(value)
    if not text:
        return None
    text = " ".join(text[: 4 * PREVIEW_CHARACTERS].split())
    return text if len(text) <= PREVIEW_CHARACTERS else text[: PREVIEW_CHARACTERS - 1] + "…"


def preview_of_answer(value: Any) -> str | None:
    """Of a conversation that came out, its last message; what went in speaks for the user."""
    is_chat = (
        isinstance(value, list) and value and all(isinstance(one, dict) and "role" in one for one in value)
    )
    return preview(value[-1] if is_chat else value)


def spoken_text(value: Any) -> str:
    """All of the last user's message of a chat, else the text itself; empty where nothing was said."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        users = [item for item in value if item.get("role") == "user"]
        users = users or [item for item in value if item.get("type") == "text"] or value
        return spoken_text(users[-1])
    if isinstance(value, list) and len(value) == 1:
        return spoken_text(value[0])
    if isinstance(value, dict):
        return _text_of_object(value)
    return "" if value is None else orjson.dumps(value).decode()


def _text_of_object(value: dict[str, Any]) -> str:
    if calls := _calls_alone(value):
        return " ".join(map(_text_of_call, calls))
    if value.keys() == {"args", "kwargs"}:  # what a decorator saw of a call
        return spoken_text(value["args"] or value["kwargs"] or None)
    for key in ("content", "text", "messages", "parts", "data", "kwargs"):  # LangChain's in the last two
        if value.get(key):
            return spoken_text(value[key])
    if len(value) == 1:
        return spoken_text(next(iter(value.values())))
    if value.get("parts") == []:
        return ""
    return orjson.dumps(value).decode() if value else ""


def _calls_alone(value: dict[str, Any]) -> list[Part]:
    """Of a message that says nothing beside the tools it calls; or the call itself."""
    if isinstance(value.get("content"), str) and value["content"]:
        return []
    message = read_message(value)
    parts = [read_part(value)] if message is None else message.parts
    spoken = [part for part in parts if part.kind != "reasoning"]
    return spoken if all(part.kind == "tool_call" for part in spoken) else []


def _text_of_call(call: Part) -> str:
    arguments = call.value if isinstance(call.value, str) else orjson.dumps(call.value).decode()
    return f"{call.name} {arguments}"
