"""The one guard round code that is not ours: ``__str__``, ``__repr__``, ``model_dump`` and their like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

MAX_TEXT_CHARACTERS: Final = 1_000
"""Names, models, tags, user and session ids: longer ones are cut."""


def ask(function: Callable[..., Result], *arguments: Any, otherwise: Result) -> Result:
    """What ``function`` returns, or ``otherwise`` if it raises: the host's objects may raise anything."""
    try:
        return function(*arguments)
    except Exception:  # noqa: BLE001 - see above; tracing never breaks its host
        return otherwise


def is_given(value: object) -> bool:
    """False for ``None`` and for what is empty; arrays and tables of data refuse the question."""
    return value is not None and ask(bool, value, otherwise=True)


def text_of(value: object, *, otherwise: str = "") -> str:
    """A short text from whatever was given where a text was asked for."""
    text = ask(_as_text, value, otherwise=f"<{type(value).__name__}>")
    return text[:MAX_TEXT_CHARACTERS] or otherwise


def _as_text(value: object) -> str:
    return str.__str__(value) if isinstance(value, str) else str(value)
