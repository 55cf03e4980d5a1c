"""Finished spans on their way from the host's threads to the sending thread; bounded in bytes and in count.

The host's side takes no lock. Under CPython's global lock ``self.put_bytes += size`` is not interrupted
(no call lies between reading and writing), ``deque.append`` is atomic everywhere, and whatever a build
without that lock may miscount is set right whenever the queue is empty.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llm_tracer._span import Span
    from llm_tracer._state import TraceState


class SpanQueue:
    """One per client. ``put``, ``opened`` and ``lose`` are the host's; the rest is the sending thread's."""

    MAX_BYTES: Final = 64 << 20
    MAX_SPANS: Final = 100_000
    RESERVE_BYTES: Final = 8 << 20
    """Beyond ``MAX_BYTES``, for roots without their contents."""
    BUSY_BYTES: Final = 24 << 20
    MAX_BREATH_SECONDS: Final = 0.003
    """Beyond ``BUSY_BYTES`` spans come faster, thousands a second, than they can be written. Then each gives
    way to the sending thread, the longer the fuller the queue, unless it is the server that is slow."""
    MAX_WAIT_SECONDS: Final = 0.5
    """For room in a full queue, under the same condition, before a span is lost."""
    MAX_OPENED: Final = 10_000
    """Running traces remembered for their announcement; beyond it the oldest are shown when they end."""
    MAX_TRACES_WITH_LOSSES: Final = 10_000
    """Remembered until they are told of what they lost; beyond it only the client's total tells."""

    def __init__(self, notify: Callable[[], None]) -> None:
        self._notify = notify
        self.is_closed = False
        self.reset()

    def reset(self) -> None:
        """Empties everything: also for the child of a fork, whose parent sends what it had."""
        self.spans: deque[Span] = deque()
        self.opened_roots: deque[Span] = deque(maxlen=self.MAX_OPENED)
        self.traces_with_losses: deque[TraceState] = deque(maxlen=self.MAX_TRACES_WITH_LOSSES)
        self.put_count = self.released_count = 0
        self.put_bytes = self.released_bytes = 0
        self.is_idle = True
        self.is_flowing = False
        """The server takes batches as fast as they are made."""
        self.lost: dict[str, int] = {}
        self._lost_lock = threading.Lock()

    def put(self, span: Span) -> None:
        """Takes one finished span, or counts it as lost; wakes the sending thread only if it rests."""
        size_bytes = span.size_bytes
        is_full = (
            self.put_bytes - self.released_bytes + size_bytes > self.MAX_BYTES
            or self.put_count - self.released_count >= self.MAX_SPANS
        )
        if self.is_closed or (is_full and not self._has_room_soon(size_bytes)):
            return self._refuse(span)
        self.put_bytes += size_bytes
        self.put_count += 1
        self.spans.append(span)
        if self.is_idle:
            self._notify()
        elif self.put_bytes - self.released_bytes > self.BUSY_BYTES and self.is_flowing:
            self._breathe()
        return None

    def _breathe(self) -> None:
        fullness = (self.queued_bytes - self.BUSY_BYTES) / (self.MAX_BYTES - self.BUSY_BYTES)
        time.sleep(max(0.0, self.MAX_BREATH_SECONDS * fullness**2))

    def _has_room_soon(self, size_bytes: int) -> bool:
        deadline = time.monotonic() + self.MAX_WAIT_SECONDS
        while self.is_flowing and not self.is_closed and time.monotonic() < deadline:
            time.sleep(self.MAX_BREATH_SECONDS)
            if self.queued_bytes + size_bytes <= self.MAX_BYTES and self.queued_count < self.MAX_SPANS:
                return True
        return False

    def _refuse(self, span: Span) -> None:
        """Counts it as lost. But a trace whose root arrives can say what it lost: roots go in bare."""
        state = span.shared_state
        is_root = span.span_id == state.root_id
        is_room = (
            self.queued_bytes < self.MAX_BYTES + self.RESERVE_BYTES and self.queued_count < self.MAX_SPANS
        )
        if self.is_closed or not (is_root and is_room):
            self.lose("closed" if self.is_closed else "queue_full", state=state)
        else:
            span.drop_contents("queue_full")
            self.put_bytes += span.size_bytes
            self.put_count += 1
            self.spans.append(span)

    def opened(self, root: Span) -> None:
        """Remembers a trace that began, so that it can be announced if it runs for long."""
        self.opened_roots.append(root)
        if self.is_idle and not self.is_closed:
            self._notify()

    def lose(self, reason: str, count: int = 1, *, state: TraceState | None = None) -> None:
        """Counts spans that will never arrive, for the client and for the trace they belong to."""
        with self._lost_lock:
            self.lost[reason] = self.lost.get(reason, 0) + count
            if state is not None:
                state.lost = state.lost or {}
                state.lost[reason] = state.lost.get(reason, 0) + count
                self.traces_with_losses.append(state)

    @property
    def lost_count(self) -> int:
        """Spans lost so far, for whatever reason."""
        return sum(self.lost.copy().values())

    @property
    def queued_count(self) -> int:
        """Spans in memory that are not delivered yet, those on the wire included."""
        return self.put_count - self.released_count

    @property
    def queued_bytes(self) -> int:
        """As ``queued_count``, in bytes."""
        return self.put_bytes - self.released_bytes

    def release(self, count: int, size_bytes: int) -> None:
        """Says that spans are delivered, given up or on disk, and no longer fill the queue."""
        self.released_count += count
        self.released_bytes += size_bytes

    def settle(self) -> None:
        """Only when nothing is queued or on the wire: forgets any miscount."""
        if not self.spans:
            self.released_count = self.put_count
            self.released_bytes = self.put_bytes
