"""One client's way out: the queue, the thread that empties it, and what ``flush`` and ``close`` wait for."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from llm_tracer import _lifecycle
from llm_tracer._queue import SpanQueue
from llm_tracer._sender import Delivery, Sender
from llm_tracer._settings import Settings
from llm_tracer._transport import THREAD_NAME, Transport

if TYPE_CHECKING:
    import httpx

DEFAULT_FLUSH_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.005


class FlushResult(NamedTuple):
    """Finished spans since the client was made: acknowledged, lost for whatever reason, still waiting."""

    sent: int
    dropped: int
    pending: int


class Pipeline:
    """Starts and ends the sending thread. ``queue.put`` is all that a finished span calls."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None) -> None:
        self.queue = SpanQueue(self._notify)
        self._settings = settings
        self._transport = Transport(settings, transport)
        self._begin()
        _lifecycle.look_after(self)

    def flush(self, timeout_seconds: float = DEFAULT_FLUSH_SECONDS) -> FlushResult:
        """Waits until what is queued now is delivered or given up, but no longer than the timeout."""
        delivery = self.ask_for_delivery()
        if delivery is not None:
            delivery.is_over.wait(max(0.0, timeout_seconds))
        return self.result()

    async def flush_without_blocking(self, timeout_seconds: float = DEFAULT_FLUSH_SECONDS) -> FlushResult:
        """As ``flush``, while the event loop goes on."""
        import asyncio  # noqa: PLC0415 - a host without asyncio does not pay for its import

        delivery = self.ask_for_delivery()
        deadline = time.monotonic() + timeout_seconds
        # Polled: an event of the sending thread cannot be awaited, and a loop may end before it comes.
        while delivery and not delivery.is_over.is_set() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)
        return self.result()

    def ask_for_delivery(self) -> Delivery | None:
        """Makes the thread send what is queued, at once; ``None`` if there is nothing to wait for."""
        if self._sender.is_stopped or (self._thread is None and not self._sender.has_work):
            return None
        delivery = self._sender.ask_for_delivery()
        self._notify()
        return None if self._thread is None else delivery

    def refuse_more(self) -> None:
        """From now on spans are counted as lost, reason "closed"."""
        self.queue.is_closed = True

    def stop(self) -> None:
        """Ends the thread after ``refuse_more``; what is not delivered by now is lost, and said so."""
        if not self._sender.is_stopped:
            self._sender.stop()
            self._sender.warn_of_the_rest(self.result().pending)

    def result(self) -> FlushResult:
        pending = len(self.queue.records) + self._sender.on_the_wire
        return FlushResult(self._sender.sent, self.queue.lost_count, pending)

    def begin_again(self) -> None:
        """For the child of a fork: its own empty queue, thread, connection and locks."""
        _inherited.append(self._transport.abandon())
        self.queue.reset()
        self._begin()

    def _begin(self) -> None:
        self._sender = Sender(self.queue, self._settings, self._transport)
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
                if sender.is_stopped or not sender.has_work:
                    sender.rest()
                    self._thread = None
                    return


_inherited: list[object] = []
"""Connections of the parent in the child of a fork, kept so that nobody closes them."""
