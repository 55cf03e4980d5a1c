"""Finished spans on their way from the host's threads to the sending thread; bounded in bytes and in count.

The host's side takes no lock. Under CPython's global lock ``self.put_bytes += size`` is not interrupted
(no call lies between reading and writing), ``deque.append`` is atomic everywhere, and whatever a build
without that lock may miscount is set right whenever the queue is empty.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llm_tracer._span import Span


class SpanQueue:
    """One per client. ``put``, ``opened`` and ``lose`` are the host's; the rest is the sending thread's."""

    MAX_BYTES: Final = 64 << 20
    MAX_SPANS: Final = 100_000
    MAX_OPENED: Final = 10_000
    """Running traces remembered for their announcement; beyond it the oldest are shown when they end."""

    def __init__(self, notify: Callable[[], None]) -> None:
        self._notify = notify
        self.is_closed = False
        self.reset()

    def reset(self) -> None:
        """Empties everything: also for the child of a fork, whose parent sends what it had."""
        self.records: deque[bytes] = deque()
        self.opened_roots: deque[Span] = deque(maxlen=self.MAX_OPENED)
        self.put_bytes = 0
        self.released_bytes = 0
        self.has_ended_trace = False
        self.is_idle = True
        self.lost: dict[str, int] = {}
        self._lost_lock = threading.Lock()

    def put(self, record: bytes, *, is_root: bool) -> None:
        """Takes one finished span, or counts it as lost; wakes the sending thread only if it rests."""
        size = len(record)
        if self.is_closed or len(self.records) >= self.MAX_SPANS:
            return self.lose("closed" if self.is_closed else "queue_full")
        if self.put_bytes - self.released_bytes + size > self.MAX_BYTES:
            return self.lose("queue_full")
        self.put_bytes += size
        self.records.append(record)
        if is_root:
            self.has_ended_trace = True
        if self.is_idle:
            self._notify()
        return None

    def opened(self, root: Span) -> None:
        """Remembers a trace that began, so that it can be announced if it runs for long."""
        self.opened_roots.append(root)
        if self.is_idle and not self.is_closed:
            self._notify()

    def lose(self, reason: str, count: int = 1) -> None:
        """Counts spans that will never arrive."""
        with self._lost_lock:
            self.lost[reason] = self.lost.get(reason, 0) + count

    @property
    def lost_count(self) -> int:
        """Spans lost so far, for whatever reason."""
        return sum(self.lost.copy().values())

    @property
    def queued_bytes(self) -> int:
        """Bytes of all spans that are not delivered yet, those on the wire included."""
        return self.put_bytes - self.released_bytes

    def take(self, max_bytes: int, max_spans: int) -> list[bytes]:
        """The oldest spans up to the limits, at least one if there is any."""
        taken: list[bytes] = []
        size = 0
        while self.records and len(taken) < max_spans:
            size += len(self.records[0])
            if taken and size > max_bytes:
                break
            taken.append(self.records.popleft())
        return taken

    def release(self, size_bytes: int) -> None:
        """Says that spans taken earlier are delivered or given up, and no longer fill the queue."""
        self.released_bytes += size_bytes

    def settle(self) -> None:
        """Only when nothing is queued or on the wire: forgets any miscount."""
        if not self.records:
            self.released_bytes = self.put_bytes
