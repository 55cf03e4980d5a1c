"""The bill against sums made independently of it: of the units that both engines say they consumed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.builders import NOW_NS, own_trace_id, put, span, span_id
from traces_app import curation, erasing, retention, storage
from traces_app.access import Access
from traces_app.bill import Bill, get_bill, get_receipt, month_named, month_of
from traces_app.domain.aws_prices import UnknownRegion, prices_of
from traces_app.domain.metering import Consumed, pack_note
from traces_app.domain.retention import expiry
from traces_app.domain.span import Span, Usage
from traces_app.queries import TraceFilter, list_traces
from traces_app.storage import StoreUnavailable
from traces_app.storage.metering import METER, measured_request
from traces_app.storage.rollups import WATCHED_AFTER_NS
from traces_app.storage.store import Store

DAY_NS = 86_400 * 10**9
MONTH = month_named("2033-04")
FIRST_NS = MONTH.first_hour * 3600 * 10**9
END_NS = MONTH.end_hour * 3600 * 10**9


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
    put(access, *trace_of(8, END_NS - 90 * 10**9, is_ours=True), now_ns=END_NS - 40 * 10**9)
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
    assert bill.spent.writes_usd * million_times == pytest.approx(written_units * 0.625, abs=0.005)
    assert bill.spent.reads_usd * million_times == pytest.approx(read_units * 0.125, abs=0.005)
    assert bill.ledger.total_models().traces == count + 2
    assert bill.ledger.unmetered == 0
    assert (again.spent, again.ledger.used) == (bill.spent, bill.ledger.used)


def size_of(item: dict[str, Any]) -> int:
    """As AWS documents it: names, texts in UTF-8, bytes, numbers by pairs of digits, 100 for the item."""
    size = 100
    for name, value in item.items():
        (kind, data), *_ = value.items()
        size += len(name)
        if kind == "N":
            digits = data.rstrip("0") if len(data) - len(data.rstrip("0")) > 1 else data
            size += (len(digits) + 1) // 2 + 1
        else:
            size += (
                sum(len(one.encode()) for one in data)
                if kind == "SS"
                else len(data if kind == "B" else data.encode())
            )
    return size


def test_storage_equals_the_bytes_of_the_items_times_the_hours_they_are_there(
    access: Access, store: Store, settings: Any
) -> None:
    settings.RETENTION_DAYS = 10
    for day in range(28):
        for number in range(3):
            owners = {"session_id": "s", "user_id": f"u{day}"} if number else {}
            at_ns = FIRST_NS + day * DAY_NS + number * 3600 * 10**9
            put(access, *trace_of(100 * day + number, at_ns, is_ours=number < 2, **owners), now_ns=at_ns)
    client: Any = store.engine.client
    items = [
        item
        for table in ("llm-tracer-traces", "llm-tracer-spans")
        for item in client._make_api_call("Scan", {"TableName": table})["Items"]
        if item["pk"]["S"][:2] in ("T#", "P#", "S#", "U#", "A#")
    ]
    now_ns = FIRST_NS + 28 * DAY_NS
    byte_hours = sum(
        size_of(item)
        * (min(now_ns // 10**9, int(item["expires_at"]["N"])) - int(item["at"]["N"]) // 10**6)
        / 3600
        for item in items
    )
    for day in range(1, 29):  # somebody looks each day: what expires is in hours that are kept by then
        bill = look(FIRST_NS + day * DAY_NS)
    assert bill.ledger.total_used().gb_months == pytest.approx(byte_hours / 2**30 / MONTH.hours, rel=1e-3)
    alive = [item for item in items if int(item["expires_at"]["N"]) >= now_ns // 10**9 + 3600]
    assert bill.ledger.kept_bytes == pytest.approx(sum(map(size_of, alive)), rel=1e-3)
    assert bill.lossy_hours == 0


def test_what_a_page_reads_rides_on_the_next_batch(access: Access, store: Store) -> None:
    put(access, *trace_of(1, NOW_NS - 10**9, is_ours=True))
    before = get_bill("dev", month_of(NOW_NS), now_ns=NOW_NS).ledger.total_used().consumed
    for _ in range(20):
        list_traces("dev", TraceFilter(), now_ns=NOW_NS)
    put(access, *trace_of(2, NOW_NS - 10**9, is_ours=True))
    after = get_bill("dev", month_of(NOW_NS), now_ns=NOW_NS).ledger.total_used().consumed
    assert after.read_halves - before.read_halves >= 40


def test_another_projects_reads_are_not_ours(access: Access, store: Store) -> None:
    other = Access("shop", "all", "test")
    put(other, *trace_of(1, NOW_NS - 10**9, is_ours=True))
    for _ in range(50):
        list_traces("shop", TraceFilter(), now_ns=NOW_NS)
    put(access, *trace_of(2, NOW_NS - 10**9, is_ours=True))
    assert get_bill("dev", month_of(NOW_NS), now_ns=NOW_NS).ledger.total_used().consumed.read_halves < 20


def test_a_request_and_its_time_are_noted_once(access: Access, store: Store) -> None:
    with measured_request():
        put(access, *trace_of(1, NOW_NS - 10**9, is_ours=True), *trace_of(2, NOW_NS - 10**9, is_ours=True))
    with measured_request():
        pass
    put(access, *trace_of(3, NOW_NS - 10**9, is_ours=True))
    used = get_bill("dev", month_of(NOW_NS), now_ns=NOW_NS).ledger.total_used().consumed
    assert used.requests == 2
    assert used.work_us > 0


def test_a_batch_that_comes_again_has_the_same_name_however_long_it_took(
    access: Access, store: Store
) -> None:
    spans = trace_of(1, NOW_NS - 10**9, is_ours=True)
    for _ in range(3):
        with measured_request():
            put(access, *spans)
        list_traces("dev", TraceFilter(), now_ns=NOW_NS)
    assert get_receipt("dev", spans[0].trace_id, now_ns=NOW_NS).batches == 1


def test_a_batch_that_could_not_be_written_is_noted_by_the_next(
    access: Access, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    METER.note("dev", Consumed(read_halves=7, requests=1, work_us=5))
    with monkeypatch.context() as patch:
        patch.setattr(store.engine, "batch_put", lambda items: (_ for _ in ()).throw(StoreUnavailable("no")))
        with pytest.raises(StoreUnavailable):
            put(access, *trace_of(1, NOW_NS - 10**9, is_ours=True))
    put(access, *trace_of(1, NOW_NS - 10**9, is_ours=True))
    used = get_bill("dev", month_of(NOW_NS), now_ns=NOW_NS).ledger.total_used().consumed
    assert (used.read_halves >= 7, used.requests, used.work_us) == (True, 1, 5)


def test_a_trace_knows_its_own_units_whatever_the_process_did_before(access: Access, counted: Sum) -> None:
    put(access, *trace_of(0, NOW_NS - 10**9, is_ours=True))
    METER.note("dev", Consumed(write_units=1000, read_halves=1000))
    before = counted.written
    spans = trace_of(1, NOW_NS - 10**9, is_ours=False, size=3000, session_id="s", user_id="u")
    put(access, *spans)
    receipt = get_receipt("dev", spans[0].trace_id, now_ns=NOW_NS)
    assert receipt.metered is not None
    assert receipt.metered.carried.write_units == 1000
    assert receipt.metered.own.write_units == counted.written - before
    assert receipt.biggest[0].span_id == span_id(1)
    assert receipt.raw_bytes == sum(one.raw_bytes for one in receipt.biggest)
    assert receipt.expires_at == expiry(90, NOW_NS // 10**6 - 1000, NOW_NS)


def test_what_an_earlier_version_wrote_is_unknown_and_not_nothing(access: Access, store: Store) -> None:
    spans = trace_of(1, NOW_NS - 10**9, is_ours=True)
    put(access, *spans)
    for item, _ in store.read_listed("dev", spans[0].trace_id, now_ns=NOW_NS):
        body = item.body or b""
        item.body = b"\x02" + body[1 : -len(pack_note(None))]  # the layout before: the same without the note
        item.save()
    receipt = get_receipt("dev", spans[0].trace_id, now_ns=NOW_NS)
    assert (receipt.metered, receipt.paid, receipt.usd_a_month) == (None, None, None)
    bill = get_bill("dev", month_of(NOW_NS), now_ns=NOW_NS)
    assert bill.ledger.unmetered == 1
    assert list_traces("dev", TraceFilter(), now_ns=NOW_NS).traces[0].span_count == 2


def test_reading_traces_anew_keeps_what_their_batches_noted(access: Access, store: Store) -> None:
    spans = trace_of(1, NOW_NS - 10**9, is_ours=True)
    put(access, spans[0])
    put(access, spans[1])
    before = get_receipt("dev", spans[0].trace_id, now_ns=NOW_NS).metered
    position = f"{spans[0].trace_id}"
    prefix = next(place for place, _ in store.iterate_traces("dev", now_ns=NOW_NS))
    assert position in prefix

    def renamed(one: Span) -> Span | None:
        return replace(one, name="better") if one.span_id == span_id(2) and one.name != "better" else None

    for _ in range(2):
        store.rewrite_trace("dev", prefix, renamed, now_ns=NOW_NS)
        after = get_receipt("dev", spans[0].trace_id, now_ns=NOW_NS)
        assert after.metered == before


def test_the_forecast_of_a_steady_month_is_the_month(access: Access, store: Store) -> None:
    for day in range(30):
        if day == 15:
            half = look(FIRST_NS + day * DAY_NS)  # the second look would keep hours, which costs units
        for hour in (2, 8, 14, 20):
            at_ns = FIRST_NS + day * DAY_NS + hour * 3600 * 10**9
            put(access, *trace_of(100 * day + hour, at_ns, is_ours=True, size=2000), now_ns=at_ns)
    whole = look(END_NS)
    assert half.forecast is not None
    assert whole.spent is not None
    assert half.forecast.writes_usd == pytest.approx(whole.spent.writes_usd, rel=0.03)
    assert half.forecast.storage_usd == pytest.approx(whole.spent.storage_usd, rel=0.03)
    assert half.ledger.forecast_model_usd == pytest.approx(whole.ledger.total_models().cost_usd, rel=0.03)
    assert whole.forecast == whole.spent


def test_the_forecast_knows_that_what_comes_will_also_go(access: Access, store: Store, settings: Any) -> None:
    settings.RETENTION_DAYS = 3
    for day in range(30):
        for hour in (0, 6, 12, 18):
            at_ns = FIRST_NS + day * DAY_NS + hour * 3600 * 10**9
            put(access, *trace_of(100 * day + hour, at_ns, is_ours=True, size=2000), now_ns=at_ns)
        bill = look(FIRST_NS + (day + 1) * DAY_NS)
        if day == 14:
            look(FIRST_NS + (day + 1) * DAY_NS + WATCHED_AFTER_NS)
            half = bill
    assert half.forecast is not None
    assert bill.spent is not None
    assert half.forecast.storage_usd == pytest.approx(bill.spent.storage_usd, rel=0.05)


def test_a_region_without_known_prices_is_named_and_gives_no_dollars(
    access: Access, store: Store, settings: Any
) -> None:
    settings.AWS_REGION = "mars-north-1"
    put(access, *trace_of(1, NOW_NS - 10**9, is_ours=True))
    bill = get_bill("dev", month_of(NOW_NS), now_ns=NOW_NS)
    assert (bill.spent, bill.forecast, bill.usd_per_1000_traces) == (None, None, None)
    assert bill.ledger.total_used().consumed.write_units > 0
    with pytest.raises(UnknownRegion, match="AWS_REGION='mars-north-1'"):
        prices_of(settings.AWS_REGION)


def test_traces_that_expired_before_anybody_looked_are_missed_aloud(access: Access, store: Store) -> None:
    put(access, *trace_of(1, FIRST_NS, is_ours=True), now_ns=FIRST_NS)
    put(access, *trace_of(2, FIRST_NS + 91 * DAY_NS, is_ours=True), now_ns=FIRST_NS + 91 * DAY_NS)
    assert look(FIRST_NS + 92 * DAY_NS).lossy_hours > 0
    assert look(END_NS).lossy_hours == 0


def test_months_are_calendars_months() -> None:
    assert (month_named("2028-02").hours, month_named("2033-12").hours) == (29 * 24, 31 * 24)
    assert month_of(END_NS).name == "2033-05"
    for odd in ("", "2033", "2033-13", "1999-01", "x"):
        with pytest.raises(ValueError, match="month: write it as 2026-11"):
            month_named(odd)


def test_what_expired_stays_in_the_bill_when_its_hour_is_added_up_again(store: Store, access: Access) -> None:
    began_ns = NOW_NS - 10 * DAY_NS
    short, long = (own_trace_id(began_ns // 10**6, number) for number in (1, 2))
    retention.set_rest("dev", days="3", now_ns=began_ns)
    retention.set_rule("dev", condition="error:true", days="180", now_ns=began_ns)
    put(access, span(1, trace_id=short, start_ns=began_ns, input="x" * 2000), now_ns=began_ns)
    put(access, span(1, trace_id=long, start_ns=began_ns, status="error"), now_ns=began_ns)

    def said(now_ns: int) -> tuple[float, int]:
        ledger = get_bill("dev", month_of(began_ns), now_ns=now_ns).ledger
        return ledger.total_used().consumed.write_units, ledger.total_models().traces

    hour_ns = DAY_NS // 24
    said(began_ns + 2 * hour_ns)
    whole = said(began_ns + 3 * hour_ns)
    assert whole[1] == 2
    assert said(NOW_NS) == whole
    assert curation.pin_trace("dev", long, now_ns=NOW_NS + hour_ns)
    pinned = said(NOW_NS + 2 * hour_ns)
    assert (pinned[0] >= whole[0], pinned[1]) == (True, 2)
    assert said(NOW_NS + 3 * hour_ns) == pinned
    assert get_bill("dev", month_of(began_ns), now_ns=NOW_NS + 3 * hour_ns).lossy_hours > 0
    erasing.erase("dev", "trace", long, who="me", now_ns=NOW_NS + 4 * hour_ns)
    erased = said(NOW_NS + 5 * hour_ns)
    assert (0 < erased[0] < whole[0], erased[1]) == (True, 1)
