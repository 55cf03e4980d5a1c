from __future__ import annotations

import random
from typing import Any

import pytest

from tests.builders import NOW_NS, own_trace_id, put, span, span_id, trace_id
from traces_app import ingest, queries, storage
from traces_app.access import Access
from traces_app.domain.limits import MAX_SPAN_BYTES
from traces_app.domain.span import Span, Usage
from traces_app.ingest import receive
from traces_app.queries import TraceFilter
from traces_app.storage.store import Store

pytestmark = pytest.mark.usefixtures("store")


def listed(project: str = "dev", **filters: Any) -> list[Any]:
    return queries.list_traces(project, TraceFilter(**filters), now_ns=NOW_NS).traces


def opened(number: int = 1) -> queries.Trace:
    return queries.get_trace("dev", trace_id(number), now_ns=NOW_NS)


def test_what_is_received_is_listed_and_opened_whole(access: Access) -> None:
    receipt = put(
        access,
        span(1, name="run", input="question", output={"answer": 42}, metadata={"k": "v"}),
        span(2, parent_span_id=span_id(1), kind="llm", model="gpt-4o", usage=Usage(1000, 100)),
    )
    assert (receipt.accepted, receipt.rejected) == (2, [])
    (summary,) = listed()
    assert (summary.name, summary.span_count, summary.total_tokens) == ("run", 2, 1100)
    assert summary.cost_usd == pytest.approx(0.0035)
    trace = opened()
    assert [row.depth for row in trace.rows] == [0, 1]
    whole = trace.span(span_id(1))
    assert (whole.input, whole.output, whole.metadata) == ("question", {"answer": 42}, {"k": "v"})
    assert trace.summary.metadata == {"k": "v"}


