"""What a call cost: token counts times a dated price table (``price_table``, made from ``genai-prices``).

The table is looked up once per model and half hour and the arithmetic is done here; a test holds sums and
models found to those of the library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from traces_app.domain import price_table
from traces_app.domain.span import Usage

TOKENS_PER_PRICE: Final = 1_000_000
PRICE_SLOT_S: Final = 1800
"""Prices that depend on the time of day change on half hours."""

PRICE_KEYS: Final = {
    "input": "input_mtok",
    "cache read": "cache_read_mtok",
    "cache write": "cache_write_mtok",
    "input audio": "input_audio_mtok",
    "output": "output_mtok",
    "reasoning": "output_reasoning_mtok",
    "output audio": "output_audio_mtok",
}
"""Our label to the library's name."""
PRICE_LABELS: Final = tuple(PRICE_KEYS)

Prices = dict[str, Any]
"""The table's price (a number, or a base with tiers) by our label."""

_Directions = tuple[tuple[str, int, tuple[tuple[str, int | None], ...]], ...]


class CostLine(NamedTuple):
    """One line of a worked sum."""

    label: str
    tokens: int
    usd_per_million: float

    @property
    def usd(self) -> float:
        return self.tokens * self.usd_per_million / TOKENS_PER_PRICE


@dataclass(slots=True, frozen=True)
class Cost:
    """Dollars of one call. ``detail`` says whose prices: ``{prices_of, usd_per_million: {label: usd}}``."""

    usd: float
    detail: dict[str, Any]


@dataclass(slots=True, frozen=True)
class OwnPrice:
    """A price that a project sets for a model, for calls that began at ``since_ns`` or later."""

    model: str
    since_ns: int
    usd_per_million: dict[str, float]


def price(
    usage: Usage,
    *,
    model: str | None,
    provider: str | None,
    requested_model: str | None = None,
    at_ns: int,
    own: Sequence[OwnPrice] = (),
) -> Cost | None:
    """Cost of a call, or ``None`` when its model or its tokens are unknown: never 0 for unknown.

    ``own`` prices come before the table's.
    """
    if usage.input_tokens is None and usage.output_tokens is None:
        return None
    for name in (model, requested_model):
        chosen = [one for one in own if one.model == name and one.since_ns <= at_ns]
        if chosen:
            newest = max(chosen, key=lambda one: one.since_ns)
            return _cost(usage, f"own/{newest.model}", newest.usd_per_million)
    slot = at_ns // 1_000_000_000 // PRICE_SLOT_S
    for name in (model, requested_model):
        found = _model_price(name, provider, slot) if name else None
        if found is not None:
            return _cost(usage, *found)
    return None


_LAST_RESORT: Final = "openai"
"""Whose models are looked through when nobody tells the provider: its embeddings match no maker's pattern."""


@lru_cache(maxsize=4096)
def _model_price(model: str, provider: str | None, slot: int) -> tuple[str, Prices] | None:
    """Whose prices, and those of the labels that have one."""
    at = datetime.fromtimestamp(slot * PRICE_SLOT_S, UTC)
    for provider_id in dict.fromkeys((provider or None, None, _LAST_RESORT)):
        if found := price_table.find(model, provider_id, at):
            return found
    return None


def worked_sum(usage: Usage, usd_per_million: Mapping[str, float]) -> list[CostLine]:
    """The lines of a computed cost: a subset with a price of its own leaves the inclusive count."""
    lines = []
    for label, tokens, subsets in _directions(usage):
        rest = tokens
        for subset_label, subset_tokens in subsets:
            if subset_tokens and subset_label in usd_per_million:
                rest -= subset_tokens
                lines.append(CostLine(subset_label, subset_tokens, usd_per_million[subset_label]))
        if rest > 0 and label in usd_per_million:
            lines.append(CostLine(label, rest, usd_per_million[label]))
    return lines


def _cost(usage: Usage, prices_of: str, prices: Mapping[str, Any]) -> Cost | None:
    long_context_tokens = usage.input_tokens or 0
    rates: dict[str, float] = {}
    for label, tokens, subsets in _directions(usage):
        for name, count in ((label, tokens), *subsets):
            if count and name in prices:
                rates[name] = _rate(prices[name], long_context_tokens)
        if label not in rates and tokens:
            return None
    usd = sum(line.usd for line in worked_sum(usage, rates))
    return Cost(usd, {"prices_of": prices_of, "usd_per_million": rates})


def _directions(usage: Usage) -> _Directions:
    """Label, inclusive count, and its subsets by label."""
    return (
        (
            "input",
            usage.input_tokens or 0,
            (
                ("cache read", usage.cache_read_tokens),
                ("cache write", usage.cache_write_tokens),
                ("input audio", usage.input_audio_tokens),
            ),
        ),
        (
            "output",
            usage.output_tokens or 0,
            (("reasoning", usage.reasoning_tokens), ("output audio", usage.output_audio_tokens)),
        ),
    )


def _rate(price_of_unit: Any, long_context_tokens: int) -> float:
    """USD per million tokens. A tier that is crossed applies to all tokens of the call, as providers bill."""
    if isinstance(price_of_unit, float):
        return price_of_unit
    rate: float = price_of_unit["base"]
    for start, price_of_tier in price_of_unit["tiers"]:
        if long_context_tokens > start:
            rate = price_of_tier
    return rate
