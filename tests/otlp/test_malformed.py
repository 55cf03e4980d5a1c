"""Bodies that are no OTLP: told so, never kept, never a reason to send them again."""

from __future__ import annotations

import json
import time

import pytest

from tests.otlp.exports import PROTOBUF, expected_of, post, post_json, requests_of, send
from traces_app import queries
from traces_app.queries import TraceFilter

CASE = "malformed-requests"
NAMES = {body["file"]: body["name"] for body in expected_of(CASE)["bodies"]}


def _allowed(file: str) -> set[int]:
    told = next(body["expected_status"] for body in expected_of(CASE)["bodies"] if body["file"] == file)
    return {told} if isinstance(told, int) else {400, 200}


@pytest.mark.parametrize("request_sent", requests_of(CASE), ids=lambda request: NAMES[request["file"]])
def test_a_malformed_body_is_told_so_and_nothing_is_kept(request_sent: dict) -> None:
    answer = send(CASE, request_sent)
    assert answer.status in _allowed(request_sent["file"]), answer.body
    now_ns = time.time_ns()
    assert queries.list_traces("dev", TraceFilter(), now_ns=now_ns).traces == []
    if answer.status == 200:
        assert json.loads(answer.body)["partialSuccess"]["rejectedSpans"] == "1"


def test_an_error_is_a_status_in_the_requests_type() -> None:
    told = post_json(b"{")
    assert (told.status, told.headers["Content-Type"]) == (400, "application/json")
    assert told.json()["code"] == 3
    assert "JSON" in told.json()["message"]
    binary = post("/v1/traces", b"\xff\xff\xff")
    assert (binary.status, binary.headers["Content-Type"]) == (400, PROTOBUF)
    assert binary.body[:2] == b"\x08\x03"
    assert b"protobuf" in binary.body


def test_a_chunked_body_that_cannot_be_handed_over_is_411_never_an_empty_200() -> None:
    answer = post("/v1/traces", b"", HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="")
    assert answer.status == 411
    assert answer.headers["Content-Type"] == PROTOBUF
    assert "Content-Length" not in answer.headers  # so Django's server closes: the body is still unread


@pytest.mark.parametrize("value", ['{"arrayValue":{"values":[' * 300 + "]}}" * 300, "[" * 5000 + "]" * 5000])
def test_deep_values_neither_hang_nor_fail(value: str) -> None:
    span = _span_json('{"key":"deep","value":' + value + "}")
    assert post_json(span).status in (200, 400)


@pytest.mark.parametrize("where", ["resource", "scope"])
def test_a_resource_or_scope_nested_deep_costs_no_span(where: str) -> None:
    deep = '{"arrayValue":{"values":[' * 150 + "]}}" * 150
    about = '{"attributes":[{"key":"deep","value":' + deep + "}],"
    about += '"odd":' + "[" * 400 + "]" * 400 + "}"
    span = '{"traceId":"' + "a" * 32 + '","spanId":"' + "b" * 16 + '","endTimeUnixNano":1}'
    scope = f'"scope":{about if where == "scope" else "{}"}'
    resource = f'"resource":{about if where == "resource" else "{}"}'
    body = '{"resourceSpans":[{' + resource + ',"scopeSpans":[{' + scope + ',"spans":[' + span + "]}]}]}"
    assert post_json(body.encode()).json() == {}


@pytest.mark.parametrize(
    "key",
    [
        "llm.input_messages.999999999.message.content",
        "llm.input_messages." + "9" * 5000 + ".message.content",
        "llm.input_messages" + ".0" * 5000,
        "gen_ai.prompt.-1.content",
        "llm.input_messages.0",
    ],
)
def test_a_wild_index_costs_nothing(key: str) -> None:
    pair = json.dumps({"key": key, "value": {"stringValue": "x"}})
    started = time.monotonic()
    assert post_json(_span_json(pair)).status == 200
    assert time.monotonic() - started < 1


def test_deep_json_in_a_text_stays_a_text() -> None:
    text = "[" * 20_000 + "]" * 20_000
    pair = json.dumps({"key": "gen_ai.input.messages", "value": {"stringValue": text}})
    assert post_json(_span_json(pair)).json() == {}
    (trace,) = queries.list_traces("dev", TraceFilter(), now_ns=time.time_ns()).traces
    span = queries.get_trace("dev", trace.trace_id, now_ns=time.time_ns()).span("b" * 16)
    assert span.attributes["gen_ai.input.messages"] == text
    assert span.input is None


def _span_json(pair: str) -> bytes:
    now_ns = time.time_ns()
    return (
        '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"'
        + "a" * 32
        + '","spanId":"'
        + "b" * 16
        + f'","name":"n","startTimeUnixNano":"{now_ns}","endTimeUnixNano":"{now_ns}","attributes":['
        + pair
        + "]}]}]}]}"
    ).encode()
