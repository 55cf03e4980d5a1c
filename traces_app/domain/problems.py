"""What a project should hear about the spans it sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NOTE_PREFIX: Final = "note: "
"""Of a reason that is no loss, but worth to be seen among the problems."""


@dataclass(slots=True, frozen=True)
class Problem:
    """``day`` is YYYYMMDD in UTC."""

    day: str
    reason: str
    count: int
