"""A store that stops answering, seen by those who read: whichever call fails, a clear 503 and never a 500."""

from __future__ import annotations

import secrets
from itertools import cycle
from typing import Any

import pytest
from django.test import Client

from tests.api.calls import PROBLEM, Api, browser, span_in
from tests.storage.faults import WEATHER, Faults, fails
from traces_app import access
from traces_app.storage.store import Store

PAGES = (
    "/dashboard/",
    "/dashboard/?q=error:true",
    "/dashboard/?q=text:nothing&scope=any",
    "/dashboard/sessions",
    "/dashboard/session?id=s",
    "/dashboard/users",
    "/dashboard/statistics?range=24h",
    "/dashboard/problems",
    "/dashboard/admin",
    "/dashboard/admin/audit",
    "/dashboard/views",
    "/dashboard/diff?a={trace}&b={trace}",
    "/dashboard/t/{trace}",
    "/dashboard/t/{trace}.md",
    "/dashboard/t/{trace}.html",
    "/dashboard/t/{trace}.otlp.json",
    "/dashboard/t/{trace}/download",
    "/dashboard/t/{trace}/s/{span}",
)
TWINS = (
    "/dashboard/traces.json",
    "/dashboard/newer.json?after={trace}",
    "/dashboard/sessions.json",
    "/dashboard/session.json?id=s",
    "/dashboard/users.json",
    "/dashboard/statistics.json?range=24h",
    "/dashboard/problems.json",
    "/dashboard/admin/audit.json",
    "/dashboard/t/{trace}.json",
    "/dashboard/t/{trace}/skeleton",
    "/dashboard/t/{trace}/previews?spans={span}",
    "/dashboard/t/{trace}/search?q=chat",
    "/dashboard/t/{trace}/s/{span}.json",
)
QUESTIONS = (
    "/api/v1/traces",
    "/api/v1/traces?session_id=s",
    "/api/v1/traces/{trace}",
    "/api/v1/traces/{trace}/spans/{span}",
    "/api/v1/stats",
    "/api/traces",
    "/api/traces/{trace}",
    "/api/stats",
)


@pytest.fixture
def seen(any_store: Store) -> dict[str, str]:
    """Names for the addresses: a stored trace, and its root."""
    one = span_in(session_id="s", user_id="u")
    child = span_in(trace_id=one["trace_id"], parent_span_id=one["span_id"], session_id="s", user_id="u")
    assert Api(browser(), "project-dev").ingest(one, child).status_code == 202
    return {"trace": one["trace_id"], "span": one["span_id"]}


@pytest.fixture
def dev() -> Client:
    client = Client()
    client.handler = browser().handler
    assert client.post("/dashboard/login", {"key": "project-dev"}).status_code == 302
    return client


def each_call_fails(faults: Faults, ask: Any) -> list[Any]:
    """The answers when the first call fails, when the second does, and so on."""
    answers = []
    for number, kind in zip(range(100), cycle(WEATHER)):
        faults.at(number, fails(WEATHER[kind]))
        access.forget_keys()
        answer = ask()
        if number >= len(faults.seen):
            assert answer.status_code == 200
            return answers
        answers.append(answer)
    raise AssertionError("it never ends")


def assert_unavailable(answers: list[Any], content_type: str) -> None:
    assert answers
    for answer in answers:
        assert answer.status_code == 503, answer.content[:300]
        assert answer["Content-Type"].startswith(content_type)
        assert int(answer["Retry-After"]) >= 1
        assert "because" not in answer.content.decode()


@pytest.mark.parametrize("address", PAGES)
def test_a_page_says_that_the_store_does_not_answer(
    seen: dict[str, str], dev: Client, faults: Faults, address: str
) -> None:
    answers = each_call_fails(faults, lambda: dev.get(address.format(**seen)))
    assert_unavailable(answers, "text/html")
    assert all("The store does not answer" in answer.content.decode() for answer in answers)


@pytest.mark.parametrize("address", TWINS)
def test_the_json_of_a_page_says_it_in_json(
    seen: dict[str, str], dev: Client, faults: Faults, address: str
) -> None:
    assert_unavailable(each_call_fails(faults, lambda: dev.get(address.format(**seen))), PROBLEM)


@pytest.mark.parametrize("address", QUESTIONS)
def test_the_api_answers_with_a_problem(seen: dict[str, str], faults: Faults, address: str) -> None:
    api = Api(browser(), "project-dev")
    assert_unavailable(each_call_fails(faults, lambda: api.get(address.format(**seen))), PROBLEM)


def test_health_says_that_the_store_is_away(any_store: Store, faults: Faults) -> None:
    faults.always(fails(WEATHER["no connection"]))
    answer = browser().get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "store unavailable")
    faults.none()
    assert browser().get("/health").status_code == 200


def test_a_log_in_during_trouble_is_told_so_and_works_afterwards(any_store: Store, faults: Faults) -> None:
    def ask() -> Any:
        client = Client()
        client.handler = browser().handler
        answer = client.post(
            "/dashboard/login", {"key": "project-dev", "next": f"/dashboard/?{secrets.token_hex(4)}"}
        )
        if answer.status_code == 302:
            answer.status_code = 200
        return answer

    assert_unavailable(each_call_fails(faults, ask), "text/html")
