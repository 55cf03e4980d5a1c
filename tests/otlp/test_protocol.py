"""What OTLP/HTTP asks of a receiver, besides reading spans."""

from __future__ import annotations

import base64
import gzip
import io
import json
import socket
import time
import zlib
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.otlp.exports import PROTOBUF, post, post_json
from traces_app import access, queries, storage
from traces_app.api import throttle
from traces_app.queries import TraceFilter
from traces_app.storage.store import Store


def request_of(*names: str, trace_id: bytes = b"t" * 16) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    now_ns = time.time_ns()
    for index, name in enumerate(names, 1):
        span = scope.spans.add(name=name, trace_id=trace_id, span_id=bytes([index]) * 8)
        span.start_time_unix_nano, span.end_time_unix_nano = now_ns, now_ns + 1
    return request


def stored() -> list[Any]:
    return queries.list_traces("dev", TraceFilter(), now_ns=time.time_ns()).traces


@pytest.mark.parametrize("path", ["/v1/traces", "/api/public/otel/v1/traces"])
def test_a_batch_is_kept_at_each_path(path: str) -> None:
    answer = post(path, request_of("one", "two").SerializeToString())
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, b"", PROTOBUF)
    assert [trace.span_count for trace in stored()] == [2]


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_batches_are_read(encoding: str, pack: Any) -> None:
    body = pack(request_of("one").SerializeToString())
    assert post("/v1/traces", body, HTTP_CONTENT_ENCODING=encoding).status == 200
    assert len(stored()) == 1


@pytest.mark.parametrize(
    "header",
    [
        {"HTTP_AUTHORIZATION": "Bearer project-dev"},
        {"HTTP_AUTHORIZATION": "project-dev"},
        {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(b"pk-lf-1:project-dev").decode()},
        {"HTTP_X_API_KEY": "project-dev"},
        {"HTTP_API_KEY": "project-dev"},
    ],
)
def test_each_way_of_giving_a_key_is_understood(header: dict[str, str]) -> None:
    keys = {"HTTP_X_API_KEY": "", **header}
    assert post("/v1/traces", request_of("one").SerializeToString(), **keys).status == 200


def test_without_a_key_nothing_is_kept() -> None:
    answer = post("/v1/traces", request_of("one").SerializeToString(), HTTP_X_API_KEY="")
    assert (answer.status, answer.headers["Content-Type"]) == (401, PROTOBUF)
    assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert stored() == []


def test_bad_spans_are_rejected_alone_and_told() -> None:
    request = request_of("good", "bad")
    request.resource_spans[0].scope_spans[0].spans[1].span_id = b"short"
    told = ExportTraceServiceResponse.FromString(post("/v1/traces", request.SerializeToString()).body)
    assert told.partial_success.rejected_spans == 1
    assert "span_id" in told.partial_success.error_message
    assert [trace.span_count for trace in stored()] == [1]
    assert queries.get_losses("dev", now_ns=time.time_ns()) == {"refused: span_id": 1}


def test_odd_times_self_parents_and_empty_names_are_accepted() -> None:
    request = request_of("", "self", "late")
    _, self_parent, late = request.resource_spans[0].scope_spans[0].spans
    self_parent.parent_span_id = self_parent.span_id
    late.start_time_unix_nano, late.end_time_unix_nano = 2**64 - 1, 5
    assert post("/v1/traces", request.SerializeToString()).body == b""
    assert [trace.span_count for trace in stored()] == [3]


def test_ids_in_json_are_hex_of_any_case_and_numbers_may_be_texts() -> None:
    span = {
        "traceId": "ABCDEF" + "0" * 26,
        "spanId": "AB" * 8,
        "name": "n",
        "startTimeUnixNano": time.time_ns(),
        "endTimeUnixNano": str(time.time_ns()),
        "attributes": [
            {"key": "gen_ai.request.model", "value": {"stringValue": "m"}},
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": 21}},
            {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "7"}},
            {"key": "nothing", "value": {}},
            {"key": "blob", "value": {"bytesValue": "AAH/"}},
            {"key": "huge", "value": {"intValue": "99999999999999999999"}},
            {"key": "nan", "value": {"doubleValue": "NaN"}},
        ],
    }
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}], "unknown": 1}
    assert post_json(body, CONTENT_TYPE="application/json; charset=utf-8").json() == {}
    (trace,) = stored()
    assert trace.trace_id == "abcdef" + "0" * 26
    assert (trace.input_tokens, trace.output_tokens) == (21, 7)
    kept = queries.get_trace("dev", trace.trace_id, now_ns=time.time_ns()).span("ab" * 8).attributes
    assert (kept["blob"], kept["huge"], kept["nan"]) == ("AAH/", "99999999999999999999", "NaN")
    assert kept["nothing"] is None


def test_metrics_are_accepted_and_dropped_and_other_logs_too() -> None:
    assert post_json({"resourceMetrics": []}, "/v1/metrics").json() == {}
    log = {"body": {"stringValue": "hello"}, "traceId": "a" * 32, "spanId": "b" * 16}
    assert post_json({"resourceLogs": [{"scopeLogs": [{"logRecords": [log]}]}]}, "/v1/logs").json() == {}
    assert stored() == []


def test_a_store_that_cannot_write_is_503_with_a_time_to_come_again(store: Store) -> None:
    store.engine.close()  # it refuses from now on
    answer = post("/v1/traces", request_of("one").SerializeToString())
    assert (answer.status, answer.headers["Content-Type"]) == (503, PROTOBUF)
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.body[:2] == b"\x08\x0e"  # google.rpc.Code 14, unavailable


