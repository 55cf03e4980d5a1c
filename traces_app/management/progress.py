"""How far a long command is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

__all__ = ["Progress", "following"]

INTERRUPTED: Final = 130
"""The exit code that shells give to Control-C."""

BAR_CHARACTERS: Final = 30
SHOWN_EVERY_S: Final = 0.1
SAID_EVERY_S: Final = 10.0


@contextmanager
def following(stream: Any) -> Iterator[Progress]:
    """For a command that goes on when it is run again: Control-C says so, and is no stack."""
    progress = Progress(stream)
    try:
        yield progress
    except KeyboardInterrupt:
        progress.close()
        stream.write("Stopped. Run it again to go on.")
        raise SystemExit(INTERRUPTED) from None
    finally:
        progress.close()


class Progress:
    """Writes to a command's ``stderr``."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._next_s = 0.0 if self._is_terminal else time.monotonic() + SAID_EVERY_S
        self._is_open = False

    def show(self, text: str, done: int = 0, total: int | None = None) -> None:
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + (SHOWN_EVERY_S if self._is_terminal else SAID_EVERY_S)
        share = min(1.0, done / total) if total else None
        if not self._is_terminal:
            self._stream.write(text if share is None else f"{share:.0%}  {text}")
            return
        self._stream.write(f"\r\033[K{'' if share is None else _bar(share)}{text}", ending="")
        self._stream.flush()
        self._is_open = True

    def close(self) -> None:
        """Leave the line of the bar."""
        if self._is_open:
            self._stream.write("\r\033[K", ending="")
            self._stream.flush()


def _bar(share: float) -> str:
    done = int(share * BAR_CHARACTERS)
    return "█" * done + "·" * (BAR_CHARACTERS - done) + f" {share:.0%}  "
