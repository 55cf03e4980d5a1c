"""The examples, run as a user runs them: a process each, real HTTP to us and to a stand-in for the model."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.servers import our_server, serving
from traces_app import queries
from traces_app.queries import Trace

CHECKOUT = Path(__file__).resolve().parent.parent
EXAMPLES = CHECKOUT / "examples"
ANSWERED_WORDS = 19


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def surroundings(store: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Our server and the stand-in, named by the variables that the examples read."""
    stand_in = load("model_stand_in").serve(0)
    with our_server() as url, serving(stand_in):
        monkeypatch.setenv("TRACER_URL", url)
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://localhost:{stand_in.server_port}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "any")
        yield


def run(name: str) -> Trace:
    command = [sys.executable, str(EXAMPLES / f"{name}.py")]
    paths = os.environ | {"PYTHONPATH": str(CHECKOUT / "client")}
    done = subprocess.run(command, env=paths, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return opened(done.stdout.split()[-1])


def opened(trace_id: str) -> Trace:
    return queries.get_trace("dev", trace_id, now_ns=time.time_ns())


@pytest.mark.usefixtures("surroundings")
def test_the_asynchronous_sample_is_seen_with_tokens_cost_times_and_parents() -> None:
    trace = run("async_agent")
    assert (trace.summary.name, trace.summary.status) == ("my-agent-run", "ok")
    assert trace.summary.output_preview == "Agent completed successfully"
    root, call = trace.rows
    assert (root.depth, call.depth, call.span.kind, call.span.model) == (0, 1, "llm", "gpt-4")
    assert (trace.summary.input_tokens, trace.summary.output_tokens) == (18, ANSWERED_WORDS)
    assert trace.summary.cost_usd == pytest.approx((18 * 30 + ANSWERED_WORDS * 60) / 1e6)
    assert root.duration_ns is not None
    assert call.duration_ns is not None
    assert 0 < call.duration_ns <= root.duration_ns
    assert "Alfama" in trace.span(call.span.span_id).output["response"]


@pytest.mark.usefixtures("surroundings")
def test_the_synchronous_sample_is_seen_as_well() -> None:
    trace = run("sync_script")
    assert (trace.summary.name, trace.summary.span_count) == ("experiment-v1", 2)
    assert (trace.summary.input_tokens, trace.summary.output_tokens) == (7, ANSWERED_WORDS)


@pytest.mark.usefixtures("surroundings")
def test_the_synchronous_sample_works_inside_a_running_event_loop() -> None:
    async def notebook_cell() -> str:
        return str(load("sync_script").main())

    trace = opened(asyncio.run(notebook_cell()))
    assert (trace.summary.name, trace.summary.span_count) == ("experiment-v1", 2)


@pytest.mark.usefixtures("surroundings")
def test_a_streamed_answer_has_its_first_token_and_its_usage() -> None:
    trace = run("streaming_chat")
    call = trace.rows[1].span
    assert call.time_to_first_token_ms is not None
    assert (trace.summary.session_id, trace.summary.user_id) == ("reader-7", "ada")
    assert trace.summary.tags == ["streaming"]
    assert trace.summary.output_tokens == ANSWERED_WORDS
