from __future__ import annotations

import base64
import logging
import time
from typing import Any

import pytest

from tests.api.calls import PROBLEM, Api, browser, span_in
from traces_app import access


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "project-dev"},
        {"x-api-key": " project-dev "},
        {"api-key": "project-dev"},
        {"api_key": "project-dev"},
        {"Authorization": "Bearer project-dev"},
        {"Authorization": "bearer  project-dev"},
        {"Authorization": "Bearer%20project-dev"},
        {"Authorization": "project-dev"},
        {"Authorization": basic("public", "project-dev")},
        {"Authorization": basic("project-dev", "")},
    ],
)
def test_a_key_is_found_however_it_is_sent(headers: dict[str, str]) -> None:
    answer = browser().get("/api/v1/projects", headers=headers)
    assert answer.json() == {"projects": [{"id": "dev", "scope": "all"}]}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "project-nobody"},
        {"X-API-Key": "dev"},
        {"X-API-Key": "project-dev."},
        {"X-API-Key": "project-dev." + "x" * 43},
        {"X-API-Key": "projet-\xe9"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic /////w=="},
        {"Authorization": basic("", "")},
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/traces", "/api/traces", "/api/stats"])
def test_no_key_and_a_wrong_key_are_refused(headers: dict[str, str], path: str) -> None:
    answer = browser().get(path, headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["field"] == "X-API-Key"


def test_a_key_in_the_address_does_not_count() -> None:
    assert browser().get("/api/v1/traces?api_key=project-dev").status_code == 401


def test_a_key_of_scope_ingest_writes_and_does_not_read() -> None:
    new_key = access.create_key("shop", "ingest", now_ns=time.time_ns())
    api = Api(browser(), new_key.key)
    assert api.ingest(span_in()).status_code == 202
    assert api.post("/api/traces", {"name": "run"}).status_code == 200
    for path in ("/api/v1/traces", "/api/v1/projects", "/api/traces", "/api/stats"):
        answer = api.get(path)
        assert (answer.status_code, answer["Content-Type"]) == (403, PROBLEM)
        assert "ingest" in answer.json()["detail"]


def test_a_key_of_scope_read_reads_and_does_not_write() -> None:
    api = Api(browser(), access.create_key("shop", "read", now_ns=time.time_ns()).key)
    assert api.get("/api/v1/traces").status_code == 200
    assert api.get("/api/v1/projects").json() == {"projects": [{"id": "shop", "scope": "read"}]}
    assert api.ingest(span_in()).status_code == 403
    assert api.post("/api/traces", {"name": "run"}).status_code == 403


def test_a_revoked_key_is_refused_at_once() -> None:
    new_key = access.create_key("shop", now_ns=time.time_ns())
    api = Api(browser(), new_key.key)
    assert api.get("/api/v1/traces").status_code == 200
    access.revoke_key(new_key.key_id, now_ns=time.time_ns())
    assert api.get("/api/v1/traces").status_code == 401


def test_without_required_keys_the_first_project_is_open(settings: Any) -> None:
    settings.API_KEY_REQUIRED = False
    assert browser().get("/api/v1/projects").json()["projects"][0]["id"] == "dev"
    assert browser().get("/api/v1/projects", headers={"X-API-Key": "project-x"}).status_code == 401


def test_keys_are_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    secret = "project-dev." + "s3cret" * 7 + "x"
    with caplog.at_level(logging.DEBUG):
        browser().get("/api/v1/traces", headers={"X-API-Key": secret})
        browser().get("/api/v1/traces", headers={"Authorization": f"Bearer {secret}"})
    assert "s3cret" not in caplog.text


def test_a_refused_request_is_refused_before_its_body_is_read(api: Api) -> None:
    assert browser().post("/api/ingest", b"{", content_type="application/json").status_code == 401


def test_the_browsers_preflight_is_answered(settings: Any) -> None:
    preflight = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-api-key, content-encoding",
    }
    answer = browser().options("/api/ingest", headers=preflight)
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "x-api-key" in answer["Access-Control-Allow-Headers"]


def test_an_error_too_is_readable_by_a_page_of_another_origin() -> None:
    answer = browser().get("/api/v1/traces", headers={"Origin": "https://app.example"})
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (401, "*")
