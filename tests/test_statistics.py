from __future__ import annotations

from typing import Any

import pytest

from tests.builders import NOW_NS, own_trace_id, put, span, span_id
from traces_app import statistics
from traces_app.access import Access
from traces_app.curation import delete_trace, tag_trace
from traces_app.domain.durations import HOUR_NS
from traces_app.domain.measures import (
    OTHERS,
    Measures,
    add_rollup,
    bucket_of,
    pack_rollup,
    percentile_ms,
    unpack_rollup,
)
from traces_app.domain.span import Usage
from traces_app.queries import TraceNotFound, get_trace
from traces_app.statistics import Statistics, get_statistics
from traces_app.storage.rollups import WATCHED_AFTER_NS
from traces_app.storage.store import Store

SINCE_NS = NOW_NS - 48 * HOUR_NS
MINUTE_NS = 60 * 10**9
pytestmark = pytest.mark.usefixtures("store")


def sent(access: Access, number: int, hours_ago: float, now_ns: int = NOW_NS, **fields: Any) -> str:
    start_ns = NOW_NS - int(hours_ago * HOUR_NS)
    trace = own_trace_id(start_ns // 10**6, number)
    end_ns = start_ns + fields.pop("seconds", 2) * 10**9
    own: dict[str, Any] = {"trace_id": trace, "start_ns": start_ns, "end_ns": end_ns}
    call: dict[str, Any] = {
        "kind": "llm",
        "model": "gpt-4o",
        "usage": Usage(100, 20),
        "cost_usd": 0.01,
        "time_to_first_token_ms": 300.0,
    }
    put(
        access,
        span(1, **(own | {"name": "chat"} | fields)),
        span(2, **(own | call), parent_span_id=span_id(1)),
        now_ns=now_ns,
    )
    return trace


def look(section: Any = "main", now_ns: int = NOW_NS, **options: Any) -> Statistics:
    return get_statistics("dev", section, since_ns=SINCE_NS, until_ns=now_ns, now_ns=now_ns, **options)


def settle() -> int:
    """The time at which hours may be kept, after a first look."""
    look()
    return NOW_NS + WATCHED_AFTER_NS


def operations(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    client: Any = store.engine.client
    call = client._make_api_call
    monkeypatch.setattr(
        client, "_make_api_call", lambda name, values: (seen.append(name), call(name, values))[1]
    )
    return seen


def test_hours_add_up_what_started_in_them(access: Access) -> None:
    sent(access, 1, 5, tags=["a"], user_id="ana", status="error")
    sent(access, 2, 5, environment="prod")
    sent(access, 3, 30)
    found = look()
    assert sorted(found.hours) == [(NOW_NS - hours * HOUR_NS) // HOUR_NS for hours in (30, 5)]
    everything = found.everything()
    assert (everything.count, everything.spans, everything.errors) == (3, 6, 1)
    assert (everything.input_tokens, everything.output_tokens) == (300, 60)
    assert everything.cost_usd == pytest.approx(0.03)
    total = found.total()
    assert (total["name"]["chat"].count, total["tag"]["a"].errors, total["env"]["prod"].count) == (3, 1, 1)


def test_models_are_counted_by_their_calls(access: Access) -> None:
    sent(access, 1, 5)
    of_model = look().total()["model"]["gpt-4o"]
    assert (of_model.count, of_model.input_tokens) == (1, 100)
    assert percentile_ms(of_model.first_token, 0.5) == pytest.approx(300, rel=0.03)


def test_users_and_sessions_have_sections_of_their_own(access: Access) -> None:
    for number in range(3):
        sent(access, number, 2 + number, user_id="ana", session_id="s", input=f"question {number}")
    assert look("users").total()["user"]["ana"].count == 3
    session = look("sessions").total()["session"]["s"]
    assert (session.count, session.words, session.owner) == (3, "question 0", "ana")
    assert session.last_ms is not None
    assert session.last_ms - (session.first_ms or 0) == 2 * 3_600_000


def test_closed_hours_are_read_once(access: Access, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        sent(access, number, 3 + number)
    later = settle()
    assert look(now_ns=later).everything().count == 30
    seen = operations(store, monkeypatch)
    assert look(now_ns=later).everything().count == 30
    assert len(seen) <= 6
    assert "BatchWriteItem" in seen or seen.count("Query") <= 4


def test_the_first_look_keeps_nothing_because_not_every_writer_knows_yet(
    access: Access, store: Store
) -> None:
    sent(access, 1, 5)
    look()
    assert store.rollups.read("dev", "main", 0, 9_999_999, now_ns=NOW_NS) == []


def test_a_late_batch_makes_its_hour_be_added_up_again(access: Access) -> None:
    sent(access, 1, 5)
    later = settle()
    look(now_ns=later)
    sent(access, 2, 5, now_ns=later + MINUTE_NS)
    for minutes in (1, 2, 5, 60):
        assert look(now_ns=later + minutes * MINUTE_NS).everything().count == 2, minutes


def test_a_later_batch_under_the_same_marker_is_seen_too(access: Access) -> None:
    sent(access, 1, 5)
    later = settle()
    sent(access, 2, 5, now_ns=later)
    look(now_ns=later + 10**9)
    sent(access, 3, 5, now_ns=later + 30 * 10**9)
    assert look(now_ns=later + 31 * 10**9).everything().count == 3
    assert look(now_ns=later + 10 * MINUTE_NS).everything().count == 3


def test_deleting_a_trace_takes_it_out_of_a_closed_hour(access: Access) -> None:
    trace = sent(access, 1, 5)
    sent(access, 2, 5)
    later = settle()
    look(now_ns=later)
    delete_trace("dev", trace, now_ns=later + MINUTE_NS)
    assert look(now_ns=later + 10 * MINUTE_NS).everything().count == 1


def test_a_late_batch_writes_no_marker_where_nobody_looks(access: Access, store: Store) -> None:
    sent(access, 1, 5)
    assert list(store.rollups.markers([], NOW_NS)) == []
    put_units = put(access, span(9, trace_id=own_trace_id(NOW_NS // 10**6 - 5 * 3_600_000, 9)))
    assert put_units.write_units == 2


def test_when_the_time_is_up_the_newest_hours_are_there_and_the_next_look_goes_on(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "MAX_ADDED_UP", 4)
    for number in range(10):
        sent(access, number, 3 + number)
    now_ns = settle()
    counts = []
    for _ in range(4):
        found = look(now_ns=now_ns)
        counts.append((found.everything().count, found.missing_before is None))
    assert counts == sorted(counts)
    assert counts[-1] == (10, True)


def test_percentiles_are_right_to_a_fortieth() -> None:
    durations = [0, 0.05, 1, 7.3, 300, 2500, 60_000]
    for value in durations[2:]:
        assert percentile_ms({bucket_of(value): 1}, 0.5) == pytest.approx(value, rel=0.026)
    assert percentile_ms({bucket_of(0): 3}, 0.99) == 0
    assert percentile_ms({}, 0.5) is None
    assert percentile_ms({bucket_of(10): 99, bucket_of(1000): 1}, 0.99) == pytest.approx(10, rel=0.03)


def test_a_rollup_survives_being_packed_and_folds_the_rarest_values() -> None:
    tags = {f"tag {number}": Measures(count=number, latency={3: number}) for number in range(1, 151)}
    found = unpack_rollup(pack_rollup({"tag": tags, "all": {"all": Measures(count=1, cost_nano_usd=0)}}))
    assert found["all"]["all"] == Measures(count=1, cost_nano_usd=0)
    assert len(found["tag"]) == 101
    assert found["tag"][OTHERS].count == sum(range(1, 51))
    doubled: Any = {}
    add_rollup(doubled, found)
    add_rollup(doubled, found)
    assert doubled["tag"]["tag 150"].latency == {3: 300}


def test_a_tag_that_people_add_is_in_lists_and_in_the_trace(access: Access) -> None:
    trace = sent(access, 1, 1, tags=["a"])
    assert tag_trace("dev", trace, " looked  at ", now_ns=NOW_NS)
    opened = get_trace("dev", trace, now_ns=NOW_NS)
    assert sorted(opened.summary.tags) == ["a", "looked at"]
    assert (opened.summary.status, opened.summary.span_count, opened.summary.name) == ("ok", 2, "chat")
    assert look().total()["tag"]["looked at"].count == 1


def test_what_is_not_there_is_neither_tagged_nor_deleted() -> None:
    for trace in ("f" * 32, "odd", ""):
        assert not tag_trace("dev", trace, "x", now_ns=NOW_NS)
        assert not delete_trace("dev", trace, now_ns=NOW_NS)
    with pytest.raises(TraceNotFound):
        get_trace("dev", "f" * 32, now_ns=NOW_NS)
