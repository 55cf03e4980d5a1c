from __future__ import annotations

import pytest

from tests.builders import NOW_NS, span, span_id
from traces_app.domain.limits import MAX_NAME_CHARACTERS, MAX_TAGS
from traces_app.domain.normalize import normalize


def test_a_clean_span_is_left_alone() -> None:
    one = span(1, name="run", tags=["a"], session_id="s")
    assert normalize(one, now_ns=NOW_NS) is None
    assert one.notices == []


@pytest.mark.parametrize("field", ["start_ns", "end_ns"])
def test_a_time_far_in_the_future_is_refused_by_field(field: str) -> None:
    refusal = normalize(span(1, **{field: NOW_NS * 1000}), now_ns=NOW_NS)
    assert refusal is not None
    assert refusal.field == field
    assert "nanoseconds" in refusal.reason


def test_times_that_run_backwards_are_kept_and_noted() -> None:
    one = span(1, start_ns=NOW_NS, end_ns=NOW_NS - 1)
    assert normalize(one, now_ns=NOW_NS) is None
    assert "before start" in one.notices[0]


def test_a_span_that_is_its_own_parent_becomes_a_root() -> None:
    one = span(1, parent_span_id=span_id(1))
    normalize(one, now_ns=NOW_NS)
    assert one.parent_span_id is None
    assert one.notices


def test_what_is_cut_is_noted() -> None:
    one = span(1, name="x" * 5000, session_id="nul\0", tags=[str(n) for n in range(10_000)])
    normalize(one, now_ns=NOW_NS)
    assert (len(one.name), one.session_id, len(one.tags)) == (MAX_NAME_CHARACTERS, "nul\ufffd", MAX_TAGS)
    assert len(one.notices) == 3


def test_repeated_and_empty_tags_are_dropped() -> None:
    one = span(1, tags=["b", "a", "", "b"])
    normalize(one, now_ns=NOW_NS)
    assert one.tags == ["b", "a"]


def test_a_span_of_opentelemetrys_is_kept_without_what_cannot_be() -> None:
    attributes = {
        "otel": {"mapper": 0},
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 10**14,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cost": 1e9,
    }
    found = span(1, attributes=attributes, start_ns=1, end_ns=NOW_NS * 2)
    assert normalize(found, now_ns=NOW_NS) is None
    assert (found.start_ns, found.end_ns, found.cost_usd) == (None, None, None)
    assert (found.usage.input_tokens, found.usage.output_tokens) == (None, 7)
    assert [notice.split()[0] for notice in found.notices] == [
        "start_ns",
        "end_ns",
        "cost_usd",
        "usage.input_tokens",
    ]
    assert found.attributes["gen_ai.usage.cost"] == 1e9
