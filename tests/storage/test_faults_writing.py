"""A store that refuses, stalls, forgets to answer or dies half way, seen by those who send: on both engines.

What was acknowledged is there; what was not is answered 503 with Retry-After; sending it again makes it
whole; nothing is shown twice.
"""

from __future__ import annotations

import json
import random
import threading
import time
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTracePartialSuccess

from llm_tracer import SyncTracerClient
from tests.api.calls import PROBLEM, Api, browser, span_in
from tests.otlp.exports import PROTOBUF, post, post_json
from tests.otlp.test_protocol import request_of
from tests.servers import our_server
from tests.storage.faults import WEATHER, Crash, Fault, Faults, answer_is_lost, fails, in_part, refusal
from traces_app import queries, storage
from traces_app.queries import TraceFilter
from traces_app.storage.dynamodb import MAX_SENDS
from traces_app.storage.store import Store

TRACES = 14
"""With their lists more than one BatchWriteItem takes."""
UNAVAILABLE = 14
"""google.rpc.Code."""

THROTTLED = refusal("ProvisionedThroughputExceededException")


@pytest.fixture
def api() -> Api:
    return Api(browser(), "project-dev")


def foreign_id(number: int) -> str:
    return f"{number:032x}"


def batch(seed: int, traces: int = TRACES) -> list[dict[str, Any]]:
    """Traces of two spans, every second one with a foreign id; all of one session."""
    rng, now_ns = random.Random(seed), time.time_ns()
    spans = []
    for number in range(traces):
        own = f"{now_ns // 10**6:012x}7{rng.getrandbits(12):03x}b{rng.getrandbits(60):015x}"
        trace_id = own if number % 2 else foreign_id(rng.getrandbits(100) + 1)
        root = span_in(trace_id=trace_id, session_id="s", output="x" * 200)
        spans += [root, span_in(trace_id=trace_id, session_id="s", parent_span_id=root["span_id"])]
    return spans


def shown(**filters: Any) -> dict[str, int]:
    """Number of spans by trace; a trace listed twice would not hide in it."""
    page = queries.list_traces("dev", TraceFilter(**filters), limit=1000, now_ns=time.time_ns())
    found = [(trace.trace_id, trace.span_count) for trace in page.traces]
    assert len(found) == len(dict(found))
    return dict(found)


