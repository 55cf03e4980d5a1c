"""When an item is written and when it goes: what every write carries."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from traces_app.domain.durations import DAY_S

LAST_NOTICE_S: Final = DAY_S
"""So long an unpinned trace stays whose day has passed."""

Outcome = Literal["same", "longer", "shorter", "ended"]
"""What the rules of today mean for a stored trace; ``ended``: its time is over."""


class Stamp(NamedTuple):
    """When items are written (nanoseconds), and when they expire (epoch seconds; ``None``: never)."""

    now_ns: int
    expires_at: int | None


def clock_from(now_ns: int) -> Callable[[], int]:
    """Time that goes on from ``now_ns``: what a long run changes is marked as changed when it was."""
    began_ns = time.monotonic_ns()
    return lambda: now_ns + time.monotonic_ns() - began_ns
