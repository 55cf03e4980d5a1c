from __future__ import annotations

import json
from typing import Any

from django.test import Client

from tests.builders import span_id
from tests.explorer.conftest import Sender
from tests.explorer.pages import Page


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
