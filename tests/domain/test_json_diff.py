"""JSON by path: what was changed, added, taken away, and what passes for the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from traces_app.domain.json_diff import ABSENT, MAX_CHARACTERS, MAX_VALUES, TooLarge, json_changes


def changes(first: Any, second: Any, **options: Any) -> list[tuple[str, Any, Any]]:
    return [tuple(one) for one in json_changes(first, second, **options)]


def test_values_are_compared_at_their_paths() -> None:
    first = {"city": "Oslo", "units": "C", "days": [1, 2], "same": {"a": None}}
    second = {"city": "Bergen", "days": [1, 3], "same": {"a": None}, "odd key": True}
    assert changes(first, second) == [
        ("$.city", "Oslo", "Bergen"),
        ("$.units", "C", ABSENT),
        ("$.days[1]", 2, 3),
        ('$["odd key"]', ABSENT, True),
    ]


def test_an_entry_put_before_others_is_one_change() -> None:
    assert changes([{"id": 1}, {"id": 2}], [{"id": 0}, {"id": 1}, {"id": 2}]) == [("$[0]", ABSENT, {"id": 0})]


def test_a_changed_entry_among_the_same_is_looked_into() -> None:
    first, second = [{"n": 1, "x": "a"}, 7], [{"n": 1, "x": "b"}, 7]
    assert changes(first, second) == [("$[0].x", "a", "b")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"id": "call_abcdef12"}, {"id": "call_98765432"}),
        ({"at": "2026-11-01T10:00:00Z"}, {"at": "2026-12-01T11:30:00Z"}),
        ({"created": 1764560000}, {"created": 1764570000}),
        ({"startTime": 1764560000000}, {"startTime": 1764570000000}),
        ([{"id": "call_abcdef12", "n": 1}], [{"id": "call_98765432", "n": 1}]),
    ],
)
def test_ids_and_times_are_ignored_unless_asked_for(first: Any, second: Any) -> None:
    assert changes(first, second) == []
    assert len(changes(first, second, ignore_passing=False)) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (1, "1"),
        (True, 1),
        (None, False),
        ({"a": None}, {}),
        ({"total": 1764560000}, {"total": 1764570000}),
        ({"time": 12}, {"time": 13}),
        ([], {}),
    ],
)
def test_what_is_not_the_same_is_never_taken_for_it(first: Any, second: Any) -> None:
    assert len(changes(first, second)) == 1


class Counted(list[Any]):
    """Says how often it was read."""

    readings = 0

    def __iter__(self) -> Iterator[Any]:
        Counted.readings += 1
        return super().__iter__()


def nested(depth: int, text: str) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = Counted([text, value])
    return value


def test_lists_of_few_values_that_repeat_are_compared() -> None:
    chosen = random.Random(1)
    first, second = chosen.choices([0, 1], k=2000), chosen.choices([0, 1], k=1999)
    found = changes(first, second)
    assert 1 <= len(found) < 1000
    assert all(before != after for _, before, after in found)


def test_what_lies_deep_is_read_once_and_not_again_at_each_level() -> None:
    Counted.readings = 0
    found = changes(nested(100, "a" * 5000), nested(100, "a" * 4999 + "b"))
    assert len(found) == 100
    assert Counted.readings <= 2 * 2 * 100  # its number and its entries, on both sides


@pytest.mark.parametrize(
    "value", [[0] * (MAX_VALUES + 1), {"text": "a" * MAX_CHARACTERS}, ["a" * (MAX_CHARACTERS + 1)]]
)
def test_what_is_too_large_on_either_side_is_refused(value: Any) -> None:
    for sides in ((value, []), ([], value)):
        with pytest.raises(TooLarge):
            changes(*sides)
