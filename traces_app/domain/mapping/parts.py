"""The parts of a message in one normal form; what is none of the known shapes stays as it came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from traces_app.domain.chat import CALL_ID_KEYS, TOOL_NAME_KEYS
from traces_app.domain.json_text import decoded

Part = dict[str, Any]

_PARTS_IN_TEXT: Final = tuple(f'[{{"{name}"' for name in ("type", "text", "content", "toolUse", "toolResult"))


def content_of(content: Any) -> list[Part]:
    """The parts in a text, in a part or in a list of both; empty texts are none."""
    parts = _parts_of(content)
    return [part for part in parts if part != {"type": "text", "content": ""}]


def _parts_of(content: Any) -> list[Part]:
    if content is None or content in ("", []):
        return []
    if isinstance(content, str):
        inner = decoded(content) if content.startswith(_PARTS_IN_TEXT) else None
        return _parts_of(inner) if isinstance(inner, list) else [{"type": "text", "content": content}]
    if isinstance(content, list):
        return [part_of(part) if isinstance(part, dict) else _plain(part) for part in content]
    return [part_of(content) if isinstance(content, dict) else _plain(content)]


def _plain(value: Any) -> Part:
    if isinstance(value, str):
        return {"type": "text", "content": value}
    return {"type": "text", "content": str(value)} if isinstance(value, int | float) else _other(value)


def _other(value: Any) -> Part:
    return {"type": "other", "value": value}


def part_of(part: Part) -> Part:
    if isinstance(part.get("message_content"), dict):  # a call may stand beside it
        part = {"tool_call": part.get("tool_call"), **part["message_content"]}
    if isinstance(part.get("tool_call"), dict):
        return tool_call_of(part)
    kind = str(part.get("type") or part.get("kind") or "").lower().replace("-", "_")
    return _READERS.get(kind, _untyped)(part)


def _untyped(part: Part) -> Part:
    """Gemini's and Bedrock's parts have no type, but a name: ``{text}``, ``{toolUse}``."""
    if "type" in part:
        return part
    for key, read in _NAMED_PARTS.items():
        if isinstance(part.get(key), dict):
            return read(part[key])
    text = part.get("text", part.get("content"))
    if isinstance(text, str) and part.get("thought") is True:
        return {"type": "reasoning", "content": text}
    return {"type": "text", "content": text} if isinstance(text, str) else _other(part)


def tool_call_of(call: Part) -> Part:
    call = call["tool_call"] if isinstance(call.get("tool_call"), dict) else call
    function = call["function"] if isinstance(call.get("function"), dict) else call
    arguments = first_in(function, "arguments", "input", "args", "server_tool_call")
    return {
        "type": "tool_call",
        "id": text_in(call, *CALL_ID_KEYS),
        "name": text_in(function, *TOOL_NAME_KEYS),
        "arguments": {} if arguments in (None, "") else decoded(arguments),
    }


def _read_text(part: Part) -> Part:
    """Without a text where content is not captured, as pydantic-ai writes it: nothing to show."""
    value = first_in(part, "text", "content", "refusal")
    return {"type": "text", "content": value or ""} if isinstance(value, str | None) else _other(part)


def _read_reasoning(part: Part) -> Part:
    value = decoded(first_in(part, "thinking", "text", "content", "reasoning", "summary"))
    if isinstance(value, list):
        texts = [text_in(one, "text", "content") for one in value if isinstance(one, dict)]
        value = "\n\n".join(filter(None, texts))
    return {"type": "reasoning", "content": value if isinstance(value, str) else ""}


def _read_result(part: Part) -> Part:
    value = first_in(part, "result", "response", "output", "content", "server_tool_call_response")
    if isinstance(value, dict) and value.keys() == {"type", "value"}:  # Vercel's {type: "json", value}
        value = value["value"]
    result = {
        "type": "tool_result",
        "id": text_in(part, *CALL_ID_KEYS),
        "content": decoded(value),
    }
    name = text_in(part, *TOOL_NAME_KEYS)
    return result | {"name": name} if name else result


def _read_media(part: Part) -> Part:
    """Images, audio and files: where they are, or their base64."""
    source = first_in(
        part, "image_url", "image", "source", "input_audio", "audio", "file", "url", "uri", "data", *_BINARY
    )
    while isinstance(source, dict) and isinstance(inside := first_in(source, "image", "audio"), dict):
        source = inside  # OpenInference's image.image.url
    inner = source if isinstance(source, dict) else {}
    kind = str(part.get("type", "")).lower()
    found = {
        "mime_type": text_in({**part, **inner}, "mime_type", "media_type", "mediaType", "mimeType", "format"),
        "file_id": text_in({**part, **inner}, "file_id", "filename"),
    }
    kinds = (found["mime_type"].partition("/")[0], kind)  # a file of type image/png is an image
    told = next((name for name in _MODALITIES for kind in kinds if name in kind), "")
    found["modality"] = text_in(part, "modality") or told
    where = text_in(inner, "url", "uri", "file_uri") or (source if isinstance(source, str) else "")
    data = text_in(inner, "data", "file_data") or ("" if where else text_in(part, "content", "data"))
    if where and not where.startswith(_ADDRESSES):
        where, data = "", where  # base64 where an address could be, as Vercel's SDK writes it
    return {"type": "media"} | {
        key: text for key, text in {**found, "uri": where, "data": data}.items() if text
    }


_BINARY: Final = ("binary_content", "bytes", "fileData", "file_uri")
_ADDRESSES: Final = ("http", "data:", "gs:", "s3:", "file:", "/", "@@@")
"""Beginnings of places; Langfuse's SDK puts ``@@@langfuseMedia:...@@@`` where it uploaded the bytes."""

_MODALITIES: Final = ("image", "audio", "video", "file", "document")

_READERS: Final[dict[str, Callable[[Part], Part]]] = {
    **dict.fromkeys(("text", "input_text", "output_text", "refusal"), _read_text),
    **dict.fromkeys(("reasoning", "thinking", "redacted_thinking"), _read_reasoning),
    **dict.fromkeys(
        ("tool_call", "tool_use", "function_call", "server_tool_use", "server_tool_call", "function"),
        tool_call_of,
    ),
    **dict.fromkeys(
        (
            "tool_result",
            "tool_call_response",
            "function_call_output",
            "tool_return",
            "server_tool_call_response",
        ),
        _read_result,
    ),
    **dict.fromkeys(
        ("image", "image_url", "input_image", "blob", "uri", "file", "media", "video", "binary"), _read_media
    ),
    **dict.fromkeys(("audio", "input_audio", "input_file", "document", "image_file"), _read_media),
    **dict.fromkeys(("audio_url", "video_url", "document_url"), _read_media),
}
_NAMED_PARTS: Final[dict[str, Callable[[Part], Part]]] = {
    "functionCall": tool_call_of,
    "function_call": tool_call_of,
    "toolUse": tool_call_of,
    "functionResponse": _read_result,
    "function_response": _read_result,
    "toolResult": _read_result,
    "inlineData": _read_media,
    "inline_data": _read_media,
}


def first_in(part: Part, *names: str) -> Any:
    return next((part[name] for name in names if part.get(name) is not None), None)


def text_in(part: Part, *names: str) -> str:
    value = first_in(part, *names)
    return value if isinstance(value, str) else ""
