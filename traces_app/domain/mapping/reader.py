"""Finds a field among a span's attributes, by the tables of the conventions."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

from traces_app.domain.conventions import SOURCES
from traces_app.domain.json_text import decoded

MAX_PATH_PARTS: Final = 24
"""Of a flattened attribute's name; a longer one is no list entry and stays an attribute."""

MAX_LITERAL_CHARACTERS: Final = 4_000
"""Of a Python literal that is read: a few numbers, not a text."""

MAX_REMEMBERED_KEYS: Final = 4096
MAX_REMEMBERED_CHARACTERS: Final = 200
"""Instrumentations send the same few hundred names in every span: 2 MB remembered at most."""

_ENTRY: Final = re.compile(r"[0-9]{1,15}")
_FIRST_ENTRY: Final = re.compile(r"\.[0-9]")
_NOTHING: Final[tuple[Any, ...]] = (None, "", [], {})

Source = Callable[["Reader"], Any]
Use = tuple[str, int, Source]
"""A field, how much the source is believed (0 most), and how it is read."""


class Reader:
    """One span's attributes, and for each field those that may hold it. Lists are read when asked for."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        self.attributes = attributes
        self._sources: dict[str, dict[int, Source]] = {}
        for key in attributes:
            for field, rank, source in _uses_of(key):
                self._sources.setdefault(field, {})[rank] = source
        self._trees: dict[str, Any] | None = None
        self._vectors: list[int] = []
        self._decoded: dict[str, Any] = {}

    def decoded(self, name: str) -> Any:
        """What the JSON text in an attribute says: several fields look into one, which is read once."""
        if name not in self._decoded:
            self._decoded[name] = decoded(self.attributes.get(name))
        return self._decoded[name]

    def keep_vectors(self, lengths: list[int]) -> None:
        self._vectors = lengths

    def vectors(self) -> list[int]:
        """Lengths of the vectors that came, in place of the vectors."""
        return self._vectors

    def first(self, field: str) -> Any:
        """The value of the most believed attribute that holds something; ``None`` without one."""
        return next(self.every(field), None) if field in self._sources else None

    def every(self, field: str) -> Iterator[Any]:
        """All that hold something, the most believed first."""
        sources = self._sources.get(field)
        for rank in sorted(sources) if sources else ():
            value = sources[rank](self) if sources else None
            if value is not None and value not in _NOTHING:
                yield value

    def text(self, field: str) -> str | None:
        """The first that is a text, or can be one."""
        if field not in self._sources:
            return None
        for value in self.every(field):
            plain = decoded(value)
            if isinstance(plain, str) and plain.strip():
                return plain.strip()
            if isinstance(plain, int | float) and not isinstance(plain, bool):
                return str(plain)
        return None

    def number(self, field: str) -> float | None:
        """The first that is a number: counts arrive as whole numbers, floats and texts."""
        if field not in self._sources:
            return None
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
    if isinstance(value, str) and value.startswith("{'"):
        value = _python_literal(value)
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _python_literal(text: str) -> Any:
    """LangSmith writes its usage as Python does: ``{'input_tokens': 21}``."""
    try:
        return ast.literal_eval(text) if len(text) <= MAX_LITERAL_CHARACTERS else None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def _reader_of(source: str) -> Source:
    name, _, place = source.partition(" -> ")
    if place:
        path = place.split(".")
        return lambda reader: place_in(reader.decoded(name), path)
    if name.endswith(".*"):
        return lambda reader: reader.under(name[:-1])
    if name.endswith(".N"):
        return lambda reader: reader.listed(name[:-2])
    return lambda reader: reader.attributes.get(name)


def _all_uses() -> dict[str, list[Use]]:
    """By attribute, or beginning of attributes: the fields it may hold, and how much it is believed."""
    uses: dict[str, list[Use]] = {}
    for field, sources in SOURCES.items():
        for rank, source in enumerate(sources):
            name = source.partition(" -> ")[0]
            key = name[:-1] if name.endswith((".*", ".N")) else name
            uses.setdefault(key, []).append((field, rank, _reader_of(source)))
    return uses


_USES: Final = _all_uses()
_BEGINNINGS: Final = tuple(key for key in _USES if key.endswith("."))
_LISTS: Final = frozenset(
    source[:-1] for sources in SOURCES.values() for source in sources if source.endswith(".N")
)


def _uses_of(key: str) -> tuple[Use, ...]:
    return _known_uses(key) if len(key) <= MAX_REMEMBERED_CHARACTERS else _find_uses(key)


def _find_uses(key: str) -> tuple[Use, ...]:
    found = list(_USES.get(key, ()))
    if key.startswith(_BEGINNINGS):
        found += [use for beginning in _BEGINNINGS if key.startswith(beginning) for use in _USES[beginning]]
    return tuple(found)


_known_uses = lru_cache(maxsize=MAX_REMEMBERED_KEYS)(_find_uses)


def _trees_of(attributes: dict[str, Any]) -> dict[str, Any]:
    """Every flattened list, by its name; numbers are sorted, never counted up to."""
    trees: dict[str, Any] = {}
    for key, value in attributes.items():
        prefix = _known_list(key) if len(key) <= MAX_REMEMBERED_CHARACTERS else _list_of(key)
        if prefix:
            parts = key[len(prefix) :].split(".")
            if len(parts) <= MAX_PATH_PARTS:
                _put(trees.setdefault(prefix[:-1], {}), parts, value)
    return {prefix: _as_lists(tree) for prefix, tree in trees.items()}


def _list_of(key: str) -> str:
    """The beginning of the list that an attribute is an entry of; ``""`` when of none."""
    digit = _FIRST_ENTRY.search(key)
    prefix = key[: digit.start() + 1] if digit else ""
    return prefix if prefix in _LISTS else ""


_known_list = lru_cache(maxsize=MAX_REMEMBERED_KEYS)(_list_of)


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
