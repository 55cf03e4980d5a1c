"""What can go wrong with the store, in two words: come back later, or change something first."""

from __future__ import annotations

__all__ = ["StoreError", "StoreUnavailable", "StoreUnusable"]


class StoreError(Exception):
    """Base of everything the store raises on purpose."""


class StoreUnavailable(StoreError):
    """The store cannot answer now: throttled, timed out, locked, full. The same call may succeed later.

    ``retry_after_seconds`` is a whole number, at least 1: what a 503 puts into Retry-After.
    """

    def __init__(self, message: str, *, retry_after_seconds: int = 2) -> None:
        super().__init__(message)
        self.retry_after_seconds = max(1, retry_after_seconds)


class StoreUnusable(StoreError):
    """The store cannot work as it is configured; the message names the setting to change."""
