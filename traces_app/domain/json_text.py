"""JSON inside texts: read, and repaired where JavaScript and Python write what is not JSON."""

from __future__ import annotations

import json
from typing import Any, Final

import orjson

MAX_TEXT_DEPTH: Final = 100
"""Levels of nesting in a JSON text that is read; a deeper one stays a text. The store takes 254."""

_BEGINNINGS: Final = ("{", "[", '"')
_LITERALS: Final = frozenset({"null", "true", "false"})


def repaired(body: bytes) -> str:
    """The same JSON without what orjson refuses, and Python's parser does not. C code throughout.

    Lone surrogates and bytes that are no UTF-8 become U+FFFD, NaN and Infinity null.
    """
    text = body.decode("utf-8-sig", "replace")
    value = json.loads(text, strict=False, parse_constant=lambda _: None)
    with_surrogates = json.dumps(value, ensure_ascii=False)
    return with_surrogates.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def decoded(value: Any) -> Any:
    """What a JSON text says; any other value, and a text that is not JSON, as it is."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text.startswith(_BEGINNINGS):
        return json.loads(text) if text in _LITERALS else value
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = _decoded_with_repair(text, value)
    could_be_deep = text.count("[") + text.count("{") > MAX_TEXT_DEPTH
    return value if could_be_deep and _is_too_deep(found) else found


def _decoded_with_repair(text: str, value: str) -> Any:
    """Only what was cut inside an emoji, or holds NaN, is worth a second reading."""
    if "\\u" not in text and "NaN" not in text and "Infinity" not in text:
        return value
    try:
        return orjson.loads(repaired(text.encode("utf-8", "replace")))
    except (ValueError, RecursionError):
        return value


def _is_too_deep(value: Any) -> bool:
    """Level by level: as many steps as there are levels, never a recursion."""
    level = [value]
    for _ in range(MAX_TEXT_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return any(isinstance(left, dict | list) for left in level)