def test_a_batch_costs_one_unit_for_the_list_and_one_per_kilobyte_packed(access: Access) -> None:
    put(access, span(1))  # notes the project and the day
    receipt = put(access, span(1, trace_id=own_trace_id(NOW_NS // 10**6, 2)))
    assert receipt.write_units == 2


def test_a_bad_span_is_rejected_alone_with_its_field(access: Access) -> None:
    receipt = put(access, span(1), span(2, start_ns=NOW_NS * 10), span(3))
    assert receipt.accepted == 2
    (rejection,) = receipt.rejected
    assert (rejection.index, rejection.span_id, rejection.field) == (1, span_id(2), "start_ns")
    assert opened().summary.span_count == 2


def test_a_value_nested_too_deep_is_rejected_and_the_limit_named(access: Access) -> None:
    value: Any = "x"
    for _ in range(300):
        value = {"a": value}
    (rejection,) = put(access, span(1, output=value)).rejected
    assert "nested deeper than 200" in rejection.reason


def test_a_span_over_the_limit_is_rejected_and_the_limit_named(access: Access) -> None:
    (rejection,) = put(access, span(1, output="x" * (MAX_SPAN_BYTES + 1))).rejected
    assert str(MAX_SPAN_BYTES) in rejection.reason


def test_five_megabytes_in_one_span_come_back_whole(access: Access) -> None:
    text = "".join(chr(33 + (n * n) % 90) for n in range(5_000_000))
    put(access, span(1, output=text))
    assert opened().span(span_id(1)).output == text


def test_delivering_a_batch_again_changes_nothing(access: Access) -> None:
    spans = [span(1), span(2, parent_span_id=span_id(1), kind="llm", usage=Usage(10, 1), cost_usd=1.0)]
    put(access, *spans)
    once = (listed()[0], opened().summary)
    put(access, *spans)
    assert (listed()[0], opened().summary) == once


def test_children_first_and_the_root_last_give_the_same_trace(access: Access) -> None:
    put(access, span(3, parent_span_id=span_id(2)))
    put(access, span(2, parent_span_id=span_id(1)))
    put(access, span(1, name="root"))
    (summary,) = listed()
    assert (summary.name, summary.span_count, summary.status) == ("root", 3, "ok")
    assert [row.depth for row in opened().rows] == [0, 1, 2]


def test_a_foreign_trace_is_listed_once_at_the_start_that_its_first_batch_said(access: Access) -> None:
    put(access, span(2, parent_span_id=span_id(1), start_ns=NOW_NS - 3 * 86_400 * 10**9))
    put(access, span(1, start_ns=NOW_NS - 4 * 86_400 * 10**9))
    (summary,) = listed()
    assert summary.span_count == 2
    assert summary.start_ns == NOW_NS - 4 * 86_400 * 10**9


def test_an_announced_span_is_replaced_by_the_whole_one_whichever_comes_first(access: Access) -> None:
    announced = span(1, status="pending", end_ns=None, input="early", metadata={"a": 1})
    whole = span(1, output="late", metadata={"b": 2})
    for number, order in enumerate([(announced, whole), (whole, announced)], 1):
        for one in order:
            put(access, _in_trace(one, number))
        result = queries.get_trace("dev", trace_id(number), now_ns=NOW_NS).span(span_id(1))
        assert (result.status, result.input, result.output) == ("ok", "early", "late")
        assert result.metadata == {"a": 1, "b": 2}
    assert {trace.status for trace in listed()} == {"ok"}


def _in_trace(one: Span, number: int) -> Span:
    return span(
        1,
        trace_id=trace_id(number),
        status=one.status,
        end_ns=one.end_ns,
        input=one.input,
        output=one.output,
        metadata=dict(one.metadata),
    )


def test_a_span_twice_in_one_batch_is_one_span(access: Access) -> None:
    put(access, span(1, status="pending", end_ns=None), span(1, output="whole"))
    assert listed()[0].span_count == 1
    assert opened().span(span_id(1)).output == "whole"


def test_twenty_thousand_spans_of_one_trace_are_kept_and_opened(access: Access) -> None:
    spans = [span(1), *(span(n, parent_span_id=span_id(n // 2)) for n in range(2, 20_001))]
    assert put(access, *spans).accepted == 20_000
    assert len(opened().rows) == 20_000
    assert listed()[0].span_count == 20_000


def test_heads_larger_than_an_item_are_kept_too(access: Access) -> None:
    noise = random.Random(1)
    tags = [[noise.randbytes(90).hex() for _ in range(200)] for _ in range(100)]
    spans = [span(n + 1, name=noise.randbytes(450).hex(), tags=tags[n]) for n in range(100)]
    assert put(access, *spans).accepted == 100
    assert opened().rows[99].span.tags == tags[99]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"cost_usd": 1e12}, "cost_usd"),
        ({"cost_usd": -1.0}, "cost_usd"),
        ({"usage": Usage(2**53)}, "usage.input_tokens"),
        ({"usage": Usage(1, -1)}, "usage.output_tokens"),
    ],
)
def test_numbers_beyond_belief_are_refused_by_field(access: Access, fields: Any, field: str) -> None:
    receipt = put(access, span(1, **fields), span(2))
    assert [rejection.field for rejection in receipt.rejected] == [field]
    assert receipt.accepted == 1


def test_a_span_that_comes_again_with_less_loses_nothing(access: Access) -> None:
    put(access, span(1, kind="llm", input="question", usage=Usage(10, 1), cost_usd=0.5))
    put(access, span(1, kind="llm", metadata={"rated": True}))
    whole = opened().span(span_id(1))
    assert (whole.input, whole.usage, whole.metadata) == ("question", Usage(10, 1), {"rated": True})
    (summary,) = listed()
    assert (summary.span_count, summary.total_tokens, summary.cost_usd) == (1, 11, 0.5)


def test_the_newer_of_two_versions_is_shown_however_large_the_older_was(access: Access) -> None:
    put(access, span(1, output=random.Random(1).randbytes(750_000).hex()))
    put(access, span(1, output="small"), now_ns=NOW_NS + 1000)
    assert opened().span(span_id(1)).output == "small"


def test_a_tool_with_an_endless_name_is_kept(access: Access) -> None:
    name = "".join(chr(0x4E00 + n * n % 20_000) for n in range(700_000))
    put(access, span(1, tool={"name": name}))
    assert opened().span(span_id(1)).tool == {"name": name}


def test_ten_thousand_entries_of_the_largest_size_are_kept(access: Access) -> None:
    spans = [
        span(n, parent_span_id=f"f{n:015x}", kind="llm", usage=Usage(10**13, 10**13, 10**13), cost_usd=1e5)
        for n in range(1, 10_001)
    ]
    assert put(access, *spans).accepted == 10_000
    assert listed()[0].input_tokens == 10**17


def test_losses_of_endless_reasons_are_added_up(access: Access) -> None:
    receive(access, [span(1)], now_ns=NOW_NS, counters={f"reason {n}" * 50: 1 for n in range(100_000)})
    losses = queries.get_losses("dev", now_ns=NOW_NS)
    assert sum(losses.values()) == 100_000
    assert len(losses) <= 51


def test_a_start_given_in_seconds_is_noted(access: Access) -> None:
    put(access, span(1, start_ns=1_700_000_000, end_ns=1_700_000_001))
    assert "before the year 2000" in opened().span(span_id(1)).notices[0]


def test_a_project_never_sees_what_another_wrote(access: Access) -> None:
    put(access, span(1))
    assert listed("other") == []
    with pytest.raises(queries.TraceNotFound):
        queries.get_trace("other", trace_id(1), now_ns=NOW_NS)


def test_the_same_trace_id_in_two_projects_is_two_traces(access: Access) -> None:
    put(access, span(1, name="ours"))
    put(Access("other", "all", "k"), span(1, name="theirs"))
    assert [trace.name for trace in listed()] == ["ours"]
    assert [trace.name for trace in listed("other")] == ["theirs"]


def test_losses_are_kept_by_reason_and_a_retry_does_not_double_them(access: Access) -> None:
    for _ in range(2):
        receive(access, [span(1)], now_ns=NOW_NS, counters={"queue_full": 3, "nothing": 0})
    receive(access, [span(2)], now_ns=NOW_NS, counters={"queue_full": 1})
    put(access, span(3), span(4, start_ns=NOW_NS * 10))
    assert queries.get_losses("dev", now_ns=NOW_NS) == {"queue_full": 4, "refused: start_ns": 1}


def test_traces_expire_after_the_retention(access: Access, settings: Any) -> None:
    settings.RETENTION_DAYS = 1
    put(access, span(1))
    later = NOW_NS + (86_400 + 3_600) * 10**9  # the full hour after a day
    assert queries.list_traces("dev", TraceFilter(), now_ns=later).traces == []
    with pytest.raises(queries.TraceNotFound):
        queries.get_trace("dev", trace_id(1), now_ns=later)


def owned(**filters: Any) -> list[tuple[int, str | None, str | None]]:
    page = queries.list_traces("dev", TraceFilter(**filters), now_ns=NOW_NS)
    return [(trace.span_count, trace.session_id, trace.user_id) for trace in page.traces]


def restart() -> None:
    """What this process remembered is forgotten, as in another one."""
    storage.reset_store()


@pytest.mark.parametrize("between", [lambda: None, restart], ids=["one process", "several"])
def test_a_session_named_by_the_last_batch_lists_the_whole_trace(access: Access, between: Any) -> None:
    put(access, span(3, parent_span_id=span_id(1)))
    between()
    put(access, span(2, parent_span_id=span_id(1), user_id="u"))
    between()
    put(access, span(1, session_id="s"))
    between()
    put(access, span(4, parent_span_id=span_id(1)))
    assert owned() == owned(session_id="s") == owned(user_id="u") == [(4, "s", "u")]


def test_a_batch_that_failed_after_naming_a_session_lists_it_when_it_comes_again(
    access: Access, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(access, span(2, parent_span_id=span_id(1)))
    with monkeypatch.context() as full:
        full.setattr(store.engine, "batch_put", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            put(access, span(1, session_id="s"))
    put(access, span(1, session_id="s"))
    assert owned(session_id="s") == [(2, "s", None)]


def test_a_batch_that_unfolds_beyond_all_measure_is_kept_as_far_as_it_may(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "MAX_BATCH_BYTES", 10_000)
    shared = {"resource": "x" * 4000}
    receipt = put(access, *(span(n, attributes=shared) for n in range(1, 6)))
    assert receipt.accepted == 3
    assert [(one.index, one.field) for one in receipt.rejected] == [(3, "batch"), (4, "batch")]
    assert queries.get_losses("dev", now_ns=NOW_NS) == {"refused: batch": 2}
