"""A project's budget on its pages: the amount, what is thinned for it, and who is told of what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from traces_app.bill import Bill
from traces_app.domain.budget import Alert, Budget, Told, share_text
from traces_app.explorer.formats import Moment, cost_text, count_text, moment
from traces_app.explorer.pages.cost import total_usd
from traces_app.explorer.visible import visible_line


@dataclass(frozen=True, slots=True)
class AlertLine:
    alert_id: str
    subject: str
    limit: str
    to: str
    told_at: Moment | None
    told: str
    is_failed: bool


@dataclass(frozen=True, slots=True)
class BudgetPanel:
    """``amount`` is empty where there is no budget; ``typed`` is what its form holds."""

    amount: str
    share: str
    is_thinned: bool
    reason: str
    since: Moment | None
    worked_out: Moment | None
    alerts: list[AlertLine]
    typed: dict[str, str]


@dataclass(frozen=True, slots=True)
class BudgetOfBill:
    """Beside the bill of the month that runs."""

    panel: BudgetPanel
    tiles: list[tuple[str, str]]


def budget_panel(budget: Budget, *, month: str, now_ns: int) -> BudgetPanel:
    known = budget.monthly_usd
    return BudgetPanel(
        amount="" if known is None else cost_text(known),
        share=share_text(budget.keep_rate),
        is_thinned=budget.thinning is not None,
        reason=budget.reason or "not worked out yet",
        since=moment(budget.thinned_since_ns, now_ns=now_ns),
        worked_out=moment(budget.worked_out_at_ns, now_ns=now_ns),
        alerts=[_line(alert, budget.told_of(alert, month), now_ns) for alert in budget.alerts],
        typed={
            "monthly_usd": "" if known is None else f"{known:.12g}",
            "slow_s": f"{budget.slow_s:g}",
            "expensive_usd": f"{budget.expensive_usd:g}",
        },
    )


def budget_of_bill(budget: Budget, bill: Bill, *, now_ns: int) -> BudgetOfBill | None:
    """``None`` without a budget."""
    if budget.monthly_usd is None:
        return None
    panel = budget_panel(budget, month=bill.month.name, now_ns=now_ns)
    tiles = [
        ("Budget of the month", panel.amount),
        ("Forecast", cost_text(total_usd(bill.forecast))),
        ("Plain traces", share_text(budget.keep_rate).partition(" plain")[0].removesuffix(" are kept whole")),
        ("Thinned this month", count_text(bill.ledger.total_models().thinned)),
    ]
    return BudgetOfBill(panel, tiles)


def budget_json(budget: Budget, bill: Bill) -> dict[str, Any] | None:
    if budget.monthly_usd is None:
        return None
    return {
        "monthly_usd": budget.monthly_usd,
        "forecast_usd": total_usd(bill.forecast),
        "keep_rate": budget.keep_rate,
        "reason": budget.reason,
        "worked_out_at_ns": budget.worked_out_at_ns,
        "thinned_since_ns": budget.thinned_since_ns,
        "thinned_traces": bill.ledger.total_models().thinned,
        "slow_s": budget.slow_s,
        "expensive_usd": budget.expensive_usd,
    }


def address_text(alert: Alert) -> str:
    """Of a webhook the host alone: its path is often a secret."""
    if alert.is_webhook:
        return f"webhook at {visible_line(urlsplit(alert.to).netloc, 100)}"
    return visible_line(alert.to, 200)


def _line(alert: Alert, told: Told | None, now_ns: int) -> AlertLine:
    told_text = f"at {cost_text(told.spent_usd)}" if told else "not passed"
    if told and told.failure:
        told_text = f"not delivered, tried again: {visible_line(told.failure, 200)}"
    return AlertLine(
        alert_id=alert.alert_id,
        subject=visible_line(alert.subject, 200),
        limit=cost_text(alert.limit_usd),
        to=address_text(alert),
        told_at=moment(told.at_ns, now_ns=now_ns) if told and not told.failure else None,
        told=told_text,
        is_failed=bool(told and told.failure),
    )
