"""Whose exports can be read. Each module knows its entries and makes spans of them, ``recognises`` and
``spans``; ``langfuse``, whose facts of a trace stand apart from its spans, is shown all entries before.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from traces_app.transfer.formats.langfuse import Langfuse
from traces_app.transfer.formats.langsmith import LangSmith
from traces_app.transfer.formats.native import Native
from traces_app.transfer.formats.otlp import Otlp
from traces_app.transfer.formats.phoenix import Phoenix
from traces_app.transfer.formats.values import Made, Unreadable

__all__ = ["NAMES", "Format", "Otlp", "Unreadable", "new_formats"]


class Format(Protocol):
    def recognises(self, entry: dict[str, Any]) -> bool: ...

    def look(self, entry: dict[str, Any]) -> None:
        """Called with every entry before the first is made into spans."""

    def spans(self, entry: dict[str, Any]) -> Made:
        """Raises Unreadable."""

    def rest(self) -> Made:
        """What belongs to spans that did not come."""


_FORMATS: Final[dict[str, type[Otlp | Native | Phoenix | LangSmith | Langfuse]]] = {
    "otlp": Otlp,
    "own": Native,
    "phoenix": Phoenix,
    "langsmith": LangSmith,
    "langfuse": Langfuse,
}
NAMES: Final = tuple(_FORMATS)


def new_formats() -> dict[str, Format]:
    """For one import."""
    return {name: made() for name, made in _FORMATS.items()}
