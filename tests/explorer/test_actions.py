from __future__ import annotations

import json
import time
from typing import Any

from django.test import Client

from tests.builders import span_id
from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app.queries import get_trace


def streamed(response: Any) -> Any:
    return json.loads(b"".join(response.streaming_content))


def streamed_lines(response: Any) -> list[Any]:
    return [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]


def test_the_selected_traces_are_exported_whole(dev: Client, send: Sender) -> None:
    one, two = send({"input": "payload"}, name="one"), send(name="two")
    send(name="not selected")
    response = dev.post("/dashboard/actions", {"action": "export", "selected": [one, two]})
    assert response["Content-Disposition"] == 'attachment; filename="traces.jsonl"'
    traces = streamed_lines(response)
    assert [(trace["name"], len(trace["spans"])) for trace in traces] == [("one", 2), ("two", 1)]
    assert traces[0]["spans"][1]["input"] == "payload"


def test_a_trace_that_is_gone_or_anothers_does_not_spoil_the_export(dev: Client, send: Sender) -> None:
    other = send(project="shop", name="secret")
    traces = streamed_lines(dev.post("/dashboard/actions", {"action": "export", "selected": [other, send()]}))
    assert traces[0] == {"trace_id": other, "error": "not found in this project"}
    assert len(traces[1]["spans"]) == 1


def test_nothing_selected_is_said(dev: Client, send: Sender) -> None:
    send()
    for fields in ({}, {"action": "export"}, {"action": "explode", "selected": "a"}):
        response = dev.post("/dashboard/actions", fields, follow=True)
        assert "Select at least one trace" in Page(response).text


def test_actions_need_a_post_and_its_token(dev: Client, send: Sender) -> None:
    assert dev.get("/dashboard/actions").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = dev.cookies
    assert strict.post("/dashboard/actions", {"action": "export"}).status_code == 403


def test_one_trace_is_downloaded_whole(dev: Client, send: Sender) -> None:
    trace_id = send({"output": [1, 2]})
    response = dev.get(f"/dashboard/t/{trace_id}/download")
    assert response["Content-Disposition"].startswith("attachment;")
    whole = streamed(response)
    assert [span["span_id"] for span in whole["spans"]] == [span_id(1), span_id(2)]
    assert whole["spans"][1]["output"] == [1, 2]


def test_two_to_four_traces_are_compared_and_not_five(dev: Client, send: Sender) -> None:
    ids = [send() for _ in range(5)]
    answer = dev.post("/dashboard/actions", {"action": "compare", "selected": ids[:2]})
    assert answer["Location"] == f"/dashboard/diff?a={ids[0]}&b={ids[1]}"
    answer = dev.post("/dashboard/actions", {"action": "compare", "selected": ids[:4]})
    assert answer["Location"].endswith(f"&d={ids[3]}")
    for wrong in (ids, ids[:1]):
        refused = dev.post("/dashboard/actions", {"action": "compare", "selected": wrong, "back": "?q=x"})
        assert refused["Location"] == "/dashboard/?q=x"


def test_selected_traces_are_tagged(dev: Client, send: Sender) -> None:
    one, two = send(name="one", tags=["old"]), send(name="two")
    send(name="three")
    answer = dev.post(
        "/dashboard/actions", {"action": "tag", "tag": " to  do ", "selected": [one, two]}, follow=True
    )
    assert "2 traces tagged to do." in Page(answer).text
    page = dev.get('/dashboard/?q=tag:"to do"').context["page"]
    assert sorted(line.name for line in page.lines) == ["one", "two"]
    assert dev.get("/dashboard/admin/audit").context["page"][0].detail == "2 traces tagged to do"
    for tag in ("", "\u200b", "x" * 201):
        untagged = dev.post(
            "/dashboard/actions", {"action": "tag", "tag": tag, "selected": [one]}, follow=True
        )
        assert "Tag: write what" in Page(untagged).text
    hidden = dev.post(
        "/dashboard/actions", {"action": "tag", "tag": "A\u202eB", "selected": [one]}, follow=True
    )
    assert "tagged A⟨U+202E⟩B." in Page(hidden).text


def test_traces_are_deleted_after_a_question(dev: Client, send: Sender) -> None:
    one, two = send(name="one", session_id="s", user_id="u"), send(name="two")
    question = dev.post("/dashboard/actions", {"action": "delete", "selected": [one], "back": "?q=x"})
    assert "Delete 1 trace?" in Page(question).text
    assert dev.get(f"/dashboard/t/{one}").status_code == 200
    answer = dev.post(
        "/dashboard/actions", {"action": "delete", "selected": [one], "confirmed": "yes"}, follow=True
    )
    assert "1 trace deleted." in Page(answer).text
    assert dev.get(f"/dashboard/t/{one}").status_code == 404
    assert dev.get("/dashboard/session?id=s").status_code == 404
    assert [line.trace_id for line in dev.get("/dashboard/").context["page"].lines] == [two]
    assert one in dev.get("/dashboard/admin/audit").context["page"][0].detail


def test_another_projects_traces_are_neither_tagged_nor_deleted(dev: Client, send: Sender) -> None:
    theirs = send(project="shop")
    for fields in ({"action": "tag", "tag": "x"}, {"action": "delete", "confirmed": "yes"}):
        answer = dev.post("/dashboard/actions", {**fields, "selected": [theirs]}, follow=True)
        assert "0 traces" in Page(answer).text
    assert get_trace("shop", theirs, now_ns=time.time_ns()).summary.tags == []
