"""Real processes: what importing costs, how a program ends, forks, and an installation without orjson."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from llm_tracer import SyncTracerClient
from tests.client.scripted_server import ScriptedServer

CLIENT = Path(__file__).resolve().parents[2] / "client"


def run(program: str, url: str = "", timeout: float = 20) -> subprocess.CompletedProcess[str]:
    """The program in an interpreter of its own, with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": str(CLIENT), "TRACER_URL": url, "TRACER_API_KEY": "project-shop"},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def test_importing_the_client_imports_nothing_heavy() -> None:
    done = run(
        """
        import sys
        before = set(sys.modules)
        import llm_tracer
        heavy = {"httpx", "asyncio", "ssl", "http.client", "pydantic", "email"}
        print(sorted(heavy & (set(sys.modules) - before)))
        """
    )
    assert done.stderr == ""
    assert done.stdout.strip() == "[]"


def test_a_program_that_forgets_to_close_still_delivers(server: ScriptedServer) -> None:
    done = run(
        """
        from llm_tracer import SyncTracerClient
        tracer = SyncTracerClient()
        with tracer.trace("question") as trace, trace.span("call", "llm"):
            pass
        """,
        server.url,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert server.names == ["call", "question"]


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals on this system")
def test_whoever_sits_at_a_terminal_is_told_once_where_traces_go(server: ScriptedServer) -> None:
    done = run(
        """
        import os, pty, sys
        from llm_tracer import SyncTracerClient
        ours, theirs = pty.openpty()
        sys.stderr = open(theirs, "w", buffering=1)
        tracer = SyncTracerClient()
        for _ in range(2):
            with tracer.trace("question"):
                pass
            tracer.flush()
        print(os.read(ours, 10_000).decode())
        """,
        server.url,
    )
    line = f"llm_tracer: traces of project shop go to {server.url}/dashboard/"
    assert done.stdout.split() == line.split()


def test_a_program_that_fails_still_delivers(server: ScriptedServer) -> None:
    done = run(
        """
        from llm_tracer import SyncTracerClient
        with SyncTracerClient().trace("question"):
            raise SystemError("broken")
        """,
        server.url,
    )
    assert done.returncode == 1
    assert server.batches[0]["spans"][0]["error"]["message"] == "broken"


def test_a_dead_server_does_not_keep_a_program_from_ending(server: ScriptedServer) -> None:
    server.script = ["hang"] * 10
    began_at = time.monotonic()
    done = run(
        """
        from llm_tracer import SyncTracerClient
        for _ in range(3):
            with SyncTracerClient().trace("question"):
                pass
        """,
        server.url,
    )
    assert done.returncode == 0
    assert time.monotonic() - began_at < 8
    assert done.stderr.count("1 on disk for a later start") == 3


def test_it_works_without_orjson(server: ScriptedServer) -> None:
    done = run(
        """
        import sys
        sys.modules["orjson"] = None
        from llm_tracer import SyncTracerClient
        loop = []
        loop.append(loop)
        with SyncTracerClient() as tracer, tracer.trace("question", input={"ä": "\\ud83d", 1: {2}}) as trace:
            with trace.span("call", "llm", input_data=[float("nan"), (1,), b"x"]) as span:
                span.set_output(loop, 1, 2)
        """,
        server.url,
    )
    assert done.stderr == ""
    call, question = server.batches[0]["spans"]
    assert (call["input"], call["output"]) == ([None, [1], "x"], ["<cut: contains itself>"])
    assert question["input"] == {"ä": "\ufffd", "1": [2]}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_sends_its_own_spans_and_not_its_parents(server: ScriptedServer) -> None:
    done = run(
        """
        import os, sys, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: fork with threads
        from llm_tracer import SyncTracerClient
        tracer = SyncTracerClient()
        with tracer.trace("before"):
            pass
        tracer.flush()
        with tracer.trace("queued"):
            pass
        child = os.fork()
        with tracer.trace("child" if child == 0 else "parent"):
            pass
        result = tracer.flush()
        if child == 0:
            os._exit(0 if result == (1, 0, 0) else 1)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or (0 if result == (3, 0, 0) else 2))
        """,
        server.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(server.names) == ["before", "child", "parent", "queued"]
    ids = [span["span_id"] for batch in server.batches for span in batch["spans"]]
    assert len(set(ids)) == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_children_of_multiprocessing_deliver_when_they_end(server: ScriptedServer) -> None:
    done = run(
        """
        import multiprocessing, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        from llm_tracer import SyncTracerClient
        tracer = SyncTracerClient()

        def work(number):
            with tracer.trace(f"child {number}"):
                pass

        with tracer.trace("parent"):
            children = [multiprocessing.get_context("fork").Process(target=work, args=(n,)) for n in range(3)]
            for child in children: child.start()
            for child in children: child.join()
        """,
        server.url,
    )
    assert done.returncode == 0
    with SyncTracerClient(server.url, "project-shop") as tracer, tracer.trace("next"):
        pass  # a machine too busy to deliver within the time at the end leaves it to the next process
    deadline = time.monotonic() + 10
    while len(set(server.names)) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(set(server.names)) == ["child 0", "child 1", "child 2", "next", "parent"]


def test_a_forked_child_of_a_test_run_starts_empty(server: ScriptedServer) -> None:
    tracer = SyncTracerClient(base_url=server.url, api_key="project-shop")
    with tracer.trace("question"):
        pass
    tracer._pipeline.begin_again()
    assert tracer.flush() == (0, 0, 0)
    tracer.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM on this system")
def test_a_program_ended_by_sigterm_delivers_and_still_dies_of_it(server: ScriptedServer) -> None:
    done = run(
        """
        import os, signal, time
        from llm_tracer import SyncTracerClient
        tracer = SyncTracerClient()
        with tracer.trace("question"):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(20)
        """,
        server.url,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
    assert server.names == ["question"]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM on this system")
def test_spans_that_wait_in_an_old_run_are_delivered_on_sigterm(server: ScriptedServer) -> None:
    done = run(
        """
        import os, signal, time
        from llm_tracer import SyncTracerClient
        tracer = SyncTracerClient()
        with tracer.trace("run") as trace:
            time.sleep(0.2)
            trace.shared_state.seen_at = time.monotonic() - 100
            trace.span("turn").finish()
            time.sleep(1.3)
            assert tracer.flush(0).pending == 1
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(20)
        """,
        server.url,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
    assert server.names == ["run", "turn"]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM on this system")
def test_a_hosts_own_handler_of_sigterm_is_left_alone(server: ScriptedServer) -> None:
    done = run(
        """
        import os, signal
        from llm_tracer import SyncTracerClient
        signal.signal(signal.SIGTERM, lambda *_: print("mine"))
        tracer = SyncTracerClient()
        os.kill(os.getpid(), signal.SIGTERM)
        with tracer.trace("after"):
            pass
        """,
        server.url,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "mine\n", "")
    assert server.names == ["after"]


def test_where_no_thread_can_be_started_the_end_of_the_program_delivers(server: ScriptedServer) -> None:
    done = run(
        """
        import threading
        from llm_tracer import SyncTracerClient
        tracer = SyncTracerClient()

        def start(self):
            raise RuntimeError("can't start new thread")

        threading.Thread.start = start
        with tracer.trace("question") as trace, trace.span("call", "llm"):
            pass
        """,
        server.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert server.names == ["call", "question"]
