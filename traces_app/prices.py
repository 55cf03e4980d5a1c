"""Prices that a project sets itself: they come before the table's, from the day they are valid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from traces_app.domain.limits import MAX_COST_USD, MAX_ID_CHARACTERS
from traces_app.domain.pricing import PRICE_LABELS, OwnPrice
from traces_app.storage import get_store, keys
from traces_app.storage.remembered import Remembered

__all__ = ["list_prices", "own_prices", "read_price", "remove_price", "set_price"]

REMEMBERED_NS: Final = 30 * 10**9
"""How long another process still computes with the price of before."""

MAX_PRICES: Final = 200
_SEPARATOR: Final = "#"

_remembered: Final = Remembered[list[OwnPrice]](REMEMBERED_NS)


def own_prices(project: str, *, now_ns: int) -> Sequence[OwnPrice]:
    """As of at most half a minute ago."""
    return _remembered.of(project, partial(list_prices, project, now_ns=now_ns), now_ns=now_ns)


def list_prices(project: str, *, now_ns: int) -> list[OwnPrice]:
    """By model, the newest first."""
    found = get_store().list_records(keys.prices_partition(project), now_ns=now_ns)
    prices = [OwnPrice(value["model"], value["since_ns"], value["usd_per_million"]) for _, value in found]
    return sorted(prices, key=lambda price: (price.model, -price.since_ns))


def set_price(
    project: str, *, model: str, since_ns: int, usd_per_million: Mapping[str, float], now_ns: int
) -> OwnPrice:
    """For calls that began at ``since_ns`` or later and come from now on. Raises ValueError."""
    price = read_price(model=model, since_ns=since_ns, usd_per_million=usd_per_million)
    known = {(one.model, one.since_ns) for one in list_prices(project, now_ns=now_ns)}
    if len(known) >= MAX_PRICES and (price.model, since_ns) not in known:
        raise ValueError(f"A project has at most {MAX_PRICES} prices of its own: remove one first.")
    value = {"model": price.model, "since_ns": since_ns, "usd_per_million": price.usd_per_million}
    get_store().put_record(keys.prices_partition(project), _sort(price.model, since_ns), value, now_ns=now_ns)
    _remembered.forget()
    return price


def read_price(*, model: str, since_ns: int, usd_per_million: Mapping[str, float]) -> OwnPrice:
    """Raises ValueError naming the field and the limit."""
    model = model.strip()
    if not model or len(model) > MAX_ID_CHARACTERS:
        raise ValueError(f"model: a price needs the name of a model, at most {MAX_ID_CHARACTERS} characters.")
    for label, usd in usd_per_million.items():
        if label not in PRICE_LABELS or not math.isfinite(usd) or not 0 <= usd <= MAX_COST_USD:
            raise ValueError(f"{label}: from 0 to {MAX_COST_USD:g} dollars a million tokens.")
    for label in ("input", "output"):
        if label not in usd_per_million:
            raise ValueError(f"{label}: a price needs dollars a million tokens for input and for output.")
    return OwnPrice(model, since_ns, dict(usd_per_million))


def remove_price(project: str, *, model: str, since_ns: int, now_ns: int) -> bool:
    """False when there was no such price."""
    pk, sk = keys.prices_partition(project), _sort(model, since_ns)
    was_there = get_store().get_record(pk, sk, now_ns=now_ns) is not None
    get_store().delete_record(pk, sk)
    _remembered.forget()
    return was_there


def _sort(model: str, since_ns: int) -> str:
    return f"{since_ns // 1_000_000_000:011d}{_SEPARATOR}{model}"
