from __future__ import annotations

import json
import time
from typing import Any

from django.test import Client

from tests.builders import span_id
from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app.domain.span import Usage
from traces_app.queries import get_trace

CALL = {
    "kind": "llm",
    "name": "chat",
    "model": "gpt-4o-mini",
    "usage": Usage(10, 2),
    "input": [{"role": "user", "content": "code: ```x``` <b>"}],
    "output": {"role": "assistant", "content": "# done"},
}


def body(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return bytes(content).decode()


def test_markdown_holds_outline_messages_and_errors(dev: Client, send: Sender) -> None:
    failing = {"kind": "tool", "status": "error", "error": {"type": "Timeout", "message": "late"}}
    trace_id = send(CALL, failing, name="run_*all*")
    response = dev.get(f"/dashboard/t/{trace_id}.md")
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    text = body(response)
    assert text.startswith("# run\\_\\*all\\*\n")
    assert "  - llm: chat, 250 ms\n" in text
    assert "**user**\n\n````\ncode: ```x``` <b>\n````" in text
    assert "Timeout: late" in text
    one = body(dev.get(f"/dashboard/t/{trace_id}/s/{span_id(2)}.md"))
    assert one.startswith("## llm: chat")
    assert "Timeout" not in one


def test_one_html_file_has_all_of_it_and_no_script(dev: Client, send: Sender) -> None:
    trace_id = send(CALL, {"attributes": {"a": "<script>"}}, name="<script>alert(1)</script>")
    response = dev.get(f"/dashboard/t/{trace_id}.html")
    assert response["Content-Disposition"] == f'attachment; filename="trace-{trace_id}.html"'
    text = body(response)
    assert "<script" not in text
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text

    class Saved:
        content = text.encode()

    page = Page(Saved())
    assert len(page.find("details", "span")) == 3
    assert not page.find("link")
    assert "# done" in page.text


def test_an_empty_output_has_no_heading_in_the_html_file(dev: Client, send: Sender) -> None:
    text = body(dev.get(f"/dashboard/t/{send({'kind': 'tool', 'input': 'asked', 'output': ''})}.html"))
    assert ("<h2>Input</h2>" in text, "<h2>Output</h2>" in text) == (True, False)


def test_the_html_file_says_whose_it_is_and_what_came_with_each_span(dev: Client, send: Sender) -> None:
    failing = {
        "kind": "tool",
        "status": "error",
        "error": {"type": "Timeout", "message": "late", "causes": [{"type": "Refused", "message": "port"}]},
        "events": [{"name": "retried"}],
        "documents": [{"content": "page one"}],
        "scores": [{"name": "tone", "value": 0.5}],
        "parameters": {"temperature": 0.25},
        "metadata": {"shelf": "seven"},
    }
    trace_id = send(CALL, failing, user_id="ana", session_id="s-1", tags=["vip"], environment="prod")

    class Saved:
        content = body(dev.get(f"/dashboard/t/{trace_id}.html")).encode()

    page = Page(Saved())
    for told in ("ana", "s-1", "vip", "prod", "Refused", "retried", "page one", "tone", "0.25", "seven"):
        assert told in page.text, told
    opened = [one for one in page.find("details", "span") if "open" in one.attributes]
    assert [one.has_class("error") for one in opened] == [False, True]


def test_otlp_json_can_be_sent_back(dev: Client, send: Sender, settings: Any) -> None:
    trace_id = send(CALL | {"attributes": {"odd.key": "kept"}}, name="run", session_id="s-1")
    exported = json.loads(body(dev.get(f"/dashboard/t/{trace_id}.otlp.json")))
    spans = exported["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert [span["name"] for span in spans] == ["run", "chat"]
    answer = dev.post(
        "/v1/traces",
        json.dumps(exported),
        content_type="application/json",
        headers={"X-API-Key": "project-shop"},
    )
    assert answer.status_code == 200
    again = get_trace("shop", trace_id, now_ns=time.time_ns()).span(span_id(2))
    assert (again.kind, again.model, again.usage and again.usage.input_tokens) == ("llm", "gpt-4o-mini", 10)
    assert again.attributes["odd.key"] == "kept"


def test_exports_of_what_is_not_there_are_404(dev: Client, send: Sender) -> None:
    trace_id = send(project="shop")
    for rest in (".md", ".html", ".otlp.json", f"/s/{span_id(1)}.md"):
        assert dev.get(f"/dashboard/t/{trace_id}{rest}").status_code == 404
