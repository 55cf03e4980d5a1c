"""What users get for their own tests."""

from __future__ import annotations

import time

from llm_tracer import SyncTracerClient
from llm_tracer.testing import FIRST_TIME_NS, TICK_NS, CapturedSpans, captured_spans, fixed_ids_and_clock


def traced_work() -> CapturedSpans:
    with captured_spans(release="1") as (tracer, captured):
        trace = tracer.trace("answer", input="why?").__enter__()
        with trace.span("search"), tracer.span("call", "llm") as span:
            span.set_output("because", 1, 2)
        with trace.span("check"):
            pass
        trace.__exit__(None, None, None)
    return captured


def test_the_same_work_gives_the_same_spans_to_the_letter() -> None:
    first, second = traced_work(), traced_work()
    assert first.batches == second.batches
    assert first.tree() == {"answer": {"search": {"call": {}}, "check": {}}}
    call = first.one("call")
    assert int(call["span_id"], 16) == int(first.one("search")["span_id"], 16) + 1
    assert call["end_time_unix_nano"] - call["start_time_unix_nano"] == TICK_NS
    assert 0 < call["start_time_unix_nano"] - FIRST_TIME_NS < 100 * TICK_NS


def test_afterwards_ids_and_times_are_real_again() -> None:
    with fixed_ids_and_clock():
        pass
    captured = CapturedSpans()
    with (
        SyncTracerClient(api_key="project-test", transport=captured) as tracer,
        tracer.trace("real") as trace,
    ):
        pass
    assert abs(captured.one("real")["start_time_unix_nano"] - time.time_ns()) < 5_000_000_000
    assert trace.trace_id[:12] != f"{1_767_225_600_000:012x}"
