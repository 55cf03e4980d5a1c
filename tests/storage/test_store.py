"""What the repository promises, on both engines."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from tests.builders import NOW_NS, own_trace_id, span, span_id, trace_id
from traces_app import storage
from traces_app.domain.packing import PackedSpan, pack_payload
from traces_app.domain.span import Span
from traces_app.storage import Stamp, keys
from traces_app.storage.engine import Engine
from traces_app.storage.store import Store

STAMP = Stamp(NOW_NS, NOW_NS // 10**9 + 86_400)
DAY_NS = 86_400 * 10**9


@pytest.fixture
def repository(engine: Engine) -> Store:
    return Store(engine)


def packed(*spans: Span) -> list[PackedSpan]:
    return [PackedSpan(one, pack_payload(one)) for one in spans]


def listed(store: Store, now_ns: int = NOW_NS, **bounds: object) -> list[str]:
    return [trace.trace_id for _, trace in store.iterate_traces("dev", now_ns=now_ns, **bounds)]


def payloads(store: Store, trace: str) -> list[object]:
    chunks = store.read_trace("dev", trace, now_ns=NOW_NS, consistent=True)
    return [chunk.payload(index).get("output") for chunk in chunks for index in range(len(chunk.rows))]


def test_spans_come_back_whole_and_the_trace_is_listed(repository: Store) -> None:
    repository.append("dev", {trace_id(1): packed(span(1, output="a"), span(2, output=["b"]))}, STAMP)
    assert payloads(repository, trace_id(1)) == ["a", ["b"]]
    assert listed(repository) == [trace_id(1)]
    assert repository.list_projects() == ["dev"]


def test_the_same_batch_again_overwrites_itself(repository: Store, engine: Engine) -> None:
    for _ in range(2):
        repository.append("dev", {trace_id(1): packed(span(1), span(2))}, STAMP)
    assert len(repository.read_trace("dev", trace_id(1), now_ns=NOW_NS)) == 1


def test_a_payload_beyond_one_item_is_split_and_joined_again(repository: Store) -> None:
    noise = random.Random(1).randbytes(500_000).hex()
    repository.append("dev", {trace_id(1): packed(span(1, output=noise), span(2, output="small"))}, STAMP)
    assert payloads(repository, trace_id(1)) == [noise, "small"]


def test_a_chunk_that_misses_a_part_was_never_acknowledged_and_is_not_shown(repository: Store) -> None:
    from traces_app.storage.models import SpanItem

    noise = random.Random(1).randbytes(500_000).hex()
    repository.append("dev", {trace_id(1): packed(span(1, output=noise))}, STAMP)
    parts = list(SpanItem.query(keys.spans_partition("dev", trace_id(1))))
    assert len(parts) > 1
    parts[1].delete()
    assert repository.read_trace("dev", trace_id(1), now_ns=NOW_NS) == []


def test_traces_of_many_days_and_shards_are_listed_newest_first_once(engine: Engine) -> None:
    expected = []
    for shards in (1, 4):  # the number of shards may be raised at any time
        store = Store(engine, shards=shards)
        for number in range(12):
            start_ns = NOW_NS - number * DAY_NS // 3 - shards * 10**6
            trace = own_trace_id(start_ns // 10**6, number * 10 + shards)
            store.append("dev", {trace: packed(span(1, trace_id=trace, start_ns=start_ns))}, STAMP)
            expected.append((start_ns, trace))
    assert listed(store) == [trace for _, trace in sorted(expected, reverse=True)]


@pytest.mark.parametrize("number", range(4))
def test_a_trace_from_before_there_were_more_shards_is_listed_once_and_deleted_whole(
    engine: Engine, number: int
) -> None:
    trace, start_ns = own_trace_id(NOW_NS // 10**6, number), NOW_NS
    root = span(1, trace_id=trace, start_ns=start_ns)
    for shards in (1, 2, 4):
        late = span(shards + 1, trace_id=trace, parent_span_id=span_id(1), start_ns=start_ns, session_id="s")
        Store(engine, shards=shards).append("dev", {trace: packed(root, late)}, STAMP)
    store = Store(engine, shards=4)
    assert listed(store) == listed(store, session_id="s") == [trace]
    assert [found.span_count for _, found in store.iterate_traces("dev", now_ns=NOW_NS)] == [4]
    assert store.delete_trace("dev", trace, now_ns=NOW_NS)
    assert listed(store) == listed(store, session_id="s") == []


@pytest.mark.parametrize("number", range(4))
def test_a_trace_read_again_after_there_were_more_shards_is_listed_once(engine: Engine, number: int) -> None:
    trace = trace_id(0xA0 + number)
    Store(engine, shards=1).append("dev", {trace: packed(span(1, trace_id=trace))}, STAMP)
    store = Store(engine, shards=4)
    store.append("dev", {trace: packed(span(2, trace_id=trace, user_id="ana"))}, STAMP)
    assert listed(store, user_id="ana") == [trace]
    position, _ = next(store.iterate_traces("dev", now_ns=NOW_NS))
    renamed = store.rewrite_trace("dev", position, lambda one: replace(one, name="new"), now_ns=NOW_NS)
    assert renamed == 2
    found = [trace.span_count for _, trace in store.iterate_traces("dev", now_ns=NOW_NS)]
    assert found == [2]
    assert store.delete_trace("dev", trace, now_ns=NOW_NS)
    assert listed(store) == []


def test_a_listing_goes_on_behind_a_position_and_stays_within_its_bounds(repository: Store) -> None:
    traces = [own_trace_id(NOW_NS // 10**6 - number * 1000, number) for number in range(10)]
    for number, trace in enumerate(traces):
        one = span(1, trace_id=trace, start_ns=NOW_NS - number * 10**9)
        repository.append("dev", {trace: packed(one)}, STAMP)
    stream = repository.iterate_traces("dev", now_ns=NOW_NS, page_items=3)
    position = list(islice(stream, 4))[-1][0]
    assert listed(repository, before=position) == traces[4:]
    start_ms = NOW_NS // 10**6
    assert listed(repository, since_ms=start_ms - 3000, until_ms=start_ms - 1000) == traces[1:4]


def test_a_session_and_a_user_are_queries_of_their_own(repository: Store) -> None:
    for number in range(4):
        one = span(number + 1, trace_id=trace_id(number + 1), session_id=f"s{number % 2}", user_id="ann")
        repository.append("dev", {trace_id(number + 1): packed(one)}, STAMP)
    assert sorted(listed(repository, session_id="s1")) == [trace_id(2), trace_id(4)]
    assert len(listed(repository, user_id="ann")) == 4
    assert listed(repository, user_id="bob") == []


def test_two_writers_agree_on_where_a_foreign_trace_is_listed(engine: Engine) -> None:
    first, second = Store(engine), Store(engine)
    first.append("dev", {trace_id(1): packed(span(1, start_ns=NOW_NS - 3 * DAY_NS))}, STAMP)
    second.append("dev", {trace_id(1): packed(span(2, start_ns=NOW_NS, parent_span_id=span_id(1)))}, STAMP)
    assert listed(first) == [trace_id(1)]


def test_expired_items_are_not_shown_before_they_are_deleted(repository: Store) -> None:
    repository.append("dev", {trace_id(1): packed(span(1))}, STAMP)
    later = NOW_NS + 2 * DAY_NS
    assert listed(repository, now_ns=later) == []
    assert repository.read_trace("dev", trace_id(1), now_ns=later) == []


def test_a_batch_of_many_traces_is_more_than_one_request_and_complete(repository: Store) -> None:
    traces = {trace_id(n): packed(span(n, trace_id=trace_id(n))) for n in range(1, 40)}
    repository.append("dev", traces, STAMP)
    assert sorted(listed(repository)) == sorted(traces)


def test_write_units_are_those_of_the_packed_items(repository: Store) -> None:
    own = [own_trace_id(NOW_NS // 10**6, number) for number in range(2)]
    repository.append("dev", {own[0]: packed(span(1, trace_id=own[0]))}, STAMP)
    assert repository.append("dev", {own[1]: packed(span(1, trace_id=own[1]))}, STAMP) == 2
    with_owners = packed(span(1, trace_id=own[1], session_id="s", user_id="u"))
    assert repository.append("dev", {own[1]: with_owners}, STAMP) == 4


def test_records_are_put_got_listed_and_deleted(repository: Store) -> None:
    written = {"now_ns": NOW_NS, "expires_at": None}
    assert repository.put_record("K", "a1", {"n": 1}, **written)
    assert repository.put_record("K", "b1", {"n": 2}, **written)
    assert not repository.put_record("K", "a1", {"n": 3}, only_if_absent=True, **written)
    assert repository.get_record("K", "a1", now_ns=NOW_NS) == {"n": 1}
    assert repository.list_records("K", now_ns=NOW_NS) == [("a1", {"n": 1}), ("b1", {"n": 2})]
    assert repository.list_records("K", sk_prefix="b", now_ns=NOW_NS) == [("b1", {"n": 2})]
    repository.delete_record("K", "a1")
    assert repository.get_record("K", "a1", now_ns=NOW_NS) is None


def test_an_expired_record_is_gone(repository: Store) -> None:
    repository.put_record("K", "a", {}, now_ns=NOW_NS, expires_at=NOW_NS // 10**9)
    assert repository.get_record("K", "a", now_ns=NOW_NS) is None
    assert repository.list_records("K", now_ns=NOW_NS) == []


def test_tables_that_are_missing_are_named_with_the_command_that_makes_them(
    ministack_url: str, settings: Any
) -> None:
    storage.reset_store()
    settings.STORAGE_URL, settings.DYNAMODB_ENDPOINT_URL = "dynamodb", ministack_url
    settings.DYNAMODB_TRACES_TABLE, settings.DYNAMODB_SPANS_TABLE = "t-missing", "s-missing"
    with pytest.raises(storage.StoreUnusable, match=r"t-missing is missing: run manage\.py create_tables"):
        storage.get_store()
    assert storage.create_tables() == ["t-missing", "s-missing"]
    assert storage.get_store().name == "dynamodb"
    storage.reset_store()
