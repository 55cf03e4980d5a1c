from __future__ import annotations

import logging

import pytest
from django.http import Http404
from ninja.errors import HttpError

from tests.api.calls import PROBLEM, Api, browser
from traces_app.api.errors import ProblemError, problem_of, problem_response
from traces_app.ingest import StoreUnavailable


def test_an_unknown_path_is_a_problem_too(api: Api) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = api.send(method, "/api/v1/nothing/here", {})
        assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)


def test_a_wrong_method_says_which_are_right(api: Api) -> None:
    answer = api.get("/api/ingest")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_a_problem_has_the_fields_of_the_standard_and_ours() -> None:
    answer = problem_response(
        ProblemError(429, "Slow", "Too fast.", field="f", limit="9 a minute", retry_after_seconds=3)
    )
    assert (answer.status_code, answer["Retry-After"], answer["Content-Type"]) == (429, "3", PROBLEM)
    assert answer.content == (
        b'{"type":"about:blank","title":"Slow","status":429,"detail":"Too fast.",'
        b'"field":"f","limit":"9 a minute"}'
    )


def test_a_store_that_is_away_asks_to_come_back() -> None:
    answer = problem_response(problem_of(StoreUnavailable("table x: throttled", retry_after_seconds=7)))
    assert (answer.status_code, answer["Retry-After"]) == (503, "7")
    assert b"table x" not in answer.content


def test_an_unexpected_error_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = problem_response(problem_of(KeyError("the secret of the house")))
    assert answer.status_code == 500
    assert b"secret" not in answer.content
    assert "the secret of the house" in caplog.text


def test_errors_of_the_frameworks_are_problems() -> None:
    assert problem_of(Http404("template x")).status == 404
    assert problem_of(HttpError(400, "Cannot parse")).status == 400


def test_the_api_has_no_login_page_to_answer_with() -> None:
    answer = browser().post("/api/ingest", b"{}", content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)
