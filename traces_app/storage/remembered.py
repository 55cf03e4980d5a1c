"""What a process need not ask the store again for a while: settings of projects."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar
from weakref import WeakSet

__all__ = ["Remembered", "forget_everything"]

MAX_PROJECTS: Final = 1000

Value = TypeVar("Value")
_everything: Final[WeakSet[Remembered[Any]]] = WeakSet()


class Remembered(Generic[Value]):
    """By project, for ``hold_ns``: so long another process goes by what was before. Thread-safe."""

    def __init__(self, hold_ns: int) -> None:
        self._hold_ns = hold_ns
        self._known: dict[str, tuple[int, Value]] = {}
        self._lock = threading.Lock()
        _everything.add(self)

    def of(self, project: str, read: Callable[[], Value], *, now_ns: int) -> Value:
        """What ``read`` said when it was asked last, or says now."""
        known = self._known.get(project)
        if known is None or not 0 <= now_ns - known[0] < self._hold_ns:
            known = (now_ns, read())
            with self._lock:
                if len(self._known) >= MAX_PROJECTS:
                    self._known.clear()
                self._known[project] = known
        return known[1]

    def forget(self) -> None:
        """Ask anew."""
        self._known.clear()


def forget_everything() -> None:
    """Of a store that is closed."""
    for one in _everything:
        one.forget()
