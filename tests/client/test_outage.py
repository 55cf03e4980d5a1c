"""The real server is killed under a program that traces, and comes back."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

import httpx

from llm_tracer import SyncTracerClient
from tests.servers import server_process, unused_port

OUTAGE_SECONDS = float(os.environ.get("OUTAGE_SECONDS", "4"))
TRACES_PER_SECOND = 50


def trace_for(tracer: SyncTracerClient, seconds: float) -> list[float]:
    """What each trace of two spans cost its caller, in seconds."""
    costs = []
    began_at = time.perf_counter()
    while (now := time.perf_counter()) - began_at < seconds:
        with tracer.trace("question", input="x" * 2_000) as trace, trace.span("call", "llm", "y" * 2_000):
            pass
        costs.append(time.perf_counter() - now)
        time.sleep(1 / TRACES_PER_SECOND)
    return costs


def stored_spans(url: str) -> int:
    answer = httpx.get(f"{url}/api/v1/stats", headers={"X-API-Key": "project-dev"}, timeout=60)
    return int(answer.json()["total_spans"])


def test_an_outage_loses_nothing_and_costs_the_caller_nothing(tmp_path: Path) -> None:
    file, port = tmp_path / "traces.sqlite3", unused_port()
    tracer = SyncTracerClient(f"http://127.0.0.1:{port}", "project-dev")
    with server_process(file, port=port):
        before = trace_for(tracer, 1)
    during = trace_for(tracer, OUTAGE_SECONDS)
    with server_process(file, port=port) as (url, _):
        after = trace_for(tracer, 1)
        spans = 2 * len(before + during + after)
        deadline = time.monotonic() + 30 + OUTAGE_SECONDS
        while tracer.flush(5).pending and time.monotonic() < deadline:
            pass
        assert tracer.close() == (spans, 0, 0)
        assert stored_spans(url) == spans
    assert statistics.median(during) < 3 * statistics.median(before) + 0.000_2
