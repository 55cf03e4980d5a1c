from __future__ import annotations

import re
from typing import Any

from django.contrib.staticfiles import finders

from tests.api.calls import browser


def operations() -> dict[str, Any]:
    schema = browser().get("/api/openapi.json").json()
    return {
        f"{method.upper()} {path}": operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }


def test_the_page_needs_nothing_from_elsewhere_and_no_inline_script() -> None:
    answer = browser().get("/api/docs")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "http://" not in page
    assert "https://" not in page
    for script in re.findall(r"<script[^>]*>", page):
        assert "src=" in script or 'type="application/json"' in script
    for address in re.findall(r'(?:src|href)="/static/([^"]+)"', page):
        assert finders.find(address), address


def test_every_operation_is_described_with_its_key() -> None:
    found = operations()
    assert set(found) == {
        "POST /api/ingest",
        "GET /api/traces",
        "POST /api/traces",
        "GET /api/traces/{trace_id}",
        "POST /api/traces/{trace_id}/spans",
        "PATCH /api/spans/{span_id}/complete",
        "PATCH /api/traces/{trace_id}/complete",
        "GET /api/stats",
        "GET /api/v1/traces",
        "GET /api/v1/traces/{trace_id}/receipt",
        "GET /api/v1/traces/{trace_id}",
        "GET /api/v1/traces/{trace_id}/spans/{span_id}",
        "POST /api/v1/traces/{trace_id}/pin",
        "POST /api/v1/traces/{trace_id}/unpin",
        "GET /api/v1/stats",
        "GET /api/v1/projects",
    }
    for name, operation in found.items():
        assert operation["security"] == [{"RequireKey": []}], name
        assert operation["description"], name


def test_the_body_of_a_batch_is_described_whole() -> None:
    body = operations()["POST /api/ingest"]["requestBody"]["content"]["application/json"]["schema"]
    span = body["properties"]["spans"]["items"]
    assert {"trace_id", "span_id", "name"} == set(span["required"])
    assert "input_tokens" in str(span["properties"]["usage"])
    assert "$ref" not in str(body)


def test_the_parameters_of_the_list_are_described() -> None:
    parameters = {entry["name"] for entry in operations()["GET /api/v1/traces"]["parameters"]}
    assert {"limit", "cursor", "status", "name", "tags", "since", "until"} <= parameters
