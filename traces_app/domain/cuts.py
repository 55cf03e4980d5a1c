"""What a client left out of a span, as a sentence among its notices and read back from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

NOT_CAPTURED: Final = "not_captured"
"""A decorator was told so: nothing is lost that anybody wanted."""

_BEGINNING: Final = "cut by the client: "
_OF_CONTENT: Final = re.compile(re.escape(_BEGINNING) + r"\d+ (input|output|contents)_(\w+)")


class Cut(NamedTuple):
    notice: str
    field: str
    """``input``, ``output``, or ``contents`` for both."""
    reason: str


def cut_notice(what: str, count: int) -> str:
    """``what`` as the client names it: ``output_binary_bytes``."""
    return f"{_BEGINNING}{count} {what}"


def content_cuts(notices: Iterable[str]) -> Iterator[Cut]:
    """Those of an input or output."""
    for notice in notices:
        if found := _OF_CONTENT.fullmatch(notice):
            yield Cut(notice, found[1], found[2])
