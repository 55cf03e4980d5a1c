from __future__ import annotations

import pytest

from traces_app.explorer.formats import (
    bytes_text,
    cost_text,
    duration_text,
    judgement_text,
    moment,
    short_count_text,
    tokens_text,
)

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (None, "\N{EN DASH}"),
        (0, "0 ms"),
        (420_000, "420 µs"),
        (1_500_000, "1.5 ms"),
        (412_000_000, "412 ms"),
        (1_240_000_000, "1.24 s"),
        (12_400_000_000, "12.4 s"),
        (124 * SECOND_NS, "2 m 04 s"),
        (3720 * SECOND_NS, "1 h 02 m"),
        (90_000 * SECOND_NS, "1 d 01 h"),
    ],
)
def test_durations_have_three_digits_or_so(duration_ns: int | None, text: str) -> None:
    assert duration_text(duration_ns) == text


def test_tokens_keep_what_is_unknown_apart_from_0() -> None:
    assert tokens_text(1204, 350) == "1,204 → 350"
    assert tokens_text(0, None) == "0 → \N{EN DASH}"
    assert tokens_text(None, None) == "\N{EN DASH}"
    assert tokens_text(12_345, 999_999, short=True) == "12k → 1.0M"


def test_counts_are_shortened() -> None:
    assert [short_count_text(count) for count in (999, 1000, 9_949, 34_400, 5_600_000)] == [
        "999",
        "1.0k",
        "9.9k",
        "34k",
        "5.6M",
    ]


@pytest.mark.parametrize(
    ("cost_usd", "text"),
    [
        (None, "\N{EN DASH}"),
        (0, "$0"),
        (1234.5, "$1,234.50"),
        (0.0123, "$0.0123"),
        (0.00042, "$0.000420"),
        (1e-9, "< $0.000001"),
    ],
)
def test_small_costs_keep_their_digits(cost_usd: float | None, text: str) -> None:
    assert cost_text(cost_usd) == text


def test_sizes_are_decimal() -> None:
    assert [bytes_text(size) for size in (812, 12_300, 5_000_001)] == ["812 B", "12.3 KB", "5.0 MB"]


def test_a_moment_names_the_year_only_when_it_is_another() -> None:
    now_ns = 1_764_000_000 * SECOND_NS
    this_year = moment(now_ns, now_ns=now_ns)
    assert this_year is not None
    assert (this_year.iso, this_year.day, this_year.clock) == (
        "2025-11-24T16:00:00.000Z",
        "Nov 24",
        "16:00:00",
    )
    earlier = moment(0, now_ns=now_ns)
    assert earlier is not None
    assert earlier.day == "Jan 1, 1970"


def test_times_no_calendar_holds_are_unknown() -> None:
    for time_ns in (None, -1, 10**30):
        assert moment(time_ns, now_ns=0) is None


def test_a_score_is_written_alike_in_every_row() -> None:
    scores = [0.123456, 1.0, 7, 1234567.0, 1e300, -0.5, float("inf"), True, "kind", None]
    assert [judgement_text(value) for value in scores] == [
        "0.1235",
        "1",
        "7",
        "1,234,567",
        "1e+300",
        "-0.5",
        "inf",
        "True",
        "kind",
        "",
    ]
