"""Finds a field among a span's attributes, by the tables of the conventions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from traces_app.domain.conventions import SOURCES
from traces_app.domain.json_text import decoded

MAX_PATH_PARTS: Final = 24
"""Of a flattened attribute's name; a longer one is no list entry and stays an attribute."""

_ENTRY: Final = re.compile(r"[0-9]{1,15}")
_NOTHING: Final[tuple[Any, ...]] = (None, "", [], {})

Source = Callable[["Reader"], Any]


class Reader:
    """One span's attributes. Asking for the same list twice reads them once."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        self.attributes = attributes
        self._trees: dict[str, Any] | None = None
        self._vectors: list[int] = []

    def keep_vectors(self, lengths: list[int]) -> None:
        self._vectors = lengths

    def vectors(self) -> list[int]:
        """Lengths of the vectors that came, in place of the vectors."""
        return self._vectors

    def first(self, field: str) -> Any:
        """The value of the most believed attribute that holds something; ``None`` without one."""
        for source in _READERS[field]:
            value = source(self)
            if value is not None and value not in _NOTHING:
                return value
        return None

    def every(self, field: str) -> Iterable[Any]:
        return (value for source in _READERS[field] if (value := source(self)) not in _NOTHING)

    def text(self, field: str) -> str | None:
        """The first that is a text, or can be one."""
        for value in self.every(field):
            plain = decoded(value)
            if isinstance(plain, str) and plain.strip():
                return plain.strip()
            if isinstance(plain, int | float) and not isinstance(plain, bool):
                return str(plain)
        return None

    def number(self, field: str) -> float | None:
        """The first that is a number: counts arrive as whole numbers, floats and texts."""
        return next((number for value in self.every(field) if (number := number_of(value)) is not None), None)

    def count(self, field: str) -> int | None:
        number = self.number(field)
        return int(number) if number is not None and number >= 0 else None

    def under(self, prefix: str) -> dict[str, Any]:
        cut = len(prefix)
        return {key[cut:]: value for key, value in self.attributes.items() if key.startswith(prefix)}

    def listed(self, prefix: str) -> list[Any]:
        """The entries of a flattened list, by their numbers: 0, 2, 10."""
        if self._trees is None:
            self._trees = _trees_of(self.attributes)
        found = self._trees.get(prefix)
        return found if isinstance(found, list) else []


def number_of(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value) if len(value) < 40 else None  # noqa: PLR2004 - no number is longer
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 2**63 else None  # also false for NaN


def place_in(value: Any, path: Iterable[str]) -> Any:
    """What stands at a place in a JSON value, or in a text that holds one."""
    value = decoded(value)
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _reader_of(source: str) -> Source:
    name, _, place = source.partition(" -> ")
    if place:
        path = place.split(".")
        return lambda reader: (
            place_in(reader.attributes.get(name), path) if name in reader.attributes else None
        )
    if name.endswith(".*"):
        return lambda reader: reader.under(name[:-1])
    if name.endswith(".N"):
        return lambda reader: reader.listed(name[:-2])
    return lambda reader: reader.attributes.get(name)


_READERS: Final = {field: tuple(map(_reader_of, sources)) for field, sources in SOURCES.items()}
_LISTS: Final = tuple(
    sorted({source[:-1] for sources in SOURCES.values() for source in sources if source.endswith(".N")})
)
"""Beginnings of flattened lists, with the dot."""


def _trees_of(attributes: dict[str, Any]) -> dict[str, Any]:
    """Every flattened list, by its name; numbers are sorted, never counted up to."""
    trees: dict[str, Any] = {}
    for key, value in attributes.items():
        if key.startswith(_LISTS):
            prefix = next(prefix for prefix in _LISTS if key.startswith(prefix))
            parts = key[len(prefix) :].split(".")
            if len(parts) <= MAX_PATH_PARTS:
                _put(trees.setdefault(prefix[:-1], {}), parts, value)
    return {prefix: _as_lists(tree) for prefix, tree in trees.items()}


def _put(tree: dict[str, Any], parts: list[str], value: Any) -> None:
    for part in parts[:-1]:
        branch = tree.setdefault(part, {})
        if not isinstance(branch, dict):
            return
        tree = branch
    tree.setdefault(parts[-1], value)


def _as_lists(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if tree and all(map(_ENTRY.fullmatch, tree)):
        return [_as_lists(tree[entry]) for entry in sorted(tree, key=int)]
    return {name: _as_lists(branch) for name, branch in tree.items()}
