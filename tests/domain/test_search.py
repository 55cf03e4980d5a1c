from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW_NS, span, span_id, trace_id
from traces_app.domain.search import KEYS, Search, exactly, parse_search
from traces_app.domain.span import Usage
from traces_app.domain.summary import TraceSummary, fragment_of, merge


def summary(**fields: Any) -> TraceSummary:
    values = {
        "name": "Support chat",
        "kind": "agent",
        "input": "where is my order?",
        "output": "On its way",
        "model": "gpt-4o",
        "tags": ["vip", "eu"],
        "user_id": "ana",
        "environment": "prod",
        "scores": [{"name": "quality", "value": 0.3}],
    }
    call = span(
        2,
        parent_span_id=span_id(1),
        start_ns=NOW_NS - 10**9,
        kind="llm",
        usage=Usage(900, 200),
        cost_usd=0.02,
        model="gpt-4o-mini",
    )
    root = span(1, **{**values, "end_ns": NOW_NS, "start_ns": NOW_NS - 3 * 10**9, **fields})
    return merge("dev", trace_id(1), [fragment_of([root, call])], now_ns=NOW_NS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "support",
        "ORDER?",
        '"my order"',
        "name:support",
        'name:="Support chat"',
        "name:sup*chat",
        "kind:agent",
        "model:gpt-4o",
        "model:=gpt-4o-mini",
        "tag:vip tag:eu",
        "tag:none,vip",
        "user:ana",
        "user:*",
        "-session:*",
        "env:prod,staging",
        "-env:test",
        "status:ok",
        "error:false",
        "duration:>2s",
        "duration:<=3000ms",
        "cost:>0.01",
        "cost:>$0.01",
        "tokens:>1k",
        "tokens:1100",
        "spans:2",
        "score:<0.5",
        "-ttft:>0s",
        f"id:{trace_id(1)}",
    ],
)
def test_a_condition_that_holds_is_met_and_its_opposite_is_not(text: str) -> None:
    search = parse_search(text)
    assert (search.problems, search.matches(summary())) == ([], True)
    if text and " " not in text:
        opposite = text.removeprefix("-") if text.startswith("-") else f"-{text}"
        assert not parse_search(opposite).matches(summary()), opposite


@pytest.mark.parametrize(
    "text", ["refund", "name:=support", "tag:vi", "user:Ana", "tokens:<1k", "duration:>3.1s"]
)
def test_what_does_not_hold_is_not_met(text: str) -> None:
    assert not parse_search(text).matches(summary())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("statsu:ok", "statsu: is no filter; did you mean status:?"),
        ("zzzzz:ok", "the keys are name, status"),
        ("status:odd", "status: write one of ok, error, cancelled, pending, running, not odd."),
        ("duration:>2", "duration: write a time with its unit"),
        ("cost:cheap", "cost: write a number, as cost:>0.01, not cheap."),
        ("tokens:>many", "tokens: write a number"),
        ("tag:", "tag: a value is missing."),
        ("tag:>5", "tag: holds text"),
        ('name:"open', "A quote is not closed: “open”."),
        ('""', "Empty quotes look for nothing."),
    ],
)
def test_what_cannot_be_read_is_named(text: str, said: str) -> None:
    assert any(said in problem for problem in parse_search(text).problems)


def test_what_can_be_read_applies_beside_what_cannot() -> None:
    search = parse_search("statsu:ok tag:vip")
    assert [str(term) for term in search.terms] == ["tag:vip"]


def test_addresses_in_quotes_are_words() -> None:
    search = parse_search('"http://host/a"')
    assert (search.terms[0].key, search.terms[0].values) == ("", ("http://host/a",))


@given(st.text(max_size=60))
def test_any_value_survives_being_written_and_read(value: str) -> None:
    term = exactly("tag", value)
    if value:
        assert parse_search(str(term)).terms[0].values == (value,)


@given(st.text(max_size=80))
def test_any_text_is_read_without_an_exception_and_means_the_same_again(text: str) -> None:
    search = parse_search(text)
    again = parse_search(str(search))
    assert [term.values for term in again.terms] == [term.values for term in search.terms]
    search.matches(summary())


def test_a_link_to_a_status_replaces_another_and_to_a_tag_adds() -> None:
    search = (
        parse_search("status:ok tag:a").with_term(exactly("status", "error")).with_term(exactly("tag", "b"))
    )
    assert str(search) == "tag:a status:error tag:b"


def test_any_span_scope_asks_of_one_and_the_same_span() -> None:
    tool = span(3, kind="tool", name="get_orders", status="error")
    search = parse_search("kind:tool status:error env:prod", scope="any")
    assert search.needs_spans
    assert search.matches(summary(status="error"))
    assert search.matches_span(tool, {})
    assert not search.matches_span(span(4, kind="tool"), {})


def test_a_trace_without_errors_is_not_opened_to_look_for_one() -> None:
    assert not parse_search("kind:tool error:true", scope="any").matches(summary())
    assert not parse_search("text:x error:true").matches(summary())
    assert parse_search("kind:tool -error:true", scope="any").matches(summary())


def test_text_is_asked_of_spans_in_every_scope() -> None:
    search = parse_search('text:"Refund Now"')
    assert search.needs_spans
    assert search.matches_span(span(1), {"text": lambda: "please refund now!"})
    assert not search.matches_span(span(1), {"text": lambda: "nothing"})


def test_long_searches_are_cut_and_say_so() -> None:
    assert parse_search("a " * 2000).problems[0].startswith("Only the first 2000")
    many = parse_search(" ".join(f"tag:{number}" for number in range(60)))
    assert len(many.terms) == 40
    assert "40 conditions" in many.problems[0]


def test_wildcards_take_linear_time() -> None:
    pattern = "name:" + "*a" * 500 + "*b"
    assert not parse_search(pattern).matches(summary(name="a" * 1000))


def test_every_key_is_offered() -> None:
    assert {"name", "status", "duration", "text", "score"} <= set(KEYS)
    assert Search().matches(summary())
