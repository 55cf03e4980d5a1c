"""What docs/data-model.md says each question costs, asserted: requests and DynamoDB units."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.builders import NOW_NS, own_trace_id, put, span, span_id, trace_id
from traces_app import queries
from traces_app.access import Access
from traces_app.bill import get_bill, get_receipt, month_of
from traces_app.budget import budget_of, set_budget, set_rate
from traces_app.domain.search import Search
from traces_app.queries import TraceFilter
from traces_app.retention import note_unsettled, retention_of, set_rest, set_rule
from traces_app.searching import MAX_SAMPLED, search_traces
from traces_app.statistics import get_statistics
from traces_app.storage.dictionaries import REMEMBERED_NS
from traces_app.storage.rollups import MARKED_FOR_NS, WATCHED_AFTER_NS
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
    store.dictionaries.of("dev", NOW_NS)  # asked every five minutes only: see below
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
    retention_of("dev", now_ns=NOW_NS)  # once in half a minute, whatever comes
    budget_of("dev", now_ns=NOW_NS)
    measured.reset()
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


def test_the_dictionary_of_a_project_is_asked_for_every_five_minutes(access: Access, meter: Meter) -> None:
    put(access, *six_spans(0))
    found = []
    for now_ns in (NOW_NS + REMEMBERED_NS - 1, NOW_NS + REMEMBERED_NS, NOW_NS + REMEMBERED_NS + 1):
        meter.reset()
        put(access, *six_spans(1), now_ns=now_ns)
        found.append(meter.operations.count("GetItem"))
    assert found == [0, 1, 0]
    assert (meter.operations, meter.units) == (["BatchWriteItem"], 2)


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


def test_a_trace_that_is_not_there_is_asked_for_twice_and_looked_for_in_the_list(filled: Meter) -> None:
    with pytest.raises(queries.TraceNotFound):
        queries.get_trace("dev", "f" * 32, now_ns=NOW_NS)
    assert filled.operations == ["Query", "Query", "GetItem"]


def test_a_look_at_the_list_reads_500_summaries_at_most(access: Access, meter: Meter) -> None:
    for number in range(700):
        put(access, *six_spans(number))
    meter.reset()
    found = search_traces("dev", Search(), now_ns=NOW_NS)
    assert (len(found.traces), found.searched) == (50, MAX_SAMPLED)
    assert meter.operations == ["Query", "Query"]
    assert meter.units <= 42


def test_statistics_cost_the_same_however_many_traces_an_hour_has(access: Access, meter: Meter) -> None:
    hour_ns = 3_600 * 10**9
    later = NOW_NS + 2 * hour_ns

    def look() -> tuple[list[str], float]:
        meter.reset()
        get_statistics("dev", "main", since_ns=NOW_NS - hour_ns, until_ns=NOW_NS, now_ns=later)
        return list(meter.operations), meter.units

    for number in range(20):
        put(access, *six_spans(number))
    get_statistics("dev", "main", since_ns=NOW_NS, until_ns=NOW_NS, now_ns=NOW_NS)
    look()
    few = look()
    for number in range(20, 220):
        put(access, *six_spans(number))
    later += 1
    look()
    later += 1
    many = look()
    assert few[0] == ["GetItem", "Query", "Query"]
    assert (many[0], many[1] <= few[1] + 1) == (few[0], True)


def test_a_batch_for_a_closed_hour_costs_a_unit_a_minute_where_somebody_looks(
    access: Access, meter: Meter
) -> None:
    put(access, *six_spans(0))
    later = NOW_NS + 3 * 3_600 * 10**9

    def late(number: int, now_ns: int) -> float:
        retention_of("dev", now_ns=now_ns)
        budget_of("dev", now_ns=now_ns)
        meter.reset()
        put(access, *six_spans(number), now_ns=now_ns)
        return meter.units

    assert late(1, later) == 3.5  # and half a unit for the dictionary
    get_statistics("dev", "main", since_ns=NOW_NS, until_ns=NOW_NS, now_ns=later)
    later += WATCHED_AFTER_NS
    assert [late(number, later + number) for number in (2, 3, 4)] == [4, 2, 2]
    assert late(5, later + MARKED_FOR_NS + 10) == 3


def test_a_receipt_is_three_requests(filled: Meter) -> None:
    get_receipt("dev", six_spans(3)[0].trace_id, now_ns=NOW_NS)
    assert filled.operations == ["Query", "GetItem", "Query"]
    assert filled.units <= 3


def test_a_bill_is_four_requests_and_those_of_the_open_hours(filled: Meter) -> None:
    get_bill("dev", month_of(NOW_NS), now_ns=NOW_NS)
    later = NOW_NS + WATCHED_AFTER_NS
    get_bill("dev", month_of(later), now_ns=later)
    filled.reset()
    get_bill("dev", month_of(later), now_ns=later)
    assert filled.operations == ["Query", "GetItem", "Query", "Query", "Query", "Query"]
    assert filled.units <= 10


def test_the_rules_and_the_budget_are_read_once_in_half_a_minute(access: Access, meter: Meter) -> None:
    put(access, *six_spans(0))
    meter.reset()
    put(access, *six_spans(1), now_ns=NOW_NS + 31 * 10**9)
    put(access, *six_spans(2), now_ns=NOW_NS + 32 * 10**9)
    assert meter.operations == ["Query", "Query", "BatchWriteItem", "BatchWriteItem"]


def test_a_trace_in_one_batch_is_written_for_the_same_where_rules_differ(
    access: Access, meter: Meter
) -> None:
    set_rule("dev", condition="error:true", days="180", now_ns=NOW_NS)
    put(access, *six_spans(0))
    for fields in ({}, {"status": "error"}):
        meter.reset()
        put(access, *six_spans(len(fields) + 1, **fields))
        assert meter.operations == ["BatchWriteItem", "Query"]
        assert meter.units == 2 + 1  # the look whether other batches of it live longer: a read unit


def test_rules_that_say_the_same_and_pins_of_other_projects_cost_nothing(
    access: Access, meter: Meter
) -> None:
    days_ago = NOW_NS - 3 * 86_400 * 10**9
    set_rest("dev", days="30", now_ns=days_ago)
    set_rule("dev", condition="error:true", days="30", now_ns=days_ago)
    note_unsettled("shop", now_ns=NOW_NS)
    put(access, *six_spans(0))
    meter.reset()
    put(access, *six_spans(1))
    assert (meter.operations, meter.units) == (["BatchWriteItem"], 2)


def test_a_later_batch_of_the_same_class_writes_itself_alone(access: Access, meter: Meter) -> None:
    set_rule("dev", condition="error:true", days="180", now_ns=NOW_NS)
    first, *rest = six_spans(0)
    put(access, *rest)
    meter.reset()
    put(access, first)
    assert (meter.operations, meter.units) == (["BatchWriteItem", "Query"], 2 + 1)


def test_a_batch_that_changes_the_class_pays_for_what_it_prolongs(access: Access, meter: Meter) -> None:
    set_rule("dev", condition="error:true", days="180", now_ns=NOW_NS)
    first, *rest = six_spans(0)
    put(access, *rest)
    first.status = "error"
    meter.reset()
    put(access, first)
    assert meter.operations.count("UpdateItem") == 2  # the chunk and the fragment of before


def test_a_thinned_trace_costs_a_read_and_one_unit(access: Access, meter: Meter) -> None:
    put(access, *six_spans(0))
    known = set_budget("dev", monthly_usd="1", slow_s="", expensive_usd="", now_ns=NOW_NS)
    set_rate("dev", known, 1e-9, "as the test says", now_ns=NOW_NS)
    budget_of("dev", now_ns=NOW_NS)
    meter.reset()
    put(access, *six_spans(1))
    assert (meter.operations, meter.units) == (["Query", "BatchWriteItem"], 2)