def test_a_store_that_cannot_be_reached_is_503_with_a_time_to_come_again(settings: Any) -> None:
    storage.reset_store()
    settings.STORAGE_URL = "dynamodb"
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        settings.DYNAMODB_ENDPOINT_URL = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        answer = post("/v1/traces", request_of("one").SerializeToString())
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")


def test_get_is_405_and_no_path_redirects() -> None:
    from tests.api.calls import call_wsgi

    answer = call_wsgi("/v1/traces", io.BytesIO(), method="GET")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert post("/v1/traces/", b"").status == 404


@pytest.mark.parametrize(("scope", "status"), [("read", 403), ("ingest", 200), ("all", 200)])
def test_a_key_that_may_only_read_is_refused(scope: str, status: int) -> None:
    key = access.create_key("dev", scope, now_ns=time.time_ns()).key
    answer = post("/v1/traces", request_of("one").SerializeToString(), HTTP_X_API_KEY=key)
    assert answer.status == status
    assert len(stored()) == (status == 200)


def test_a_span_whose_parent_ran_elsewhere_is_the_root_in_practice() -> None:
    request = request_of("served", "below")
    served, below = request.resource_spans[0].scope_spans[0].spans
    served.parent_span_id, served.flags = b"r" * 8, 0x300
    below.parent_span_id, below.flags = served.span_id, 0x100
    post("/v1/traces", request.SerializeToString())
    (trace,) = stored()
    assert (trace.name, trace.status, trace.root_span_id) == ("served", "ok", served.span_id.hex())


def test_logs_before_after_and_split_fill_their_span() -> None:
    def log(name: str, at_ns: int, body: dict[str, Any]) -> dict[str, Any]:
        pairs = [{"key": key, "value": {"stringValue": text}} for key, text in body.items()]
        return {
            "traceId": (b"t" * 16).hex(),
            "spanId": "01" * 8,
            "eventName": name,
            "timeUnixNano": str(at_ns),
            "body": {"kvlistValue": {"values": pairs}},
        }

    def send(*logs: dict[str, Any]) -> None:
        post_json({"resourceLogs": [{"scopeLogs": [{"logRecords": list(logs)}]}]}, "/v1/logs")

    now_ns = time.time_ns()
    system = log("gen_ai.system.message", now_ns, {"content": "be brief"})
    user = log("gen_ai.user.message", now_ns + 1, {"content": "hello"})
    send(user)
    assert [(trace.span_count, trace.root_span_id) for trace in stored()] == [(0, None)]
    post("/v1/traces", request_of("chat").SerializeToString())
    send(system)
    send(system)
    (trace,) = stored()
    assert (trace.name, trace.status, trace.span_count) == ("chat", "ok", 1)
    assert trace.input_preview == "hello"
    opened = queries.get_trace("dev", trace.trace_id, now_ns=now_ns)
    span = opened.span("01" * 8)
    assert (span.name, span.status) == ("chat", "ok")
    assert [message["role"] for message in span.input] == ["system", "user"]
    assert len(span.events) == 2


def test_structured_attributes_are_read_like_json_texts() -> None:
    request = request_of("chat")
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.attributes.add(key="gen_ai.request.model").value.string_value = "m"
    values = span.attributes.add(key="gen_ai.input.messages").value.array_value.values
    message = values.add().kvlist_value.values
    message.add(key="role").value.string_value = "user"
    part = message.add(key="parts").value.array_value.values.add().kvlist_value.values
    part.add(key="type").value.string_value = "text"
    part.add(key="content").value.string_value = "hi"
    post("/v1/traces", request.SerializeToString())
    (trace,) = stored()
    opened = queries.get_trace("dev", trace.trace_id, now_ns=time.time_ns())
    assert opened.span("01" * 8).input == [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]
    assert trace.input_preview == "hi"


def test_a_dropped_attribute_is_counted_and_shown() -> None:
    request = request_of("chat")
    request.resource_spans[0].scope_spans[0].spans[0].dropped_attributes_count = 33
    post("/v1/traces", request.SerializeToString())
    (trace,) = stored()
    assert trace.dropped == {"attributes dropped by the sender's limits": 33}
    assert json.dumps(queries.get_losses("dev", now_ns=time.time_ns())).count("33") == 1


def test_a_throttled_exporter_is_told_503_and_when_to_come_again(settings: Any) -> None:
    settings.RATE_LIMIT_RPM = 1
    throttle.buckets.clear()
    body = request_of("one").SerializeToString()
    assert post("/v1/traces", body).status == 200
    told = post("/v1/traces", body)
    assert (told.status, told.headers["Content-Type"]) == (503, PROTOBUF)
    assert 1 <= int(told.headers["Retry-After"]) <= 60
    assert told.body[:2] == b"\x08\x0e"  # google.rpc.Code 14, unavailable
    assert b"RATE_LIMIT_RPM" in told.body
    in_json = post_json({"resourceSpans": []})
    assert (in_json.status, in_json.json()["code"]) == (503, 14)
    throttle.buckets.clear()


def test_metrics_weigh_little_but_are_throttled_too(settings: Any) -> None:
    settings.RATE_LIMIT_RPM = 1
    throttle.buckets.clear()
    statuses = [post_json({"resourceMetrics": []}, "/v1/metrics").status for _ in range(25)]
    assert statuses[:15] == [200] * 15
    assert statuses[-1] == 503
    throttle.buckets.clear()
