"""What becomes of spans when the server answers this or that."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from llm_tracer import FlushResult, SyncTracerClient
from llm_tracer._delivery.pace import Pace
from llm_tracer._delivery.queue import SpanQueue
from llm_tracer._delivery.transport import retry_after_seconds
from llm_tracer._mask import Mask
from llm_tracer._record import Recorder
from llm_tracer._state import Source
from llm_tracer._trace import start_trace
from llm_tracer.testing import CapturedSpans
from tests.client.scripted_server import ACCEPTED, ScriptedServer


def client_of(server: ScriptedServer, **more: float) -> SyncTracerClient:
    return SyncTracerClient(base_url=server.url, api_key="project-shop", **more)


def trace_one(tracer: SyncTracerClient, name: str = "question") -> None:
    with tracer.trace(name) as trace, trace.span("call", "llm"):
        pass


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record for record in caplog.records if record.levelno >= logging.WARNING]
    return [record.getMessage() for record in found if record.name == "llm_tracer"]


def test_a_trace_leaves_soon_after_its_end_without_being_asked(server: ScriptedServer) -> None:
    tracer = client_of(server)
    trace_one(tracer)
    deadline = time.monotonic() + 5
    while not server.bodies and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.names == ["call", "question"]
    assert tracer.close() == (2, 0, 0)


def test_traces_that_end_together_leave_together(server: ScriptedServer) -> None:
    with client_of(server) as tracer:
        for number in range(50):
            trace_one(tracer, f"question {number}")
        assert tracer.flush() == FlushResult(sent=100, dropped=0, pending=0)
    assert len(server.bodies) <= 2


def test_large_batches_are_split_by_bytes_and_by_count(captured: CapturedSpans) -> None:
    with (
        SyncTracerClient(api_key="project-shop", transport=captured) as tracer,
        tracer.trace("root") as trace,
    ):
        for _ in range(5):
            with trace.span("large", "tool", input_data="x" * 400_000):
                pass
        for _ in range(1200):
            with trace.span("small", "tool"):
                pass
    counts = [len(batch["spans"]) for batch in captured.batches]
    assert sum(counts) >= 1206
    assert max(counts) <= 512
    assert all(sum(len(str(s)) for s in batch["spans"]) < 1_300_000 for batch in captured.batches)


def test_a_trace_that_runs_for_a_second_is_announced_once(captured: CapturedSpans) -> None:
    with SyncTracerClient(api_key="project-shop", transport=captured) as tracer:
        with tracer.trace("long", user_id="ann", input="hi", tags=["t"]) as trace:
            deadline = time.monotonic() + 5
            while not captured.batches and time.monotonic() < deadline:
                time.sleep(0.01)
            (announced,) = captured.spans
            assert (announced["status"], announced["end_time_unix_nano"]) == ("pending", None)
            assert (announced["name"], announced["input"], announced["tags"]) == ("long", "hi", ["t"])
            trace.set_output("done")
        assert tracer.flush() == (1, 0, 0)
    assert [span["status"] for batch in captured.batches for span in batch["spans"]] == ["pending", "ok"]
    assert captured.one("long")["output"] == "done"


@pytest.mark.parametrize(
    "trouble",
    [
        (500, {}, b"oops"),
        (503, {"Retry-After": "0"}, b"{}"),
        (429, {"Retry-After": "0"}, b'{"detail": "60 requests a minute"}'),
        (429, {}, b""),
        (408, {}, b""),
        (200, {"Content-Type": "text/html"}, b"<html>Welcome to the hotel's network</html>"),
        (202, {}, b"[1, 2]"),
        (202, {}, b""),
        (202, {}, b"\x00\xff\xfe garbage"),
        (502, {"Content-Length": "9"}, b"<html>"),
        "nothing",
    ],
)
def test_after_trouble_the_same_bytes_are_sent_again(server: ScriptedServer, trouble: object) -> None:
    server.script = [trouble, trouble]
    with client_of(server) as tracer:
        trace_one(tracer)
        assert tracer.flush() == (2, 0, 0)
    assert len(server.bodies) == 3
    assert len(set(server.bodies)) == 1


def test_a_retry_after_is_waited_for_even_by_a_flush(server: ScriptedServer) -> None:
    server.script = [(503, {"Retry-After": "1"}, b"")]
    with client_of(server) as tracer:
        trace_one(tracer)
        began_at = time.monotonic()
        assert tracer.flush(0.3) == (0, 0, 2)
        assert tracer.flush(3) == (2, 0, 0)
        assert time.monotonic() - began_at > 0.9


def test_retry_after_is_read_in_both_of_its_forms() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    later = format_datetime(now + timedelta(seconds=90), usegmt=True)
    assert retry_after_seconds("7", now.timestamp()) == 7
    assert retry_after_seconds(later, now.timestamp()) == 90
    assert retry_after_seconds("soon", now.timestamp()) is None
    assert retry_after_seconds(None, now.timestamp()) is None


def test_spans_wait_for_a_server_that_is_away_and_then_arrive() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tracer = SyncTracerClient(base_url=f"http://127.0.0.1:{port}", api_key="project-shop")
    for number in range(20):
        trace_one(tracer, f"question {number}")
    assert tracer.flush() == (0, 0, 40)
    with ScriptedServer(port) as server:
        trace_one(tracer, "last")
        assert tracer.flush(5) == (42, 0, 0)
        assert server.names.count("call") == 21
    tracer.close()


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "unauthorized"), (403, "forbidden"), (422, "invalid"), (404, "http_404"), (301, "http_301")],
)
def test_what_the_server_refuses_is_dropped_and_said_once(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture, status: int, reason: str
) -> None:
    server.script = [(status, {}, b'{"title": "No", "detail": "wrong key"}')] * 3
    with client_of(server) as tracer:
        for _ in range(3):
            trace_one(tracer)
            tracer.flush()
        assert tracer.flush() == (0, 6, 0)
    first, *others = warnings_of(caplog)
    assert f"2 spans lost ({reason} 2)" in first
    assert f"HTTP {status} wrong key" in first
    assert len(others) <= 1  # what came after the first warning is said when the client closes


def test_losses_are_told_to_the_server_once(server: ScriptedServer) -> None:
    server.script = [(401, {}, b"{}")]
    with client_of(server) as tracer:
        for _ in range(3):
            trace_one(tracer)
            tracer.flush()
    assert [batch["counters"] for batch in server.batches] == [{}, {"unauthorized": 2}, {}]


def test_spans_that_the_server_rejects_are_counted(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    rejection = (
        b'{"accepted": 1, "rejected": [{"index": 0, "span_id": "x", "field": "name", "reason": "too long"}]}'
    )
    server.script = [(202, {}, rejection)]
    with client_of(server) as tracer:
        trace_one(tracer)
        assert tracer.flush() == (1, 1, 0)
    assert "rejected 1" in warnings_of(caplog)[0]
    assert "the server rejected name: too long" in warnings_of(caplog)[0]


def test_a_batch_too_large_for_the_server_is_halved_until_it_fits(server: ScriptedServer) -> None:
    server.script = [(413, {}, b""), (413, {}, b""), (202, {}, ACCEPTED), (413, {}, b""), (202, {}, ACCEPTED)]
    with client_of(server) as tracer:
        trace_one(tracer, "one")
        trace_one(tracer, "two")
        result = tracer.flush()
    assert [len(batch["spans"]) for batch in server.batches] == [4, 2, 1, 1, 2, 1]
    assert result == (3, 1, 0)
    (told,) = server.batches[-1]["spans"]
    assert (told["name"], told["dropped"]) == ("one", {"too_large": 1})


def queue_of_its_own() -> tuple[SpanQueue, Source]:
    queue = SpanQueue(lambda: None)
    return queue, Source(queue, "http://localhost/")


def test_a_full_queue_counts_what_it_cannot_take() -> None:
    queue, source = queue_of_its_own()
    trace = start_trace(source, {}, "root")
    for _ in range(70):
        with trace.span("large", "tool", "x" * (1 << 20)):
            pass
    assert len(queue.spans) == 63
    assert queue.lost == trace.shared_state.lost == {"queue_full": 7}
    queue.release(10, 10 << 20)
    with trace.span("large", "tool", "x" * (1 << 20)):
        pass
    assert queue.lost == {"queue_full": 7}


def test_a_root_that_finds_the_queue_full_goes_in_without_its_contents() -> None:
    queue, source = queue_of_its_own()
    trace = start_trace(source, {}, "root", input_data="x" * (1 << 20), metadata={"k": 1})
    for _ in range(70):
        trace.span("large", "tool", "x" * (1 << 20)).finish()
    trace.finish()
    assert queue.spans[-1] is trace
    record = json.loads(Recorder(Mask()).record_of(trace))
    assert record["dropped"] == {"queue_full": 7}
    assert record["cuts"] == {"contents_queue_full": 1}
    assert "input" not in record


def test_the_queue_is_bounded_in_spans_too() -> None:
    queue, source = queue_of_its_own()
    trace = start_trace(source, {}, "root")
    for _ in range(SpanQueue.MAX_SPANS + 5):
        trace.span("small").finish()
    assert queue.lost == {"queue_full": 5}


def test_spans_after_the_close_are_counted(captured: CapturedSpans) -> None:
    tracer = SyncTracerClient(api_key="project-shop", transport=captured)
    trace_one(tracer)
    assert tracer.close() == (2, 0, 0)
    trace_one(tracer)
    assert tracer.flush() == (2, 2, 0)
    assert tracer.close() == (2, 2, 0)


def test_a_transport_that_raises_does_no_harm() -> None:
    calls = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        if len(calls) < 3:
            raise LookupError("an application in the transport")
        return httpx.Response(202, json={})

    with SyncTracerClient(api_key="project-shop", transport=httpx.MockTransport(answer)) as tracer:
        trace_one(tracer)
        assert tracer.flush() == (2, 0, 0)


def test_the_thread_ends_when_there_is_nothing_to_do_and_comes_back(
    captured: CapturedSpans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm_tracer._delivery.sender.Sender.IDLE_SECONDS", 0.01)
    tracer = SyncTracerClient(api_key="project-shop", transport=captured)
    for expected in (2, 4):
        trace_one(tracer)
        assert tracer.flush().sent == expected
        deadline = time.monotonic() + 5
        while any(t.name == "llm-tracer" for t in threading.enumerate()) and time.monotonic() < deadline:
            time.sleep(0.005)
    assert tracer.close() == (4, 0, 0)


def test_a_span_the_server_always_fails_at_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "FIRST_BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr(Pace, "MAX_BACKOFF_SECONDS", 0.001)
    captured = CapturedSpans()

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(500) if b"poison" in request.read() else captured.handle_request(request)

    tracer = SyncTracerClient("http://localhost", "project-shop", transport=httpx.MockTransport(answer))
    for number in range(40):
        with tracer.trace("poison" if number == 17 else f"good {number}"):
            pass
    result = tracer.close(10)
    assert (result.sent, result.dropped, result.pending) == (39, 1, 0)
    assert len(captured.spans) == 39
