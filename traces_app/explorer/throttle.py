"""A brake on guessing keys: refused logins are counted in this process, per address and in all."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from typing import Final

WINDOW_S: Final = 60
MAX_REFUSALS_PER_ADDRESS: Final = 10
"""A person mistypes a key a few times; ten a minute would need ages for any secret."""

MAX_REFUSALS: Final = 200
"""From all addresses together: a spread attack is slowed, an office behind one proxy is not locked out."""

MAX_ADDRESSES: Final = 10_000
"""Kept at once; the oldest is forgotten first, so memory is bounded."""


class LoginThrottle:
    """Times are seconds of a monotonic clock, passed in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_address: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque(maxlen=MAX_REFUSALS)

    def wait_s(self, address: str, *, now_s: float) -> int:
        """Whole seconds until another attempt is let through; 0 when it may come now."""
        with self._lock:
            own = self._by_address.get(address, deque())
            waits = (
                _wait_s(own, MAX_REFUSALS_PER_ADDRESS, now_s),
                _wait_s(self._all, MAX_REFUSALS, now_s),
            )
            return max(waits)

    def refuse(self, address: str, *, now_s: float) -> None:
        """Count one refused login."""
        with self._lock:
            own = self._by_address.setdefault(address, deque(maxlen=MAX_REFUSALS_PER_ADDRESS))
            self._by_address.move_to_end(address)
            own.append(now_s)
            self._all.append(now_s)
            if len(self._by_address) > MAX_ADDRESSES:
                self._by_address.popitem(last=False)

    def reset(self) -> None:
        with self._lock:
            self._by_address.clear()
            self._all.clear()


def _wait_s(refusals: deque[float], limit: int, now_s: float) -> int:
    if len(refusals) < limit:
        return 0
    return max(0, int(refusals[0] + WINDOW_S - now_s) + 1) if refusals[0] + WINDOW_S > now_s else 0
