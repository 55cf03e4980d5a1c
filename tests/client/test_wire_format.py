"""What goes over the wire, to the letter of POST /api/ingest."""

from __future__ import annotations

import re
import time

from llm_tracer import SyncTracerClient, __version__
from llm_tracer.testing import CapturedSpans
from tests.client.scripted_server import ScriptedServer


def test_a_batch_says_who_sends_and_from_where(captured: CapturedSpans) -> None:
    with (
        SyncTracerClient(
            api_key="project-shop", environment="staging", release="1.4", transport=captured
        ) as tracer,
        tracer.trace("question"),
    ):
        pass
    (batch,) = captured.batches
    assert batch["client"] == {"name": "llm-tracer-python", "version": __version__}
    assert batch["resource"] == {"environment": "staging", "release": "1.4"}
    assert batch["counters"] == {}
    assert len(batch["spans"]) == 1


def test_a_finished_span_has_exactly_the_members_of_the_contract(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    before_ns = time.time_ns()
    with (
        tracer.trace("question") as trace,
        trace.span("call", "llm", model="gpt-4o", input_data={"q": 1}, metadata={"attempt": 2}) as span,
    ):
        span.set_output(
            {"a": "ä"}, 12, 3, 0.25, cache_read_tokens=10, cache_write_tokens=1, reasoning_tokens=2
        )
    tracer.flush()
    sent = captured.one("call")
    start_ns, end_ns = sent.pop("start_time_unix_nano"), sent.pop("end_time_unix_nano")
    assert before_ns <= start_ns <= end_ns <= time.time_ns() + 1_000_000
    assert sent == {
        "trace_id": trace.trace_id,
        "span_id": span.span_id,
        "parent_span_id": trace.span_id,
        "name": "call",
        "kind": "llm",
        "model": "gpt-4o",
        "status": "ok",
        "input": {"q": 1},
        "output": {"a": "ä"},
        "metadata": {"attempt": 2},
        "cost_usd": 0.25,
        "usage": {
            "input_tokens": 12,
            "output_tokens": 3,
            "cache_read_tokens": 10,
            "cache_write_tokens": 1,
            "reasoning_tokens": 2,
        },
    }


def test_a_trace_is_its_root_span(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    with tracer.trace("question", {"k": [1]}, ["a", "b"], input="hi") as trace:
        trace.add_tag("c", "a")
        trace.set_output("done")
    tracer.flush()
    sent = captured.one("question")
    assert sent["parent_span_id"] is None
    assert (sent["kind"], sent["input"], sent["output"]) == ("chain", "hi", "done")
    assert (sent["tags"], sent["metadata"]) == (["a", "b", "c"], {"k": [1]})


def test_user_and_session_are_on_every_span_environment_and_release_on_the_batch(
    captured: CapturedSpans,
) -> None:
    with (
        SyncTracerClient(
            api_key="project-shop", environment="staging", release="1.4", transport=captured
        ) as tracer,
        tracer.trace("question", user_id="ann", session_id="s-1") as trace,
        trace.span("call", "llm"),
    ):
        pass
    assert [(span["user_id"], span["session_id"]) for span in captured.spans] == [("ann", "s-1")] * 2
    assert captured.batches[0]["resource"] == {"environment": "staging", "release": "1.4"}


def test_ids_are_known_at_once_and_the_trace_id_tells_its_time(tracer: SyncTracerClient) -> None:
    now_ms = time.time_ns() // 1_000_000
    trace = tracer.trace("question")
    assert re.fullmatch(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}", trace.trace_id)
    assert abs(int(trace.trace_id[:12], 16) - now_ms) < 1000
    assert re.fullmatch(r"[0-9a-f]{16}", trace.span("call", "llm").span_id)


def test_ids_do_not_repeat(tracer: SyncTracerClient) -> None:
    trace = tracer.trace("question")
    assert len({trace.span("call", "llm").span_id for _ in range(2000)}) == 2000


def test_the_other_members_have_their_setters(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    with tracer.trace("question") as trace, trace.span("call", "llm") as span:
        span.set_input([1])
        span.set_model("gpt-4o-2024", provider="openai", parameters={"temperature": 0})
        span.set_tool("search", call_id="c1")
        span.set_documents(["d"])
        span.set_prompt("greeting", version="3")
        span.set_metadata({"a": 1}, b=2)
        span.set_metadata(a=3)
        span.mark_first_token()
    tracer.flush()
    sent = captured.one("call")
    assert (sent["model"], sent["provider"], sent["parameters"]) == (
        "gpt-4o-2024",
        "openai",
        {"temperature": 0},
    )
    assert (sent["tool"], sent["documents"]) == ({"name": "search", "call_id": "c1"}, ["d"])
    assert (sent["prompt"], sent["metadata"]) == ({"name": "greeting", "version": "3"}, {"a": 3, "b": 2})
    assert 0 <= sent["time_to_first_token_ms"] < 1000


def test_an_unknown_kind_becomes_other_and_is_kept(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    with tracer.trace("question") as trace, trace.span("call", "wizardry", metadata={"k": 1}):
        pass
    with trace.span("upper", "LLM"):
        pass
    tracer.flush()
    assert captured.one("call")["kind"] == "other"
    assert captured.one("call")["metadata"] == {"llm_tracer.span_type": "wizardry", "k": 1}
    assert captured.one("upper")["kind"] == "llm"


def test_the_request_carries_the_key_and_is_plain_on_loopback(server: ScriptedServer) -> None:
    with SyncTracerClient(base_url=server.url, api_key="project-shop") as tracer, tracer.trace("question"):
        pass
    assert server.paths == ["/api/ingest"]
    (headers,) = server.headers
    assert headers["X-API-Key"] == "project-shop"
    assert headers["Content-Type"] == "application/json"
    assert "Content-Encoding" not in headers
    assert server.bodies[0].startswith(b'{"client":')


def test_a_batch_for_another_machine_is_compressed(captured: CapturedSpans) -> None:
    requests = []

    class Looking(CapturedSpans):
        def handle_request(self, request):
            requests.append(request)
            return super().handle_request(request)

    looking = Looking()
    tracer = SyncTracerClient("https://traces.example", "project-shop", transport=looking)
    with tracer, tracer.trace("question", input="x" * 10_000):
        pass
    assert looking.one("question")["input"] == "x" * 10_000
    assert requests[0].headers["content-encoding"] == "gzip"
    assert len(requests[0].content) < 1_000
