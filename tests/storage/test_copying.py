"""push and pull: the same bytes on the other side, nothing lost or doubled however often it was killed."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from tests.builders import own_trace_id, span, span_id, trace_id
from traces_app import access, audit, erasing, ingest, prices, queries, saved_views, statistics, storage
from traces_app.access import Access
from traces_app.queries import TraceFilter
from traces_app.storage import StoreUnavailable
from traces_app.storage.copying import Copier, Source
from traces_app.storage.engine import EngineOptions, connect, open_engine
from traces_app.storage.selection import Selection

CHECKOUT = Path(__file__).resolve().parents[2]
HOUR_NS = 3600 * 10**9
NOW_NS = time.time_ns()
Items = dict[tuple[str, str], dict[str, Any]]

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture
def cloud(ministack_url: str) -> EngineOptions:
    """Tables of its own on the DynamoDB server."""
    suffix = uuid4().hex[:12]
    options = replace(
        storage.engine_options(),
        storage_url="dynamodb",
        endpoint_url=ministack_url,
        traces_table=f"traces-{suffix}",
        spans_table=f"spans-{suffix}",
    )
    make_tables(options)
    return options


def make_tables(options: EngineOptions) -> None:
    storage.reset_store()
    with closing(open_engine(options)) as engine:
        engine.create_tables()


def here() -> EngineOptions:
    return storage.engine_options()


def items_of(options: EngineOptions) -> Items:
    """Every item of a store, as DynamoDB writes it."""
    found: Items = {}
    with closing(connect(options)) as engine:
        for table in (options.traces_table, options.spans_table):
            start: dict[str, Any] = {}
            while True:
                answer = engine.client._make_api_call("Scan", {"TableName": table, **start})
                for item in answer["Items"]:
                    if "lists" in item:
                        item["lists"]["SS"].sort()
                    key = (item["pk"]["S"], item["sk"]["S"])
                    assert key not in found
                    found[key] = item
                if "LastEvaluatedKey" not in answer:
                    break
                start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    return found


def moved(items: Items) -> Items:
    """Those that a push or pull takes."""
    left = ("SESSION#", "R#", "KEYS#", "AUDIT#", "WATCHED", "SHARES#")
    return {key: item for key, item in items.items() if not key[0].startswith(left)}


def told(name: str, other: EngineOptions, **options: Any) -> str:
    out = io.StringIO()
    direction = {"push": "to", "pull": "from"}[name]
    arguments = [f"--{direction}={other.storage_url}", "--tables", other.traces_table, other.spans_table]
    if other.endpoint_url:
        arguments += ["--endpoint-url", other.endpoint_url]
    for option, value in options.items():
        arguments += [f"--{option.replace('_', '-')}"] + ([] if value is True else [value])
    call_command(name, *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def fill(count: int, project: str = "dev", first: int = 1) -> None:
    """Traces of all sorts: own and foreign ids, in one and two batches, with sessions, users, losses."""
    mine = Access(project, "all", "test")
    for number in range(first, first + count):
        start_ns = NOW_NS - number * 10**9
        is_foreign = number % 3 == 0
        name = trace_id(number) if is_foreign else own_trace_id(start_ns // 10**6, number)
        about = {"trace_id": name, "start_ns": start_ns, "session_id": f"s#{number % 7}"}
        batch = [
            span(
                1, **about, user_id=f"u{number % 5}", input="question " * 20, kind="llm", model="gpt-4o-mini"
            ),
            span(2, **about, parent_span_id=span_id(1), output={"n": number}),
        ]
        ingest.receive(mine, batch, now_ns=NOW_NS)
        if is_foreign:
            ingest.receive(mine, [span(3, **about, parent_span_id=span_id(1))], now_ns=NOW_NS + 10**6)
    large = span(9, trace_id=trace_id(first + 10**6), start_ns=NOW_NS, input=os.urandom(700_000).hex())
    ingest.receive(mine, [large], now_ns=NOW_NS, counters={"queue full": 3})
    saved_views.save_view(project, name="v", query="?q=x", owner="k", is_shared=True, now_ns=NOW_NS)
    set_price(1.0, project)
    access.create_key(project, "all", label="secret", now_ns=NOW_NS)
    audit.record(project, who="me", action="looked", detail="", now_ns=NOW_NS)


def set_price(usd: float, project: str = "dev") -> None:
    rates = {"input": usd, "output": 2.0}
    prices.set_price(project, model="mine", since_ns=0, usd_per_million=rates, now_ns=NOW_NS)


def total_traces(project: str = "dev") -> int:
    return queries.get_stats(project, now_ns=time.time_ns()).total_traces


@pytest.fixture
def elsewhere(tmp_path: Path) -> EngineOptions:
    return replace(here(), storage_url=f"sqlite:///{tmp_path / 'other.sqlite3'}")


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


class Throttled:
    """A client that now and then writes nothing of a batch, or cannot answer at all."""

    def __init__(self, client: Any, every: int) -> None:
        self._client, self._every = client, every
        self.refusals = 0
        self._calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def _make_api_call(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        self._calls += 1
        if self._calls % self._every == 0:
            self.refusals += 1
            raise StoreUnavailable("throttled")
        if operation == "BatchWriteItem" and self._calls % 3 == 0:
            self.refusals += 1
            return {"UnprocessedItems": asked["RequestItems"]}
        return self._client._make_api_call(operation, asked)


def test_throttling_on_both_sides_loses_nothing(
    elsewhere: EngineOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    fill(60)
    before = items_of(here())
    source = here()
    storage.reset_store()
    with closing(open_engine(elsewhere)) as to, closing(connect(source)) as from_:
        to.client, from_.client = Throttled(to.client, 5), Throttled(from_.client, 2)
        for _ in Copier(Source(from_, source), to, Selection(), time.time_ns).run():
            pass
        assert to.client.refusals > 3
        assert from_.client.refusals > 0
    assert items_of(elsewhere) == moved(before)


def test_a_store_that_stays_away_ends_the_command_and_says_to_go_on(
    elsewhere: EngineOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(3)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    away = replace(elsewhere, storage_url="dynamodb", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(CommandError, match="DynamoDB cannot be reached"):
        told("push", away)


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


@pytest.mark.parametrize("direction", ["push", "pull"])
def test_killed_half_way_and_run_again_nothing_is_lost_or_doubled(
    direction: str, cloud: EngineOptions, tmp_path: Path, settings: Any
) -> None:
    fill(1200)
    before = moved(items_of(here()))
    storage.reset_store()
    if direction == "pull":
        told("push", cloud)
        settings.STORAGE_URL = f"sqlite:///{tmp_path / 'back.sqlite3'}"
    target = cloud if direction == "push" else here()
    kill_half_way(direction, cloud, target, len(before))
    half = items_of(target)
    assert 0 < len(half) < len(before)
    assert half.items() <= before.items()
    report = told(direction, cloud)
    assert f"{len(half):,} were there already" in report
    assert items_of(target) == before


def kill_half_way(direction: str, cloud: EngineOptions, target: EngineOptions, count: int) -> None:
    """SIGKILL as soon as a tenth has arrived."""
    side = {"push": "--to", "pull": "--from"}[direction]
    command = [
        sys.executable,
        "manage.py",
        direction,
        side,
        "dynamodb",
        "--endpoint-url",
        cloud.endpoint_url or "",
    ]
    process = subprocess.Popen(
        [*command, "--tables", cloud.traces_table, cloud.spans_table],
        cwd=CHECKOUT,
        env=os.environ | {"STORAGE_URL": here().storage_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    for _ in arrivals(target, count // 10):
        assert process.poll() is None, "it was over before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def arrivals(target: EngineOptions, wanted: int) -> Iterator[None]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if target.storage_url == "dynamodb" or (Path(target.storage_url[10:]).exists()):
            with closing(connect(target)) as engine:
                asked = {"TableName": target.spans_table, "Select": "COUNT"}
                try:
                    count = engine.client._make_api_call("Scan", asked)["Count"]
                except Exception:  # noqa: BLE001 - its table is just being made
                    count = 0
            if count >= wanted:
                return
        yield
    raise TimeoutError


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
