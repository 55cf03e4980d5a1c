"""Erasing by trace, session and user: complete, with a receipt, safe to stop and to repeat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.both_engines import both, dying, items_of, ministack_client, ministack_url
from tests.builders import NOW_NS, own_trace_id, put, span, span_id, trace_id
from traces_app import audit, curation, erasing
from traces_app.access import Access
from traces_app.queries import TraceFilter, list_traces
from traces_app.statistics import get_statistics
from traces_app.storage import keys
from traces_app.storage.models import MODELS, Item, TraceItem
from traces_app.storage.rollups import WATCHED_AFTER_NS
from traces_app.storage.store import Store

__all__ = ["both", "ministack_client", "ministack_url"]

HOUR_NS = 3_600 * 10**9
OWN, FOREIGN, OTHER = own_trace_id(NOW_NS // 10**6 - 60_000, 7), trace_id(9), trace_id(3)
ANA = "ana@example.com"


@pytest.fixture
def filled(both: Store, access: Access) -> Store:
    """Two traces of Ana's, one in two batches and one pinned, and one of Bo's."""
    put(access, span(2, trace_id=FOREIGN, parent_span_id=span_id(1), input="secret of Ana"))
    put(access, span(1, trace_id=FOREIGN, user_id=ANA, session_id="s", input="x" * 900_000))
    put(access, span(1, trace_id=OWN, user_id=ANA, session_id="s"))
    put(access, span(1, trace_id=OTHER, user_id="bo", session_id="s2"))
    curation.pin_trace("dev", OWN, now_ns=NOW_NS)
    return both


def erase(kind: str, subject_id: str, now_ns: int = NOW_NS, **options: Any) -> erasing.Erasure:
    return erasing.erase("dev", kind, subject_id, who="dev:key", now_ns=now_ns, **options)


def everything() -> Iterator[Item]:
    for model in MODELS:
        yield from model.scan()


def listed() -> list[str]:
    return [trace.trace_id for trace in list_traces("dev", TraceFilter(), now_ns=NOW_NS).traces]


@pytest.mark.parametrize(("kind", "subject_id"), [("user", ANA), ("session", "s")])
def test_nothing_of_a_user_or_a_session_is_left(filled: Store, kind: str, subject_id: str) -> None:
    stored = [*items_of(OWN), *items_of(FOREIGN)]
    receipt = erase(kind, subject_id)
    assert (receipt.traces, receipt.spans, receipt.ended_at_ns) == (2, 3, NOW_NS)
    bodies = [item for item in stored if not item.pk.startswith("A#")]
    assert (receipt.items, receipt.size_bytes) == (len(bodies), sum(len(item.body or b"") for item in bodies))
    assert listed() == [OTHER]
    left = list(everything())
    mentions = [item.pk for item in left if OWN in item.pk + item.sk or FOREIGN in item.pk + item.sk]
    assert {pk.partition("#")[0] for pk in mentions} == {"ERASED"}
    raw = b"".join(f"{item.pk} {item.sk}".encode() + (item.body or b"") for item in left)
    assert ANA.encode() not in raw
    assert b"secret" not in raw


def test_one_trace_is_erased(filled: Store) -> None:
    receipt = erase("trace", FOREIGN)
    assert (receipt.traces, receipt.spans, receipt.subject) == (1, 2, FOREIGN)
    assert set(listed()) == {OWN, OTHER}
    assert [line.trace_id for line in erasing.list_lines("dev", receipt.erasure_id, now_ns=NOW_NS)] == [
        FOREIGN
    ]


def test_the_receipt_and_the_audit_say_what_when_and_by_whom(filled: Store) -> None:
    receipt = erase("user", ANA)
    kept = erasing.get_erasure("dev", receipt.erasure_id, now_ns=NOW_NS)
    assert kept == receipt
    assert (kept.who, kept.started_at_ns, kept.kind) == ("dev:key", NOW_NS, "user")
    entry = audit.list_entries("dev", now_ns=NOW_NS)[0]
    assert (entry.who, entry.action) == ("dev:key", "erase user")
    assert f"2 traces, 3 spans, {kept.items} items, {kept.size_bytes} bytes" in entry.detail
    assert kept.erasure_id in entry.detail
    assert ANA not in entry.detail


def test_it_is_safe_to_repeat(filled: Store) -> None:
    first, second = erase("user", ANA), erase("user", ANA, NOW_NS + 10**9)
    assert (first.traces, second.traces, second.items) == (2, 0, 0)
    assert first.erasure_id != second.erasure_id


@pytest.mark.parametrize("stop_at", [1, 2, 3, 4, 5, 6])
def test_killed_half_way_it_goes_on_and_counts_nothing_twice(filled: Store, stop_at: int) -> None:
    stored = [*items_of(OWN), *items_of(FOREIGN)]
    with dying(filled, ["BatchWriteItem", "PutItem", "DeleteItem"], at=stop_at):
        erase("user", ANA)
    receipt = erase("user", ANA, NOW_NS + 10**9)
    bodies = [item for item in stored if not item.pk.startswith("A#")]
    assert (receipt.traces, receipt.spans, receipt.items) == (2, 3, len(bodies))
    assert listed() == [OTHER]
    assert len(erasing.list_erasures("dev", now_ns=NOW_NS)) == 1


@pytest.mark.parametrize("stop_at", range(1, 9))
def test_a_trace_that_comes_again_is_erased_whole_wherever_it_is_killed(
    filled: Store, access: Access, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    monkeypatch.setattr("traces_app.storage.dynamodb.BATCH_ITEMS", 1)
    first = erase("user", ANA, is_time_up=lambda: True)
    [line] = erasing.list_lines("dev", first.erasure_id, now_ns=NOW_NS)
    put(access, span(7, trace_id=line.trace_id, user_id=ANA), now_ns=NOW_NS + 1)
    with dying(filled, ["BatchWriteItem"], at=stop_at):
        erase("user", ANA, NOW_NS + 2)
    receipt = erase("user", ANA, NOW_NS + 3)
    assert (receipt.erasure_id, receipt.ended_at_ns) == (first.erasure_id, NOW_NS + 3)
    assert listed() == [OTHER]
    again = next(
        one
        for one in erasing.list_lines("dev", first.erasure_id, now_ns=NOW_NS)
        if one.trace_id == line.trace_id
    )
    assert again == line


def test_half_deleted_items_of_a_trace_are_found_and_not_counted_twice(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The items of a trace go 25 to a request: here one by one, and the process dies between them."""
    monkeypatch.setattr("traces_app.storage.dynamodb.BATCH_ITEMS", 1)
    before = [item for item in items_of(FOREIGN) if not item.pk.startswith("A#")]
    with dying(filled, ["BatchWriteItem"], at=5):
        erase("trace", FOREIGN)
    receipt = erase("trace", FOREIGN)
    assert (receipt.traces, receipt.items, receipt.spans) == (1, len(before), 2)
    assert {item.pk.partition("#")[0] for item in items_of(FOREIGN)} == {"ERASED"}


