"""What the client says: one line when it starts, at most one warning a minute."""

from __future__ import annotations

import sys
import time
from typing import Final

from llm_tracer._settings import Settings, logger


class Reporter:
    """Used by the sending thread and by ``close``; the host's path never logs."""

    INTERVAL_SECONDS: Final = 60.0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._is_greeted = False
        self._message = ""
        self._is_failing = False
        self._reported_lost: dict[str, int] = {}
        self._warned_at: float | None = None

    def greet(self) -> None:
        """Says where traces go: to whoever sits at a terminal, and to the host's log."""
        if self._is_greeted:
            return
        self._is_greeted = True
        line = f"traces of project {self._settings.project_id} go to {self._settings.shown_url}/dashboard/"
        logger.info("%s", line)
        if sys.stderr is not None and sys.stderr.isatty():
            sys.stderr.write(f"llm_tracer: {line}\n")

    def note(self, message: str, *, is_failing: bool = False) -> None:
        """Keeps the newest reason for trouble; while the sending fails that alone is worth a warning."""
        self._message = message
        self._is_failing = is_failing

    def recovered(self) -> None:
        self._message = ""
        self._is_failing = False

    def warn(self, lost: dict[str, int], waiting: int, *, on_disk: int = 0, is_last: bool = False) -> None:
        """Logs the numbers, if there is trouble and none was logged within the last minute."""
        now = time.monotonic()
        new = {reason: count - self._reported_lost.get(reason, 0) for reason, count in lost.items()}
        new = {reason: count for reason, count in new.items() if count > 0}
        if not (new or self._is_failing or (is_last and waiting + on_disk)):
            return
        if not is_last and self._warned_at is not None and now - self._warned_at < self.INTERVAL_SECONDS:
            return
        self._warned_at = now
        self._reported_lost = dict(lost)
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(new.items())) or "none"
        kept = f", {on_disk} on disk for a later start" if is_last else f", {on_disk} on disk"
        logger.warning(
            "%d spans lost (%s), %d %s%s; %s",
            sum(new.values()),
            reasons,
            waiting,
            "not delivered" if is_last else "waiting",
            kept if on_disk else "",
            self._message or "-",
        )
