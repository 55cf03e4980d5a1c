"""What templates draw a link from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """``count`` and ``is_current`` where the link is a choice among others."""

    text: str
    address: str
    title: str = ""
    count: str = ""
    is_current: bool = False
    mark: str = ""
