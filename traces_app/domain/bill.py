"""The bill of one project and month, from hours of what its batches noted. All times are UTC, by the hour."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from typing import Final

from traces_app.domain.aws_prices import GB_BYTES, AwsPrices
from traces_app.domain.durations import HOUR_S
from traces_app.domain.measures import EVERYTHING, Measures, Rollup, added_up_hour, ending_of
from traces_app.domain.metering import NOTHING, Consumed
from traces_app.domain.totals import NANO_USD

DAY_H: Final = 24
FORECAST_FROM_H: Final = 7 * DAY_H
"""The rest of a month is taken to go on as the last week did; a first burst counts as a day's work."""

_MONTH: Final = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Month:
    """``first_hour`` and ``end_hour`` (the first of the next month) since 1970."""

    name: str
    first_hour: int
    end_hour: int

    @property
    def hours(self) -> int:
        return self.end_hour - self.first_hour


def month_of(now_ns: int) -> Month:
    return month_named(f"{datetime.fromtimestamp(now_ns // 10**9, UTC):%Y-%m}")


def month_named(name: str) -> Month:
    """Raises ValueError for what is not like ``2026-11``."""
    match = _MONTH.fullmatch(name)
    if match is None:
        raise ValueError("month: write it as 2026-11, from 2000-01 to 2099-12")
    year, number = int(match[1]), int(match[2])
    following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    first = datetime(year, number, 1, tzinfo=UTC)
    return Month(name, *(int(day.timestamp()) // HOUR_S for day in (first, following)))


@dataclass(frozen=True, slots=True)
class Used:
    """What is paid for, before it is priced."""

    consumed: Consumed = NOTHING
    gb_months: float = 0.0

    def plus(self, other: Used) -> Used:
        return Used(self.consumed.plus(other.consumed), self.gb_months + other.gb_months)

    def priced(self, prices: AwsPrices, memory_mb: int) -> Charges:
        used = self.consumed
        worked_gb_s = used.work_us / 1e6 * memory_mb / 1024
        return Charges(
            writes_usd=used.write_units * prices.write_usd,
            reads_usd=used.read_halves * prices.read_half_usd,
            storage_usd=self.gb_months * prices.stored_usd_per_gb_month,
            lambda_usd=used.requests * prices.request_usd + worked_gb_s * prices.lambda_usd_per_gb_s,
        )


@dataclass(frozen=True, slots=True)
class Charges:
    """US dollars."""

    writes_usd: float
    reads_usd: float
    storage_usd: float
    lambda_usd: float

    @property
    def total_usd(self) -> float:
        return self.writes_usd + self.reads_usd + self.storage_usd + self.lambda_usd


@dataclass(slots=True)
class ModelSpend:
    """What the traced applications paid for models: no part of the bill. ``None`` is unknown."""

    traces: int = 0
    cost_nano_usd: int | None = None
    unpriced: int = 0
    thinned: int = 0
    """Traces whose contents were not kept."""

    @property
    def cost_usd(self) -> float | None:
        return None if self.cost_nano_usd is None else self.cost_nano_usd / NANO_USD

    def add(self, measures: Measures) -> None:
        self.traces += measures.count
        self.unpriced += measures.unpriced
        self.thinned += measures.thinned
        if measures.cost_nano_usd is not None:
            self.cost_nano_usd = (self.cost_nano_usd or 0) + measures.cost_nano_usd


@dataclass(slots=True)
class Ledger:
    """``used`` and ``models`` by day of the month, ``forecast`` for the whole of it.

    ``unmetered`` batches were written by a version that noted nothing; ``kept_bytes`` are there now.
    """

    month: Month
    used: dict[int, Used] = field(default_factory=dict)
    models: dict[int, ModelSpend] = field(default_factory=dict)
    forecast: Used = Used()
    forecast_model_usd: float | None = None
    unmetered: int = 0
    kept_bytes: int = 0

    def total_used(self) -> Used:
        total = Used()
        for used in self.used.values():
            total = total.plus(used)
        return total

    def total_models(self) -> ModelSpend:
        total = ModelSpend()
        for one in self.models.values():
            of_day = Measures(one.traces, cost_nano_usd=one.cost_nano_usd, unpriced=one.unpriced)
            of_day.thinned = one.thinned
            total.add(of_day)
        return total


def ledger_of(month: Month, hours: Mapping[int, Rollup], *, now_ns: int) -> Ledger:
    """``hours`` are all that may matter: also those before the month whose traces are kept still."""
    now_hour = now_ns / 1e9 / HOUR_S
    ledger = Ledger(month)
    levels = list(_kept_by_hour(month, hours.values()))
    for hour in range(month.first_hour, min(month.end_hour, int(now_hour) + 1)):
        lasted = min(1.0, now_hour - hour)
        stored = levels[hour - month.first_hour] * lasted / GB_BYTES / month.hours
        _add_used(ledger, hour, Used(gb_months=stored))
        ledger.kept_bytes = levels[hour - month.first_hour]
    for hour, measures in _written(hours.values()):
        if month.first_hour <= hour < month.end_hour:
            _add_used(ledger, hour, Used(_consumed(measures)))
            ledger.unmetered += measures.unpriced
    for hour, rollup in hours.items():
        if month.first_hour <= hour < month.end_hour:
            for one in rollup.get(EVERYTHING, {}).values():
                ledger.models.setdefault(_day(month, hour), ModelSpend()).add(one)
    _look_ahead(ledger, hours, levels, now_hour)
    return ledger


def lossy_hours(month: Month, hours: Mapping[int, Rollup], shortest_days: int | None, now_hour: int) -> int:
    """Hours that were first added up when traces of theirs may have expired already."""
    if shortest_days is None:
        return 0
    looked = {hour: added_up_hour(rollup) for hour, rollup in hours.items()}
    return sum(
        (looked.get(hour) or now_hour) - hour > shortest_days * DAY_H
        for hour in range(month.first_hour, min(month.end_hour, now_hour + 1))
    )


def _look_ahead(ledger: Ledger, hours: Mapping[int, Rollup], levels: list[int], now_hour: float) -> None:
    """What is kept already stays as long as it is to stay; all else goes on as in the last week."""
    month, left_h = ledger.month, max(0.0, ledger.month.end_hour - now_hour)
    ledger.forecast, ledger.forecast_model_usd = ledger.total_used(), ledger.total_models().cost_usd
    if not left_h:
        return
    rates = _rates([(hour, _consumed(measures)) for hour, measures in _written(hours.values())], now_hour)
    kept = [(begins, (size, size * (ends - begins))) for begins, ends, size in _kept(month, hours.values())]
    bytes_an_hour, byte_hours_an_hour = _rates(kept, now_hour) or (0.0, 0.0)
    lasts_h = min(left_h, byte_hours_an_hour / bytes_an_hour) if bytes_an_hour else 0.0
    grown = bytes_an_hour * lasts_h * (left_h - lasts_h / 2)
    stays = sum(levels[max(0, int(now_hour) - month.first_hour) :]) - ledger.kept_bytes * (now_hour % 1)
    consumed = Consumed(*(round(rate * left_h) for rate in rates))
    ledger.forecast = ledger.forecast.plus(Used(consumed, (stays + grown) / GB_BYTES / month.hours))
    costs = _rates([(hour, (nano_usd,)) for hour, nano_usd in _model_costs(hours)], now_hour)
    if costs:
        ledger.forecast_model_usd = (ledger.forecast_model_usd or 0.0) + costs[0] * left_h / NANO_USD


def _rates(figures: Sequence[tuple[int, Sequence[int]]], now_hour: float) -> list[float]:
    """An hour's, on the average of the last week, or since the first; nothing where there are none."""
    since = max(int(now_hour) - FORECAST_FROM_H, min((hour for hour, _ in figures), default=0))
    window_h = max(float(DAY_H), now_hour - since)
    recent = [values for hour, values in figures if hour >= since]
    return [sum(found) / window_h for found in zip(*recent, strict=True)]


def _model_costs(hours: Mapping[int, Rollup]) -> Iterator[tuple[int, int]]:
    for hour, rollup in hours.items():
        for one in rollup.get(EVERYTHING, {}).values():
            if one.cost_nano_usd is not None:
                yield hour, one.cost_nano_usd


def _written(rollups: Iterable[Rollup]) -> Iterator[tuple[int, Measures]]:
    for rollup in rollups:
        for hour, measures in rollup.get("written", {}).items():
            yield int(hour.partition("-")[0]), measures


def _kept(month: Month, rollups: Iterable[Rollup]) -> Iterator[tuple[int, int, int]]:
    """From which hour until which how many bytes are kept; what never expires, a month longer than this."""
    for rollup in rollups:
        for times, measures in rollup.get("written", {}).items():
            expires = ending_of(times)
            until = month.end_hour + month.hours if expires is None else expires
            yield int(times.partition("-")[0]), until, measures.kept_bytes


def _kept_by_hour(month: Month, rollups: Iterable[Rollup]) -> Iterator[int]:
    """How many bytes are kept in each hour of the month, as far as is known now."""
    changes = [0] * (month.hours + 1)
    for written, expires, kept_bytes in _kept(month, rollups):
        begins, ends = max(month.first_hour, written), min(month.end_hour, expires)
        if begins < ends:
            changes[begins - month.first_hour] += kept_bytes
            changes[ends - month.first_hour] -= kept_bytes
    yield from accumulate(changes[:-1])


def _consumed(measures: Measures) -> Consumed:
    return Consumed(measures.write_units, measures.read_halves, measures.requests, measures.work_us)


def _add_used(ledger: Ledger, hour: int, used: Used) -> None:
    day = _day(ledger.month, hour)
    ledger.used[day] = ledger.used.get(day, Used()).plus(used)


def _day(month: Month, hour: int) -> int:
    return (hour - month.first_hour) // DAY_H + 1
