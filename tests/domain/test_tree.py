from __future__ import annotations

import random

import pytest

from tests.builders import NOW_NS, span, span_id
from traces_app.domain.span import Span, Usage
from traces_app.domain.tree import TreeRow, arrange, rollups


def by_name(rows: list[TreeRow]) -> dict[str, TreeRow]:
    return {row.span.name: row for row in rows}


def child(number: int, parent: int, **fields: object) -> Span:
    return span(number, parent_span_id=span_id(parent), **fields)


def test_rows_come_in_preorder_with_siblings_by_start() -> None:
    spans = [span(1), child(3, 1), child(2, 1), child(4, 2)]
    random.Random(1).shuffle(spans)
    rows = arrange(spans)
    assert [(row.span.name, row.depth) for row in rows] == [
        ("span 1", 0),
        ("span 2", 1),
        ("span 4", 2),
        ("span 3", 1),
    ]
    assert [row.child_count for row in rows] == [2, 1, 0, 0]


def test_a_span_whose_parent_never_came_stands_at_the_top_as_an_orphan() -> None:
    rows = by_name(arrange([span(1), child(2, 99)]))
    assert rows["span 2"].is_orphan
    assert rows["span 2"].depth == 0
    assert not rows["span 1"].is_orphan


def test_a_cycle_is_cut_at_its_earliest_span_and_every_span_is_shown_once() -> None:
    rows = arrange([child(1, 3), child(2, 1), child(3, 2), span(9)])
    assert sorted(row.span.name for row in rows) == ["span 1", "span 2", "span 3", "span 9"]
    assert by_name(rows)["span 1"].is_orphan
    assert by_name(rows)["span 3"].depth == 2


def test_a_span_that_is_its_own_parent_is_a_top() -> None:
    rows = arrange([child(1, 1), child(2, 1)])
    assert [row.depth for row in rows] == [0, 1]


def test_a_chain_of_20_000_spans_is_arranged_without_recursion() -> None:
    rows = arrange([span(1), *(child(number, number - 1) for number in range(2, 20_001))])
    assert rows[-1].depth == 19_999


def test_self_time_leaves_out_what_children_cover_once_however_they_overlap() -> None:
    start = NOW_NS
    rows = by_name(
        arrange(
            [
                span(1, start_ns=start, end_ns=start + 100),
                child(2, 1, start_ns=start + 10, end_ns=start + 50),
                child(3, 1, start_ns=start + 30, end_ns=start + 60),
                child(4, 1, start_ns=start + 90, end_ns=start + 500),
            ]
        )
    )
    assert rows["span 1"].self_ns == 100 - 50 - 10


def test_a_span_that_ends_before_it_starts_has_duration_zero() -> None:
    (row,) = arrange([span(1, start_ns=NOW_NS, end_ns=NOW_NS - 5)])
    assert (row.duration_ns, row.self_ns) == (0, 0)


def test_a_running_span_has_no_duration() -> None:
    (row,) = arrange([span(1, end_ns=None, status="pending")])
    assert (row.duration_ns, row.self_ns) == (None, None)


def test_self_time_is_unknown_where_a_childs_time_is() -> None:
    rows = arrange([span(1, end_ns=NOW_NS + 100), child(2, 1, end_ns=None)])
    assert rows[0].self_ns is None


def test_sums_go_up_and_a_rollup_does_not_count_twice() -> None:
    spans = [
        span(1, kind="agent", usage=Usage(30, 3)),
        child(2, 1, kind="llm", usage=Usage(30, 3), cost_usd=0.5),
        child(3, 2, kind="llm", usage=Usage(10, 1), cost_usd=0.25),
        child(4, 2, kind="llm", usage=Usage(20, 2), cost_usd=0.125, status="error"),
    ]
    rows = by_name(arrange(spans))
    assert rows["span 1"].subtree_total_tokens == 33
    assert rows["span 1"].subtree_cost_usd == 0.375
    assert rows["span 2"].is_rollup
    assert rows["span 1"].descendant_error_count == 1
    assert rows["span 4"].descendant_error_count == 0


@pytest.mark.parametrize("kind", ["chain", "agent", "tool", "function", "other"])
def test_only_calls_of_models_count_tokens(kind: str) -> None:
    (row,) = arrange([span(1, kind=kind, usage=Usage(10, 1))])
    assert row.subtree_total_tokens is None


def test_spans_in_a_cycle_repeat_nobodys_usage() -> None:
    parents = {"a": "b", "b": "c", "c": "a", "d": "e", "e": "b", "self": "self", "leaf": "top", "top": None}
    assert rollups(parents, parents) == {"e", "top"}
