"""Finished spans by trace: a trace is complete when its root has ended, and is best sent in one piece."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llm_tracer._span import Span
    from llm_tracer._state import TraceState


class _Group:
    __slots__ = ("is_complete", "since", "spans")

    def __init__(self, since: float) -> None:
        self.since = since
        self.spans: deque[Span] = deque()
        self.is_complete = False


class TraceGroups:
    """Of the sending thread. Times are seconds of the monotonic clock, passed in."""

    COALESCE_SECONDS: Final = 0.08
    """A complete trace leaves after this, together with others that end meanwhile."""
    MAX_AGE_SECONDS: Final = 1.0
    """Spans of a trace that still runs leave after this."""

    def __init__(self) -> None:
        self._groups: dict[TraceState, _Group] = {}
        self._complete_since: float | None = None
        self.count = 0
        self.size_bytes = 0

    def add(self, span: Span, now: float) -> None:
        state = span.shared_state
        group = self._groups.get(state)
        if group is None:
            group = self._groups[state] = _Group(now)
        group.spans.append(span)
        self.count += 1
        self.size_bytes += span.size_bytes
        if span.span_id == state.root_id:
            group.is_complete = True
            if self._complete_since is None:
                self._complete_since = now

    def due_at(self) -> float | None:
        """When the next spans should leave, if nothing hurries them; ``None`` without any."""
        if not self._groups:
            return None
        aged_at = next(iter(self._groups.values())).since + self.MAX_AGE_SECONDS
        if self._complete_since is None:
            return aged_at
        return min(aged_at, self._complete_since + self.COALESCE_SECONDS)

    def take(self, now: float, max_bytes: int, max_spans: int, *, is_hurried: bool) -> list[Span]:
        """Complete and old traces, oldest first, up to the limits; all traces ``is_hurried``."""
        taken: list[Span] = []
        emptied: list[TraceState] = []
        left_bytes = max_bytes
        for state, group in self._groups.items():
            if not (is_hurried or group.is_complete or now - group.since >= self.MAX_AGE_SECONDS):
                continue
            while group.spans and len(taken) < max_spans:
                left_bytes -= group.spans[0].size_bytes
                if taken and left_bytes < 0:
                    break
                taken.append(group.spans.popleft())
            if group.spans:
                break
            emptied.append(state)
        else:
            self._complete_since = None
        self._forget(taken, emptied)
        return taken

    def _forget(self, taken: list[Span], emptied: list[TraceState]) -> None:
        self.count -= len(taken)
        self.size_bytes -= sum(span.size_bytes for span in taken)
        for state in emptied:
            del self._groups[state]
