"""The bill against sums made independently of it: of the units that both engines say they consumed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.builders import own_trace_id, put, span, span_id
from traces_app import storage
from traces_app.access import Access
from traces_app.bill import Bill, get_bill, month_named
from traces_app.domain.span import Span, Usage
from traces_app.storage.rollups import WATCHED_AFTER_NS
from traces_app.storage.store import Store

DAY_NS = 86_400 * 10**9
MONTH = month_named("2033-04")
FIRST_NS = MONTH.first_hour * 3600 * 10**9
END_NS = MONTH.end_hour * 3600 * 10**9
RETENTION_S = 90 * 86_400


@pytest.fixture(params=["embedded", "ministack"])
def two_stores(request: pytest.FixtureRequest, store: Store, settings: Any) -> Iterator[Store]:
    """The store of the settings, on the local file and on a DynamoDB server."""
    if request.param == "embedded":
        yield store
        return
    from tests.ministack_server import running_ministack

    storage.reset_store()
    with running_ministack() as url:
        settings.STORAGE_URL, settings.DYNAMODB_ENDPOINT_URL = "dynamodb", url
        storage.create_tables()
        yield storage.get_store()
        storage.reset_store()


class Sum:
    """What the engine said it consumed, by operation, whoever asked."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.units: Counter[str] = Counter()
        client: Any = store.engine.client
        call = client._make_api_call

        def counting(operation: str, arguments: dict[str, Any]) -> Any:
            answer = call(operation, {**arguments, "ReturnConsumedCapacity": "TOTAL"})
            found = answer.get("ConsumedCapacity", [])
            for entry in found if isinstance(found, list) else [found]:
                self.units[operation] += entry["CapacityUnits"]
            return answer

        monkeypatch.setattr(client, "_make_api_call", counting)

    @property
    def written(self) -> float:
        return sum(self.units[name] for name in ("BatchWriteItem", "PutItem", "UpdateItem", "DeleteItem"))

    @property
    def read(self) -> float:
        return sum(self.units[name] for name in ("GetItem", "BatchGetItem", "Query"))


@pytest.fixture
def counted(two_stores: Store, monkeypatch: pytest.MonkeyPatch) -> Sum:
    return Sum(two_stores, monkeypatch)


def trace_of(number: int, start_ns: int, *, is_ours: bool, size: int = 300, **fields: Any) -> list[Span]:
    trace = own_trace_id(start_ns // 10**6, number) if is_ours else f"{number + 1:032x}"
    words = random.Random(number).randbytes(size).hex()
    own: dict[str, Any] = {"trace_id": trace, "start_ns": start_ns, "end_ns": start_ns + 10**9}
    call = {"kind": "llm", "model": "gpt-4o", "usage": Usage(100, 20), "cost_usd": 0.01}
    root = span(1, **own, input=words, **fields)
    return [root, span(2, **(own | call), parent_span_id=span_id(1), output=words[: size // 3])]


def scripted_month(access: Access) -> int:
    """Traces small and large, ours and foreign, whole and in pieces, of sessions, twice a day; how many."""
    number = 0
    for day in range(30):
        for hour in (3, 15):
            at_ns = FIRST_NS + day * DAY_NS + hour * 3600 * 10**9
            size = 200_000 if number % 17 == 0 else 300 + 100 * number
            owners = {"session_id": f"s{day % 4}", "user_id": "ana"} if number % 3 else {}
            spans = trace_of(number, at_ns, is_ours=number % 2 == 0, size=size, **owners)
            if number % 5:
                put(access, *spans, now_ns=at_ns + 2 * 10**9)
            else:
                put(access, spans[1], now_ns=at_ns + 2 * 10**9)
                put(access, spans[0], now_ns=at_ns + 4 * 10**9)
            number += 1
        batch = [
            one for extra in range(3) for one in trace_of(1000 + number + extra * 100, at_ns, is_ours=True)
        ]
        put(access, *batch, now_ns=at_ns + 10**10)
        number += 3
    return number


def look(now_ns: int, month: Any = MONTH) -> Bill:
    return get_bill("dev", month, now_ns=now_ns)


def test_the_bill_of_a_scripted_month_equals_the_independent_sum_to_the_cent(
    access: Access, counted: Sum
) -> None:
    count = scripted_month(access)
    read_units = counted.read
    last = trace_of(9, END_NS - 60 * 10**9, is_ours=True)
    put(access, *last, now_ns=END_NS - 30 * 10**9)  # carries what the batch before left open
    written_units = counted.written
    assert counted.read == read_units
    now_ns = END_NS + DAY_NS
    look(now_ns)
    bill = look(now_ns + WATCHED_AFTER_NS)
    again = look(now_ns + 2 * WATCHED_AFTER_NS)
    used = bill.ledger.total_used().consumed
    assert used.write_units == written_units
    assert used.read_halves == 2 * read_units
    assert bill.spent is not None
    million_times = 1_000_000  # a month of a million times as many traces: then cents mean something
    assert round(bill.spent.writes_usd * million_times, 2) == round(written_units * 0.625, 2)
    assert round(bill.spent.reads_usd * million_times, 2) == round(read_units * 0.125, 2)
    assert bill.ledger.total_models().traces == count + 1
    assert bill.ledger.unmetered == 0
    assert (again.spent, again.ledger.used) == (bill.spent, bill.ledger.used)
