"""What keeping a project's traces costs on AWS, this month and before; what one trace does; forecasts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Final

from django.conf import settings

from traces_app.domain.aws_prices import GB_BYTES, AwsPrices, UnknownRegion, prices_of
from traces_app.domain.bill import (
    Charges,
    Ledger,
    Month,
    Used,
    ledger_of,
    lossy_hours,
    month_named,
    month_of,
)
from traces_app.domain.durations import HOUR_NS
from traces_app.domain.metering import Metered
from traces_app.domain.packing import pack_payload
from traces_app.queries import get_trace
from traces_app.retention import retention_of
from traces_app.statistics import get_statistics
from traces_app.storage import get_store

__all__ = [
    "Bill",
    "Month",
    "TraceReceipt",
    "get_bill",
    "get_receipt",
    "month_named",
    "month_of",
    "region_problem",
]

LOOK_BACK_DAYS: Final = 400
"""What is older takes room in the store but is not in the bill."""

MAX_BILL_HOURS: Final = (LOOK_BACK_DAYS + 31) * 24
MAX_BIGGEST: Final = 10


@dataclass(slots=True, frozen=True)
class Bill:
    """``spent`` and ``forecast`` in dollars are ``None`` where the region's prices are not known.

    ``is_complete`` is false while hours are still to be added up: looking again goes on. Of ``lossy_hours``
    some traces may have expired before anybody looked: the bill may be higher than what is said.
    """

    project: str
    ledger: Ledger
    prices: AwsPrices | None
    memory_mb: int
    is_complete: bool
    lossy_hours: int

    @property
    def month(self) -> Month:
        return self.ledger.month

    @property
    def spent(self) -> Charges | None:
        return self.price(self.ledger.total_used())

    @property
    def forecast(self) -> Charges | None:
        """For the whole month; of a month that is over the same as ``spent``."""
        return self.price(self.ledger.forecast)

    @property
    def usd_per_1000_traces(self) -> float | None:
        spent, traces = self.spent, self.ledger.total_models().traces
        return None if spent is None or not traces else 1000 * spent.total_usd / traces

    def price(self, used: Used) -> Charges | None:
        return None if self.prices is None else used.priced(self.prices, self.memory_mb)


def region_problem() -> str:
    """Why there are no dollars; empty where there are."""
    try:
        prices_of(settings.AWS_REGION)
    except UnknownRegion as error:
        return str(error)
    return ""


def known_prices() -> AwsPrices | None:
    """Of the region that the settings name; ``None`` where the table has none of it."""
    try:
        return prices_of(settings.AWS_REGION, settings.LAMBDA_ARCHITECTURE)
    except UnknownRegion:
        return None


def get_bill(project: str, month: Month, *, is_time_up: Callable[[], bool] = bool, now_ns: int) -> Bill:
    """The bill of ``month`` up to now. Closed hours are added up once, whatever the number of traces."""
    store = get_store()
    first_ms = store.first_day_ms(project, now_ns=now_ns)
    found = get_statistics(
        project,
        "bill",
        since_ns=(month.first_hour - LOOK_BACK_DAYS * 24) * HOUR_NS,
        until_ns=month.end_hour * HOUR_NS - 1,
        is_time_up=is_time_up,
        now_ns=now_ns,
        max_hours=MAX_BILL_HOURS,
        added_up_since_ns=now_ns if first_ms is None else first_ms * 1_000_000,
        kept_days=LOOK_BACK_DAYS + 31,
    )
    shortest_days = retention_of(project, now_ns=now_ns).shortest_days
    return Bill(
        project=project,
        ledger=ledger_of(month, found.hours, now_ns=now_ns),
        prices=known_prices(),
        memory_mb=settings.LAMBDA_MEMORY_MB,
        is_complete=found.missing_before is None,
        lossy_hours=lossy_hours(month, found.hours, shortest_days, now_ns // HOUR_NS),
    )


# -- one trace -------------------------------------------------------------------------------------
@dataclass(slots=True, frozen=True)
class SpanBytes:
    """A span and the bytes of JSON it came as."""

    span_id: str
    name: str
    raw_bytes: int


@dataclass(slots=True, frozen=True)
class TraceReceipt:
    """What keeping one trace takes. ``metered`` is ``None`` where a batch of it noted nothing.

    ``stored_bytes`` are its packed spans, ``metered.kept_bytes`` all of its items. ``expires_at`` is when the
    last of them goes (epoch seconds; ``None``: never).
    """

    trace_id: str
    name: str | None
    batches: int
    raw_bytes: int
    stored_bytes: int
    metered: Metered | None
    written_ns: int
    expires_at: int | None
    biggest: list[SpanBytes]
    prices: AwsPrices | None
    memory_mb: int

    @property
    def paid(self) -> Charges | None:
        """For taking it in; the request itself with the first of its traces."""
        if self.metered is None or self.prices is None:
            return None
        return Used(self.metered.own).priced(self.prices, self.memory_mb)

    @property
    def usd_a_month(self) -> float | None:
        """For keeping it."""
        if self.metered is None or self.prices is None:
            return None
        return self.metered.kept_bytes / GB_BYTES * self.prices.stored_usd_per_gb_month


def get_receipt(project: str, trace_id: str, *, now_ns: int) -> TraceReceipt:
    """Raises TraceNotFound."""
    trace = get_trace(project, trace_id, now_ns=now_ns)
    listed = get_store().read_listed(project, trace_id, now_ns=now_ns)
    notes = [fragment.metered for _, fragment in listed]
    sizes = [SpanBytes(one.span_id, one.name, len(pack_payload(one))) for one in trace.spans()]
    return TraceReceipt(
        trace_id=trace_id,
        name=trace.summary.name,
        batches=len(listed),
        raw_bytes=sum(one.raw_bytes for one in sizes),
        stored_bytes=trace.summary.stored_bytes,
        metered=None if None in notes or not notes else reduce(Metered.plus, filter(None, notes)),
        written_ns=max((item.at or 0 for item, _ in listed), default=0) * 1000,
        expires_at=trace.summary.expires_at,
        biggest=sorted(sizes, key=lambda one: one.raw_bytes, reverse=True)[:MAX_BIGGEST],
        prices=known_prices(),
        memory_mb=settings.LAMBDA_MEMORY_MB,
    )