def assert_whole(*batches: list[dict[str, Any]]) -> None:
    """Every trace once in every list, with its two spans, and openable."""
    expected = {span["trace_id"]: 2 for spans in batches for span in spans}
    assert shown() == shown(session_id="s") == expected
    for trace_id in list(expected)[:: max(1, len(expected) // 5)]:
        assert len(queries.get_trace("dev", trace_id, now_ns=time.time_ns()).rows) == 2


def assert_come_again(answer: Any) -> None:
    assert answer.status_code == 503, answer.content
    assert answer["Content-Type"] == PROBLEM
    assert int(answer["Retry-After"]) >= 1
    assert "safe" in answer.json()["detail"]
    assert "because" not in answer.content.decode()


@pytest.mark.parametrize("kind", WEATHER)
def test_any_weather_is_a_503_and_sending_again_makes_it_whole(
    any_store: Store, api: Api, faults: Faults, kind: str
) -> None:
    spans = batch(1)
    faults.always(fails(WEATHER[kind]), "BatchWriteItem", "UpdateItem")
    assert_come_again(api.ingest(*spans))
    faults.none()
    assert shown() == {}
    assert api.ingest(*spans).status_code == 202
    assert_whole(spans)


@pytest.mark.parametrize("how", [fails, answer_is_lost])
def test_whichever_call_fails_the_next_delivery_is_whole_and_nothing_is_twice(
    any_store: Store, api: Api, faults: Faults, how: Any
) -> None:
    faults.none()
    earlier = batch(0)
    assert api.ingest(*earlier).status_code == 202
    calls = len(faults.seen)
    sent, refused = [earlier], 0
    for number in range(calls):
        spans = batch(number + 1)
        faults.at(number, how(THROTTLED))
        answer = api.ingest(*spans)
        if answer.status_code != 202:
            assert_come_again(answer)
            refused += 1
            faults.none()
            assert api.ingest(*spans).status_code == 202
        sent.append(spans)
    assert refused >= 2
    faults.none()
    assert_whole(*sent)


def test_what_is_left_unprocessed_is_sent_again_in_the_same_request(
    any_store: Store, api: Api, faults: Faults
) -> None:
    spans = batch(1)
    faults.first(3, in_part(0.5), "BatchWriteItem")
    assert api.ingest(*spans).status_code == 202
    faults.none()
    assert_whole(spans)


def test_what_stays_unprocessed_is_refused_and_whole_when_it_comes_again(
    any_store: Store, api: Api, faults: Faults
) -> None:
    spans = batch(1, traces=3)
    chosen = map(in_part, (0.5, *(0.0,) * MAX_SENDS))
    faults.choose(lambda _, operation: next(chosen) if operation == "BatchWriteItem" else None)
    assert_come_again(api.ingest(*spans))
    faults.none()
    assert set(shown().values()) <= {2}
    assert api.ingest(*spans).status_code == 202
    assert_whole(spans)


def test_look_ups_that_stay_unprocessed_end_in_a_503(any_store: Store, api: Api, faults: Faults) -> None:
    now_ns = time.time_ns()
    child = span_in(trace_id=foreign_id(1), parent_span_id="00000000000000aa")
    faults.always(in_part(0.0), "BatchGetItem")
    answer = api.ingest(child)
    assert_come_again(answer)
    assert time.time_ns() - now_ns < 10 * 10**9
    faults.none()
    assert api.ingest(child).status_code == 202
    assert shown() == {foreign_id(1): 1}


@pytest.mark.parametrize("number", [0, 1])
def test_a_crash_between_two_requests_leaves_nothing_that_cannot_be_made_whole(
    any_store: Store, api: Api, faults: Faults, number: int
) -> None:
    spans = batch(1)
    writes = iter(range(100))
    crash: Fault = fails(Crash())
    faults.choose(
        lambda _, operation: crash if operation == "BatchWriteItem" and next(writes) == number else None
    )
    with pytest.raises(Crash):
        api.ingest(*spans)
    faults.none()
    storage.reset_store()  # a new process remembers nothing
    assert set(shown().values()) <= {2}
    assert api.ingest(*spans).status_code == 202
    assert_whole(spans)


def test_the_original_wire_api_is_told_the_same(any_store: Store, api: Api, faults: Faults) -> None:
    def whole(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        faults.always(fails(THROTTLED))
        assert_come_again(api.send(method, path, body))
        faults.none()
        answer: dict[str, Any] = api.send(method, path, body).json()
        return answer

    trace_id = whole("POST", "/api/traces", {"name": "run", "project_id": "dev"})["trace_id"]
    span = {"name": "call", "span_type": "llm"}
    span_id = whole("POST", f"/api/traces/{trace_id}/spans", span)["span_id"]
    assert whole("PATCH", f"/api/spans/{span_id}/complete", {"tokens_input": 3})["status"] == "completed"
    assert whole("PATCH", f"/api/traces/{trace_id}/complete", {"output": "x"})["status"] == "completed"
    assert list(shown().values()) == [2]


def test_otlp_is_told_in_its_own_words(any_store: Store, faults: Faults) -> None:
    request = request_of("one", "two")
    faults.always(fails(THROTTLED), "BatchWriteItem", "UpdateItem")
    answer = post("/v1/traces", request.SerializeToString())
    assert (answer.status, answer.headers["Content-Type"]) == (503, PROTOBUF)
    assert int(answer.headers["Retry-After"]) >= 1
    status = ExportTracePartialSuccess.FromString(answer.body)  # has the fields of google.rpc.Status
    assert (status.rejected_spans, "safe" in status.error_message) == (UNAVAILABLE, True)
    in_json = post_json(
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "7" * 32, "spanId": "7" * 16}]}]}]}
    )
    assert (in_json.status, in_json.headers["Content-Type"]) == (503, "application/json")
    assert "safe" in json.loads(in_json.body)["message"]
    faults.none()
    assert post("/v1/traces", request.SerializeToString()).status == 200
    assert list(shown().values()) == [2]


def test_the_client_delivers_when_the_weather_is_over(any_store: Store, faults: Faults) -> None:
    faults.first(3, fails(THROTTLED), "BatchWriteItem")
    with our_server() as url:
        tracer = SyncTracerClient(url, "project-dev", spool=False)
        for number in range(20):
            with tracer.trace(f"trace {number}", session_id="s"), tracer.span("step"):
                pass
        result = tracer.close(30)
    assert (result.sent, result.dropped, result.pending) == (40, 0, 0)
    assert len(faults.seen) > 4
    assert sorted(shown().values()) == [2] * 20


def test_in_a_storm_of_all_faults_nothing_acknowledged_is_lost_or_doubled(
    any_store: Store, api: Api, faults: Faults
) -> None:
    dice = random.Random(7)
    kinds: list[Fault] = [make(error) for error in WEATHER.values() for make in (fails, answer_is_lost)]
    kinds += [in_part(0.3)] * 8
    faults.choose(lambda _, __: dice.choice(kinds) if dice.random() < 0.15 else None)
    batches = [batch(seed, traces=6) for seed in range(24)]
    statuses: list[int] = []

    def deliver(mine: list[list[dict[str, Any]]]) -> None:
        for spans in mine:
            for _ in range(100):
                status = Api(browser(), "project-dev").ingest(*spans).status_code
                statuses.append(status)
                if status == 202:
                    break

    senders = [threading.Thread(target=deliver, args=(batches[start::4],)) for start in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert set(statuses) == {202, 503}
    assert statuses.count(202) == len(batches)
    faults.none()
    assert_whole(*batches)
