from __future__ import annotations

from typing import Any

import pytest

from tests.api.calls import PROBLEM, Api, span_in

HOUR_NS = 3600 * 10**9


def put_trace(api: Api, **fields: Any) -> dict[str, Any]:
    root = span_in(kind="chain", **fields)
    child = span_in(
        trace_id=root["trace_id"],
        parent_span_id=root["span_id"],
        name="child",
        input="question",
        output="answer",
        usage={"input_tokens": 10, "output_tokens": 5},
        cost_usd=0.5,
        metadata={"k": "v"},
    )
    assert api.ingest(root, child).json()["accepted"] == 2
    return root


def names(answer: Any) -> list[str]:
    return [trace["name"] for trace in answer.json()["traces"]]


def test_a_listed_trace_has_its_figures(api: Api) -> None:
    root = put_trace(api, name="run", tags=["t"], session_id="s", user_id="u", environment="prod")
    (trace,) = api.get("/api/v1/traces").json()["traces"]
    assert (trace["trace_id"], trace["project"], trace["name"]) == (root["trace_id"], "dev", "run")
    assert (trace["span_count"], trace["total_tokens"], trace["cost_usd"]) == (2, 15, 0.5)
    assert (trace["tags"], trace["session_id"], trace["user_id"]) == (["t"], "s", "u")
    assert trace["start_time_unix_nano"] == root["start_time_unix_nano"]
    assert trace["start_time"].endswith("Z")
    assert trace["start_time"][-7:-1] == f"{root['start_time_unix_nano'] // 1000 % 10**6:06d}"


def test_what_is_not_known_is_null(api: Api) -> None:
    api.ingest(span_in())
    (trace,) = api.get("/api/v1/traces").json()["traces"]
    assert (trace["cost_usd"], trace["total_tokens"], trace["user_id"]) == (None, None, None)


def test_a_trace_is_its_spans_in_reading_order(api: Api) -> None:
    root = put_trace(api)
    found = api.get(f"/api/v1/traces/{root['trace_id']}").json()
    assert [(span["name"], span["depth"]) for span in found["spans"]] == [("chat", 0), ("child", 1)]
    assert found["trace"]["trace_id"] == root["trace_id"]
    assert found["spans"][0]["subtree_cost_usd"] == 0.5
    assert "input" not in found["spans"][1]


def test_with_payload_every_span_is_whole(api: Api) -> None:
    root = put_trace(api)
    found = api.get(f"/api/v1/traces/{root['trace_id']}", payload="true").json()
    child = found["spans"][1]
    assert (child["input"], child["output"], child["metadata"]) == ("question", "answer", {"k": "v"})
    assert (child["depth"], child["usage"]["input_tokens"]) == (1, 10)


def test_ids_in_the_address_may_be_upper_case(api: Api) -> None:
    root = put_trace(api)
    path = f"/api/v1/traces/{root['trace_id'].upper()}/spans/{root['span_id'].upper()}"
    assert api.get(path).json()["span_id"] == root["span_id"]


def test_another_projects_trace_is_not_found(api: Api, other_api: Api) -> None:
    root = put_trace(api)
    for path in ("", "?payload=true", f"/spans/{root['span_id']}"):
        answer = other_api.get(f"/api/v1/traces/{root['trace_id']}{path}")
        assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)
        assert answer.json()["field"] == "trace_id"
    assert other_api.get("/api/v1/traces").json()["traces"] == []


def test_an_unknown_span_is_not_found(api: Api) -> None:
    answer = api.get(f"/api/v1/traces/{put_trace(api)['trace_id']}/spans/{'1' * 16}")
    assert (answer.status_code, answer.json()["field"]) == (404, "span_id")


@pytest.mark.parametrize(
    "parameters",
    [
        {"status": "error"},
        {"name": "SPECIAL"},
        {"tags": "x,y"},
        {"user_id": "u1"},
        {"session_id": "s1"},
        {"environment": "prod"},
    ],
)
def test_each_filter_finds_its_trace(api: Api, parameters: Any) -> None:
    put_trace(
        api,
        name="my special run",
        status="error",
        tags=["x", "y"],
        user_id="u1",
        session_id="s1",
        environment="prod",
    )
    put_trace(api, name="other", tags=["x"], user_id="u2", session_id="s2", environment="test")
    assert names(api.get("/api/v1/traces", **parameters)) == ["my special run"]


def test_times_bound_the_start_in_either_spelling(api: Api) -> None:
    root = put_trace(api, name="now")
    start_ms = root["start_time_unix_nano"] // 10**6
    start_text = api.get("/api/v1/traces").json()["traces"][0]["start_time"]
    for before, after in (
        (str(start_ms - 60_000), str(start_ms + 60_000)),
        ("2020-01-01", "2100-01-01"),
        (start_text[:19] + "+00:00", start_text.replace("20", "21", 1)),
    ):
        assert names(api.get("/api/v1/traces", since=before)) == ["now"]
        assert names(api.get("/api/v1/traces", until=after)) == ["now"]
        assert names(api.get("/api/v1/traces", since=after)) == []


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"since": "yesterday"}, "since"),
        ({"until": "99999999999999999"}, "until"),
        ({"status": "fine"}, "status"),
        ({"name": "n" * 1001}, "name"),
    ],
)
def test_a_bad_parameter_is_named(api: Api, parameters: Any, field: str) -> None:
    answer = api.get("/api/v1/traces", **parameters)
    assert (answer.status_code, answer["Content-Type"]) == (422, PROBLEM)
    assert answer.json()["field"] == field


def test_a_bad_cursor_is_named(api: Api) -> None:
    answer = api.get("/api/v1/traces", cursor="nonsense")
    assert (answer.status_code, answer.json()["field"]) == (400, "cursor")


def test_pages_follow_each_other_without_gap_or_repeat(api: Api) -> None:
    for number in range(7):
        put_trace(api, name=f"run {number}")
    seen: list[str] = []
    page = api.get("/api/v1/traces", limit=3).json()
    while True:
        seen += [trace["name"] for trace in page["traces"]]
        if page["next_cursor"] is None:
            break
        page = api.get("/api/v1/traces", limit=3, cursor=page["next_cursor"]).json()
    assert sorted(seen) == [f"run {number}" for number in range(7)]


def test_totals_of_a_range(api: Api) -> None:
    put_trace(api)
    stats = api.get("/api/v1/stats").json()
    assert (stats["total_traces"], stats["total_spans"], stats["total_tokens"]) == (1, 2, 15)
    assert (stats["cost_usd"], stats["losses"]) == (0.5, {})
    assert api.get("/api/v1/stats", since="2100-01-01").json()["total_traces"] == 0


def test_the_keys_project_is_told(api: Api) -> None:
    assert api.get("/api/v1/projects").json() == {"projects": [{"id": "dev", "scope": "all"}]}


def test_a_receipt_says_what_a_trace_takes(api: Api) -> None:
    root = put_trace(api)
    found = api.get(f"/api/v1/traces/{root['trace_id']}/receipt").json()
    assert (found["trace_id"], found["batches"]) == (root["trace_id"], 1)
    assert found["write_units"] >= 2
    assert found["kept_bytes"] > found["stored_bytes"] > 0
    assert found["writing_usd"] == pytest.approx(found["write_units"] * 0.625e-6)
    assert found["work_ms"] > 0
    assert found["expires_at"].endswith("Z")
    assert len(found["biggest"]) == 2
    assert api.get(f"/api/v1/traces/{'f' * 32}/receipt").status_code == 404
