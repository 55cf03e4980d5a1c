from __future__ import annotations

from django.test import Client

from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app.domain.problems import Problem
from traces_app.explorer.pages.problems import problems_page


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
