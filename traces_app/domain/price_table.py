"""The table of list prices: whose a model is, and what a million tokens cost at a time.

``price_table.json`` beside this file is made from PyPI's ``genai-prices`` by ``manage.py update_prices``. The
library itself is not loaded: it is made of pydantic models, a quarter of a second of a cold start. Its rules
for finding a model are followed here; a test asks both the same questions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson

__all__ = ["TABLE_FILE", "find", "load"]

TABLE_FILE: Final = Path(__file__).with_suffix(".json")

_ROUTER: Final = "litellm"
"""Names no provider of its own: the real one stands in front of the model, ``openai/gpt-4o``."""

_COMPACT_DATE: Final = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")

_Provider = dict[str, Any]
_Clause = Mapping[str, Any]


@cache
def load() -> list[_Provider]:
    """Every provider with its models; read once."""
    providers: list[_Provider] = orjson.loads(TABLE_FILE.read_bytes())["providers"]
    return providers


def find(model: str, provider: str | None, at: datetime) -> tuple[str, dict[str, Any]] | None:
    """``provider/model`` and its prices by label at that time; a price is a number or has tiers."""
    name = model.lower()
    if provider and provider.lower() == _ROUTER:
        provider, name = _routed(name)
    owner = _named(provider) if provider else _owning(name)
    found = owner and (_model_of(owner, name) or _model_of(owner, _dashed_date(name)))
    if not owner or not found:
        return None
    return f"{owner['id']}/{found['id']}", _prices_at(found["prices"], at)


def _routed(name: str) -> tuple[str | None, str]:
    prefix, _, rest = name.partition("/")
    return (prefix, rest) if rest and _named(prefix) else (None, name)


def _named(provider: str) -> _Provider | None:
    name = provider.lower().strip()
    exact = (one for one in load() if one["id"] == name)
    return next(exact, None) or next((one for one in load() if _matches(one["names"], name)), None)


def _owning(model: str) -> _Provider | None:
    return next((one for one in load() if _matches(one["models_named"], model)), None)


def _model_of(owner: _Provider, name: str) -> dict[str, Any] | None:
    """Of the provider itself, else of those whose models it sells too."""
    others = (one for other in owner["sells"] for one in load() if one["id"] == other)
    every = (model for one in (owner, *others) for model in one["models"])
    return next((model for model in every if _matches(model["match"], name)), None)


def _dashed_date(name: str) -> str:
    """``-20251211``, as routers write it, as the ``-2025-12-11`` of the table."""

    def dashed(match: re.Match[str]) -> str:
        year, month, day = match.groups()
        try:
            return f"-{date(int(year), int(month), int(day))}"
        except ValueError:
            return match[0]

    return _COMPACT_DATE.sub(dashed, name)


_TESTS: Final[dict[str, Callable[[Any, str], bool]]] = {
    "equals": lambda wanted, text: text == wanted,
    "starts_with": lambda wanted, text: text.startswith(wanted),
    "ends_with": lambda wanted, text: text.endswith(wanted),
    "contains": lambda wanted, text: wanted in text,
    "regex": lambda wanted, text: re.search(wanted, text) is not None,
    "or": lambda clauses, text: any(_matches(clause, text) for clause in clauses),
    "and": lambda clauses, text: all(_matches(clause, text) for clause in clauses),
}


def _matches(clause: _Clause | None, text: str) -> bool:
    return bool(clause) and all(_TESTS[kind](wanted, text) for kind, wanted in (clause or {}).items())


def _prices_at(prices: list[dict[str, Any]], at: datetime) -> dict[str, Any]:
    """The last of those that hold at the time, else the first."""
    at = at.astimezone(UTC)
    holding = (entry for entry in reversed(prices) if _holds(entry, at))
    found: dict[str, Any] = next(holding, prices[0])["usd_per_million"]
    return found


def _holds(entry: Mapping[str, Any], at: datetime) -> bool:
    if "since" in entry:
        return at.date() >= date.fromisoformat(entry["since"])
    if "daily" not in entry:
        return True
    begin, end = (str(limit) for limit in entry["daily"])
    now = f"{at:%H:%M:%S}"
    return begin <= now < end if begin <= end else now >= begin or now < end
