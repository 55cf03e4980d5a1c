"""When a batch may leave: arithmetic only, the time is passed in.

A server allows 60 requests a minute and key by default. So a few batches leave at once and sustained traffic
gets a little less than one a second. A 429 says that other processes use the same key: then batches become
fewer and larger, and as many again only slowly.
"""

from __future__ import annotations

import random
from typing import Final


class Pace:
    """A bucket of requests, the back-off after failures, and the size of a batch."""

    BURST_REQUESTS: Final = 10
    REQUESTS_PER_SECOND: Final = 0.8
    FIRST_BACKOFF_SECONDS: Final = 0.25
    MAX_BACKOFF_SECONDS: Final = 5.0
    MAX_RETRY_AFTER_SECONDS: Final = 300.0
    BATCH_BYTES: Final = 1_000_000
    BATCH_SPANS: Final = 512
    MAX_GROWTH: Final = 4
    MIN_REQUESTS_PER_SECOND: Final = 0.05
    RECOVERY: Final = 1.05
    """The rate grows by so much with each batch taken, until it is what it was."""

    def __init__(self) -> None:
        self._requests_left = float(self.BURST_REQUESTS)
        self._requests_per_second = self.REQUESTS_PER_SECOND
        self._refilled_at = 0.0
        self._failures = 0
        self._growth = 1

    @property
    def batch_bytes(self) -> int:
        return self.BATCH_BYTES * self._growth

    @property
    def batch_spans(self) -> int:
        return self.BATCH_SPANS * self._growth

    def may_send(self, now: float) -> bool:
        """True if a batch that is not full may leave at ``now`` (seconds, monotonic)."""
        self._refill(now)
        return self._requests_left >= 1

    def sent(self, now: float) -> None:
        self._refill(now)
        self._requests_left = max(0.0, self._requests_left - 1)

    def next_at(self, now: float) -> float:
        """When a batch that is not full may leave."""
        self._refill(now)
        return now + max(0.0, 1 - self._requests_left) / self._requests_per_second

    def succeeded(self) -> None:
        self._failures = 0
        self._requests_per_second = min(self.REQUESTS_PER_SECOND, self._requests_per_second * self.RECOVERY)

    def limited(self) -> None:
        """After a 429: fewer and larger batches."""
        self._requests_left = 0.0
        self._requests_per_second = max(self.MIN_REQUESTS_PER_SECOND, self._requests_per_second / 2)
        self._growth = min(self.MAX_GROWTH, self._growth * 2)

    def failed(self, retry_after_seconds: float | None) -> float:
        """Seconds to wait before the next attempt."""
        self._failures += 1
        if retry_after_seconds is not None:
            return min(self.MAX_RETRY_AFTER_SECONDS, max(0.0, retry_after_seconds))
        doubled = self.FIRST_BACKOFF_SECONDS * 2.0 ** min(self._failures - 1, 10)
        longest = min(self.MAX_BACKOFF_SECONDS, doubled)
        return longest * random.uniform(0.6, 1.0)  # noqa: S311 - spreads clients, guards nothing

    def _refill(self, now: float) -> None:
        elapsed = max(0.0, now - self._refilled_at)
        self._refilled_at = now
        self._requests_left = min(
            float(self.BURST_REQUESTS), self._requests_left + elapsed * self._requests_per_second
        )
