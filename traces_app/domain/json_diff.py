"""Two JSON values side by side: the paths at which they differ."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from traces_app.domain.comparison import Pair, align, without_passing

ABSENT: Final = object()
"""Stands for a value that one side does not have: null is a value."""

MAX_VALUES: Final = 100_000
"""Of both sides together: comparing them takes half a second at most."""

MAX_CHARACTERS: Final = 2_000_000
"""Of all texts and names on both sides: looking for ids and times in them takes as long again."""

_TIME_KEY: Final = re.compile(
    r"(?:^|_)(?:created|updated|time|timestamp|date|at|ts)(?:_m?s|_unix_nano)?$|(?:At|Time|Timestamp)$"
)
_FIRST_EPOCH_S: Final = 10**9
"""Smaller numbers under such a name are durations or clocks of days."""

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Change(NamedTuple):
    """``path`` as in ``$.items[2].name``; the second side's, unless only the first has it."""

    path: str
    before: Any
    after: Any


class TooLarge(Exception):
    """More values or characters than are compared: ``MAX_VALUES``, ``MAX_CHARACTERS``."""


def json_changes(first: Any, second: Any, *, ignore_passing: bool = True) -> Iterator[Change]:
    """In the order of the values. Ids and times in texts may be ignored. Raises RecursionError, TooLarge."""
    numbers = _Numbers(ignore_passing=ignore_passing)
    numbers.of(first)
    numbers.of(second)
    yield from _changes("$", first, second, numbers)


class _Numbers:
    """What is the same on either side has one number, told from the numbers of what is in it: each value is
    read once, however deep it lies.
    """

    def __init__(self, *, ignore_passing: bool) -> None:
        self.ignore_passing = ignore_passing
        self._plain: Callable[[str], str] = without_passing if ignore_passing else str
        self._of_form: dict[Hashable, int] = {}
        self._of_id: dict[int, int] = {}
        self._values = self._characters = 0

    def of(self, value: Any) -> int:
        """Only of values that outlive this: they are known again by their identity."""
        number = self._of_id.get(id(value))
        if number is None:
            number = self._of_form.setdefault(self._form(value), len(self._of_form))
            self._of_id[id(value)] = number
        return number

    def _form(self, value: Any) -> Hashable:
        if isinstance(value, dict):
            self._count(len(value), sum(map(len, value)))
            return ("{}", *sorted((self._plain(key), self.of(inner)) for key, inner in value.items()))
        if isinstance(value, list):
            self._count(len(value), 0)
            return ("[]", *map(self.of, value))
        self._count(0, len(value) if isinstance(value, str) else 0)
        return self._plain(json.dumps(value, default=str))

    def _count(self, values: int, characters: int) -> None:
        self._values += values
        self._characters += characters
        if self._values > MAX_VALUES or self._characters > MAX_CHARACTERS:
            raise TooLarge


def _changes(path: str, first: Any, second: Any, numbers: _Numbers) -> Iterator[Change]:
    if first is ABSENT or second is ABSENT:
        yield Change(path, first, second)
    elif numbers.of(first) == numbers.of(second):
        return
    elif isinstance(first, dict) and isinstance(second, dict):
        for key in {**first, **second}:
            inner = (first.get(key, ABSENT), second.get(key, ABSENT))
            if not (numbers.ignore_passing and _are_times(key, *inner)):
                yield from _changes(path + _step(key), *inner, numbers)
    elif isinstance(first, list) and isinstance(second, list):
        for i, j in _pairs([numbers.of(one) for one in first], [numbers.of(one) for one in second]):
            inner = (ABSENT if i is None else first[i], ABSENT if j is None else second[j])
            yield from _changes(f"{path}[{i if j is None else j}]", *inner, numbers)
    else:
        yield Change(path, first, second)


def _are_times(key: str, *values: Any) -> bool:
    """``"created": 1764560000`` on both sides: texts tell by their form that they are times."""
    is_number = all(type(value) in (int, float) and value >= _FIRST_EPOCH_S for value in values)
    return is_number and _TIME_KEY.search(key) is not None


def _pairs(first: Sequence[int], second: Sequence[int]) -> Iterator[Pair]:
    """What is the same belongs together; what stands between two such is paired in its order."""
    removed: list[int] = []
    added: list[int] = []
    for i, j in align(first, second):
        if i is None and j is not None:
            added.append(j)
        elif j is None and i is not None:
            removed.append(i)
        else:
            yield from zip_longest(removed, added)
            removed, added = [], []
    yield from zip_longest(removed, added)


def _step(key: str) -> str:
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{json.dumps(key, ensure_ascii=False)}]"
