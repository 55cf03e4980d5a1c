"""What a project should hear about the spans it sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

NOTE_PREFIX: Final = "note: "
"""Of a reason that is no loss, but worth to be seen among the problems."""


PARTS_OF_SPANS: Final = ("attributes ", "events ", "links ")
"""Beginnings of reasons by which parts of spans were lost, and no spans."""


def lost_spans(dropped: Mapping[str, int]) -> dict[str, int]:
    """Of what a sender lost, the spans."""
    return {reason: count for reason, count in dropped.items() if not reason.startswith(PARTS_OF_SPANS)}


@dataclass(slots=True, frozen=True)
class Problem:
    """``day`` is YYYYMMDD in UTC."""

    day: str
    reason: str
    count: int
