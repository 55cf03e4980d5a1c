"""Holds what a project spends against its budget: works out what is thinned, and tells who wants to know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from traces_app.alerting import AlertFailed, deliver
from traces_app.bill import Bill, get_bill, month_of
from traces_app.budget import note_told, read_budget, set_rate
from traces_app.domain.bill import DAY_H, FORECAST_FROM_H
from traces_app.domain.budget import Alert, Budget, Told, mean_rate, share_text, work_out_rate
from traces_app.domain.durations import HOUR_NS
from traces_app.domain.measures import EVERYTHING, Measures, Section
from traces_app.statistics import get_statistics
from traces_app.storage import get_store

__all__ = ["Check", "check_alerts", "check_budget", "work_out"]

_PLACES: Final[dict[str, tuple[Section, str]]] = {
    "all": ("main", EVERYTHING),
    "user": ("users", "user"),
    "model": ("main", "model"),
    "tag": ("main", "tag"),
}
"""Section and dimension of the statistics."""


class Check(NamedTuple):
    """What one look at a project came to."""

    budget: Budget
    told: list[tuple[Alert, Told]]
    text: str


def check_budget(project: str, *, is_time_up: Callable[[], bool] = bool, now_ns: int) -> Check:
    """Work the rate out anew, and send the alerts that are due."""
    bill = get_bill(project, month_of(now_ns), is_time_up=is_time_up, now_ns=now_ns)
    text = _work_out(project, bill, now_ns)
    told = check_alerts(project, bill, is_time_up=is_time_up, now_ns=now_ns)
    return Check(read_budget(project, now_ns=now_ns), told, text)


def work_out(project: str, *, is_time_up: Callable[[], bool] = bool, now_ns: int) -> str:
    """The rate alone, as after a change of the amount; what it is, in words."""
    return _work_out(
        project, get_bill(project, month_of(now_ns), is_time_up=is_time_up, now_ns=now_ns), now_ns
    )


def _work_out(project: str, bill: Bill, now_ns: int) -> str:
    budget = read_budget(project, now_ns=now_ns)
    if budget.monthly_usd is None:
        return "no budget is set"
    if not bill.is_complete:
        return f"{share_text(budget.keep_rate)}: as before, until all hours are added up"
    spent, forecast = bill.spent, bill.forecast
    rate, reason = work_out_rate(
        budget.monthly_usd,
        None if spent is None else spent.total_usd,
        None if forecast is None else forecast.total_usd,
        mean_rate(budget.history, _forecast_since_ns(project, now_ns), now_ns),
    )
    set_rate(project, budget, rate, reason, now_ns=now_ns)
    return f"{share_text(rate)}: {reason}"


def _forecast_since_ns(project: str, now_ns: int) -> int:
    """From when on the forecast is made: of a young project since its first day, but a day at least."""
    first_ms = get_store().first_day_ms(project, now_ns=now_ns)
    first_ns = now_ns if first_ms is None else first_ms * 10**6
    return max(now_ns - FORECAST_FROM_H * HOUR_NS, min(first_ns, now_ns - DAY_H * HOUR_NS))


def check_alerts(
    project: str, bill: Bill, *, is_time_up: Callable[[], bool] = bool, now_ns: int
) -> list[tuple[Alert, Told]]:
    """Those that are due and were not delivered in this month yet, each with what became of it."""
    budget, month = read_budget(project, now_ns=now_ns), bill.month.name
    outcomes = []
    for alert in budget.alerts:
        if is_time_up():
            break
        before = budget.told_of(alert, month)
        if before is not None and not before.failure:
            continue
        spent_usd = _spent_usd(project, alert, bill, is_time_up, now_ns)
        if spent_usd is None or spent_usd < alert.limit_usd:
            continue
        told = Told(now_ns, spent_usd, _tell(project, alert, month, spent_usd))
        note_told(project, alert, month, told, now_ns=now_ns)
        outcomes.append((alert, told))
    return outcomes


def _spent_usd(
    project: str, alert: Alert, bill: Bill, is_time_up: Callable[[], bool], now_ns: int
) -> float | None:
    """In this month up to now; ``None`` where it is not known."""
    if alert.what == "bill":
        return None if bill.spent is None else bill.spent.total_usd
    section, dimension = _PLACES[alert.by]
    found = get_statistics(
        project,
        section,
        since_ns=bill.month.first_hour * HOUR_NS,
        until_ns=bill.month.end_hour * HOUR_NS - 1,
        is_time_up=is_time_up,
        now_ns=now_ns,
    )
    return found.total().get(dimension, {}).get(alert.value or EVERYTHING, Measures()).cost_usd


def _tell(project: str, alert: Alert, month: str, spent_usd: float) -> str:
    """Why it did not arrive; empty when it did."""
    subject = f"{project}: {alert.subject} passed ${alert.limit_usd:,.2f} in {month}"
    sums = f"${spent_usd:,.2f} in {month}; the limit is ${alert.limit_usd:,.2f}"
    text = f"In project {project}, {alert.subject} is {sums}."
    facts: dict[str, Any] = {
        "project": project,
        "month": month,
        "what": alert.what,
        "by": alert.by,
        "value": alert.value or None,
        "limit_usd": alert.limit_usd,
        "spent_usd": spent_usd,
    }
    try:
        deliver(alert.to, " ".join(subject.split()), text, facts)
    except AlertFailed as error:
        return str(error)
    return ""
