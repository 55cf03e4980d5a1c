"""Traces and spans begun and ended by their ids."""

from __future__ import annotations

import asyncio

import pytest

from llm_tracer import SyncTracerClient, TracerClient
from llm_tracer._manual import ManualSpans
from llm_tracer.testing import CapturedSpans


def test_a_trace_by_hand_is_as_a_trace_in_with(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    trace_id = tracer.create_trace("question", metadata={"k": 1}, tags=["t"], user_id="ann", session_id="s")
    outer = tracer.create_span(trace_id, "outer", "agent", {"q": 1}, {"m": 1}, "gpt-4o")
    inner = tracer.create_span(trace_id, "inner", "tool", parent_span_id=outer)
    tracer.complete_span(inner, error="no answer")
    tracer.complete_span(outer, {"a": 1}, None, 12, 3, 0.5)
    tracer.complete_trace(trace_id, "done")
    assert tracer.flush() == (3, 0, 0)
    root = captured.one("question")
    assert (root["trace_id"], root["output"], root["tags"], root["status"]) == (trace_id, "done", ["t"], "ok")
    sent = captured.one("outer")
    assert (sent["parent_span_id"], sent["user_id"], sent["cost_usd"]) == (root["span_id"], "ann", 0.5)
    assert (sent["input"], sent["output"], sent["model"]) == ({"q": 1}, {"a": 1}, "gpt-4o")
    assert captured.one("inner")["parent_span_id"] == outer
    assert captured.one("inner")["error"] == {"message": "no answer"}


def test_the_async_client_awaits_the_same(captured: CapturedSpans) -> None:
    async def main() -> None:
        async with TracerClient(api_key="project-shop", transport=captured) as tracer:
            trace_id = await tracer.create_trace("question")
            span_id = await tracer.create_span(trace_id, "call", "llm")
            await tracer.complete_span(span_id, output_data={"a": 1}, tokens_input=1)
            await tracer.complete_trace(trace_id, output="done")
            assert await tracer.flush() == (2, 0, 0)

    asyncio.run(main())
    assert captured.one("call")["parent_span_id"] == captured.one("question")["span_id"]


def test_a_span_by_hand_joins_the_trace_that_is_open(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    with tracer.trace("question", user_id="ann") as trace:
        tracer.complete_span(tracer.create_span(trace.trace_id, "call", "llm"))
    tracer.flush()
    assert captured.one("call")["parent_span_id"] == trace.span_id
    assert captured.one("call")["user_id"] == "ann"


def test_a_span_can_join_a_trace_of_another_process(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    tracer.complete_span(tracer.create_span("ab" * 16, "call", "llm", parent_span_id="cd" * 8))
    tracer.flush()
    assert (captured.one("call")["trace_id"], captured.one("call")["parent_span_id"]) == ("ab" * 16, "cd" * 8)


def test_completing_what_nobody_began_is_counted(tracer: SyncTracerClient) -> None:
    tracer.complete_span("ffffffffffffffff")
    tracer.complete_trace("f" * 32)
    assert tracer.flush() == (0, 2, 0)


def test_what_is_never_completed_is_sent_as_running_when_the_client_closes(captured: CapturedSpans) -> None:
    with SyncTracerClient(api_key="project-shop", transport=captured) as tracer:
        tracer.create_span(tracer.create_trace("question"), "call", "llm", {"q": 1})
    assert {span["name"]: span["status"] for span in captured.spans} == {
        "question": "pending",
        "call": "pending",
    }
    assert captured.one("call")["input"] == {"q": 1}


def test_spans_begun_and_forgotten_do_not_fill_the_memory(
    tracer: SyncTracerClient, captured: CapturedSpans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ManualSpans, "MAX_OPEN", 3)
    trace_id = tracer.create_trace("question")
    for number in range(5):
        tracer.create_span(trace_id, f"call {number}", "llm")
    tracer.flush()
    assert {span["name"] for span in captured.spans if span["name"] != "question"} == {"call 0", "call 1"}
