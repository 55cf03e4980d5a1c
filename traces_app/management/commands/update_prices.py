"""Writes the price table anew from the installed genai-prices; commit what changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import orjson
from django.core.management.base import BaseCommand, CommandError

from traces_app.domain.price_table import TABLE_FILE
from traces_app.domain.pricing import PRICE_KEYS

LIBRARY: Final = "genai-prices"


class Command(BaseCommand):
    help = f"Write the price table anew from PyPI's {LIBRARY} (pip install --upgrade {LIBRARY})."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            table = table_of_library()
        except PackageNotFoundError:
            raise CommandError(f"{LIBRARY} is not installed: pip install {LIBRARY}") from None
        TABLE_FILE.write_bytes(written(table))
        models = sum(len(provider["models"]) for provider in table["providers"])
        self.stdout.write(f"{models} models of {len(table['providers'])} providers, from {table['source']}")


def written(table: dict[str, Any]) -> bytes:
    """A model a line, so that a change shows which prices it changes."""
    lines = [b'{"source":' + orjson.dumps(table["source"]) + b',"providers":[']
    for provider in table["providers"]:
        head = orjson.dumps({name: value for name, value in provider.items() if name != "models"})
        models = b",\n".join(map(orjson.dumps, provider["models"]))
        lines.append(head[:-1] + b',"models":[\n' + models + b"]},")
    lines[-1] = lines[-1][:-1]
    return b"\n".join([*lines, b"]}", b""])


def table_of_library() -> dict[str, Any]:
    """What finding a model and pricing tokens needs of the library's data."""
    source = f"{LIBRARY} {version(LIBRARY)}"
    from genai_prices.data import providers  # noqa: PLC0415 - installed where tables are made only

    return {"source": source, "providers": [_provider_of(provider) for provider in providers]}


def _provider_of(provider: Any) -> dict[str, Any]:
    return {
        "id": provider.id,
        "names": _clause_of(provider.provider_match),
        "models_named": _clause_of(provider.model_match),
        "sells": provider.fallback_model_providers or [],
        "models": [
            {"id": model.id, "match": _clause_of(model.match), "prices": _prices_of(model.prices)}
            for model in provider.models
        ],
    }


def _clause_of(clause: Any) -> dict[str, Any] | None:
    """``{"starts_with": "gpt"}``; texts are in small letters, as what they are compared with."""
    if clause is None:
        return None
    ((kind, wanted),) = vars(clause).items()
    if isinstance(wanted, list):
        return {kind.rstrip("_"): [_clause_of(part) for part in wanted]}
    return {kind: wanted if kind == "regex" else wanted.lower()}


def _prices_of(prices: Any) -> list[dict[str, Any]]:
    if not isinstance(prices, list):
        return [{"usd_per_million": _rates_of(prices)}]
    return [{**_times_of(one.constraint), "usd_per_million": _rates_of(one.prices)} for one in prices]


def _times_of(constraint: Any) -> dict[str, Any]:
    if constraint is None:
        return {}
    if since := getattr(constraint, "start_date", None):
        return {"since": since.isoformat()}
    return {"daily": [_utc(constraint.start_time), _utc(constraint.end_time)]}


def _utc(at: time) -> str:
    moment = datetime.combine(date(1970, 1, 1), at, at.tzinfo or UTC)
    return moment.astimezone(UTC).time().isoformat()


def _rates_of(prices: Any) -> dict[str, Any]:
    found = ((label, getattr(prices, key)) for label, key in PRICE_KEYS.items())
    return {label: _rate_of(price) for label, price in found if price is not None}


def _rate_of(price: Any) -> Any:
    if not hasattr(price, "tiers"):
        return float(price)
    tiers = [[tier.start, float(tier.price)] for tier in price.tiers]
    return {"base": float(price.base), "tiers": tiers}
