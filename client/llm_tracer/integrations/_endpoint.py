"""What is known of one kind of call: how its request, its answer and its stream are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

Document = Mapping[str, Any]
"""JSON as the provider speaks it."""


class Question(NamedTuple):
    """What was asked: content, the tools on offer, and every other parameter but the model."""

    input: Any
    tools: list[Any] | None
    parameters: dict[str, Any]


@dataclass
class Answer:
    """What came back. Token counts are inclusive; ``None`` is unknown."""

    output: Any = None
    model: str | None = None
    usage: dict[str, int | None] = field(default_factory=dict)
    """By the names of the wire format: ``input_tokens``, ``cache_read_tokens`` ..."""
    metadata: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    """Of an answer that says the call failed although HTTP went well."""


class Chunks(Protocol):
    """Puts the pieces of a stream together into the document of an answer that was not streamed."""

    def add(self, chunk: Document) -> bool:
        """True if the piece carries something of the answer, so that the first one can be timed."""

    def document(self) -> Document:
        """What has come so far."""


@dataclass(frozen=True)
class Endpoint:
    operation: str
    """The first word of the span's name; the model is the second."""
    kind: str
    question: Callable[[Document], Question]
    answer: Callable[[Document], Answer]
    chunks: Callable[[], Chunks] | None = None
    asks_for_usage: bool = False
    """The usage of a stream comes only if ``stream_options.include_usage`` asks for it."""


def split(body: Document, *content: str) -> dict[str, Any]:
    """The parameters of a body: all members that are set, but for the model and ``content``."""
    return {
        name: value
        for name, value in body.items()
        if name not in content and name not in ("model", "stream") and is_set(value)
    }


def is_set(value: object) -> bool:
    """False for the packages' own marks of an argument that was not given."""
    return value is not None and type(value).__name__ not in ("NotGiven", "Omit")


def listed(value: Any) -> list[Any]:
    """The list that should be there, or an empty one."""
    return list(value) if isinstance(value, (list, tuple)) else []


def mapped(value: Any) -> Document:
    """The object that should be there, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def known(**members: Any) -> dict[str, Any]:
    """The members that are not ``None``."""
    return {name: value for name, value in members.items() if value is not None}
