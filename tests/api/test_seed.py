from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.api.calls import PROBLEM, Api, span_in


def begin(api: Api, **fields: Any) -> str:
    answer = api.post("/api/traces", {"name": "run", **fields})
    assert answer.status_code == 200, answer.content
    assert answer.json()["status"] == "created"
    return answer.json()["trace_id"]


def begin_span(api: Api, trace_id: str, **fields: Any) -> str:
    answer = api.post(f"/api/traces/{trace_id}/spans", {"name": "step", "span_type": "llm", **fields})
    assert answer.status_code == 200, answer.content
    assert answer.json()["status"] == "created"
    return answer.json()["span_id"]


def end_span(api: Api, span_id: str, **fields: Any) -> None:
    answer = api.patch(f"/api/spans/{span_id}/complete", fields)
    assert (answer.status_code, answer.json()) == (200, {"span_id": span_id, "status": "completed"})


def end(api: Api, trace_id: str, **fields: Any) -> None:
    answer = api.patch(f"/api/traces/{trace_id}/complete", fields)
    assert (answer.status_code, answer.json()) == (200, {"trace_id": trace_id, "status": "completed"})


def opened(api: Api, trace_id: str) -> Any:
    return api.get(f"/api/traces/{trace_id}").json()


def test_the_whole_flow_of_the_originals_client(api: Api) -> None:
    trace_id = begin(
        api,
        project_id="dev",
        metadata={"a": 1},
        tags=["x", "y"],
        user_id="u",
        session_id="s",
    )
    outer = begin_span(api, trace_id, span_type="agent", name="outer", metadata={"m": 1})
    inner = begin_span(api, trace_id, parent_span_id=outer, model="gpt-4o", input_data={"q": "?"})
    end_span(api, inner, output_data={"a": "!"}, tokens_input=100, tokens_output=20, cost_usd=0.5)
    end_span(api, outer)
    end(api, trace_id, output="all done")

    found = opened(api, trace_id)
    trace, spans = found["trace"], {span["name"]: span for span in found["spans"]}
    assert found["span_count"] == 2
    assert (trace["trace_id"], trace["project_id"], trace["name"]) == (trace_id, "dev", "run")
    assert (trace["status"], trace["metadata"], trace["tags"]) == ("completed", {"a": 1}, ["x", "y"])
    assert (trace["user_id"], trace["session_id"]) == ("u", "s")
    assert (trace["total_tokens"], trace["total_cost"], trace["span_count"]) == (120, 0.5, 2)
    assert (spans["outer"]["span_id"], spans["outer"]["parent_span_id"]) == (outer, None)
    step = spans["step"]
    assert (step["span_id"], step["parent_span_id"], step["trace_id"]) == (inner, outer, trace_id)
    assert (step["span_type"], step["model"], step["status"]) == ("llm", "gpt-4o", "completed")
    assert (step["input_data"], step["output_data"], step["error"]) == ({"q": "?"}, {"a": "!"}, None)
    assert (step["tokens_input"], step["tokens_output"], step["cost_usd"]) == (100, 20, 0.5)
    assert step["duration_ms"] >= 0
    assert datetime.fromisoformat(step["start_time"]) <= datetime.fromisoformat(step["end_time"])


def test_a_running_trace_shows_what_is_there(api: Api) -> None:
    trace_id = begin(api)
    begin_span(api, trace_id, input_data="in")
    found = opened(api, trace_id)
    assert (found["trace"]["status"], found["trace"]["end_time"]) == ("running", None)
    assert (found["spans"][0]["status"], found["spans"][0]["input_data"]) == ("running", "in")
    listed = api.get("/api/traces").json()["traces"]
    assert [(trace["trace_id"], trace["status"]) for trace in listed] == [(trace_id, "running")]


def test_an_error_fails_the_span(api: Api) -> None:
    trace_id = begin(api)
    end_span(api, begin_span(api, trace_id), error="boom")
    span = opened(api, trace_id)["spans"][0]
    assert (span["status"], span["error"]) == ("failed", "boom")


def test_completing_twice_overwrites(api: Api) -> None:
    trace_id = begin(api)
    span_id = begin_span(api, trace_id, model="gpt-4o")
    end_span(api, span_id, output_data="first", tokens_input=5, tokens_output=1)
    end_span(api, span_id, output_data="second", tokens_input=7)
    span = opened(api, trace_id)["spans"][0]
    assert (span["output_data"], span["tokens_input"], span["tokens_output"]) == ("second", 7, 1)


def test_the_cost_is_computed_from_the_last_tokens_and_not_taken_for_reported(api: Api) -> None:
    trace_id = begin(api)
    span_id = begin_span(api, trace_id, model="gpt-4o", tokens_input=1_000_000, tokens_output=0)
    end_span(api, span_id, tokens_input=2_000_000)
    own = api.get(f"/api/v1/traces/{trace_id}/spans/{span_id[-16:]}").json()
    assert (own["cost_source"], own["cost_usd"]) == ("computed", pytest.approx(5.0))


def test_what_is_not_sent_again_stays(api: Api) -> None:
    trace_id = begin(api)
    span_id = begin_span(api, trace_id, output_data={"early": 1}, error="early", metadata={"k": 1})
    end_span(api, span_id)
    span = opened(api, trace_id)["spans"][0]
    assert (span["output_data"], span["error"], span["metadata"]) == ({"early": 1}, "early", {"k": 1})


