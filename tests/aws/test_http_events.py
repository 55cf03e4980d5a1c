"""Requests as a function URL hands them over, answered by the whole application."""

from __future__ import annotations

import gzip
import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.calls import span_in
from tests.aws.conftest import Call
from tests.aws.events import CLIENT_ADDRESS, HOST, answer_of, http_event
from tests.otlp.exports import CAPTURES, PROTOBUF

JSON = {"content-type": "application/json"}
TRACES_PROTOBUF = gzip.decompress((CAPTURES / "oi-openai-chat" / "body-1.bin").read_bytes())


def test_health_answers_with_json_as_text(invoke: Callable[[Any], Any]) -> None:
    response = invoke(http_event("/health"))
    assert response["statusCode"] == 200
    assert not response["isBase64Encoded"]
    assert json.loads(response["body"])["status"] == "ok"


def test_a_native_batch_is_stored_and_read_again(call: Call) -> None:
    span = span_in(name="héllo ☃ 漢")
    stored = call("/api/ingest", method="POST", headers=JSON, body=json.dumps({"spans": [span]}))
    assert stored.status == 202
    found = call(f"/api/v1/traces/{span['trace_id']}")
    assert found.json["spans"][0]["name"] == "héllo ☃ 漢"


@pytest.mark.parametrize("is_text", [True, False], ids=["text", "base64"])
def test_json_comes_as_text_or_as_base64(call: Call, is_text: bool) -> None:
    text = json.dumps({"spans": [span_in()]})
    body: Any = text if is_text else text.encode()
    assert call("/api/ingest", method="POST", headers=JSON, body=body).json["accepted"] == 1


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gzip"])
def test_protobuf_is_stored(call: Call, is_packed: bool) -> None:
    headers = {"content-type": PROTOBUF} | ({"content-encoding": "gzip"} if is_packed else {})
    body = gzip.compress(TRACES_PROTOBUF) if is_packed else TRACES_PROTOBUF
    answer = call("/v1/traces", method="POST", headers=headers, body=body)
    assert answer.status == 200
    assert answer.headers["content-type"] == PROTOBUF
    assert call("/api/v1/traces").json["traces"]


def test_a_chunked_request_is_whole_by_the_time_it_is_an_event(call: Call) -> None:
    headers = {"content-type": PROTOBUF, "transfer-encoding": "chunked"}
    assert call("/v1/traces", method="POST", headers=headers, body=TRACES_PROTOBUF).status == 200
    assert len(call("/api/v1/traces").json["traces"]) == 1


def test_five_megabytes_of_spans_pass_when_packed(call: Call) -> None:
    spans = [span_in(input=secrets.token_hex(100) * 250) for _ in range(100)]
    body = json.dumps({"spans": spans}).encode()
    assert len(body) > 5_000_000
    headers = JSON | {"content-encoding": "gzip"}
    answer = call("/api/ingest", method="POST", headers=headers, body=gzip.compress(body))
    assert answer.json["accepted"] == 100


def test_a_get_without_a_body_and_a_post_with_an_empty_one(call: Call) -> None:
    assert call("/api/v1/traces", body=None).status == 200
    assert call("/api/ingest", method="POST", headers=JSON, body=b"").status == 400


def test_repeated_and_escaped_query_parameters_arrive(call: Call) -> None:
    span = span_in(name="a b+c&d", tags=["x", "ü"])
    call("/api/ingest", method="POST", headers=JSON, body=json.dumps({"spans": [span]}))
    query = "name=a%20b%2Bc%26d&tag=%C3%BC"
    assert len(call("/api/v1/traces", query=query).json["traces"]) == 1
    assert call("/api/v1/traces", query="name=a%20b%2Bc%26e").json["traces"] == []


@pytest.mark.parametrize(
    "path", ["/api/%C3%A9", "/api/é", "/api/漢 字", "/%2e%2e/x", "//x", "/api/v1/traces/%00"]
)
def test_odd_paths_are_not_found_rather_than_errors(call: Call, path: str) -> None:
    assert call(path).status in (400, 404, 422)


def test_headers_outside_latin_1_break_nothing(call: Call) -> None:
    assert call("/api/v1/traces", headers={"x-note": "漢字", "user-agent": "é"}).status == 200
    assert call("/api/v1/traces", headers={"x-api-key": "project-漢"}).status == 401


