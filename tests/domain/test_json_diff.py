"""JSON by path: what was changed, added, taken away, and what passes for the same."""

from __future__ import annotations

from typing import Any

import pytest

from traces_app.domain.json_diff import ABSENT, json_changes


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
