"""Vectors of embeddings are not kept: they are most of a span's bytes, and nobody reads them."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from traces_app.domain.conventions import openinference, vercel
from traces_app.domain.json_text import decoded

MIN_VECTOR_NUMBERS: Final = 8
"""A shorter list of numbers may be something else."""

MAX_SENTENCE: Final = 80
_SENTENCE: Final = re.compile(r"\(([0-9]{1,6}) vectors? of ([0-9]{1,9}) numbers, not kept\)")

_ENDS: Final = openinference.VECTORS
_NAMES: Final = frozenset(vercel.VECTORS)
_RESPONSES: Final = ("output.value", "mlflow.spanOutputs", "langfuse.observation.output")


def take_vectors(attributes: dict[str, Any], *, is_embedding: bool) -> list[int]:
    """Replace each vector among ``attributes`` by a sentence; their lengths."""
    lengths: list[int] = []
    for key, value in attributes.items():
        if key in _NAMES or key.endswith(_ENDS):
            found = _lengths_in(value)
            lengths += found
            attributes[key] = _sentence(found)
    if is_embedding:
        for key in _RESPONSES:
            if key in attributes:
                attributes[key] = _without_vectors_in(attributes[key], lengths)
    return lengths


def _lengths_in(value: Any) -> list[int]:
    value = decoded(value)
    told = _SENTENCE.fullmatch(value) if isinstance(value, str) and len(value) < MAX_SENTENCE else None
    if told is not None:  # mapped before
        return [int(told[2])] * int(told[1])
    if not isinstance(value, list):
        return []
    if value and all(isinstance(number, int | float) for number in value):
        return [len(value)]
    return [length for entry in value for length in _lengths_in(entry)[:1]]


def _without_vectors_in(value: Any, lengths: list[int]) -> Any:
    """The response of a provider, a JSON text or an object, with sentences for vectors."""
    response = decoded(value)
    found: list[int] = []
    if not isinstance(response, dict | list):
        return value
    slim = _slim(response, found)
    if not found:
        return value
    if not lengths:
        lengths += found
    return orjson.dumps(slim).decode() if isinstance(value, str) else slim


def _slim(value: Any, found: list[int]) -> Any:
    if isinstance(value, dict):
        return {name: _slim(inner, found) for name, inner in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) >= MIN_VECTOR_NUMBERS and all(isinstance(number, int | float) for number in value):
        found.append(len(value))
        return _sentence([len(value)])
    return [_slim(inner, found) for inner in value]


def _sentence(lengths: list[int]) -> str:
    plural = "" if len(lengths) == 1 else "s"
    return f"({len(lengths)} vector{plural} of {max(lengths, default=0)} numbers, not kept)"
