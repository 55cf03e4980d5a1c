"""Our reading of the price table, held against the library it is made from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from genai_prices.data import providers
from genai_prices.data_snapshot import get_snapshot

from traces_app.domain.price_table import TABLE_FILE, find
from traces_app.domain.pricing import PRICE_KEYS
from traces_app.management.commands.update_prices import table_of_library, written

TIMES = [
    datetime(2024, 3, 1, 12, 15, tzinfo=UTC),
    datetime(2026, 10, 20, 0, 45, tzinfo=UTC),
    datetime(2026, 10, 20, 2, 30, tzinfo=UTC),
    datetime(2026, 11, 30, 16, 30, tzinfo=UTC),
]
MODELS = [(provider.id, model.id) for provider in providers for model in provider.models]
CHANGING = [
    (provider.id, model.id)
    for provider in providers
    for model in provider.models
    if isinstance(model.prices, list)
]
"""Those whose prices depend on the time."""


def in_library(model: str, provider: str | None, at: datetime) -> tuple[str, dict[str, Any]] | None:
    try:
        owner, found = get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    prices = found.get_prices(at)
    by_label = {label: getattr(prices, key) for label, key in PRICE_KEYS.items()}
    plain = {
        label: {"base": float(price.base), "tiers": [[tier.start, float(tier.price)] for tier in price.tiers]}
        if hasattr(price, "tiers")
        else float(price)
        for label, price in by_label.items()
        if price is not None
    }
    return f"{owner.id}/{found.id}", plain


def test_the_table_is_that_of_the_pinned_library() -> None:
    assert TABLE_FILE.read_bytes() == written(table_of_library()), "run manage.py update_prices"


@pytest.mark.parametrize("at", TIMES, ids=str)
def test_every_model_of_the_library_is_found_with_its_prices(at: datetime) -> None:
    wrong = [
        (provider, model)
        for provider, model in (MODELS if at == TIMES[3] else CHANGING)
        if find(model, provider, at) != in_library(model, provider, at)
    ]
    assert wrong == []


ODD_NAMES = [
    ("GPT-4o", None),
    ("gpt-4o-20240806", "openai"),
    ("gpt-5.2-20251211", None),
    ("claude-sonnet-4-5-20250929", "aws"),
    ("claude-3-5-sonnet-20259931", "anthropic"),
    ("us.anthropic.claude-sonnet-4-20250514-v1:0", "bedrock"),
    ("openai/gpt-4o", "litellm"),
    ("nobody/gpt-4o", "LiteLLM"),
    ("gpt-4o", "litellm"),
    ("gpt-4o", " Azure "),
    ("gemini-2.5-pro", "google-vertex"),
    ("text-embedding-3-small", None),
    ("text-embedding-3-small", "openai"),
    ("our-own-llama", None),
    ("", None),
    ("/", "litellm"),
]


@pytest.mark.parametrize(("model", "provider"), ODD_NAMES)
def test_names_as_gateways_write_them_are_found_alike(model: str, provider: str | None) -> None:
    assert find(model, provider, TIMES[3]) == in_library(model, provider, TIMES[3])


def test_names_without_their_provider_are_found_alike() -> None:
    at = TIMES[3]
    wrong = [model for _, model in MODELS[::7] if find(model, None, at) != in_library(model, None, at)]
    assert wrong == []
