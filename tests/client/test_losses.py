"""What is lost is told to its trace: "37 of 40 spans, 3 dropped: queue full"."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from django.core.wsgi import get_wsgi_application

from llm_tracer import SyncTracerClient
from llm_tracer._delivery.queue import SpanQueue
from llm_tracer._record import Recorder
from llm_tracer._span import Span
from traces_app import queries


@pytest.mark.usefixtures("store")
def test_the_trace_page_knows_what_the_client_could_not_take(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATE_LIMIT_RPM = 0
    transport = httpx.WSGITransport(app=get_wsgi_application())
    tracer = SyncTracerClient("http://localhost", "project-dev", transport=transport)
    with tracer.trace("run") as trace:
        for number in range(39):
            monkeypatch.setattr(SpanQueue, "MAX_SPANS", 0 if number < 3 else 100_000)
            with trace.span(f"step {number}"):
                pass
    assert tracer.close(15) == (37, 3, 0)
    found = queries.get_trace("dev", trace.trace_id, now_ns=time.time_ns())
    assert (len(found.rows), found.summary.dropped) == (37, {"queue_full": 3})


@pytest.mark.usefixtures("store")
def test_a_loss_after_the_end_of_the_trace_is_told_too(settings: Any) -> None:
    settings.RATE_LIMIT_RPM = 0
    transport = httpx.WSGITransport(app=get_wsgi_application())
    tracer = SyncTracerClient("http://localhost", "project-dev", transport=transport)
    with tracer.trace("run", input="question") as trace:
        pass
    tracer.flush(15)
    tracer._pipeline.queue.lose("queue_full", state=trace.shared_state)
    with tracer.trace("next"):
        pass
    tracer.close(15)
    found = queries.get_trace("dev", trace.trace_id, now_ns=time.time_ns())
    assert (len(found.rows), found.summary.dropped) == (1, {"queue_full": 1})
    assert found.span(trace.span_id).input == "question"


def test_a_span_that_cannot_be_written_costs_no_other(
    tracer: SyncTracerClient, captured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_of = Recorder.record_of

    def fail_at_one(self: Recorder, span: Span) -> bytes:
        if span._name == "bad":
            raise RuntimeError("a mistake of ours")
        return record_of(self, span)

    monkeypatch.setattr(Recorder, "record_of", fail_at_one)
    with tracer.trace("root"), tracer.span("bad"):
        pass
    with tracer.trace("other"):
        pass
    assert tracer.flush() == (2, 1, 0)
    assert captured.one("root")["dropped"] == {"internal_error": 1}
