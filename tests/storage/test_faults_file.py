"""The local file on a bad day: full disk, another's lock, read-only, damaged; seen through HTTP."""

from __future__ import annotations

import os
import resource
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from llm_tracer import SyncTracerClient
from tests.api.calls import PROBLEM, Api, browser, span_in
from tests.servers import our_server, server_process
from traces_app import access, queries
from traces_app.queries import TraceFilter
from traces_app.storage.embedded import database
from traces_app.storage.store import Store

BUSY_S = 0.05
ON_A_SMALL_DISK = (
    "-c",
    "import resource, runpy, sys\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))\n"
    "sys.argv = ['manage.py', 'runserver', '{port}']\n"
    "runpy.run_path('manage.py', run_name='__main__')",
)
"""No file of this process may grow beyond 600 KB: the system refuses to write, as it does on a full disk."""


@pytest.fixture
def api(store: Store, settings: Any) -> Api:
    settings.API_KEYS, settings.RATE_LIMIT_RPM = ["project-dev"], 0
    access.forget_keys()
    return Api(browser(), "project-dev")


@pytest.fixture
def file(store: Store, tmp_path: Path) -> Path:
    return tmp_path / "traces.sqlite3"


def assert_refused(answer: Any, *, retry_after_s: int) -> None:
    assert (answer.status_code, answer["Content-Type"]) == (503, PROBLEM), answer.content
    assert int(answer["Retry-After"]) == retry_after_s
    assert "sqlite" not in answer.content.decode().lower()


def listed() -> int:
    return len(queries.list_traces("dev", TraceFilter(), limit=1000, now_ns=time.time_ns()).traces)


def on_its_connections(store: Store, statement: str) -> None:
    """Of those that the server will use next."""
    client: Any = store.engine.client
    for connection in client._database._process.idle:
        connection.execute(statement)


def test_a_full_disk_is_a_503_what_is_stored_stays_readable_and_space_mends_it(
    store: Store, api: Api, file: Path
) -> None:
    assert api.ingest(span_in()).status_code == 202
    on_its_connections(store, "PRAGMA max_page_count = 1")
    large = span_in(output=os.urandom(300_000).hex())
    for _ in range(3):
        assert_refused(api.ingest(large), retry_after_s=30)
    assert listed() == 1
    assert api.get("/api/v1/traces").status_code == 200
    on_its_connections(store, "PRAGMA max_page_count = 1000000")
    assert api.ingest(large).status_code == 202
    assert listed() == 2


def test_a_server_that_runs_into_a_full_disk_loses_nothing_and_goes_on_when_there_is_space(
    tmp_path: Path,
) -> None:
    with (
        server_process(tmp_path / "traces.sqlite3", ON_A_SMALL_DISK) as (url, process),
        httpx.Client(base_url=url, headers={"X-API-Key": "project-dev"}) as client,
    ):
        kept: list[str] = []
        for _ in range(200):
            one = span_in(output=os.urandom(15_000).hex())
            answer = client.post("/api/ingest", json={"spans": [one]})
            if answer.status_code != 202:
                break
            kept.append(one["trace_id"])
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert client.get("/api/v1/stats").json()["total_traces"] == len(kept) > 3
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        assert client.post("/api/ingest", json={"spans": [one]}).status_code == 202
        for trace_id in (*kept, one["trace_id"]):
            assert client.get(f"/api/v1/traces/{trace_id}").status_code == 200


def test_a_file_that_another_process_has_locked_is_a_503_until_it_lets_go(
    store: Store, api: Api, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_its_connections(store, f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", BUSY_S)
    one = span_in()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert_refused(api.ingest(one), retry_after_s=2)
        assert api.get("/api/v1/traces").status_code == 200  # readers never wait for a writer
    assert api.ingest(one).status_code == 202
    assert listed() == 1


def test_requests_that_come_together_do_not_wait_for_a_lock_one_after_another(
    store: Store, api: Api, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each alone would wait for a second, the last of them for ten."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 1.0)
    on_its_connections(store, "PRAGMA busy_timeout = 1000")
    spans = [span_in() for _ in range(10)]
    with closing(sqlite3.connect(file, isolation_level=None)) as other, ThreadPoolExecutor(10) as threads:
        other.execute("BEGIN IMMEDIATE")
        began_at = time.monotonic()
        statuses = [answer.status_code for answer in threads.map(api.ingest, spans)]
        assert statuses == [503] * 10
        assert time.monotonic() - began_at < 6
    assert {api.ingest(one).status_code for one in spans} == {202}


def test_the_client_delivers_when_the_lock_is_gone(store: Store, api: Api, file: Path) -> None:
    on_its_connections(store, f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")
    with our_server() as url, closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        tracer = SyncTracerClient(url, "project-dev", spool=False)
        with tracer.trace("kept"), tracer.span("step"):
            pass
        assert tracer.flush(1).pending == 2
        other.execute("ROLLBACK")
        result = tracer.close(20)
    assert (result.sent, result.dropped, result.pending) == (2, 0, 0)
    assert listed() == 1


def test_a_file_that_may_only_be_read_is_a_503_and_stays_readable(store: Store, api: Api) -> None:
    assert api.ingest(span_in()).status_code == 202
    on_its_connections(store, "PRAGMA query_only = ON")
    assert_refused(api.ingest(span_in()), retry_after_s=30)
    assert api.get("/api/v1/traces").status_code == 200
    on_its_connections(store, "PRAGMA query_only = OFF")
    assert api.ingest(span_in()).status_code == 202


def test_a_file_damaged_under_a_running_server_is_a_503_by_name_in_the_log(
    store: Store, api: Api, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(30):
        assert api.ingest(span_in(output=os.urandom(3000).hex())).status_code == 202
    on_its_connections(store, "PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\xff" * (file.stat().st_size - 4096))
    on_its_connections(store, "PRAGMA shrink_memory")
    assert_refused(api.get("/api/v1/traces"), retry_after_s=30)
    assert_refused(api.ingest(span_in()), retry_after_s=30)
    assert browser().get("/health").status_code == 503
    page = browser().post("/dashboard/login", {"key": "project-dev"})
    assert (page.status_code, "The store does not answer" in page.content.decode()) == (503, True)
    assert str(file) in caplog.text
