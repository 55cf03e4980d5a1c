"""lambda_handler: one trace and one post an invocation, before it returns, within the time that is left."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from llm_tracer import SyncTracerClient, TracerClient
from llm_tracer.integrations import aws_lambda
from llm_tracer.integrations.aws_lambda import lambda_handler
from llm_tracer.testing import CapturedSpans


@dataclass
class Context:
    """What the runtime gives to a function."""

    left_ms: int = 3_000
    aws_request_id: str = "8f5d"
    function_name: str = "answer"
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "512"

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


EVENT = {
    "path": "/ask",
    "headers": {"Authorization": "Bearer hush", "x-api-key": "hush", "Accept": "*/*"},
    "body": "Lisbon?",
}


@pytest.fixture(autouse=True)
def _cold_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_lambda, "_cold", [True])


def test_an_invocation_is_one_trace_in_one_post_that_is_there_when_it_returns(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    @lambda_handler(tracer)
    def handler(event: Any, context: Any) -> dict[str, Any]:
        with tracer.span("think"):
            return {"statusCode": 200, "body": event["body"]}

    assert handler(EVENT, Context()) == {"statusCode": 200, "body": "Lisbon?"}
    assert len(captured.batches) == 1
    trace, step = captured.one("handler"), captured.one("think")
    assert step["parent_span_id"] == trace["span_id"]
    assert trace["output"] == {"statusCode": 200, "body": "Lisbon?"}
    assert trace["input"]["headers"] == {
        "Authorization": "[masked]",
        "x-api-key": "[masked]",
        "Accept": "*/*",
    }
    assert "hush" not in json.dumps(captured.batches)
    assert trace["metadata"] == {
        "request_id": "8f5d",
        "function_name": "answer",
        "function_version": "$LATEST",
        "memory_limit_in_mb": "512",
        "cold_start": True,
    }


def test_only_the_first_invocation_of_a_process_starts_cold(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    handler = lambda_handler(tracer, name="answer")(lambda event, context: event)
    for number in range(3):
        handler(number, Context())
    assert len(captured.batches) == 3
    assert [span["metadata"]["cold_start"] for span in captured.spans] == [True, False, False]
    assert [span.get("tags") for span in captured.spans] == [["cold-start"], None, None]
    assert {span["name"] for span in captured.spans} == {"answer"}


def test_an_exception_of_the_function_is_told_and_raised(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    @lambda_handler(tracer)
    def handler(event: Any, context: Any) -> None:
        raise LookupError("no such city")

    with pytest.raises(LookupError):
        handler({}, Context())
    assert captured.one("handler")["error"]["message"] == "no such city"


def test_event_and_result_can_be_left_out(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    handler = lambda_handler(tracer, name="f", capture_input=False, capture_output=False)(lambda e, c: e)
    handler(EVENT, Context())
    assert not {"input", "output"} & set(captured.one("f"))


class SlowServer(httpx.BaseTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        time.sleep(5)
        return httpx.Response(202, json={"accepted": 1, "rejected": []})


@pytest.mark.parametrize(("left_ms", "at_most_seconds"), [(0, 0.1), (700, 0.65)])
def test_a_slow_server_does_not_take_the_time_that_the_function_has_not(
    left_ms: int, at_most_seconds: float
) -> None:
    tracer = SyncTracerClient(api_key="project-shop", transport=SlowServer())
    handler = lambda_handler(tracer)(lambda event, context: "result")
    started = time.monotonic()
    assert handler({}, Context(left_ms=left_ms)) == "result"
    assert time.monotonic() - started < at_most_seconds
    tracer.close(timeout=0)


def test_the_limit_of_delivery_holds_also_when_there_is_time() -> None:
    tracer = SyncTracerClient(api_key="project-shop", transport=SlowServer())
    handler = lambda_handler(tracer, flush_seconds=0.2)(lambda event, context: "result")
    started = time.monotonic()
    handler({}, None)
    assert 0.15 < time.monotonic() - started < 0.6
    tracer.close(timeout=0)


def test_an_asynchronous_client_delivers_as_well(captured: CapturedSpans) -> None:
    tracer = TracerClient(api_key="project-shop", transport=captured)
    lambda_handler(tracer, name="f")(lambda event, context: None)({}, Context())
    assert captured.one("f")["status"] == "ok"


def test_tracing_that_fails_does_not_fail_the_function() -> None:
    from llm_tracer.integrations import _guard

    class Broken:
        def trace(self, *_: object, **__: object) -> None:
            raise ZeroDivisionError

    count = _guard.faults.count
    assert lambda_handler(Broken())(lambda event, context: event)(7, Context()) == 7
    assert _guard.faults.count == count + 1
    _guard.faults.count = count


def test_a_function_is_traced_by_nothing_while_tracing_is_off() -> None:
    tracer = SyncTracerClient(enabled=False)
    assert lambda_handler(tracer)(lambda event, context: event)(EVENT, Context()) is EVENT
