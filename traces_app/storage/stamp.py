"""When an item is written and when it goes: what every write carries."""

from __future__ import annotations

from typing import NamedTuple


class Stamp(NamedTuple):
    """When items are written (nanoseconds), and when they expire (epoch seconds; ``None``: never)."""

    now_ns: int
    expires_at: int | None
