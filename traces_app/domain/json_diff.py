"""Two JSON values side by side: the paths at which they differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from traces_app.domain.comparison import align, without_passing

ABSENT: Final = object()
"""Stands for a value that one side does not have: null is a value."""

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


def json_changes(first: Any, second: Any, *, ignore_passing: bool = True) -> Iterator[Change]:
    """In the order of the values. Ids and times in texts may be ignored. Raises RecursionError."""
    yield from _changes("$", first, second, ignore_passing)


def _changes(path: str, first: Any, second: Any, ignore: bool) -> Iterator[Change]:  # noqa: FBT001 - private
    if isinstance(first, dict) and isinstance(second, dict):
        for key in {**first, **second}:
            inner = (first.get(key, ABSENT), second.get(key, ABSENT))
            if ignore and _are_times(str(key), *inner):
                continue
            yield from _changes(path + _step(str(key)), *inner, ignore)
    elif isinstance(first, list) and isinstance(second, list):
        for i, j in _pairs(first, second, ignore):
            inner = (ABSENT if i is None else first[i], ABSENT if j is None else second[j])
            yield from _changes(f"{path}[{i if j is None else j}]", *inner, ignore)
    elif first is ABSENT or second is ABSENT or _key(first, ignore) != _key(second, ignore):
        yield Change(path, first, second)


def _are_times(key: str, *values: Any) -> bool:
    """``"created": 1764560000`` on both sides: texts tell by their form that they are times."""
    is_number = all(type(value) in (int, float) and value >= _FIRST_EPOCH_S for value in values)
    return is_number and _TIME_KEY.search(key) is not None


def _pairs(
    first: Sequence[Any],
    second: Sequence[Any],
    ignore: bool,  # noqa: FBT001 - private
) -> Iterator[tuple[int | None, int | None]]:
    """What is the same belongs together; what stands between two such is paired in its order."""
    removed: list[int] = []
    added: list[int] = []
    for i, j in align([_key(one, ignore) for one in first], [_key(one, ignore) for one in second]):
        if i is None and j is not None:
            added.append(j)
        elif j is None and i is not None:
            removed.append(i)
        else:
            yield from zip_longest(removed, added)
            removed, added = [], []
    yield from zip_longest(removed, added)


def _key(value: Any, ignore: bool) -> str:  # noqa: FBT001 - private
    text = json.dumps(value, sort_keys=True, default=str)
    return without_passing(text) if ignore else text


def _step(key: str) -> str:
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{json.dumps(key, ensure_ascii=False)}]"