def test_head_has_the_headers_and_no_body(call: Call) -> None:
    answer = call("/dashboard/login", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/api/nothing", 404),
        ("DELETE", "/api/ingest", 405),
        ("GET", "/v1/traces", 405),
        ("OPTIONS", "/v1/metrics", 405),
    ],
)
def test_what_is_not_there_has_its_status(call: Call, method: str, path: str, status: int) -> None:
    assert call(path, method=method).status == status


def test_metrics_are_taken_and_dropped(call: Call) -> None:
    answer = call("/v1/metrics", method="POST", headers={"content-type": PROTOBUF}, body=b"")
    assert answer.status == 200


def test_without_a_key_nothing_opens(invoke: Callable[[Any], Any]) -> None:
    answer = answer_of(invoke(http_event("/api/v1/traces")))
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_person_logs_in_and_reads_by_cookies(call: Call) -> None:
    form = call("/dashboard/login")
    csrf = form.cookies[0].partition(";")[0]
    token = form.body.decode().split('name="csrfmiddlewaretoken" value="')[1].partition('"')[0]
    landed = call(
        "/dashboard/login",
        method="POST",
        headers={"content-type": "application/x-www-form-urlencoded", "origin": f"https://{HOST}"},
        body=f"csrfmiddlewaretoken={token}&key=project-dev".encode(),
        cookies=[csrf],
    )
    assert landed.status == 302
    assert len({cookie.partition("=")[0] for cookie in landed.cookies}) == len(landed.cookies) == 2
    session = next(cookie for cookie in landed.cookies if cookie.startswith("tracer_session="))
    page = call("/dashboard/", cookies=[csrf, session.partition(";")[0], "other=1"])
    assert page.status == 200
    assert b"Traces" in page.body


def test_a_page_asks_for_a_login_on_this_host(call: Call) -> None:
    answer = call("/dashboard/")
    assert answer.status == 302
    assert answer.headers["location"].startswith("/dashboard/login")


def test_static_files_come_as_they_are_on_disk(call: Call) -> None:
    plain = call("/static/explorer/base.css")
    assert plain.status == 200
    assert b"{" in plain.body
    assert plain.headers["content-type"].startswith("text/css")
    unchanged = {"if-modified-since": plain.headers["last-modified"]}
    assert call("/static/explorer/base.css", headers=unchanged).status == 304


def test_a_refused_login_is_counted_for_the_address_that_aws_saw(call: Call, caplog: Any) -> None:
    forged = {
        "x-forwarded-for": f"6.6.6.6, {CLIENT_ADDRESS}",
        "x-real-ip": "6.6.6.6",
        "forwarded": "for=6.6.6.6",
    }
    form = call("/dashboard/login")
    token = form.body.decode().split('name="csrfmiddlewaretoken" value="')[1].partition('"')[0]
    answer = call(
        "/dashboard/login",
        method="POST",
        headers=forged | {"content-type": "application/x-www-form-urlencoded", "origin": f"https://{HOST}"},
        body=f"csrfmiddlewaretoken={token}&key=project-nobody".encode(),
        cookies=[form.cookies[0].partition(";")[0]],
    )
    assert answer.status == 403
    assert CLIENT_ADDRESS in caplog.text
    assert "6.6.6.6" not in caplog.text


def test_a_client_cannot_claim_to_have_come_without_tls(call: Call) -> None:
    assert call("/dashboard/", headers={"x-forwarded-proto": "http"}).headers["location"].startswith("/")


def test_an_answer_that_lambda_cannot_carry_is_packed_or_refused_with_a_reason(
    call: Call, settings: Any
) -> None:
    spans = [span_in(trace_id=secrets.token_hex(16), output="ä" * 200_000) for _ in range(20)]
    first = spans[0]["trace_id"]
    for span in spans:
        body = gzip.compress(json.dumps({"spans": [span | {"trace_id": first}]}).encode())
        call("/api/ingest", method="POST", headers=JSON | {"content-encoding": "gzip"}, body=body)
    address = f"/api/v1/traces/{first}"
    packed = call(address, query="payload=true", headers={"accept-encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(packed.body))["spans"]) == 20
    refused = call(address, query="payload=true")
    assert refused.status == 500
    assert "6 MB" in refused.json["limit"]
