"""One client's way out: the queue, the thread that empties it, and what ``flush`` and ``close`` wait for."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from llm_tracer._delivery import lifecycle
from llm_tracer._delivery.queue import SpanQueue
from llm_tracer._delivery.sender import Delivery, Sender
from llm_tracer._delivery.spool import spool_of
from llm_tracer._delivery.transport import THREAD_NAME, Transport
from llm_tracer._record import Recorder
from llm_tracer._settings import Settings, seconds_of

if TYPE_CHECKING:
    import httpx

DEFAULT_FLUSH_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.005


class FlushResult(NamedTuple):
    """Finished spans since the client was made: acknowledged, lost for whatever reason, still waiting
    (in memory or on disk).
    """

    sent: int
    dropped: int
    pending: int


class Pipeline:
    """Starts and ends the sending thread. ``queue.put`` is all that a finished span calls."""

    KEEP_SECONDS_PER_SPAN: Final = 0.000_1
    """About what it takes to write a span to disk."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None, recorder: Recorder) -> None:
        self.queue = SpanQueue(self._notify)
        self._settings = settings
        self._recorder = recorder
        self._transport = Transport(settings, transport)
        self._spool = spool_of(settings)
        self._begin()
        lifecycle.look_after(self)

    def flush(self, timeout_seconds: float = DEFAULT_FLUSH_SECONDS) -> FlushResult:
        """Waits until what is queued now is delivered or given up, but no longer than the timeout."""
        timeout_seconds = seconds_of(timeout_seconds, otherwise=DEFAULT_FLUSH_SECONDS)
        deadline = time.monotonic() + timeout_seconds
        delivery = self.ask_for_delivery()
        if delivery is not None:
            delivery.is_over.wait(timeout_seconds)
        elif timeout_seconds > 0 and not self._sender.is_stopped and self._sender.has_work:
            self._sender.work(deadline)  # no thread can be started any more
        return self.result()

    def delivery_seconds(self, timeout_seconds: float) -> float:
        """Of the time for ``close`` what may go into delivery, so that the rest can still go to disk."""
        seconds = seconds_of(timeout_seconds, otherwise=DEFAULT_FLUSH_SECONDS)
        return seconds - min(seconds / 2, self.queue.queued_count * self.KEEP_SECONDS_PER_SPAN)

    async def flush_without_blocking(self, timeout_seconds: float = DEFAULT_FLUSH_SECONDS) -> FlushResult:
        """As ``flush``, while the event loop goes on."""
        import asyncio  # noqa: PLC0415 - a host without asyncio does not pay for its import

        delivery = self.ask_for_delivery()
        deadline = time.monotonic() + seconds_of(timeout_seconds, otherwise=DEFAULT_FLUSH_SECONDS)
        # Polled: an event of the sending thread cannot be awaited, and a loop may end before it comes.
        while delivery and not delivery.is_over.is_set() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)
        return self.result()

    def ask_for_delivery(self) -> Delivery | None:
        """Makes the thread send what is queued, at once; ``None``: there is nothing to do, or no thread."""
        if self._sender.is_stopped or (self._thread is None and not self._sender.has_work):
            return None
        delivery = self._sender.ask_for_delivery()
        self._notify()
        return None if self._thread is None else delivery

    def refuse_more(self) -> None:
        """From now on spans are counted as lost, reason "closed"."""
        self.queue.is_closed = True

    def stop(self) -> None:
        """Ends the thread after ``refuse_more``; what is not delivered by now goes to disk."""
        if not self._sender.is_stopped:
            self._sender.stop()

    def result(self) -> FlushResult:
        return FlushResult(self._sender.sent, self.queue.lost_count, self._sender.pending)

    def begin_again(self) -> None:
        """For the child of a fork: its own empty queue, thread, connection, file and locks."""
        _inherited.append(self._transport.abandon())
        if self._spool is not None:
            self._spool.abandon()
        self.queue.reset()
        self._begin()

    def _begin(self) -> None:
        self._sender = Sender(self.queue, self._settings, self._transport, self._recorder, self._spool)
        self._thread: threading.Thread | None = None
        self._thread_lock = threading.Lock()

    def _notify(self) -> None:
        with self._thread_lock:
            self._sender.wake()
            if self._thread is None and not self._sender.is_stopped:
                self._start()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no new threads while the interpreter ends, or the system has no more
            return
        self._thread = thread

    def _run(self) -> None:
        sender = self._sender
        while True:
            try:
                sender.work()
            except Exception as error:  # noqa: BLE001 - a thread that died would lose spans in silence
                sender.survive(error)
            with self._thread_lock:
                self.queue.is_idle = (
                    True  # a span that comes from here on waits for the lock, and starts anew
                )
                if sender.is_stopped or not sender.has_work:
                    sender.rest()
                    self._thread = None
                    return
                self.queue.is_idle = False


_inherited: list[object] = []
"""Connections of the parent in the child of a fork, kept so that nobody closes them."""
