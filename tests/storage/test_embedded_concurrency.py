"""Many threads, several processes and sudden deaths on one local file."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from pynamodb.exceptions import PutError

from tests.storage.conftest import sqlite_options
from traces_app.storage.embedded import database
from traces_app.storage.embedded.client import EmbeddedClient
from traces_app.storage.engine import Engine, open_engine
from traces_app.storage.errors import StoreUnavailable
from traces_app.storage.models import SpanItem

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PROGRAM_HEAD = """
import sys
from traces_app.storage.engine import EngineOptions, open_engine
from traces_app.storage.models import SpanItem
engine = open_engine(EngineOptions(sys.argv[1]))
"""


def start(program: str, url: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM_HEAD + program, url, *arguments]
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)


def batch(partition: str, first: int, count: int = 25) -> list[SpanItem]:
    numbers = range(first, first + count)
    return [SpanItem(partition, f"{number:06}", v=1, body=b"x" * 200) for number in numbers]


def test_threads_write_and_read_at_once(embedded: Engine) -> None:
    def work(worker: int) -> int:
        for first in range(0, 250, 25):
            embedded.batch_put(batch(f"T{worker}", first))
            assert SpanItem.count(f"T{worker}") == first + 25
        return SpanItem.count(f"T{worker}")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [250] * 8


def test_concurrent_updates_lose_nothing(embedded: Engine) -> None:
    SpanItem("T", "counter", v=1, at=0).save()

    def add(_: int) -> None:
        SpanItem("T", "counter").update([SpanItem.at.add(1)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(200)))

    assert SpanItem.get("T", "counter").at == 200


def test_only_one_of_many_conditional_puts_wins(embedded: Engine) -> None:
    def claim(number: int) -> bool:
        try:
            SpanItem("T", "anchor", v=1, at=number).save(SpanItem.pk.does_not_exist())
        except PutError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(40))) == 1


def test_a_reader_sees_whole_batches_only(embedded: Engine) -> None:
    """Every batch rewrites 25 items with one number; no query may see two."""
    seen: set[int] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(len({item.at for item in SpanItem.query("T")}))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(60):
        embedded.batch_put(SpanItem("T", f"{position:03}", v=1, at=number) for position in range(25))
    done.set()
    reader.join()

    assert seen <= {0, 1}


def test_threads_that_come_and_go_leave_few_connections(embedded: Engine) -> None:
    for number in range(30):
        thread = threading.Thread(target=embedded.batch_put, args=(batch("T", number * 25),))
        thread.start()
        thread.join()

    assert SpanItem.count("T") == 750
    assert len(embedded.client._database._process.idle) <= 2  # type: ignore[attr-defined]


def test_two_processes_start_on_one_fresh_file_and_write_it(tmp_path: Path) -> None:
    program = """
for first in range(0, 500, 25):
    engine.batch_put(SpanItem(sys.argv[2], f"{number:06}", v=1) for number in range(first, first + 25))
engine.close()
"""
    url = sqlite_options(tmp_path).storage_url
    processes = [start(program, url, f"T{number}") for number in range(2)]
    assert [process.wait(30) for process in processes] == [0, 0]
    for process in processes:
        process.stdout.close()

    engine = open_engine(sqlite_options(tmp_path))

    assert [SpanItem.count(f"T{number}") for number in range(2)] == [500, 500]
    engine.close()


def test_a_killed_writer_loses_no_acknowledged_batch(tmp_path: Path) -> None:
    program = """
first = 0
while True:
    numbers = range(first, first + 25)
    engine.batch_put(SpanItem("T", f"{number:06}", v=1, body=b"x" * 500) for number in numbers)
    first += 25
    print(first, flush=True)
"""
    url = sqlite_options(tmp_path).storage_url
    writer = start(program, url)
    acknowledged = 0
    for line in writer.stdout:
        acknowledged = int(line)
        if acknowledged >= 1000:
            writer.send_signal(signal.SIGKILL)
            break
    acknowledged = max([acknowledged, *map(int, writer.stdout)])
    writer.stdout.close()
    assert writer.wait(10) == -signal.SIGKILL

    engine = open_engine(sqlite_options(tmp_path))
    count = SpanItem.count("T")

    assert count >= acknowledged
    assert count % 25 == 0, "a batch is there whole or not at all"
    engine.close()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_uses_connections_of_its_own(embedded: Engine) -> None:
    embedded.batch_put(batch("parent", 0))
    inherited = embedded.client._database._process.idle[0]  # type: ignore[attr-defined]

    child = os.fork()
    if child == 0:
        try:
            embedded.batch_put(batch("child", 0))
            own = embedded.client._database._process.idle[0]  # type: ignore[attr-defined]
            os._exit(0 if own is not inherited and SpanItem.count("parent") == 25 else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0

    assert SpanItem.count("child") == 25
    embedded.batch_put(batch("parent", 25))
    assert SpanItem.count("parent") == 50


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_while_another_thread_writes_does_not_block_the_child(embedded: Engine) -> None:
    with embedded.client._database.write():  # type: ignore[attr-defined]
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if SpanItem.count("T") == 0 else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0


def test_a_file_locked_for_long_is_unavailable_for_now(
    embedded: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    engine = open_engine(sqlite_options(tmp_path))
    with closing(sqlite3.connect(tmp_path / "traces.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreUnavailable, match="locked") as caught:
            engine.batch_put(batch("T", 0))

    assert caught.value.retry_after_seconds >= 1
    engine.batch_put(batch("T", 0))
    assert SpanItem.count("T") == 25
    engine.close()


def test_a_table_deleted_by_another_process_is_not_found(embedded: Engine, tmp_path: Path) -> None:
    other = EmbeddedClient(tmp_path / "traces.sqlite3")
    other._make_api_call("DeleteTable", {"TableName": SpanItem.Meta.table_name})
    other.close()

    for _ in range(2):
        with pytest.raises(PutError) as caught:
            SpanItem("T", "a", v=1).save()
        assert caught.value.cause_response_code == "ResourceNotFoundException"


def test_a_batch_of_several_requests_is_kept_whole_or_not_at_all(embedded: Engine) -> None:
    items = batch("T", 0) + batch("T", 25) + [SpanItem("T", "twice", v=1), SpanItem("T", "twice", v=1)]
    with pytest.raises(PutError):
        embedded.batch_put(items)
    assert SpanItem.count("T") == 0
    embedded.batch_put(items[:-1])
    assert SpanItem.count("T") == 51
