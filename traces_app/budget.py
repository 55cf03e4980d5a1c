"""A project's budget as it is kept: the amount, today's rate, the alerts, and who was told of what."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from functools import partial
from typing import Any, Final

from django.conf import settings

from traces_app.domain.budget import (
    EVERYTHING,
    MAX_EXPENSIVE_USD,
    MAX_MONTHLY_USD,
    Alert,
    Budget,
    Told,
    read_alert,
    read_seconds,
    read_usd,
)
from traces_app.domain.durations import DAY_NS, DAY_S
from traces_app.storage import get_store, keys
from traces_app.storage.remembered import Remembered

__all__ = [
    "add_alert",
    "budget_of",
    "new_alert",
    "note_told",
    "read_amount",
    "read_budget",
    "remove_alert",
    "set_budget",
    "set_rate",
]

REMEMBERED_NS: Final = 30 * 10**9
"""How long another process still goes by the rate of before."""

MAX_ALERTS: Final = 50
TOLD_KEPT_S: Final = 70 * DAY_S
HISTORY_KEPT_NS: Final = 14 * DAY_NS
"""Twice what a forecast looks back."""

_AMOUNT, _RATE, _ALERT, _TOLD = "amount", "rate", "alert#", "told#"

_remembered: Final = Remembered[Budget](REMEMBERED_NS)


def budget_of(project: str, *, now_ns: int) -> Budget:
    """As of at most half a minute ago."""
    return _remembered.of(project, partial(read_budget, project, now_ns=now_ns), now_ns=now_ns)


def read_budget(project: str, *, now_ns: int) -> Budget:
    """As it is now."""
    found = dict(get_store().list_records(keys.budget_partition(project), now_ns=now_ns))
    alerts = [Alert(**value) for sort, value in found.items() if sort.startswith(_ALERT)]
    told = [_told(sort, value) for sort, value in found.items() if sort.startswith(_TOLD)]
    amount, rate = found.get(_AMOUNT, {}), found.get(_RATE, {})
    ordered = sorted(alerts, key=lambda alert: (alert.what, alert.by, alert.value, alert.limit_usd))
    history = tuple((at_ns, of_then) for at_ns, of_then in rate.pop("history", []))
    return Budget(**amount, **rate, history=history, alerts=tuple(ordered), told=tuple(told))


def set_budget(project: str, *, monthly_usd: str, slow_s: str, expensive_usd: str, now_ns: int) -> Budget:
    """An empty amount removes the budget; everything is kept then. Raises ValueError naming the field."""
    amount = read_amount(monthly_usd=monthly_usd, slow_s=slow_s, expensive_usd=expensive_usd)
    if amount:
        _put(project, _AMOUNT, amount, now_ns)
        return read_budget(project, now_ns=now_ns)
    for sort in (_AMOUNT, _RATE):
        get_store().delete_record(keys.budget_partition(project), sort)
    _remembered.forget()
    return read_budget(project, now_ns=now_ns)


def read_amount(*, monthly_usd: str, slow_s: str, expensive_usd: str) -> dict[str, float]:
    """As typed; nothing where the amount is empty. Raises ValueError naming the field and the limit."""
    if not monthly_usd.strip():
        return {}
    amount = {"monthly_usd": read_usd("monthly amount", monthly_usd, MAX_MONTHLY_USD)}
    if slow_s.strip():
        amount["slow_s"] = read_seconds("slow", slow_s)
    if expensive_usd.strip():
        amount["expensive_usd"] = read_usd("expensive", expensive_usd, MAX_EXPENSIVE_USD)
    return amount


def set_rate(project: str, budget: Budget, keep_rate: float, reason: str, *, now_ns: int) -> None:
    """What was worked out; ``budget`` is as it was before."""
    since_ns = None if keep_rate >= EVERYTHING else budget.thinned_since_ns or now_ns
    history = [*budget.history, (now_ns, keep_rate)] if keep_rate != budget.keep_rate else budget.history
    recent = [one for one in history[:-1] if one[0] > now_ns - HISTORY_KEPT_NS]
    rate = {"keep_rate": keep_rate, "reason": reason, "worked_out_at_ns": now_ns}
    more = {"thinned_since_ns": since_ns, "history": [*recent, *history[-1:]]}
    _put(project, _RATE, {**rate, **more}, now_ns)


def add_alert(project: str, fields: dict[str, str], *, now_ns: int) -> Alert:
    """``what``, ``by``, ``value``, ``limit`` and ``to`` as typed. Raises ValueError naming the field."""
    alert = new_alert(project, fields, now_ns=now_ns)
    _put(project, _ALERT + alert.alert_id, asdict(alert), now_ns)
    return alert


def new_alert(project: str, fields: dict[str, str], *, now_ns: int) -> Alert:
    """One that can be added. Raises ValueError naming the field."""
    alert = read_alert(secrets.token_hex(6), fields, plain_http=not settings.PRODUCTION)
    if len(read_budget(project, now_ns=now_ns).alerts) >= MAX_ALERTS:
        raise ValueError(f"alert: a project has at most {MAX_ALERTS}: remove one first.")
    return alert


def remove_alert(project: str, alert_id: str, *, now_ns: int) -> Alert | None:
    """The one that was there; ``None`` when there was none."""
    alerts = read_budget(project, now_ns=now_ns).alerts
    alert = next((one for one in alerts if one.alert_id == alert_id), None)
    if alert is not None:
        get_store().delete_record(keys.budget_partition(project), _ALERT + alert_id)
        _remembered.forget()
    return alert


def note_told(project: str, alert: Alert, month: str, told: Told, *, now_ns: int) -> None:
    """So that nobody is told twice in a month, and a failure is seen."""
    pk, sort = keys.budget_partition(project), f"{_TOLD}{alert.alert_id}#{month}"
    expires_at = now_ns // 10**9 + TOLD_KEPT_S
    get_store().put_record(pk, sort, asdict(told), now_ns=now_ns, expires_at=expires_at)
    _remembered.forget()


def _told(sort: str, value: dict[str, Any]) -> tuple[str, str, Told]:
    _, alert_id, month = sort.split("#")
    return alert_id, month, Told(**value)


def _put(project: str, sort: str, value: dict[str, Any], now_ns: int) -> None:
    get_store().put_record(keys.budget_partition(project), sort, value, now_ns=now_ns)
    _remembered.forget()
