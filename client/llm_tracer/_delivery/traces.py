"""Finished spans by trace: a trace is complete when its root has ended, and is best sent in one piece."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from llm_tracer._sampling import Sampling

if TYPE_CHECKING:
    from llm_tracer._span import Span
    from llm_tracer._state import TraceState


class _Group:
    __slots__ = ("is_complete", "is_held", "since", "spans")

    def __init__(self, since: float, *, is_held: bool) -> None:
        self.since = since
        self.is_held = is_held
        self.spans: deque[Span] = deque()
        self.is_complete = False


class TraceGroups:
    """Of the sending thread. Times are seconds of the monotonic clock, passed in."""

    COALESCE_SECONDS: Final = 0.08
    """A complete trace leaves after this, together with others that end meanwhile."""
    MAX_AGE_SECONDS: Final = 1.0
    """Spans of a trace that still runs leave after this."""
    MAX_HELD_SECONDS: Final = 60.0
    """Of a trace that the server may thin, which it can only if it comes whole."""

    def __init__(self) -> None:
        self._groups: dict[TraceState, _Group] = {}
        self._complete_since: float | None = None
        self.count = 0
        self.size_bytes = 0
        self.thinning: Sampling | None = None

    def holds(self, span: Span) -> bool:
        """Whether the trace, plain so far, is one that the server thins."""
        return self.thinning is not None and not (span.is_failed or self.thinning.takes(span.trace_id))

    def add(self, span: Span, now: float) -> None:
        state = span.shared_state
        group = self._groups.get(state)
        if group is None:
            group = self._groups[state] = _Group(now, is_held=self.holds(span))
        if group.is_held and span.is_failed:
            group.is_held = False
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
        groups = self._groups.values() if self.thinning is not None else (next(iter(self._groups.values())),)
        aged_at = min(group.since + self._age_seconds(group) for group in groups)
        if self._complete_since is None:
            return aged_at
        return min(aged_at, self._complete_since + self.COALESCE_SECONDS)

    def take(self, now: float, max_bytes: int, max_spans: int, *, is_hurried: bool) -> list[Span]:
        """Complete and old traces, oldest first, up to the limits; all traces ``is_hurried``."""
        taken: list[Span] = []
        emptied: list[TraceState] = []
        left_bytes = max_bytes
        for state, group in self._groups.items():
            if not (is_hurried or group.is_complete or now - group.since >= self._age_seconds(group)):
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

    def _age_seconds(self, group: _Group) -> float:
        """After which its spans leave in pieces: of a held trace when it is slow, and so kept in any case."""
        if self.thinning is None or not group.is_held:
            return self.MAX_AGE_SECONDS
        slow_seconds = (self.thinning.slow_ns or 0) / 1e9
        return max(self.MAX_AGE_SECONDS, min(slow_seconds, self.MAX_HELD_SECONDS))

    def _forget(self, taken: list[Span], emptied: list[TraceState]) -> None:
        self.count -= len(taken)
        self.size_bytes -= sum(span.size_bytes for span in taken)
        for state in emptied:
            del self._groups[state]
