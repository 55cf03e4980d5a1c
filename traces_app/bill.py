"""What keeping a project's traces costs on AWS, this month and before; what one trace does; forecasts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from traces_app.domain.aws_prices import AwsPrices, UnknownRegion, prices_of
from traces_app.domain.bill import Charges, Ledger, Month, Used, ledger_of, month_named, month_of
from traces_app.statistics import HOUR_NS, get_statistics
from traces_app.storage import get_store

__all__ = ["Bill", "Month", "UnknownRegion", "get_bill", "known_prices", "month_named", "month_of"]

DAY_NS: Final = 24 * HOUR_NS
LOOK_BACK_DAYS: Final = 400
"""What is older takes room in the store but is not in the bill."""

MAX_BILL_HOURS: Final = (LOOK_BACK_DAYS + 31) * 24


@dataclass(slots=True, frozen=True)
class Bill:
    """``spent`` and ``forecast`` in dollars are ``None`` where the region's prices are not known.

    ``is_complete`` is false while hours are still to be added up: looking again goes on. Of ``lossy_hours``
    some traces had expired before anybody looked: the bill is higher than what is said.
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
    oldest_ns = settings.RETENTION_DAYS * DAY_NS
    lossy = sum(
        found.added_up_ns.get(hour, now_ns) - hour * HOUR_NS > oldest_ns
        for hour in range(month.first_hour, min(month.end_hour, now_ns // HOUR_NS + 1))
    )
    return Bill(
        project=project,
        ledger=ledger_of(month, found.hours, now_ns=now_ns),
        prices=known_prices(),
        memory_mb=settings.LAMBDA_MEMORY_MB,
        is_complete=found.missing_before is None,
        lossy_hours=lossy,
    )
