"""How long the time axis of a trace is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from traces_app.domain.durations import DAY_NS
from traces_app.domain.summary import TraceSummary
from traces_app.domain.tree import TreeRow

MAX_RUNNING_NS: Final = DAY_NS


def extent_ns(summary: TraceSummary, rows: Sequence[TreeRow], now_ns: int) -> int:
    """From the first start to the last end; while a span runs to now, but not past a day."""
    extent = max((row.offset_ns + (row.duration_ns or 0) for row in rows), default=0)
    if summary.start_ns is not None and any(row.span.is_pending for row in rows):
        running_ns = now_ns - summary.start_ns
        if running_ns < MAX_RUNNING_NS:
            extent = max(extent, running_ns)
    return max(1, extent)
