"""The one guard of the integrations: what goes wrong in tracing ends here and the host's call goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from llm_tracer._settings import logger
from llm_tracer._span import Span

Result = TypeVar("Result")

FAULT: Final = "llm_tracer.fault"
"""Metadata of a span that tells less than it should."""


class FaultLog:
    """Says what went wrong, with numbers, at most once a minute."""

    INTERVAL_SECONDS: Final = 60.0

    def __init__(self) -> None:
        self.count = 0
        self._warned_at: float | None = None

    def note(self, where: str, error: Exception) -> None:
        self.count += 1
        now = time.monotonic()
        if self._warned_at is None or now - self._warned_at >= self.INTERVAL_SECONDS:
            self._warned_at = now
            logger.warning(
                "tracing of %s failed, the call went on: %s: %s (%d so far)",
                where,
                type(error).__name__,
                error,
                self.count,
            )


faults: Final = FaultLog()


def guarded(
    function: Callable[..., Result], *arguments: Any, otherwise: Result, span: Span | None = None
) -> Result:
    """What ``function`` returns, or ``otherwise`` if it raises: logged, and noted on the span."""
    try:
        return function(*arguments)
    except Exception as error:  # noqa: BLE001 - whatever tracing meets, the host's call goes on
        note_fault(getattr(function, "__qualname__", "a call"), error, span)
        return otherwise


def note_fault(where: str, error: Exception, span: Span | None = None) -> None:
    """Logs a fault, and notes it on the span, which tells less than it should."""
    faults.note(where, error)
    if span is not None:
        span.set_metadata({FAULT: f"{where}: {type(error).__name__}"})
