"""The sending thread's work: when a batch is due, what is in it, and what its answer means.

A loop of "wait until something is due, make one attempt". Nothing here runs on the host's threads,
and no state here is written by them except through ``SpanQueue`` and ``ask_for_delivery``.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Final

from llm_tracer._batch import Batch, BatchBuilder
from llm_tracer._pace import Pace
from llm_tracer._queue import SpanQueue
from llm_tracer._report import Reporter
from llm_tracer._settings import Settings
from llm_tracer._transport import Answer, Transport

SERVER_REASONS: Final = frozenset({"rejected"})
"""Losses the server counted itself and need not be told."""


class Delivery:
    """A wish, of ``flush`` or ``close``, that what is queued now be delivered now."""

    MAX_REFUSALS: Final = 2
    """Connections refused until it is clear that no server is there to wait for."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.mark: int | None = None
        self.refusals = 0


class Sender:
    """Owns the connection, the batch on the wire and the count of what was sent."""

    COALESCE_SECONDS: Final = 0.08
    """A trace leaves this long after its end, together with others that end meanwhile."""
    MAX_AGE_SECONDS: Final = 1.0
    """Spans of a trace that still runs leave after this; the trace itself is announced then."""
    IDLE_SECONDS: Final = 5.0
    """Without anything to do for this long the thread ends; the next span starts another."""

    MAX_MISTAKES: Final = 8
    """Answers of 500 in a row, some 20 s of them, until the batch is halved to find where it fails."""
    MAX_MISTAKES_OF_HALVES: Final = 3

    def __init__(self, queue: SpanQueue, settings: Settings, transport: Transport) -> None:
        self._queue = queue
        self._transport = transport
        self._builder = BatchBuilder(settings)
        self._reporter = Reporter(settings)
        self._pace = Pace()
        self._wake = threading.Event()
        self._wishes: deque[Delivery] = deque()
        self._deliveries: list[Delivery] = []
        self._prepared: deque[Batch] = deque()
        self._announcements: list[bytes] = []
        self._first_seen_at: float | None = None
        self._not_before = 0.0
        self._is_wait_ordered = False
        self._failures = 0
        self._mistakes = 0
        self._is_isolating = False
        self._handled = 0
        self.sent = 0
        self.is_stopped = False

    # The host's side

    def wake(self) -> None:
        self._queue.is_idle = False
        self._wake.set()

    def ask_for_delivery(self) -> Delivery:
        delivery = Delivery()
        self._wishes.append(delivery)
        self._wake.set()
        return delivery

    def stop(self) -> None:
        self.is_stopped = True
        self._wake.set()

    @property
    def on_the_wire(self) -> int:
        """Finished spans taken from the queue and not yet acknowledged or given up."""
        return sum(len(batch.records) for batch in self._prepared.copy())

    @property
    def has_work(self) -> bool:
        queue = self._queue
        return bool(
            self._prepared or queue.records or queue.opened_roots or self._announcements or self._wishes
        )

    def warn_of_the_rest(self, pending: int) -> None:
        self._reporter.warn(self._queue.lost, pending, is_last=True)

    # The thread's side

    def work(self) -> None:
        """Sends until stopped, or until there was nothing to do for a while."""
        self._reporter.greet()
        self._transport.warm_up()
        while self._wait_until_due():
            self._attempt()
            self._reporter.warn(self._queue.lost.copy(), self.on_the_wire + len(self._queue.records))

    def survive(self, error: Exception) -> None:
        """Gives up the batch that a mistake of ours cannot send, so that the next ones can be."""
        self._reporter.note(f"internal error: {type(error).__name__}: {error}")
        if self._prepared:
            batch = self._prepared.popleft()
            self._queue.lose("internal_error", len(batch.records))
            self._done_with(batch)

    def rest(self) -> None:
        """The thread ends; a later one goes on with the same state."""
        self._transport.close()
        for delivery in (*self._deliveries, *self._wishes):
            delivery.is_over.set()

    def _wait_until_due(self) -> bool:
        """True when something is due, False when the thread should end."""
        while not self.is_stopped:
            now = time.monotonic()
            self._welcome_deliveries()
            self._announce()
            if self._is_due(now):
                return True
            if not self._wait(now):
                return False
        return False

    def _is_due(self, now: float) -> bool:
        if now < self._not_before:
            return False
        queue = self._queue
        if self._prepared:
            return True
        if not queue.records and not self._announcements:
            self._first_seen_at = None
            return False
        if self._first_seen_at is None:
            self._first_seen_at = now
        if self._deliveries or self._is_full():
            return True
        is_complete = queue.has_ended_trace or bool(self._announcements)
        ripe_at = self._first_seen_at + (self.COALESCE_SECONDS if is_complete else self.MAX_AGE_SECONDS)
        return now >= ripe_at and self._pace.may_send(now)

    def _is_full(self) -> bool:
        queue = self._queue
        return len(queue.records) >= self._pace.batch_spans or queue.queued_bytes >= self._pace.batch_bytes

    def _wait(self, now: float) -> bool:
        """Sleeps until the next look; False if nothing came for so long that the thread should end."""
        if now < self._not_before:
            self._wake.wait(self._not_before - now)
        elif self.has_work:
            self._wake.wait(self.COALESCE_SECONDS / 2)
        else:
            return self._wait_idle()
        self._wake.clear()
        return True

    def _wait_idle(self) -> bool:
        queue = self._queue
        queue.settle()
        queue.is_idle = True
        # A span that came before the line above did not wake us: look again before sleeping.
        is_woken = self.has_work or self._wake.wait(self.IDLE_SECONDS)
        if is_woken:
            queue.is_idle = False
            self._wake.clear()
        return is_woken

    def _welcome_deliveries(self) -> None:
        while self._wishes:
            delivery = self._wishes.popleft()
            delivery.mark = self._handled + self.on_the_wire + len(self._queue.records)
            self._deliveries.append(delivery)
            if not self._is_wait_ordered:
                self._not_before = 0.0
        for delivery in self._deliveries.copy():
            if self._handled >= (delivery.mark or 0) or delivery.refusals >= Delivery.MAX_REFUSALS:
                self._deliveries.remove(delivery)
                delivery.is_over.set()

    def _announce(self) -> None:
        """Traces that run for a second become visible; those that ended meanwhile need no announcement."""
        roots = self._queue.opened_roots
        while roots:
            root = roots[0]
            if root.is_running and root.age_seconds < self.MAX_AGE_SECONDS:
                return
            roots.popleft()
            announcement = root.announcement()
            if announcement is not None:
                self._announcements.append(announcement)

    def _attempt(self) -> None:
        if not self._prepared:
            self._prepared.append(self._next_batch())
        batch = self._prepared[0]
        self._pace.sent(time.monotonic())
        answer = self._transport.post(batch.body)
        if answer.outcome == "failed":
            self._keep(answer)
            return
        self._prepared.popleft()
        self._failures = self._mistakes = 0
        self._is_isolating = self._is_isolating and bool(self._prepared)
        self._not_before = 0.0
        self._pace.succeeded()
        if answer.outcome == "delivered":
            self._delivered(batch, answer)
        else:
            self._refused(batch, answer)

    def _next_batch(self) -> Batch:
        queue = self._queue
        queue.has_ended_trace = False
        records = queue.take(self._pace.batch_bytes, self._pace.batch_spans)
        queue.has_ended_trace = queue.has_ended_trace or bool(queue.records)
        self._first_seen_at = None
        announcements, self._announcements = self._announcements, []
        lost = {reason: count for reason, count in queue.lost.copy().items() if reason not in SERVER_REASONS}
        return self._builder.build(announcements, records, lost)

    def _keep(self, answer: Answer) -> None:
        """The batch stays and is sent again, byte for byte."""
        self._failures += 1
        self._mistakes = self._mistakes + 1 if answer.is_mistake else 0
        self._is_wait_ordered = answer.retry_after_seconds is not None
        wait_seconds = self._pace.failed(answer.retry_after_seconds)
        if self._deliveries and not self._is_wait_ordered:
            wait_seconds = min(wait_seconds, Pace.FIRST_BACKOFF_SECONDS)  # somebody is waiting for us
        self._not_before = time.monotonic() + wait_seconds
        if answer.is_limited:
            self._pace.limited()
            self._reporter.note(answer.message)
        elif self._failures > 1:
            self._reporter.note(answer.message, is_failing=True)
        for delivery in self._deliveries:
            delivery.refusals += answer.is_unreachable
        if self._mistakes >= (self.MAX_MISTAKES_OF_HALVES if self._is_isolating else self.MAX_MISTAKES):
            self._isolate(answer)

    def _isolate(self, answer: Answer) -> None:
        """One span must not hold up all others for ever: halve the batch, give up what stands alone."""
        batch = self._prepared.popleft()
        self._mistakes = 0
        self._is_isolating = True
        if len(batch.announcements) + len(batch.records) > 1:
            self._prepared.extendleft(reversed(self._builder.halves(batch)))
        else:
            self._refused(batch, answer._replace(reason="server_error"))

    def _delivered(self, batch: Batch, answer: Answer) -> None:
        first = len(batch.announcements)
        rejected = [item for item in answer.rejected if _index_of(item) >= first]
        self.sent += len(batch.records) - len(rejected)
        self._builder.acknowledged(batch)
        self._reporter.recovered()
        if rejected:
            self._queue.lose("rejected", len(rejected))
            first_of_them = rejected[0]
            self._reporter.note(
                f"the server rejected {first_of_them.get('field')}: {first_of_them.get('reason')}"
            )
        self._done_with(batch)

    def _refused(self, batch: Batch, answer: Answer) -> None:
        if answer.reason == "too_large" and len(batch.announcements) + len(batch.records) > 1:
            self._prepared.extendleft(reversed(self._builder.halves(batch)))
            return
        if batch.records:
            self._queue.lose(answer.reason, len(batch.records))
        self._reporter.note(answer.message)
        self._done_with(batch)

    def _done_with(self, batch: Batch) -> None:
        self._handled += len(batch.records)
        self._queue.release(batch.size_bytes)


def _index_of(rejection: dict[str, object]) -> int:
    index = rejection.get("index")
    return index if isinstance(index, int) else 0