def test_time_up_leaves_the_rest_for_the_next_time(filled: Store) -> None:
    first = erase("user", ANA, is_time_up=lambda: True)
    assert (first.traces, first.ended_at_ns) == (1, None)
    assert erasing.count_traces("dev", "user", ANA, now_ns=NOW_NS) == 1
    second = erase("user", ANA, NOW_NS + 1)
    assert (second.erasure_id, second.traces, second.ended_at_ns) == (first.erasure_id, 2, NOW_NS + 1)


def test_however_short_each_time_is_it_comes_to_an_end(filled: Store, access: Access) -> None:
    """What was erased whole is not gone through again."""
    for number in range(100, 105):
        put(access, span(1, trace_id=trace_id(number), user_id=ANA))
    runs = [erase("user", ANA, NOW_NS + number, is_time_up=lambda: True) for number in range(8)]
    assert [one.traces for one in runs] == [1, 2, 3, 4, 5, 6, 7, 7]
    assert [one.ended_at_ns is None for one in runs] == [True] * 7 + [False]
    assert len({one.erasure_id for one in runs}) == 1


def test_a_receipt_of_an_earlier_version_is_gone_on_with(filled: Store) -> None:
    """It says nothing of runs: all that stands in it is gone through once more."""
    first = erase("user", ANA, is_time_up=lambda: True)
    pk = keys.erasures_partition("dev")
    kept = filled.get_record(pk, first.erasure_id, now_ns=NOW_NS)
    assert kept is not None
    earlier = {name: value for name, value in kept.items() if name not in ("run", "whole_run")}
    filled.put_record(pk, first.erasure_id, earlier, now_ns=NOW_NS)
    [(position, line)] = filled.list_records(keys.erased_partition("dev", first.erasure_id), now_ns=NOW_NS)
    line.pop("run")
    filled.put_record(keys.erased_partition("dev", first.erasure_id), position, line, now_ns=NOW_NS)
    second = erase("user", ANA, NOW_NS + 1)
    assert (second.erasure_id, second.traces, second.spans) == (first.erasure_id, 2, 3)
    assert listed() == [OTHER]


