"""Finished spans by trace: a trace is complete when its root has ended, and is best sent in one piece."""

from __future__ import annotations

from collections import deque
from math import inf
from typing import TYPE_CHECKING, Final

from llm_tracer._sampling import Sampling

if TYPE_CHECKING:
    from llm_tracer._span import Span
    from llm_tracer._state import TraceState


class _Group:
    __slots__ = ("due_at", "is_complete", "size_bytes", "spans")

    def __init__(self, due_at: float) -> None:
        self.due_at = due_at
        self.size_bytes = 0
        self.spans: deque[Span] = deque()
        self.is_complete = False


class TraceGroups:
    """Of the sending thread. Times are seconds of the monotonic clock, passed in.

    What the spans of a trace repeat is stored once a batch, so each batch of a running agent costs its
    history again. Waiting in proportion to the trace's age makes the batches as many as its logarithm.
    """

    COALESCE_SECONDS: Final = 0.08
    """A complete trace leaves after this, together with others that end meanwhile."""
    MIN_WAIT_SECONDS: Final = 1.0
    """Spans of a trace that still runs leave after this at the earliest: young traces are looked at. So do
    failed ones of any, with what waits beside them."""
    WAIT_OF_AGE: Final = 0.5
    """Of the trace's age, they wait so much: who follows a run sees its first two thirds at least."""
    MAX_WAIT_SECONDS: Final = 60.0
    """But no longer, which is also what a killed process may lose of a trace."""
    CROWDED_BYTES: Final = 8 << 20
    """With so much in memory the oldest leave early. The server packs up to 8 MiB into one chunk, so waiting
    for more saves nothing; and it is well below what makes the host's threads breathe."""
    CROWDED_SPANS: Final = 4_096
    """As ``CROWDED_BYTES``; so many are written to disk in less than half a second when the process ends."""

    def __init__(self) -> None:
        self._groups: dict[TraceState, _Group] = {}
        self._due_at = inf
        self.count = self.complete_count = 0
        self.size_bytes = self.complete_bytes = 0
        self.thinning: Sampling | None = None

    @property
    def is_crowded(self) -> bool:
        return self.count >= self.CROWDED_SPANS or self.size_bytes >= self.CROWDED_BYTES

    def holds(self, span: Span) -> bool:
        """Whether the trace, plain so far, is one that the server thins: it has to come whole for that."""
        return self.thinning is not None and not (span.is_failed or self.thinning.takes(span.trace_id))

    def add(self, span: Span, now: float) -> None:
        state = span.shared_state
        group = self._groups.get(state)
        if group is None:
            group = self._groups[state] = _Group(now + self._wait_seconds(span, now))
        elif span.is_failed:
            group.due_at = min(group.due_at, now + self._wait_seconds(span, now))
        self._put(group, span)
        if span.span_id == state.root_id and not group.is_complete:
            group.is_complete = True
            group.due_at = min(group.due_at, now + self.COALESCE_SECONDS)
            self.complete_count += len(group.spans)
            self.complete_bytes += group.size_bytes
        self._due_at = min(self._due_at, group.due_at)

    def due_at(self) -> float | None:
        """When the next spans should leave, if nothing hurries them; ``None`` without any."""
        return self._due_at if self._groups else None

    def take(self, now: float, max_bytes: int, max_spans: int, *, is_hurried: bool) -> list[Span]:
        """Complete and old traces, oldest first, up to the limits; all if ``is_hurried`` or crowded."""
        taken: list[Span] = []
        emptied: list[TraceState] = []
        takes_all = is_hurried or self.is_crowded
        left_bytes = max_bytes
        for state, group in self._groups.items():
            if not (takes_all or group.is_complete or group.due_at <= now):
                continue
            while group.spans and len(taken) < max_spans:
                left_bytes -= group.spans[0].size_bytes
                if taken and left_bytes < 0:
                    break
                taken.append(self._pop(group))
            if group.spans:
                break
            emptied.append(state)
        for state in emptied:
            del self._groups[state]
        self._due_at = min((group.due_at for group in self._groups.values()), default=inf)
        return taken

    def _wait_seconds(self, span: Span, now: float) -> float:
        state = span.shared_state
        state.seen_at = now if state.seen_at is None else state.seen_at
        if state.root_head is not None or span.is_failed:
            return self.MIN_WAIT_SECONDS  # the root has left, or the process may die of it
        wait_seconds = (now - state.seen_at) * self.WAIT_OF_AGE
        if self.thinning is not None and self.holds(span):
            wait_seconds = (self.thinning.slow_ns or 0) / 1e9  # then it is slow, and so kept in any case
        return min(self.MAX_WAIT_SECONDS, max(self.MIN_WAIT_SECONDS, wait_seconds))

    def _put(self, group: _Group, span: Span) -> None:
        group.spans.append(span)
        self._count(group, 1, span.size_bytes)

    def _pop(self, group: _Group) -> Span:
        span = group.spans.popleft()
        self._count(group, -1, -span.size_bytes)
        return span

    def _count(self, group: _Group, spans: int, size_bytes: int) -> None:
        group.size_bytes += size_bytes
        self.count += spans
        self.size_bytes += size_bytes
        if group.is_complete:
            self.complete_count += spans
            self.complete_bytes += size_bytes
