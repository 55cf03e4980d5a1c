"""What is to be sent next: finished spans by trace, announcements of running ones, word of what was lost."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

from llm_tracer._delivery.batch import Batch, BatchBuilder
from llm_tracer._delivery.pace import Pace
from llm_tracer._delivery.queue import SpanQueue
from llm_tracer._delivery.traces import TraceGroups
from llm_tracer._record import Recorder
from llm_tracer._sampling import Sampling

if TYPE_CHECKING:
    from llm_tracer._span import Span
    from llm_tracer._state import TraceState

SERVER_REASONS: Final = frozenset({"rejected"})
"""Losses the server counted itself and need not be told."""


class Outbox:
    """Of the sending thread. Times are seconds of the monotonic clock, passed in."""

    RECORDS_AT_A_STRETCH: Final = 8
    """Then the interpreter is the host's for a moment. It would else be ours for the 5 ms after which one
    thread has to give way to another, and the host's calls would wait so long."""
    BREAK_SECONDS: Final = 0.000_05
    ANNOUNCE_SECONDS: Final = 1.0
    """A trace that runs for so long is shown, whatever its finished spans wait for."""
    BEHIND_SPANS: Final = 128
    """With so many waiting there is no time for that: a host that computes takes 5 ms for its moment."""

    def __init__(self, queue: SpanQueue, builder: BatchBuilder, recorder: Recorder, pace: Pace) -> None:
        self._queue = queue
        self._builder = builder
        self._recorder = recorder
        self._pace = pace
        self._groups = TraceGroups()
        self._announcements: list[bytes] = []
        self._running_roots: deque[tuple[Span, float]] = deque(maxlen=SpanQueue.MAX_OPENED)

    @property
    def thinning(self) -> Sampling | None:
        """Which plain traces the server thins: they are sent whole, so that it can tell which are plain."""
        return self._groups.thinning

    @thinning.setter
    def thinning(self, thinning: Sampling | None) -> None:
        self._groups.thinning = thinning

    @property
    def count(self) -> int:
        """Finished spans that are in no batch yet."""
        return self._groups.count + len(self._queue.spans)

    @property
    def has_work(self) -> bool:
        queue = self._queue
        is_opened = queue.opened_roots or self._running_roots
        return bool(self.count or is_opened or self._announcements or queue.traces_with_losses)

    @property
    def is_full(self) -> bool:
        """There are complete traces for the largest batch, or running ones that must no longer wait."""
        groups, pace = self._groups, self._pace
        is_batch = groups.complete_count >= pace.batch_spans or groups.complete_bytes >= pace.batch_bytes
        return is_batch or groups.is_crowded

    def collect(self, now: float) -> None:
        """Takes over what the host's threads have put into the queue."""
        queue = self._queue
        for _ in range(len(queue.spans)):
            self._groups.add(queue.spans.popleft(), now)
        self._announce(now)
        self._tell_of_losses()

    def due_at(self, now: float, *, is_hurried: bool) -> float | None:
        """When the next batch should leave; ``None`` if there is nothing to send."""
        if not (self._groups.count or self._announcements):
            return None
        if is_hurried or self.is_full:
            return now
        ripe_at = self._groups.due_at()
        if self._announcements:
            ripe_at = now if ripe_at is None else min(now, ripe_at)
        return None if ripe_at is None else max(ripe_at, self._pace.next_at(now))

    def next_batch(self, now: float, *, is_hurried: bool) -> Batch:
        """A batch of what is due. Spans that cannot be written are lost alone."""
        pace, queue = self._pace, self._queue
        spans = self._groups.take(now, pace.batch_bytes, pace.batch_spans, is_hurried=is_hurried)
        announcements, self._announcements = self._announcements, []
        records: list[bytes] = []
        states: list[TraceState | None] = []
        size_bytes = 0
        for number, span in enumerate(spans, 1):
            record = self._record(span)
            if number % self.RECORDS_AT_A_STRETCH == 0 and not is_hurried and self.count < self.BEHIND_SPANS:
                time.sleep(self.BREAK_SECONDS)
            if record is not None:
                records.append(record)
                states.append(span.shared_state)
                size_bytes += span.size_bytes
        lost = {reason: count for reason, count in queue.lost.copy().items() if reason not in SERVER_REASONS}
        try:
            return self._builder.build(announcements, records, states, size_bytes, lost)
        except BaseException:
            queue.lose("internal_error", len(records))
            queue.release(len(records), size_bytes)
            raise

    def _record(self, span: Span) -> bytes | None:
        try:
            return self._recorder.record_of(span)
        except Exception:  # noqa: BLE001 - a mistake of ours must cost one span, not a batch
            self._queue.lose("internal_error", state=span.shared_state)
            self._queue.release(1, span.size_bytes)
            return None

    def _announce(self, now: float) -> None:
        """Traces that run for a second become visible; those that ended meanwhile need no announcement."""
        roots = self._running_roots
        for _ in range(len(self._queue.opened_roots)):
            root = self._queue.opened_roots.popleft()
            root.shared_state.seen_at = now
            roots.append((root, now))
        while roots:
            root, seen_at = roots[0]
            if root.is_running and now - seen_at < self.ANNOUNCE_SECONDS:
                return
            roots.popleft()
            if root.is_running and not self._groups.holds(root):
                self._announcements.append(self._recorder.record_of(root))

    def _tell_of_losses(self) -> None:
        """A trace whose root is written already is told in a record of its own; others by their root."""
        states = self._queue.traces_with_losses
        for state in {states.popleft() for _ in range(len(states))}:
            if state.root_head is not None and state.lost is not None:
                self._announcements.append(self._recorder.addendum_of(state.root_head, state.lost))
