"""The real client against the real server, in one process and over HTTP."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest
from django.core.wsgi import get_wsgi_application

from llm_tracer import SyncTracerClient, TracerClient
from tests.servers import our_server
from traces_app import budget, queries
from traces_app.api import throttle
from traces_app.queries import Trace, TraceFilter

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture
def tracer(settings: Any) -> SyncTracerClient:
    settings.RATE_LIMIT_RPM = 0
    transport = httpx.WSGITransport(app=get_wsgi_application())
    return SyncTracerClient("http://localhost", "project-dev", transport=transport, release="1.0")


def opened(trace_id: str) -> Trace:
    return queries.get_trace("dev", trace_id, now_ns=time.time_ns())


def test_everything_a_span_can_say_is_shown(tracer: SyncTracerClient) -> None:
    with tracer.trace("run", {"k": "v"}, ["t"], "ann", "s1", input="question") as trace:
        with trace.span("call", "llm", model="gpt-4o") as span:
            span.set_input([{"role": "user", "content": "hi"}])
            span.set_model("gpt-4o", provider="openai", parameters={"temperature": 0})
            span.mark_first_token(12.5)
            span.set_output({"role": "assistant", "content": "ho"}, 100, 10, cache_read_tokens=50)
        with trace.span("look up", "tool") as span:
            span.set_tool("look up", call_id="c1")
            span.set_documents([{"id": "1"}])
            span.set_prompt("greeting", version="3")
        trace.set_output("answer")
    assert tracer.close().sent == 3
    found = opened(trace.trace_id)
    root, call, tool = (found.span(row.span.span_id) for row in found.rows)
    assert (root.input, root.output, root.metadata, root.tags) == ("question", "answer", {"k": "v"}, ["t"])
    assert {one.session_id for one in (root, call, tool)} == {"s1"}
    assert (call.model, call.provider, call.parameters) == ("gpt-4o", "openai", {"temperature": 0})
    assert (call.time_to_first_token_ms, call.release) == (12.5, "1.0")
    assert call.cost_usd == pytest.approx((50 * 2.5 + 50 * 1.25 + 10 * 10) / 1e6)
    assert (tool.tool, tool.prompt) == (
        {"name": "look up", "call_id": "c1"},
        {"name": "greeting", "version": "3"},
    )
    assert tool.documents == [{"id": "1"}]


def test_an_error_goes_on_to_the_host_and_is_shown_with_its_traceback(tracer: SyncTracerClient) -> None:
    trace = tracer.trace("run")
    with pytest.raises(ZeroDivisionError), trace, trace.span("divide", "tool"):
        1 / 0  # noqa: B018
    tracer.close()
    found = opened(trace.trace_id)
    assert [row.span.status for row in found.rows] == ["error", "error"]
    error = found.span(found.rows[1].span.span_id).error
    assert error is not None
    assert error["type"] == "ZeroDivisionError"
    assert "1 / 0" in error["stacktrace"]


def test_at_the_default_rate_limit_nothing_is_lost(settings: Any) -> None:
    settings.RATE_LIMIT_RPM = 60
    throttle.buckets.clear()
    with our_server() as url:
        tracer = SyncTracerClient(url, "project-dev")
        for number in range(300):
            with tracer.trace(f"trace {number}") as trace, trace.span("step"):
                pass
            if number % 10 == 0:
                time.sleep(0.01)
        result = tracer.close(30)
    assert (result.sent, result.dropped, result.pending) == (600, 0, 0)
    assert queries.get_stats("dev", now_ns=time.time_ns()).total_spans == 600


def test_a_running_trace_is_seen_before_it_ends(settings: Any) -> None:
    settings.RATE_LIMIT_RPM = 0
    with our_server() as url:
        tracer = SyncTracerClient(url, "project-dev")
        with tracer.trace("long run") as trace:
            with trace.span("first step"):
                pass
            deadline = time.monotonic() + 10
            while not _listed() and time.monotonic() < deadline:
                time.sleep(0.05)
            (running,) = _listed()
            assert (running.status, running.name, running.duration_ms) == ("pending", "long run", None)
        tracer.close()
        (finished,) = _listed()
        assert (finished.status, finished.span_count) == ("ok", 2)


def _listed() -> list[Any]:
    return queries.list_traces("dev", TraceFilter(), now_ns=time.time_ns()).traces


def test_gathered_tasks_keep_their_parents(settings: Any) -> None:
    settings.RATE_LIMIT_RPM = 0

    async def work(tracer: TracerClient, number: int) -> None:
        async with tracer.span(f"task {number}"), tracer.span(f"inner {number}"):
            await asyncio.sleep(0)

    async def main(url: str) -> str:
        async with TracerClient(base_url=url, api_key="project-dev") as tracer:
            async with tracer.trace("gather") as trace:
                await asyncio.gather(*(work(tracer, number) for number in range(20)))
            return str(trace.trace_id)

    with our_server() as url:
        found = opened(asyncio.run(main(url)))
    names = {row.span.span_id: row.span.name for row in found.rows}
    parents = {row.span.name: names.get(row.span.parent_span_id or "") for row in found.rows}
    for number in range(20):
        assert parents[f"inner {number}"] == f"task {number}"
        assert parents[f"task {number}"] == "gather"


def test_a_budget_thins_plain_traces_however_long_they_took(tracer: SyncTracerClient) -> None:
    now_ns = time.time_ns()
    known = budget.set_budget("dev", monthly_usd="1", slow_s="20", expensive_usd="", now_ns=now_ns)
    budget.set_rate("dev", known, 1e-9, "as the test says", now_ns=now_ns)
    with tracer.trace("lesson"):
        pass
    tracer.flush()
    traces = {}
    for name in ("plain", "failing"):
        with tracer.trace(name, user_id="ann") as trace:
            with tracer.span("call", "llm", model="gpt-4o") as span:
                span.set_output("answer", 100, 10)
                span.set_error("no" if name == "failing" else None)
            time.sleep(1.3)  # longer than spans wait otherwise
        tracer.flush()
        traces[name] = opened(trace.trace_id)
    assert (traces["plain"].rows, traces["plain"].summary.span_count) == ([], 2)
    assert traces["plain"].summary.total_tokens == 110
    assert (len(traces["failing"].rows), traces["failing"].summary.thinned) == (2, None)
