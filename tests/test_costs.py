"""What docs/data-model.md says each question costs, asserted: requests and DynamoDB units."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.builders import NOW_NS, own_trace_id, put, span, span_id, trace_id
from traces_app import queries
from traces_app.access import Access
from traces_app.queries import TraceFilter
from traces_app.storage.store import Store


@dataclass
class Meter:
    """What went to the engine since the last reset."""

    operations: list[str] = field(default_factory=list)
    units: float = 0.0

    def reset(self) -> None:
        self.operations.clear()
        self.units = 0.0


@pytest.fixture
def meter(store: Store, monkeypatch: pytest.MonkeyPatch) -> Meter:
    measured, client = Meter(), store.engine.client
    call = client._make_api_call

    def measuring(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = call(operation, {**arguments, "ReturnConsumedCapacity": "TOTAL"})
        entries = answer.get("ConsumedCapacity", [])
        measured.operations.append(operation)
        measured.units += sum(
            entry["CapacityUnits"] for entry in (entries if isinstance(entries, list) else [entries])
        )
        return answer

    monkeypatch.setattr(client, "_make_api_call", measuring)
    return measured


def six_spans(number: int, **fields: Any) -> list[Any]:
    trace = own_trace_id(NOW_NS // 10**6 - number * 1000, number)
    start_ns = NOW_NS - number * 10**9
    first = span(1, trace_id=trace, start_ns=start_ns, input="x" * 200, **fields)
    rest = [
        span(n, trace_id=trace, start_ns=start_ns + n, parent_span_id=span_id(1), **fields)
        for n in range(2, 7)
    ]
    return [first, *rest]


@pytest.fixture
def filled(access: Access, meter: Meter) -> Meter:
    for number in range(80):
        put(access, *six_spans(number, session_id=f"s{number % 2}"))
    meter.reset()
    return meter


def test_the_first_trace_of_a_day_costs_two_units_more(access: Access, meter: Meter) -> None:
    put(access, *six_spans(0))
    first = meter.units
    meter.reset()
    put(access, *six_spans(1))
    assert (meter.operations, meter.units, first) == (["BatchWriteItem"], 2, 4)


def test_a_session_and_a_user_cost_a_unit_each(access: Access, meter: Meter) -> None:
    put(access, *six_spans(0))
    meter.reset()
    put(access, *six_spans(1, session_id="s", user_id="u"))
    assert meter.units == 4


def test_a_foreign_trace_that_comes_whole_costs_one_request_more(access: Access, meter: Meter) -> None:
    put(access, span(1, session_id="s", user_id="u"))
    assert meter.operations == ["UpdateItem", "BatchWriteItem"]


def test_batches_of_a_foreign_trace_look_whose_it_is_after_they_wrote(access: Access, meter: Meter) -> None:
    put(access, span(2, parent_span_id=span_id(1)))
    assert meter.operations == ["UpdateItem", "BatchWriteItem", "BatchGetItem"]
    meter.reset()
    put(access, span(3, parent_span_id=span_id(1)))
    assert meter.operations == ["BatchWriteItem", "BatchGetItem"]
    meter.reset()
    put(access, span(1, session_id="s", user_id="u"))
    assert meter.operations == ["UpdateItem", "BatchWriteItem", "BatchGetItem", "Query", "BatchWriteItem"]
    meter.reset()
    put(access, span(4, parent_span_id=span_id(1), session_id="s"))
    assert meter.operations == ["BatchWriteItem", "BatchGetItem"]


def test_a_hundred_foreign_traces_are_looked_up_by_one_request(access: Access, meter: Meter) -> None:
    put(access, *(span(1, trace_id=trace_id(n), parent_span_id=span_id(2)) for n in range(1, 101)))
    assert meter.operations.count("BatchGetItem") == 1


def test_a_list_of_fifty_is_two_requests(filled: Meter) -> None:
    page = queries.list_traces("dev", TraceFilter(), limit=50, now_ns=NOW_NS)
    assert len(page.traces) == 50
    assert filled.operations == ["Query", "Query"]
    assert filled.units <= 5


def test_a_session_is_one_request(filled: Meter) -> None:
    page = queries.list_traces("dev", TraceFilter(session_id="s1"), limit=50, now_ns=NOW_NS)
    assert len(page.traces) == 40
    assert filled.operations == ["Query"]


def test_opening_a_trace_is_one_request_and_half_a_unit_per_four_kilobytes(filled: Meter) -> None:
    queries.get_trace("dev", six_spans(3)[0].trace_id, now_ns=NOW_NS)
    assert (filled.operations, filled.units) == (["Query"], 0.5)


def test_a_trace_that_is_not_there_is_asked_for_twice(filled: Meter) -> None:
    with pytest.raises(queries.TraceNotFound):
        queries.get_trace("dev", "f" * 32, now_ns=NOW_NS)
    assert filled.operations == ["Query", "Query"]
