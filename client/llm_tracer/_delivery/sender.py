"""The sending thread's work: which batch is due, and what its answer means.

A loop of "look what is due, make one attempt, read the answer". Everything but the attempt itself happens
under one lock, so that ``stop`` can take over at any moment what is not delivered.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Final

from llm_tracer._delivery.batch import Batch, BatchBuilder
from llm_tracer._delivery.outbox import Outbox
from llm_tracer._delivery.pace import Pace
from llm_tracer._delivery.queue import SpanQueue
from llm_tracer._delivery.report import Reporter
from llm_tracer._delivery.spool import Spool
from llm_tracer._delivery.transport import Answer, Transport
from llm_tracer._record import Recorder
from llm_tracer._settings import Settings

REFUSALS: Final = frozenset({"unauthorized", "forbidden", "invalid"})
"""Of whole batches: their traces did not arrive in part, and telling of it would be refused as well."""


class Delivery:
    """A wish, of ``flush`` or ``close``, that what is queued now be delivered now."""

    MAX_REFUSALS: Final = 2
    """Connections refused until it is clear that no server is there to wait for."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.mark: int | None = None
        self.refusals = 0


class Sender:
    """Owns the batches from the moment they are built, and the count of what was sent."""

    POLL_SECONDS: Final = 0.05
    """While there is traffic the thread looks into the queue this often, so no span has to wake it."""
    IDLE_SECONDS: Final = 5.0
    """Without anything to do for this long the thread ends; the next span starts another."""
    STOP_SECONDS: Final = 1.0
    """So long ``stop`` waits for the thread to finish what it is computing."""

    FLOWING_SECONDS: Final = 0.5
    """A server that answers within this is not what the spans wait for."""
    AWAY_AFTER_FAILURES: Final = 2
    """From then on batches go to disk instead of waiting in memory."""
    MAX_MISTAKES: Final = 8
    """Answers of 500 in a row, some 20 s of them, until the batch is halved to find where it fails."""
    MAX_MISTAKES_OF_HALVES: Final = 3

    def __init__(
        self,
        queue: SpanQueue,
        settings: Settings,
        transport: Transport,
        recorder: Recorder,
        spool: Spool | None,
    ) -> None:
        self._queue = queue
        self._transport = transport
        self._spool = spool
        self._pace = Pace()
        self._builder = BatchBuilder(settings)
        self._outbox = Outbox(queue, self._builder, recorder, self._pace)
        self._reporter = Reporter(settings)
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._wishes: deque[Delivery] = deque()
        self._deliveries: list[Delivery] = []
        self._prepared: deque[Batch] = deque()
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
        """Ends the work; what is not delivered by now goes to disk, or is lost and said so."""
        has_lock = self._lock.acquire(timeout=self.STOP_SECONDS)
        try:
            self.is_stopped = True
            if has_lock:
                self._keep_the_rest()
        finally:
            if has_lock:
                self._lock.release()
        self._wake.set()
        self._reporter.warn(self._queue.lost, self._queue.queued_count, on_disk=self.on_disk, is_last=True)

    @property
    def on_disk(self) -> int:
        """Finished spans of this process that wait on disk."""
        return self._spool.pending if self._spool is not None else 0

    @property
    def pending(self) -> int:
        """Finished spans that are neither acknowledged nor given up."""
        return self._queue.queued_count + self.on_disk

    @property
    def has_work(self) -> bool:
        is_on_disk = self._spool is not None and self._spool.has_batches
        return bool(self._prepared or self._wishes or self._outbox.has_work or is_on_disk)

    # The thread's side

    def work(self, until: float | None = None) -> None:
        """Sends until stopped, or until there was nothing to do for a while.

        With ``until`` (monotonic) it works on the calling thread, until then or until all wishes are met.
        """
        self._reporter.greet()
        self._transport.warm_up()
        while not self.is_stopped:
            with self._lock:
                batch, wait_seconds = self._look(time.monotonic())
            if batch is not None:
                self._attempt(batch)
            elif until is not None:
                if not self._deliveries or time.monotonic() >= until:
                    return
                time.sleep(min(wait_seconds or 0.0, self.POLL_SECONDS))
            elif not self._wait(wait_seconds):
                return

    def survive(self, error: Exception) -> None:
        """Gives up the batch that a mistake of ours cannot send, so that the next ones can be."""
        with self._lock:
            self._reporter.note(f"internal error: {type(error).__name__}: {error}")
            if self._prepared:
                self._lose(self._prepared.popleft(), "internal_error")
            elif self._spool is not None and (batch := self._spool.head()) is not None:
                self._spool.done()
                self._lose(batch, "internal_error")

    def rest(self) -> None:
        """The thread ends; a later one goes on with the same state."""
        self._transport.close()
        for delivery in (*self._deliveries, *self._wishes):
            delivery.is_over.set()

    def _look(self, now: float) -> tuple[Batch | None, float | None]:
        """The batch to send now, else how many seconds to wait; ``None``: there is nothing to do."""
        if self.is_stopped:
            return None, None
        self._outbox.collect(now)
        self._welcome_deliveries()
        if self._is_away:
            self._move_to_disk(now)
        if now < self._not_before:
            return None, min(self.POLL_SECONDS, self._not_before - now) if self.has_work else None
        batch = self._next_batch(now)
        return batch, None if batch is not None or not self.has_work else self.POLL_SECONDS

    def _next_batch(self, now: float) -> Batch | None:
        if self._prepared:
            return self._prepared[0]
        is_hurried = bool(self._deliveries)
        due_at = self._outbox.due_at(now, is_hurried=is_hurried)
        if due_at is not None and due_at <= now and not self._is_away:
            self._prepared.append(self._outbox.next_batch(now, is_hurried=is_hurried))
            return self._prepared[0]
        if self._spool is not None and (is_hurried or self._is_away or self._pace.may_send(now)):
            return self._from_disk()
        return None

    def _wait(self, wait_seconds: float | None) -> bool:
        """Sleeps until the next look; False if nothing came for so long that the thread should end."""
        if wait_seconds is None:
            return self._wait_idle()
        self._wake.wait(wait_seconds)
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
            delivery.mark = self._handled + self.pending
            self._deliveries.append(delivery)
            if not self._is_wait_ordered:
                self._not_before = 0.0
        for delivery in self._deliveries.copy():
            is_handled = self._handled >= (delivery.mark or 0)
            if is_handled or delivery.refusals >= Delivery.MAX_REFUSALS:
                self._deliveries.remove(delivery)
                delivery.is_over.set()

    # The disk

    @property
    def _is_away(self) -> bool:
        """The server has not been there for a while, and there is another place to put batches."""
        return self._spool is not None and self._failures >= self.AWAY_AFTER_FAILURES

    def _move_to_disk(self, now: float) -> None:
        """What would only fill the memory; a batch that may be at fault itself stays, to be looked into."""
        while self._prepared and not (self._is_isolating or self._mistakes):
            if not self._to_disk(self._prepared[0]):
                return
            self._prepared.popleft()
        is_hurried = bool(self._deliveries)
        while (due_at := self._outbox.due_at(now, is_hurried=is_hurried)) is not None and due_at <= now:
            batch = self._outbox.next_batch(now, is_hurried=is_hurried)
            if not self._to_disk(batch):
                self._prepared.append(batch)
                return

    def _to_disk(self, batch: Batch) -> bool:
        if self._spool is None or not self._spool.append(batch):
            return False
        self._queue.release(batch.finished, batch.size_bytes)
        return True

    def _from_disk(self) -> Batch | None:
        if self._spool is None:
            return None
        batch = self._spool.head()
        if self._spool.damaged:
            self._queue.lose("spool_damaged", self._spool.damaged)
            self._spool.damaged = 0
        return batch

    def _keep_the_rest(self) -> None:
        if self._spool is None:
            return
        now = time.monotonic()
        self._outbox.collect(now)
        while self._outbox.count:
            self._prepared.append(self._outbox.next_batch(now, is_hurried=True))
        while self._prepared and self._to_disk(self._prepared[0]):
            self._prepared.popleft()
        self._spool.close()

    # Answers

    def _attempt(self, batch: Batch) -> None:
        self._pace.sent(time.monotonic())
        began_at = time.monotonic()
        answer = self._transport.post(batch.body)
        is_quick = time.monotonic() - began_at < self.FLOWING_SECONDS
        self._queue.is_flowing = is_quick and answer.outcome == "delivered"
        with self._lock:
            if self.is_stopped:
                return
            if answer.outcome == "failed":
                self._keep(batch, answer)
            else:
                self._finish(batch, answer)
            self._reporter.warn(self._queue.lost.copy(), self._queue.queued_count, on_disk=self.on_disk)

    def _keep(self, batch: Batch, answer: Answer) -> None:
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
            self._isolate(batch)

    def _isolate(self, batch: Batch) -> None:
        """One span must not hold up all others for ever: halve the batch, give up what stands alone."""
        self._mistakes = 0
        self._is_isolating = True
        self._remove(batch)
        if batch.announced + batch.finished > 1:
            self._prepared.extendleft(reversed(self._builder.halves(batch)))
        else:
            self._lose(batch, "server_error")

    def _finish(self, batch: Batch, answer: Answer) -> None:
        self._remove(batch)
        self._failures = self._mistakes = 0
        self._is_isolating = self._is_isolating and bool(self._prepared)
        self._is_wait_ordered = False
        self._not_before = 0.0
        self._pace.succeeded()
        if answer.outcome == "delivered":
            self._delivered(batch, answer)
        elif answer.reason == "too_large" and batch.announced + batch.finished > 1:
            self._prepared.extendleft(reversed(self._builder.halves(batch)))
        else:
            self._builder.refused(batch)
            self._reporter.note(answer.message)
            self._lose(batch, answer.reason)

    def _remove(self, batch: Batch) -> None:
        if self._prepared and self._prepared[0] is batch:
            self._prepared.popleft()
        elif self._spool is not None:
            self._spool.done()

    def _delivered(self, batch: Batch, answer: Answer) -> None:
        places = [place - batch.announced for place in map(_index_of, answer.rejected)]
        rejected = [place for place in places if 0 <= place < batch.finished]
        for place in rejected:
            self._queue.lose("rejected", state=batch.states[place])
        self._outbox.thinning = answer.thinning
        self._reporter.recovered()
        if rejected:
            first = answer.rejected[0]
            self._reporter.note(f"the server rejected {first.get('field')}: {first.get('reason')}")
        self.sent += 0 if batch.is_adopted else batch.finished - len(rejected)
        self._done_with(batch)
        if self._spool is not None:
            self._spool.adopt(time.monotonic())

    def _lose(self, batch: Batch, reason: str) -> None:
        for state in batch.states:
            self._queue.lose(
                reason, state=None if reason in REFUSALS or reason.startswith("http_") else state
            )
        self._done_with(batch)

    def _done_with(self, batch: Batch) -> None:
        self._handled += 0 if batch.is_adopted else batch.finished
        if batch.size_bytes:
            self._queue.release(batch.finished, batch.size_bytes)


def _index_of(rejection: dict[str, object]) -> int:
    index = rejection.get("index")
    return index if isinstance(index, int) else 0
