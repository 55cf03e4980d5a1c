from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from traces_app.domain import comparison
from traces_app.domain.comparison import align, word_diff


def joined(pieces: list[comparison.Piece] | None, *kinds: str) -> str:
    return "".join(piece.text for piece in pieces or [] if piece.kind in kinds)


def test_what_both_have_stands_side_by_side() -> None:
    assert align("abcd", "abxd") == [(0, 0), (1, 1), (2, None), (None, 2), (3, 3)]


def test_one_side_may_have_nothing() -> None:
    assert align("", "ab") == [(None, 0), (None, 1)]
    assert align("ab", "") == [(0, None), (1, None)]


@given(st.text("abc", max_size=30), st.text("abc", max_size=30))
def test_every_entry_appears_once_and_in_order(first: str, second: str) -> None:
    pairs = align(first, second)
    assert [i for i, _ in pairs if i is not None] == list(range(len(first)))
    assert [j for _, j in pairs if j is not None] == list(range(len(second)))
    assert all(first[i] == second[j] for i, j in pairs if i is not None and j is not None)


@given(st.text("abc", max_size=30), st.text("abc", max_size=30))
def test_long_sequences_are_matched_in_order_with_the_same_promises(first: str, second: str) -> None:
    pairs = list(comparison._in_order(first, second))
    assert [i for i, _ in pairs if i is not None] == list(range(len(first)))
    assert [j for _, j in pairs if j is not None] == list(range(len(second)))
    assert all(first[i] == second[j] for i, j in pairs if i is not None and j is not None)


@given(st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_as_many_as_can_be_are_matched(first: str, second: str) -> None:
    def longest(i: int, j: int) -> int:
        if i == len(first) or j == len(second):
            return 0
        return max(longest(i + 1, j), longest(i, j + 1), longest(i + 1, j + 1) + (first[i] == second[j]))

    assert sum(None not in pair for pair in align(first, second)) == longest(0, 0)


class Counted:
    """An entry that counts how often any of them is looked at."""

    looks = 0

    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        Counted.looks += 1
        return isinstance(other, Counted) and self.value == other.value

    def __hash__(self) -> int:
        Counted.looks += 1
        return self.value


def test_entries_that_repeat_are_not_looked_at_again_for_each_repetition() -> None:
    chosen = random.Random(1)
    first, second = ([Counted(value) for value in chosen.choices([0, 1], k=size)] for size in (2000, 1999))
    Counted.looks = 0
    assert sum(None not in pair for pair in align(first, second)) > 1500
    assert Counted.looks < 10 * (len(first) + len(second))


def test_few_words_that_repeat_are_compared() -> None:
    chosen = random.Random(1)
    first, second = (" ".join(chosen.choices("01", k=comparison.MAX_WORDS // 2)) for _ in range(2))
    pieces = word_diff(first, second)
    assert joined(pieces, "same", "removed") == first
    assert joined(pieces, "same", "added") == second


def test_what_is_the_same_between_two_changes_stays_apart() -> None:
    pieces = word_diff("one a b c d two", "1 a b c d 2")
    assert [tuple(piece) for piece in pieces or []] == [
        ("removed", "one"),
        ("added", "1"),
        ("same", " a b c d "),
        ("removed", "two"),
        ("added", "2"),
    ]


def test_words_that_differ_are_marked() -> None:
    pieces = word_diff("answer in one short sentence please", "answer in two short sentences please")
    assert joined(pieces, "removed") == "one short sentence"
    assert joined(pieces, "added") == "two short sentences"


@given(st.text("ab \n", max_size=40), st.text("ab \n", max_size=40))
def test_both_texts_can_be_read_from_the_pieces(first: str, second: str) -> None:
    pieces = word_diff(first, second, ignore_passing=False)
    assert joined(pieces, "same", "removed") == first
    assert joined(pieces, "same", "added") == second


def test_ids_and_times_are_no_difference_unless_asked_for() -> None:
    first = "run call_abc123def at 2026-01-01T10:00:00Z"
    second = "run call_xyz789uvw at 2026-01-02T11:30:00Z"
    assert joined(word_diff(first, second), "added") == ""
    assert joined(word_diff(first, second, ignore_passing=False), "added") != ""


def test_texts_too_long_are_refused_rather_than_waited_for() -> None:
    long = " ".join(str(number) for number in range(comparison.MAX_WORDS))
    assert word_diff(long, long[::-1]) is None
    assert word_diff(long + " a", long + " b") is not None
