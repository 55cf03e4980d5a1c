"""Numbers and times as people read them. Unknown is a dash, never a 0."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from traces_app.domain.durations import DAY_S, HOUR_S, MILLISECOND_NS, MINUTE_S, SECOND_NS

UNKNOWN: Final = "\N{EN DASH}"

_MICROSECOND_NS: Final = 1_000
_KILO: Final = 1000
_MANY: Final = 10**15
"""A whole float beyond has digits that nobody sent."""

_LAST_SECOND: Final = 253_402_300_799
"""31 December 9999: what datetime can hold."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time: ``iso`` for machines, ``day`` and ``clock`` in UTC for people."""

    iso: str
    day: str
    clock: str


def moment(time_ns: int | None, *, now_ns: int) -> Moment | None:
    if time_ns is None or not 0 <= time_ns // SECOND_NS <= _LAST_SECOND:
        return None
    at = datetime.fromtimestamp(time_ns // SECOND_NS, UTC)
    milliseconds = time_ns % SECOND_NS // MILLISECOND_NS
    is_this_year = at.year == datetime.fromtimestamp(now_ns / SECOND_NS, UTC).year
    return Moment(
        iso=f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z",
        day=f"{at:%b} {at.day}" + ("" if is_this_year else f", {at.year}"),
        clock=f"{at:%H:%M:%S}",
    )


def duration_text(duration_ns: float | None) -> str:
    if duration_ns is None:
        return UNKNOWN
    if duration_ns < MILLISECOND_NS:
        return f"{duration_ns / _MICROSECOND_NS:.0f} µs" if duration_ns else "0 ms"
    if duration_ns < SECOND_NS:
        milliseconds = duration_ns / MILLISECOND_NS
        return f"{milliseconds:.1f} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"  # noqa: PLR2004
    return _long_duration_text(duration_ns / SECOND_NS)


def _long_duration_text(seconds: float) -> str:
    if seconds < MINUTE_S:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"  # noqa: PLR2004
    whole = int(seconds)
    if whole < HOUR_S:
        return f"{whole // MINUTE_S} m {whole % MINUTE_S:02d} s"
    if whole < DAY_S:
        return f"{whole // HOUR_S} h {whole % HOUR_S // MINUTE_S:02d} m"
    return f"{whole // DAY_S} d {whole % DAY_S // HOUR_S:02d} h"


def count_text(count: int | None) -> str:
    return UNKNOWN if count is None else f"{count:,}"


def short_count_text(count: int | None) -> str:
    """At most four digits: ``950``, ``1.2k``, ``34k``, ``5.6M``."""
    if count is None:
        return UNKNOWN
    if count < _KILO:
        return str(count)
    value, unit = (count / _KILO, "k") if count < 999_500 else (count / _KILO**2, "M")  # noqa: PLR2004
    return f"{value:.1f}{unit}" if value < 10 else f"{value:,.0f}{unit}"  # noqa: PLR2004


def tokens_text(input_tokens: int | None, output_tokens: int | None, *, short: bool = False) -> str:
    """``1,204 → 350``; one unknown side is a dash, both unknown are one dash."""
    if input_tokens is None and output_tokens is None:
        return UNKNOWN
    text = short_count_text if short else count_text
    return f"{text(input_tokens)} → {text(output_tokens)}"


def cost_text(cost_usd: float | None) -> str:
    """Dollars with enough digits to tell small calls apart."""
    if cost_usd is None:
        return UNKNOWN
    if cost_usd == 0:
        return "$0"
    if abs(cost_usd) >= 1:
        return f"${cost_usd:,.2f}"
    if abs(cost_usd) >= 0.001:  # noqa: PLR2004
        return f"${cost_usd:.4f}"
    return f"${cost_usd:.6f}" if abs(cost_usd) >= 0.000001 else "< $0.000001"  # noqa: PLR2004


def judgement_text(value: object) -> str:
    """What a score says in a row: whole numbers whole, others to four digits, words as they came."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    return f"{value:,.0f}" if value == value // 1 and abs(value) < _MANY else f"{value:.4g}"


def bytes_text(size_bytes: int) -> str:
    if size_bytes < _KILO:
        return f"{size_bytes} B"
    if size_bytes < _KILO**2:
        return f"{size_bytes / _KILO:.1f} KB"
    return f"{size_bytes / _KILO**2:.1f} MB"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def words(identifier: str) -> str:
    """``queue_full`` as people write it."""
    return identifier.replace("_", " ")
