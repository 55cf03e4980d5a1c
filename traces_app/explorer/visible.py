"""Hostile text made visible: what a reader cannot see must not be able to act."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_TEXT_CHARACTERS: Final = 20_000
"""Of one text in a page: some ten screens. More is read in an editor; the page links the whole."""

_NAMED_CONTROLS: Final = {
    0x00: "NUL",
    0x07: "BEL",
    0x08: "BS",
    0x0C: "FF",
    0x0D: "CR",
    0x1B: "ESC",
    0x7F: "DEL",
}
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1: ANSI sequences begin here
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidi: text that reads otherwise than it is
    "\u00ad\u200b\u2028\u2029\u2060-\u2064\ufeff\ufff9-\ufffb"  # nothing to see, yet matched and copied
    "\ud800-\udfff"  # lone surrogates cannot be sent as UTF-8
    "\U000e0000-\U000e0fff]"  # tags and variation selectors: instructions smuggled to a model
)
_SHOWN: Final = re.compile(f"⟨(?:({'|'.join(_NAMED_CONTROLS.values())})|U\\+([0-9A-F]{{4,5}}))⟩")
_CODES: Final = {name: code for code, name in _NAMED_CONTROLS.items()}


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text as a page shows it: at most so many characters, and how many bytes the whole has."""

    text: str
    is_cut: bool
    total_bytes: int


def visible(text: str) -> str:
    """The text with control, bidi and invisible characters named, as ``⟨ESC⟩``."""
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(_symbol, text.replace("\r\n", "\n"))


def as_typed(text: str) -> str:
    """What ``visible`` made of a text, taken back: people copy from a page what they look for."""
    return _SHOWN.sub(_character, text)


def visible_line(text: str, max_characters: int = 200) -> str:
    """One line of at most ``max_characters``: newlines and tabs become spaces."""
    if len(text) > max_characters:
        text = text[: max_characters - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return visible(text.replace("\r\n", " ").replace("\n", " ").replace("\t", " "))


def excerpt(text: str, max_characters: int = MAX_TEXT_CHARACTERS) -> Excerpt:
    return Excerpt(
        text=visible(text[:max_characters]),
        is_cut=len(text) > max_characters,
        total_bytes=size_bytes(text),
    )


def size_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"⟨{_NAMED_CONTROLS.get(code, f'U+{code:04X}')}⟩"


def _character(match: re.Match[str]) -> str:
    """The name stays where it is of no hidden character."""
    character = chr(_CODES[match[1]] if match[1] else int(match[2], 16))
    return character if _HIDDEN.fullmatch(character) else match[0]
