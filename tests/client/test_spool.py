"""Batches on disk: while the server is away, over the end of a process, and when the disk is at fault."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_tracer import SyncTracerClient
from llm_tracer._delivery.sender import Sender
from llm_tracer._delivery.spool import Spool
from tests.client.scripted_server import ScriptedServer

CLIENT = Path(__file__).resolve().parents[2] / "client"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def port() -> int:
    with ScriptedServer() as server:
        return server.port


def client(port: int, **more: object) -> SyncTracerClient:
    return SyncTracerClient(f"http://127.0.0.1:{port}", "project-shop", **more)  # type: ignore[arg-type]


def trace_some(tracer: SyncTracerClient, count: int, prefix: str = "trace") -> None:
    for number in range(count):
        with tracer.trace(f"{prefix} {number}") as trace, trace.span("call", "llm", "x" * 2_000):
            pass


def eventually(condition: Callable[[], object], seconds: float = 8.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def files(folder: Path, suffix: str = ".spool") -> list[Path]:
    return sorted(folder.glob(f"*/*{suffix}"))


def test_while_the_server_is_away_spans_go_to_disk_and_arrive_when_it_returns(
    port: int, folder: Path
) -> None:
    tracer = client(port)
    trace_some(tracer, 50)
    eventually(lambda: tracer._pipeline._sender.on_disk)
    assert tracer._pipeline.queue.queued_count + tracer._pipeline._sender.on_disk == 100
    trace_some(tracer, 50, "later")
    with ScriptedServer(port) as server:
        eventually(lambda: tracer.flush(5) == (200, 0, 0))
        ids = [span["span_id"] for batch in server.batches for span in batch["spans"]]
        assert (len(ids), len(set(ids))) == (200, 200)
    tracer.close()
    assert files(folder) == []


def test_what_is_not_delivered_at_the_end_is_sent_by_the_next_process(port: int, folder: Path) -> None:
    tracer = client(port)
    trace_some(tracer, 20)
    assert tracer.close(0.3) == (0, 0, 40)
    (file,) = files(folder)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    with ScriptedServer(port) as server, client(port) as tracer:
        with tracer.trace("new"):
            pass
        eventually(lambda: len(server.names) == 41)
        assert tracer.flush() == (1, 0, 0)
        eventually(lambda: files(folder) == [])


def test_another_key_or_server_never_gets_it(port: int, folder: Path, server: ScriptedServer) -> None:
    tracer = client(port)
    trace_some(tracer, 1)
    tracer.close(0.1)
    with SyncTracerClient(server.url, "project-shop") as tracer:
        trace_some(tracer, 1)
        tracer.flush()
    assert len(server.names) == 2
    assert len(files(folder)) == 1


def test_the_file_of_a_living_process_is_left_alone(port: int, folder: Path) -> None:
    first, second = client(port), client(port)
    trace_some(first, 5)
    eventually(lambda: first._pipeline._sender.on_disk)
    (target,) = {file.parent for file in files(folder)}
    assert Spool(target).adopt(time.monotonic()) == 0
    first.close(0)
    second.close(0)
    assert Spool(target).adopt(time.monotonic()) == 1


def test_a_process_that_is_killed_leaves_what_it_had_on_disk(port: int, folder: Path) -> None:
    program = """
        import os, signal, sys, time
        from llm_tracer import SyncTracerClient
        tracer = SyncTracerClient()
        for number in range(30):
            with tracer.trace(f"trace {number}"):
                pass
        while tracer._pipeline._sender.on_disk < 30:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    environment = {
        **os.environ,
        "PYTHONPATH": str(CLIENT),
        "TRACER_URL": f"http://127.0.0.1:{port}",
        "TRACER_API_KEY": "project-shop",
    }
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], env=environment, timeout=30, check=False
    )
    assert done.returncode == -9
    with ScriptedServer(port) as server, client(port) as tracer:
        trace_some(tracer, 1)
        eventually(lambda: len(server.names) == 32)