def test_a_user_whose_traces_keep_coming_is_erased_to_an_end(filled: Store, access: Access) -> None:
    arrived = iter(range(100, 120))

    def another_comes() -> bool:
        number = next(arrived)
        put(access, span(1, trace_id=trace_id(number), user_id=ANA))
        return False

    receipt = erase("user", ANA, is_time_up=another_comes)
    assert (receipt.traces, receipt.ended_at_ns) == (2, NOW_NS)
    assert erasing.count_traces("dev", "user", ANA, now_ns=NOW_NS) == 2


def test_a_batch_that_comes_later_begins_the_trace_anew(filled: Store, access: Access) -> None:
    erase("trace", FOREIGN)
    put(access, span(5, trace_id=FOREIGN, parent_span_id=span_id(1), user_id=ANA), now_ns=NOW_NS + 10**9)
    assert [
        trace.span_count for trace in list_traces("dev", TraceFilter(user_id=ANA), now_ns=NOW_NS).traces
    ] == [
        1,
        1,
    ]
    again = erase("trace", FOREIGN, NOW_NS + 2 * 10**9)
    assert (again.traces, again.spans) == (1, 1)
    assert FOREIGN not in listed()


def test_an_expired_trace_is_erased_too(filled: Store) -> None:
    later = NOW_NS + 400 * 24 * HOUR_NS
    assert erase("user", "bo", later).traces == 1


def test_hours_of_statistics_forget_who_was_erased(filled: Store) -> None:
    def users(now_ns: int) -> list[str]:
        found = get_statistics("dev", "users", since_ns=NOW_NS - HOUR_NS, until_ns=NOW_NS, now_ns=now_ns)
        return sorted(found.total().get("user", {}))

    later = NOW_NS + 3 * HOUR_NS
    users(later)
    later += WATCHED_AFTER_NS
    assert users(later) == [ANA, "bo"]
    hour = keys.hour_sort((NOW_NS - 60 * 10**9) // HOUR_NS)
    assert keys.rollup_partition("dev", "users") in {item.pk for item in TraceItem.scan() if item.sk == hour}
    erase("user", ANA, later)
    assert {item.pk for item in TraceItem.scan() if item.sk == hour} == {keys.late_partition("dev")}
    assert users(later + HOUR_NS) == ["bo"]


def test_another_projects_user_of_the_same_name_stays(filled: Store) -> None:
    put(Access("shop", "all", "k"), span(1, trace_id=OTHER, user_id=ANA))
    erase("user", ANA)
    assert len(list_traces("shop", TraceFilter(user_id=ANA), now_ns=NOW_NS).traces) == 1


@pytest.mark.parametrize(
    ("kind", "subject_id", "said"),
    [
        ("planet", "x", "kind: write one of trace, session, user"),
        ("user", "", "id: write the user's id"),
        ("user", "x" * 2000, "at most"),
        ("trace", "xyz", "32 hexadecimal digits"),
    ],
)
def test_what_cannot_be_meant_is_refused(store: Store, kind: str, subject_id: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        erase(kind, subject_id)
