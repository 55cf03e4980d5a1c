from __future__ import annotations

import pytest
from genai_prices import Usage as LibraryUsage
from genai_prices import calc_price
from genai_prices.data import providers

from tests.builders import NOW_NS, span
from traces_app.domain.normalize import normalize
from traces_app.domain.pricing import price, worked_sum
from traces_app.domain.span import Usage


def test_a_known_model_is_priced_and_the_sum_is_worked_out() -> None:
    cost = price(Usage(1000, 100, 400), model="gpt-4o", provider="openai", at_ns=NOW_NS)
    assert cost is not None
    assert cost.usd == pytest.approx((600 * 2.5 + 400 * 1.25 + 100 * 10) / 1e6)
    assert cost.detail["prices_of"] == "openai/gpt-4o"
    lines = worked_sum(Usage(1000, 100, 400), cost.detail["usd_per_million"])
    assert lines == [("cache read", 400, 1.25), ("input", 600, 2.5), ("output", 100, 10.0)]
    assert sum(line.usd for line in lines) == cost.usd


def test_an_unknown_model_has_no_cost_rather_than_none_at_all() -> None:
    assert price(Usage(1000, 100), model="our-own-llama", provider=None, at_ns=NOW_NS) is None
    assert price(Usage(1000, 100), model=None, provider="openai", at_ns=NOW_NS) is None


def test_unknown_tokens_have_no_cost() -> None:
    assert price(Usage(), model="gpt-4o", provider="openai", at_ns=NOW_NS) is None


def test_an_unknown_provider_does_not_hide_a_known_model() -> None:
    assert price(Usage(10, 1), model="gpt-4o", provider="my-gateway", at_ns=NOW_NS) is not None


def test_reasoning_is_part_of_the_output_and_not_paid_twice() -> None:
    plain = price(Usage(10, 100), model="o3", provider="openai", at_ns=NOW_NS)
    thinking = price(Usage(10, 100, reasoning_tokens=90), model="o3", provider="openai", at_ns=NOW_NS)
    assert plain is not None
    assert thinking is not None
    assert plain.usd == pytest.approx(thinking.usd)


MODELS = [
    (provider.id, model.id)
    for provider in providers
    if provider.id in {"openai", "anthropic", "google", "mistral", "deepseek", "x-ai"}
    for model in provider.models
]


@pytest.mark.parametrize("tokens", [(1000, 200, 300, 0), (1000, 200, 0, 500), (900_000, 50, 100, 0)])
def test_sums_equal_those_of_the_price_library(tokens: tuple[int, int, int, int]) -> None:
    input_tokens, output_tokens, read, write = tokens
    compared = 0
    for provider, model in MODELS:
        ours = price(
            Usage(input_tokens, output_tokens, read or None, write or None),
            model=model,
            provider=provider,
            at_ns=NOW_NS,
        )
        if ours is None:
            continue
        theirs = calc_price(
            LibraryUsage(
                input_tokens=input_tokens,
                output_tokens=output_tokens,
                cache_read_tokens=read,
                cache_write_tokens=write,
            ),
            model_ref=model,
            provider_id=provider,
            genai_request_timestamp=_at(NOW_NS),
        )
        assert ours.usd == pytest.approx(float(theirs.input_price + theirs.output_price)), (provider, model)
        compared += 1
    assert compared > 100


def _at(at_ns: int) -> object:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_ns / 1e9, UTC)


def test_a_cost_that_the_sender_reports_stands() -> None:
    one = span(1, kind="llm", model="gpt-4o", usage=Usage(10, 1), cost_usd=7.0)
    normalize(one, now_ns=NOW_NS)
    assert (one.cost_usd, one.cost_source, one.cost_detail) == (7.0, "reported", None)


def test_a_wrapper_with_tokens_is_not_priced() -> None:
    one = span(1, kind="agent", model="gpt-4o", usage=Usage(10, 1))
    normalize(one, now_ns=NOW_NS)
    assert one.cost_usd is None