@pytest.mark.parametrize("damage", ["cut", "scribble", "nonsense"])
def test_a_damaged_file_is_counted_and_put_aside(port: int, folder: Path, damage: str) -> None:
    tracer = client(port)
    trace_some(tracer, 3)
    tracer.close(0.1)
    (file,) = files(folder)
    content = file.read_bytes()
    middle = len(content) // 2
    file.write_bytes(
        {
            "cut": content[:middle],
            "scribble": content[:middle] + b"!!!" + content[middle + 3 :],
            "nonsense": b"\x00" * 100,
        }[damage]
    )
    with ScriptedServer(port) as server, client(port) as tracer:
        trace_some(tracer, 1)
        eventually(lambda: files(folder, ".damaged"))
        assert tracer.flush().dropped == (1 if damage == "nonsense" else 6)
        assert len(server.names) == 2
        trace_some(tracer, 1)
        tracer.flush()
        assert server.batches[-1]["counters"] == {"spool_damaged": 1 if damage == "nonsense" else 6}
    assert files(folder) == []


def test_a_full_spool_leaves_the_rest_in_memory(
    port: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Spool, "MAX_BYTES", 40_000)
    tracer = client(port)
    for number in range(4):
        trace_some(tracer, 5, f"round {number}")
        tracer.flush(0.2)
    assert tracer.flush(0) == (0, 0, 40)
    assert sum(file.stat().st_size for file in files(folder)) < 45_000
    with ScriptedServer(port) as server:
        eventually(lambda: tracer.flush(5) == (40, 0, 0))
        assert len(set(server.names)) == 21
    tracer.close()


@pytest.mark.parametrize("word", ["false", "0", "off"])
def test_the_disk_can_be_left_out_of_it(
    port: int, folder: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setenv("TRACER_SPOOL", word)
    for tracer in (client(port), client(port, spool=False)):
        trace_some(tracer, 1)
        assert tracer.close(0.1) == (0, 0, 2)
    assert not folder.exists()


def test_a_place_that_cannot_be_written_does_no_harm(port: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    tracer = client(port, spool=tmp_path / "file" / "folder")
    trace_some(tracer, 2)
    assert tracer.flush(1) == (0, 0, 4)
    with ScriptedServer(port):
        eventually(lambda: tracer.flush(5) == (4, 0, 0))
    tracer.close()


def test_the_usual_place_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, port: int) -> None:
    monkeypatch.delenv("TRACER_SPOOL")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tracer = client(port)
    trace_some(tracer, 1)
    tracer.close(0.1)
    assert len(list((tmp_path / "cache" / "llm-tracer" / "spool").glob("*/*.spool"))) == 1


def test_a_limit_on_requests_loses_nothing_at_the_end(folder: Path, server: ScriptedServer) -> None:
    limited = (429, {"Retry-After": "30"}, b'{"detail": "60 requests a minute"}')
    server.script = [limited] * 3
    tracers = [SyncTracerClient(server.url, "project-shop") for _ in range(3)]
    for tracer in tracers:
        trace_some(tracer, 3)
    assert [tracer.close(0.2) for tracer in tracers] == [(0, 0, 6)] * 3
    server.bodies.clear()
    with SyncTracerClient(server.url, "project-shop") as tracer:
        trace_some(tracer, 1)
        eventually(lambda: len(server.names) == 20)
    assert len({span["span_id"] for batch in server.batches for span in batch["spans"]}) == 20


def test_a_batch_on_disk_that_the_server_refuses_holds_up_no_other(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sender, "AWAY_AFTER_FAILURES", 1)
    tracer = client(port)
    trace_some(tracer, 2)
    eventually(lambda: tracer._pipeline._sender.on_disk == 4)
    with ScriptedServer(port) as server:
        server.script = [(413, {}, b""), (413, {}, b""), (202, {}, b"{}")]
        eventually(lambda: tracer.flush(5).pending == 0)
        result = tracer.flush()
        assert (result.sent + result.dropped, result.pending) == (4, 0)
    tracer.close()
