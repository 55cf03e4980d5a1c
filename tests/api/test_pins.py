from __future__ import annotations

import time

import pytest

from tests.api.calls import Api, browser
from tests.api.test_read import put_trace
from traces_app import access, audit, retention


def test_a_trace_says_when_it_expires_and_why(api: Api) -> None:
    retention.set_rule("dev", condition="error:true", days="180", now_ns=time.time_ns())
    root = put_trace(api)
    (listed,) = api.get("/api/v1/traces").json()["traces"]
    opened = api.get(f"/api/v1/traces/{root['trace_id']}").json()["trace"]
    for trace in (listed, opened):
        assert (trace["kept_by"], trace["pinned"]) == ("rest: 90 days", False)
        assert trace["expires_at"].endswith(":00:00.000000Z")
    assert listed["expires_at"] == opened["expires_at"]


def test_a_trace_is_pinned_and_unpinned(api: Api) -> None:
    trace_id = put_trace(api)["trace_id"]
    before = api.get(f"/api/v1/traces/{trace_id}").json()["trace"]["expires_at"]
    pinned = {"trace_id": trace_id, "pinned": True, "expires_at": None}
    assert api.post(f"/api/v1/traces/{trace_id}/pin", {}).json() == pinned
    trace = api.get(f"/api/v1/traces/{trace_id}").json()["trace"]
    assert (trace["pinned"], trace["expires_at"], trace["kept_by"]) == (True, None, "pinned")
    assert api.post(f"/api/v1/traces/{trace_id}/unpin", {}).json()["expires_at"] == before
    entries = audit.list_entries("dev", now_ns=time.time_ns())
    assert {(entry.action, entry.detail) for entry in entries} == {
        ("pin traces", trace_id),
        ("unpin traces", trace_id),
    }


@pytest.mark.parametrize("action", ["pin", "unpin"])
def test_what_is_not_there_is_404_and_another_scope_403(api: Api, other_api: Api, action: str) -> None:
    trace_id = put_trace(api)["trace_id"]
    assert other_api.post(f"/api/v1/traces/{trace_id}/{action}", {}).status_code == 404
    for scope in ("read", "ingest"):
        key = access.create_key("dev", scope, now_ns=time.time_ns()).key
        assert Api(browser(), key).post(f"/api/v1/traces/{trace_id}/{action}", {}).status_code == 403
