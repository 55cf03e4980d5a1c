from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app import queries
from traces_app.domain.problems import Problem
from traces_app.explorer.pages.problems import ADVICE, ProblemLine, problems_page

FALLBACK = dict(ADVICE)["refused:"]


def test_a_project_without_problems_says_so(dev: Client) -> None:
    assert "Nothing was lost" in Page(dev.get("/dashboard/problems")).text
    assert dev.get("/dashboard/problems.json").json() == {"project": "dev", "problems": []}


def test_refused_spans_and_unknown_conventions_are_listed_by_day_with_what_helps(dev: Client) -> None:
    span = {"traceId": "a" * 32, "spanId": "0" * 16, "name": "n"}
    foreign = {
        "traceId": "a" * 32,
        "spanId": "b" * 16,
        "attributes": [{"key": "acme.llm.prompt", "value": {"stringValue": "hi"}}],
    }
    body = {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "acme"}, "spans": [span, foreign]}]}]}
    headers = {"X-API-Key": "project-dev"}
    assert dev.post("/v1/traces", body, content_type="application/json", headers=headers).status_code == 200
    response = dev.get("/dashboard/problems")
    page = Page(response)
    assert "refused: span_id" in page.text
    assert "in JSON as hex" in page.text
    assert "unknown convention of acme" in page.text
    assert response["Link"].startswith("</dashboard/problems.json>")
    counts = {one["reason"]: one["count"] for one in dev.get("/dashboard/problems.json").json()["problems"]}
    assert counts == {"refused: span_id": 1, "note: unknown convention of acme": 1}
    assert "unknown convention" not in Page(dev.get("/dashboard/")).text


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"traceId": 5}, "refused: trace_id"),
        ({"traceId": "0" * 32}, "refused: trace_id"),
        ({"spanId": 5}, "refused: span_id"),
        ({"parentSpanId": 5}, "refused: parent_span_id"),
        ({"startTimeUnixNano": "soon"}, "refused: start_ns"),
        ({"endTimeUnixNano": -1}, "refused: end_ns"),
        ({"kind": "SPAN_KIND_CLIENT"}, "refused: kind"),
        ({"status": {"code": "STATUS_CODE_OK"}}, "refused: status"),
    ],
)
def test_each_refusal_of_opentelemetry_has_one_name_and_an_advice(
    dev: Client, wrong: dict[str, Any], reason: str
) -> None:
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "n"} | wrong
    _export(dev, {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    assert [line.reason for line in _lines()] == [reason]
    assert all(line.advice != FALLBACK for line in _lines())


def test_a_native_refusal_has_the_same_names(dev: Client) -> None:
    span = {"trace_id": "a" * 32, "span_id": "b" * 16, "name": "n", "start_time_unix_nano": "soon"}
    headers = {"X-API-Key": "project-dev"}
    answer = dev.post("/api/ingest", {"spans": [span]}, content_type="application/json", headers=headers)
    assert answer.json()["rejected"][0]["field"] == "start_time_unix_nano"
    assert [line.reason for line in _lines()] == ["refused: start_ns"]


def test_a_body_that_is_refused_whole_is_noted_once_in_a_while(dev: Client) -> None:
    headers = {"X-API-Key": "project-dev"}
    for body in (b"\xff\xff", b"\xff\xfe", b"\xff\xfd"):
        answer = dev.post("/v1/traces", body, content_type="application/x-protobuf", headers=headers)
        assert answer.status_code == 400
    assert dev.post("/v1/traces", b"{", content_type="application/json", headers=headers).status_code == 400
    assert dev.post("/v1/traces", b"", content_type="text/plain", headers=headers).status_code == 415
    lines = {line.reason: line for line in _lines()}
    assert set(lines) == {
        "refused: body (Not protobuf)",
        "refused: body (Not JSON)",
        "refused: body (Unknown type)",
    }
    assert int(lines["refused: body (Not protobuf)"].count) <= 2
    assert "whole request" in lines["refused: body (Not JSON)"].advice


def test_a_stranger_leaves_no_note(dev: Client) -> None:
    headers = {"X-API-Key": "project-nobody"}
    answer = dev.post("/v1/traces", b"\xff", content_type="application/x-protobuf", headers=headers)
    assert answer.status_code == 401
    assert _lines() == []


def _export(client: Client, body: dict[str, Any]) -> None:
    headers = {"X-API-Key": "project-dev"}
    answer = client.post("/v1/traces", body, content_type="application/json", headers=headers)
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"


def _lines() -> list[ProblemLine]:
    return problems_page(queries.get_problems("dev", now_ns=time.time_ns()))


def test_hostile_reasons_are_shown_as_text() -> None:
    (line,) = problems_page([Problem("20261123", "<b>\u202e\0", 1)])
    assert "\u202e" not in line.reason
    assert line.day == "2026-11-23"


def test_an_empty_call_says_how_to_turn_content_on(dev: Client, send: Sender) -> None:
    trace_id = send(kind="llm", attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"})
    text = Page(dev.get(f"/dashboard/t/{trace_id}")).text
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT" in text


def test_a_display_name_is_shown_and_the_name_beside_it(dev: Client, send: Sender) -> None:
    trace_id = send(name="answer {question}", display_name="answer hello?")
    text = Page(dev.get(f"/dashboard/t/{trace_id}")).text
    assert "answer hello?" in text
    assert "answer {question}" in text
