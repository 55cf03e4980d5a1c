"""When an item is written and when it goes: what every write carries."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

LAST_NOTICE_S: Final = 86_400
"""So long an unpinned trace stays whose day has passed."""

Outcome = Literal["same", "longer", "shorter", "ended"]
"""What the rules of today mean for a stored trace; ``ended``: its time is over."""


class Stamp(NamedTuple):
    """When items are written (nanoseconds), and when they expire (epoch seconds; ``None``: never)."""

    now_ns: int
    expires_at: int | None
