"""push and pull: the same bytes on the other side, of what was asked for."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from tests.builders import own_trace_id, span, trace_id
from tests.storage.copies import (
    HOUR_NS,
    NOW_NS,
    cloud,
    elsewhere,
    fill,
    here,
    items_of,
    moved,
    set_price,
    told,
    total_traces,
)
from traces_app import access, erasing, ingest, queries, statistics, storage
from traces_app.access import Access
from traces_app.queries import TraceFilter
from traces_app.storage.engine import EngineOptions

__all__ = ["cloud", "elsewhere"]

pytestmark = pytest.mark.usefixtures("store")


def test_push_then_pull_gives_the_same_bytes(cloud: EngineOptions, tmp_path: Path, settings: Any) -> None:
    fill(200)
    before = items_of(here())
    told("push", cloud)
    assert items_of(cloud) == moved(before)
    settings.STORAGE_URL = f"sqlite:///{tmp_path / 'back.sqlite3'}"
    told("pull", cloud)
    assert items_of(here()) == moved(before)
    assert total_traces() == 201


def test_a_second_run_writes_nothing(cloud: EngineOptions) -> None:
    fill(30)
    first, second = told("push", cloud), told("push", cloud)
    assert " 0 replaced, 0 were there already" in first
    assert ": 0 new, 0 replaced, " in second
    assert "write units" in first
    assert "write units" not in second


def test_only_what_is_new_or_different_is_written_again(elsewhere: EngineOptions) -> None:
    fill(10)
    told("push", elsewhere)
    ingest.receive(
        Access("dev", "all", "k"), [span(1, trace_id=trace_id(77), start_ns=NOW_NS)], now_ns=NOW_NS
    )
    set_price(3.0)
    report = told("push", elsewhere)
    assert ": 3 new, 1 replaced, " in report  # a chunk, a fragment, an anchor; the price
    assert items_of(elsewhere) == moved(items_of(here()))


def test_secrets_and_statistics_stay_and_keys_go_when_asked(elsewhere: EngineOptions) -> None:
    fill(3)
    access.save_session("id", b"x", NOW_NS // 10**9 + 1000, must_create=True, now_ns=NOW_NS)
    told("push", elsewhere)
    assert {pk.partition("#")[0] for pk, _ in items_of(elsewhere)} == set("ADLPSTUV") | {"PRICES", "PROJECTS"}
    told("push", elsewhere, with_keys=True)
    kinds = {pk.partition("#")[0] for pk, _ in items_of(elsewhere)}
    assert {"KEYS", "AUDIT"} <= kinds
    assert not kinds & {"SESSION", "R", "WATCHED"}


def test_what_has_expired_is_not_moved(elsewhere: EngineOptions, settings: Any) -> None:
    settings.RETENTION_DAYS = 1
    old = NOW_NS - 3 * 24 * HOUR_NS
    mine = Access("dev", "all", "k")
    ingest.receive(mine, [span(1, trace_id=trace_id(1), start_ns=old)], now_ns=old)
    ingest.receive(mine, [span(1, trace_id=trace_id(2), start_ns=NOW_NS)], now_ns=NOW_NS)
    told("push", elsewhere)
    assert [pk for pk, _ in items_of(elsewhere) if pk.startswith("T#")] == [f"T#dev#{trace_id(2)}"]


def test_one_project_moves_alone_and_under_another_name(elsewhere: EngineOptions, settings: Any) -> None:
    fill(6, "shop")
    fill(6, "other")
    told("push", elsewhere, project="shop", as_project="till")
    assert set(map(project_named, items_of(elsewhere))) == {"till"}
    settings.STORAGE_URL = elsewhere.storage_url
    storage.reset_store()
    assert total_traces("till") == 7
    page = queries.list_traces("till", TraceFilter(session_id="s#3"), now_ns=time.time_ns())
    assert [trace.span_count for trace in page.traces] == [3]
    anchor = items_of(here())[f"A#till#{trace_id(3)}", "-"]
    assert anchor["lists"]["SS"] == ["S#till#s#3", "U#till#u3"]


def project_named(key: tuple[str, str]) -> str:
    return key[0].split("#")[1] if "#" in key[0] else key[1]


@pytest.mark.parametrize("to_cloud", [True, False])
def test_a_time_takes_the_traces_that_start_in_it_whole(
    to_cloud: bool, cloud: EngineOptions, elsewhere: EngineOptions, settings: Any
) -> None:
    mine = Access("dev", "all", "k")
    for number, hours in ((1, 1), (2, 50), (3, 100)):
        start_ns = NOW_NS - hours * HOUR_NS
        about = {"trace_id": trace_id(number), "start_ns": start_ns, "session_id": "s"}
        ingest.receive(mine, [span(1, **about), span(2, **about)], now_ns=NOW_NS)
    other = cloud if to_cloud else elsewhere
    since = time.strftime("%Y-%m-%dT%H:%M", time.gmtime((NOW_NS - 60 * HOUR_NS) // 10**9))
    until = time.strftime("%Y-%m-%dT%H:%M", time.gmtime((NOW_NS - 10 * HOUR_NS) // 10**9))
    told("push", other, since=since, until=until)
    found = items_of(other)
    assert {pk for pk, _ in found if pk[0] in "TA"} == {f"{kind}#dev#{trace_id(2)}" for kind in "TA"}
    assert found.items() <= items_of(here()).items()
    settings.STORAGE_URL, settings.DYNAMODB_ENDPOINT_URL = other.storage_url, other.endpoint_url or ""
    settings.DYNAMODB_TRACES_TABLE, settings.DYNAMODB_SPANS_TABLE = other.traces_table, other.spans_table
    storage.reset_store()
    listed = queries.list_traces("dev", TraceFilter(session_id="s"), now_ns=NOW_NS).traces
    assert [(trace.trace_id, trace.span_count) for trace in listed] == [(trace_id(2), 2)]


def test_lists_of_both_sides_are_united_in_an_anchor(elsewhere: EngineOptions, settings: Any) -> None:
    mine, local = Access("dev", "all", "k"), settings.STORAGE_URL
    about = {"trace_id": trace_id(5), "start_ns": NOW_NS}
    ingest.receive(mine, [span(1, **about, session_id="here")], now_ns=NOW_NS)
    settings.STORAGE_URL = elsewhere.storage_url
    storage.reset_store()
    ingest.receive(mine, [span(2, **about, session_id="there")], now_ns=NOW_NS)
    settings.STORAGE_URL = local
    told("push", elsewhere)
    told("push", elsewhere)
    anchor = items_of(elsewhere)[f"A#dev#{trace_id(5)}", "-"]
    assert anchor["lists"]["SS"] == ["S#dev#here", "S#dev#there"]
    settings.STORAGE_URL = elsewhere.storage_url
    assert [
        trace.span_count for trace in queries.list_traces("dev", TraceFilter(), now_ns=NOW_NS).traces
    ] == [2]


def test_statistics_of_the_destination_count_what_came(elsewhere: EngineOptions, settings: Any) -> None:
    start_ns = NOW_NS - 5 * HOUR_NS
    mine, local = Access("dev", "all", "k"), settings.STORAGE_URL
    ingest.receive(mine, [span(1, trace_id=trace_id(1), start_ns=start_ns)], now_ns=NOW_NS)
    settings.STORAGE_URL = elsewhere.storage_url
    storage.reset_store()
    ingest.receive(mine, [span(1, trace_id=trace_id(2), start_ns=start_ns)], now_ns=NOW_NS)
    assert counted(NOW_NS - 400 * 10**9) == 1  # somebody looks; from the second look on hours are kept
    assert counted(NOW_NS - 300 * 10**9) == 1
    assert any(pk.startswith("R#dev#main") for pk, _ in items_of(elsewhere))
    settings.STORAGE_URL = local
    told("push", elsewhere)
    settings.STORAGE_URL = elsewhere.storage_url
    assert counted(time.time_ns()) == 2


def counted(now_ns: int) -> int:
    bounds = {"since_ns": NOW_NS - 24 * HOUR_NS, "until_ns": NOW_NS}
    return statistics.get_statistics("dev", "main", **bounds, now_ns=now_ns).total()["all"]["all"].count


def test_a_dry_run_writes_nothing(elsewhere: EngineOptions) -> None:
    fill(3)
    report = told("push", elsewhere, dry_run=True)
    assert report.startswith("Nothing was written.")
    assert items_of(elsewhere) == {}


def test_wrong_arguments_are_named(elsewhere: EngineOptions, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no store: write dynamodb or sqlite"):
        told("push", replace(elsewhere, storage_url="postgres"))
    with pytest.raises(CommandError, match="same store"):
        told("push", here())
    with pytest.raises(CommandError, match=r"no file .*missing"):
        told("pull", replace(elsewhere, storage_url=f"sqlite:///{tmp_path / 'missing.sqlite3'}"))
    with pytest.raises(CommandError, match="--since: write a time like"):
        told("push", elsewhere, since="yesterday")
    with pytest.raises(CommandError, match="--as-project needs --project"):
        told("push", elsewhere, as_project="x")


def test_missing_tables_are_named(cloud: EngineOptions) -> None:
    gone = replace(cloud, traces_table="traces-gone", spans_table="spans-gone")
    with pytest.raises(CommandError, match=r"traces-gone is missing: run manage\.py create_tables"):
        told("push", gone)
    with pytest.raises(CommandError, match="no table traces-gone"):
        told("pull", gone)


def test_shared_links_stay_where_they_can_be_revoked(elsewhere: EngineOptions) -> None:
    fill(1)
    now_ns = time.time_ns()
    name = own_trace_id((NOW_NS - 10**9) // 10**6, 1)
    storage.get_store().put_record("SHARES#dev", "0" * 12, {"trace_id": name}, now_ns=now_ns)
    told("push", elsewhere, with_keys=True)
    assert not [pk for pk, _ in items_of(elsewhere) if pk.startswith("SHARES")]


def test_what_the_destination_erased_stays_away_unless_asked_for(elsewhere: EngineOptions) -> None:
    fill(3)
    told("push", elsewhere)
    name = trace_id(3)
    erasing.erase("dev", "trace", name, who="me", now_ns=time.time_ns())
    storage.reset_store()
    told_back = told("pull", elsewhere)
    assert "of erased traces stayed away." in told_back
    left = [key for key in items_of(here()) if name in key[0] + key[1]]
    assert {pk.partition("#")[0] for pk, _ in left} == {"ERASED"}
    told("pull", elsewhere, with_erased=True)
    storage.reset_store()
    assert queries.get_trace("dev", name, now_ns=NOW_NS).summary.span_count > 0
