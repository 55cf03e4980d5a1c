from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.builders import NOW_NS, span, span_id
from traces_app.domain.retention import Retention, Rule, expiry, read_condition, read_days
from traces_app.domain.search import SPANS_ONLY
from traces_app.domain.span import Span
from traces_app.domain.summary import TraceSummary, fragment_of, merge

DAY_S = 86_400


def trace(*spans: Span, **fields: Any) -> TraceSummary:
    found = merge("dev", "0" * 31 + "1", [fragment_of(spans or [span(1)])], now_ns=NOW_NS)
    return dataclasses.replace(found, **fields)


RULES = Retention(
    30,
    (
        Rule("error:true", 180),
        Rule("scored:true", 365),
        Rule("duration:>5s", 60),
        Rule("cost:>0.5", 90),
        Rule("tag:gold", None),
        Rule("name:=checkout", 45),
        Rule("env:dev", 3),
    ),
)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "rest: 30 days"),
        ({"error_count": 1}, "errors: 180 days"),
        ({"scores": {"good": 0.0}}, "scored: 365 days"),
        ({"end_ns": NOW_NS}, "slower than 5s: 60 days"),
        ({"cost_usd": 0.6}, "dearer than $0.5: 90 days"),
        ({"tags": ["gold"], "error_count": 1}, "tag gold: for ever"),
        ({"name": "checkout"}, "name checkout: 45 days"),
        ({"environment": "dev"}, "environment dev: 3 days"),
        ({"environment": "dev", "error_count": 1}, "errors: 180 days"),
    ],
)
def test_the_longest_rule_that_holds_wins(fields: dict[str, Any], text: str) -> None:
    assert RULES.rule_of(trace(**fields)).text == text


def test_a_name_counts_once_it_is_the_roots() -> None:
    part = trace(span(2, name="checkout", parent_span_id=span_id(1)))
    assert RULES.rule_of(part).days == 30


def test_all_batches_of_an_hour_expire_in_one_moment() -> None:
    start_ms = NOW_NS // 10**6
    moments = {expiry(30, start_ms, NOW_NS + seconds * 10**9) for seconds in (0, 5, 80_000)}
    assert len(moments) == 1
    assert (moments.pop() or 0) % 3600 == 0


def test_a_wrong_clock_and_an_old_trace_count_from_their_arrival() -> None:
    for days in (-400, 400):
        moment = expiry(30, NOW_NS // 10**6 + days * DAY_S * 1000, NOW_NS) or 0
        assert 30 * DAY_S < moment - NOW_NS // 10**9 <= 30 * DAY_S + 3600


def test_for_ever_has_no_moment() -> None:
    assert expiry(None, NOW_NS // 10**6, NOW_NS) is None
    assert Retention(30, (Rule("error:true", None),)).longest_days is None
    assert Retention(30, (Rule("error:true", 4),)).longest_days == 30


def test_the_reason_is_the_rule_that_the_moment_follows_from() -> None:
    start_ms = NOW_NS // 10**6
    failed = trace(error_count=1, start_ns=NOW_NS, expires_at=expiry(180, start_ms, NOW_NS))
    assert RULES.reason(failed) == "errors: 180 days"
    assert RULES.reason(dataclasses.replace(failed, expires_at=expiry(30, start_ms, NOW_NS))) == (
        "by an earlier rule; today errors: 180 days"
    )
    assert RULES.reason(dataclasses.replace(failed, expires_at=None)) == "for ever, by no rule of today"
    assert RULES.reason(dataclasses.replace(failed, expires_at=None, is_pinned=True)) == "pinned"
    plain = trace(start_ns=NOW_NS, expires_at=expiry(90, start_ms, NOW_NS))
    assert Retention(90).reason(plain) == "90 days"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "condition: write a search"),
        ("x" * 301, "300 characters"),
        ("error:maybe", "error: write one of"),
        ("durtion:>2s", "did you mean duration:?"),
        ("duration:>2", "write a time with its unit"),
        ("refund", "words alone are no rule"),
        *((f"{key}:true", f"{key}: looks into spans") for key in sorted(SPANS_ONLY)),
        ("pinned:true", "kept for ever in any case"),
    ],
)
def test_a_condition_that_is_no_rule_is_refused(text: str, part: str) -> None:
    with pytest.raises(ValueError, match="condition") as caught:
        read_condition(text)
    assert part in str(caught.value)


def test_days_are_read() -> None:
    assert [read_days(text) for text in ("1", " 3650 ", "forever", "For ever")] == [1, 3650, None, None]
    for text in ("0", "3651", "-1", "1.5", "", "ten", "9" * 50, "²", "\u0663\u0660"):
        with pytest.raises(ValueError, match="days: write a whole number from 1 to 3650, or forever"):
            read_days(text)
