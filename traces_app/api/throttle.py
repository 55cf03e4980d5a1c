"""The rate limit: a token bucket per key and kind of call, in this process.

RATE_LIMIT_RPM requests a minute, and as many at once after a pause. Each server process counts for
itself: n gunicorn workers or Lambda instances let n times as many through, which is the price of asking
no store before each request. A batch counts as one request, however many spans it holds; reading is
counted apart from writing, so that a dashboard never costs an application its traces.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from typing import Final, Literal

from django.conf import settings

from traces_app.api.problems import ProblemError

__all__ = ["TokenBuckets", "spend"]

MAX_BUCKETS: Final = 10_000
"""About 3 MB. The bucket forgotten first is the one unused longest, which is full again anyway."""

_SECONDS_PER_MINUTE: Final = 60.0


class TokenBuckets:
    """Buckets that hold ``per_minute`` tokens and fill by that many a minute; thread-safe, O(1)."""

    def __init__(self, max_buckets: int = MAX_BUCKETS) -> None:
        self._max_buckets = max_buckets
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, name: str, *, per_minute: float, weight: float, now_seconds: float) -> float:
        """Take ``weight`` tokens: 0.0 when they were there, else the seconds until they will be."""
        per_second = per_minute / _SECONDS_PER_MINUTE
        with self._lock:
            tokens, filled_at = self._buckets.get(name, (per_minute, now_seconds))
            tokens = min(per_minute, tokens + max(0.0, now_seconds - filled_at) * per_second)
            missing = weight - tokens
            self._buckets[name] = (tokens if missing > 0 else tokens - weight, now_seconds)
            self._buckets.move_to_end(name)
            if len(self._buckets) > self._max_buckets:
                self._buckets.popitem(last=False)
        return max(0.0, missing / per_second)

    def clear(self) -> None:
        with self._lock:
            self._buckets.clear()


buckets: Final = TokenBuckets()


def spend(key_id: str, call: Literal["ingest", "read"], *, weight: float) -> None:
    """Count a request of ``weight`` for a key. Raises a 429 problem when it has too little left."""
    per_minute = settings.RATE_LIMIT_RPM
    if not per_minute:
        return
    wait_seconds = buckets.take(
        f"{call}:{key_id}", per_minute=per_minute, weight=weight, now_seconds=time.monotonic()
    )
    if wait_seconds > 0:
        raise ProblemError(
            429,
            "Too many requests",
            "This key has used up its requests for now. Send batches, or raise RATE_LIMIT_RPM.",
            limit=f"RATE_LIMIT_RPM: {per_minute} {call} requests per minute and key",
            retry_after_seconds=math.ceil(wait_seconds),
        )