def test_the_session_and_user_of_a_trace_are_on_its_spans(api: Api) -> None:
    trace_id = begin(api, user_id="u", session_id="s")
    span_id = begin_span(api, trace_id)
    own = api.get(f"/api/v1/traces/{trace_id}/spans/{span_id[-16:]}").json()
    assert (own["user_id"], own["session_id"]) == ("u", "s")


def test_unknown_traces_and_spans_are_not_found(api: Api) -> None:
    no_trace = "0" * 31 + "1"
    for answer in (
        api.get(f"/api/traces/{no_trace}"),
        api.get("/api/traces/nonsense"),
        api.post(f"/api/traces/{no_trace}/spans", {"name": "s"}),
        api.patch(f"/api/traces/{no_trace}/complete", {}),
        api.patch(f"/api/spans/{no_trace}-{no_trace[16:]}/complete", {}),
        api.patch("/api/spans/nonsense/complete", {}),
        api.patch(f"/api/spans/{begin(api)}-{no_trace[16:]}/complete", {}),
    ):
        assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)


def test_another_projects_trace_is_not_found(api: Api, other_api: Api) -> None:
    trace_id = begin(api)
    span_id = begin_span(api, trace_id)
    for answer in (
        other_api.get(f"/api/traces/{trace_id}"),
        other_api.post(f"/api/traces/{trace_id}/spans", {"name": "s"}),
        other_api.patch(f"/api/spans/{span_id}/complete", {}),
        other_api.patch(f"/api/traces/{trace_id}/complete", {}),
    ):
        assert answer.status_code == 404
    assert other_api.get("/api/traces").json()["traces"] == []
    assert other_api.get("/api/stats").json()["total_traces"] == 0


def test_the_project_must_be_the_keys(api: Api) -> None:
    for ours in ("dev", "project-dev", None):
        assert api.post("/api/traces", {"name": "run", "project_id": ours}).status_code == 200
    answer = api.post("/api/traces", {"name": "run", "project_id": "other"})
    assert (answer.status_code, answer.json()["field"]) == (403, "project_id")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "n" * 256}, "name"),
        ({"name": "n", "tags": ["t"] * 51}, "tags"),
        ({"name": "n", "metadata": []}, "metadata"),
        ({"name": "n", "user_id": 5}, "user_id"),
    ],
)
def test_a_bad_trace_names_the_field(api: Api, body: Any, field: str) -> None:
    answer = api.post("/api/traces", body)
    assert (answer.status_code, answer["Content-Type"]) == (422, PROBLEM)
    assert answer.json()["field"] == field
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "s", "span_type": "dance"}, "span_type"),
        ({"name": "s", "tokens_input": -1}, "tokens_input"),
        ({"name": "s", "cost_usd": "much"}, "cost_usd"),
        ({"name": "s", "parent_span_id": "nonsense"}, "parent_span_id"),
        ({"name": "s", "parent_span_id": "1" * 32 + "-" + "1" * 16}, "parent_span_id"),
    ],
)
def test_a_bad_span_names_the_field(api: Api, body: Any, field: str) -> None:
    answer = api.post(f"/api/traces/{begin(api)}/spans", body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_every_span_type_of_the_original_is_taken(api: Api) -> None:
    trace_id = begin(api)
    for span_type in ("llm", "tool", "agent", "chain", "retrieval", "embedding", "function", "other"):
        begin_span(api, trace_id, span_type=span_type)
    assert opened(api, trace_id)["span_count"] == 8


def test_the_list_is_paged_newest_first(api: Api) -> None:
    ids = [begin(api, name=f"run {number}") for number in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get("/api/traces", limit=2, **cursor).json()
        assert page["count"] == len(page["traces"])
        assert page["has_more"] == (page["next_cursor"] is not None)
        seen += [trace["trace_id"] for trace in page["traces"]]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(seen) == sorted(ids)
    assert len(seen) == 5


def test_the_list_is_filtered(api: Api) -> None:
    mine = begin(api, user_id="u1", session_id="s1", tags=["a", "b"])
    begin(api, user_id="u2", session_id="s2", tags=["b"])
    for parameters in ({"user_id": "u1"}, {"session_id": "s1"}, {"tags": "a,b"}, {"tags": "a"}):
        found = api.get("/api/traces", **parameters).json()["traces"]
        assert [trace["trace_id"] for trace in found] == [mine]
    assert api.get("/api/traces", tags="b").json()["count"] == 2


@pytest.mark.parametrize("parameters", [{"limit": 0}, {"limit": 1001}, {"limit": "many"}])
def test_a_bad_limit_is_named(api: Api, parameters: Any) -> None:
    answer = api.get("/api/traces", **parameters)
    assert (answer.status_code, answer.json()["field"]) == (422, "limit")


def test_a_bad_cursor_is_named(api: Api) -> None:
    answer = api.get("/api/traces", cursor="nonsense")
    assert (answer.status_code, answer.json()["field"]) == (400, "cursor")


def test_the_totals(api: Api) -> None:
    trace_id = begin(api)
    end_span(api, begin_span(api, trace_id), tokens_input=3, tokens_output=4, cost_usd=0.25)
    end(api, trace_id)
    assert api.get("/api/stats").json() == {
        "total_traces": 1,
        "total_spans": 2,
        "total_tokens": 7,
        "total_cost": 0.25,
    }


def test_traces_of_our_own_client_are_shown_too(api: Api) -> None:
    root = span_in(kind="chain")
    child = span_in(trace_id=root["trace_id"], parent_span_id=root["span_id"], name="child")
    api.ingest(root, child)
    found = opened(api, root["trace_id"])
    assert [(span["name"], span["parent_span_id"]) for span in found["spans"]] == [("child", None)]
