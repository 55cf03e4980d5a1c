"""The two clocks: one that never jumps, for durations, and the one on the wall. Tests set others."""

from __future__ import annotations

import time
from collections.abc import Callable

monotonic_ns: Callable[[], int] = time.perf_counter_ns
wall_ns: Callable[[], int] = time.time_ns


def use(monotonic: Callable[[], int], wall: Callable[[], int]) -> None:
    """Reads other clocks from now on."""
    global monotonic_ns, wall_ns
    monotonic_ns, wall_ns = monotonic, wall
