"""Empty fields say why, where the span tells; where it does not, no reason is made up."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.builders import span_id
from tests.explorer.conftest import Sender
from tests.explorer.pages import Page

ASKED = {"input": [{"role": "user", "content": "hi"}]}


def told(dev: Client, trace_id: str, css_class: str = "absent") -> list[str]:
    page = Page(dev.get(f"/dashboard/t/{trace_id}/s/{span_id(2)}?pane=1"))
    return [note.text for note in page.find("p", css_class)]


@pytest.mark.parametrize(
    ("span", "said"),
    [
        ({}, "Not sent."),
        ({"output": ""}, "Sent, as an empty text."),
        ({"output": []}, "Sent, as an empty list."),
        (
            {"notices": ["cut by the client: 1 output_not_captured"]},
            "Not captured: the decorator was told capture_output=False.",
        ),
        (
            {"notices": ["cut by the client: 1 contents_queue_full"]},
            "Dropped: the client's queue was full.",
        ),
        ({"notices": ["cut by the client: 1 input_not_captured"]}, "Not sent."),
        ({"notices": ["cut by the client: 3 output_binary_bytes"]}, "Cut by the client: binary bytes."),
        ({"status": "pending", "end_ns": None}, "Not there yet: the span is still running."),
        (
            {"dropped": {"attributes dropped by the sender": 12}},
            "Not sent, or among the 12 attributes of this span that its sender dropped.",
        ),
        ({"status": "error", "error": {"message": "429"}}, "Not sent: the span ended in an error."),
        (
            {"attributes": {"gen_ai.operation.name": "chat"}},
            "The instrumentation did not capture it. To turn it on: ",
        ),
    ],
)
def test_an_empty_output_says_why(dev: Client, send: Sender, span: dict[str, Any], said: str) -> None:
    (note,) = told(dev, send({"kind": "llm", **ASKED, **span}))
    assert note == said or (said.endswith(" ") and note.startswith(said))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("[masked]", "Masked by the client: a secret, or named like one."),
        (
            {"value": "masked: hook failed"},
            "Masked by the client: its own mask function failed, so nothing was sent.",
        ),
        ("__REDACTED__", "Hidden by the instrumentation: OPENINFERENCE_HIDE_INPUTS."),
        (
            {"mail": "[Scrubbed due to 'email']", "b": "[Scrubbed due to 'auth']"},
            "Masked by rule auth, email.",
        ),
        ({"password": "[masked]", "token": "[masked]"}, "2 parts masked by the client."),
    ],
)
def test_what_was_masked_is_said(dev: Client, send: Sender, value: Any, said: str) -> None:
    trace_id = send({"kind": "tool", "input": value, "output": "done"})
    assert told(dev, trace_id, "cut") == [said]


def test_what_the_decorator_was_told_stands_at_the_empty_field_only(dev: Client, send: Sender) -> None:
    told_not_to = "cut by the client: 1 output_not_captured"
    notices = [told_not_to, "cut by the client: 2 input_binary_bytes"]

    def shown(**fields: Any) -> list[str]:
        trace_id = send({"kind": "tool", "input": "asked", "notices": notices} | fields)
        return dev.get(f"/dashboard/t/{trace_id}/s/{span_id(2)}?pane=1").context["detail"].notices

    assert shown() == notices[1:]
    assert shown(output="set by hand") == notices


def test_masks_are_counted_in_messages_too(dev: Client, send: Sender) -> None:
    said = [{"role": "user", "content": "my key is [masked]"}, {"role": "user", "content": "[masked]"}]
    trace_id = send({"kind": "llm", "input": said, "output": "done"})
    assert told(dev, trace_id, "cut") == ["2 parts masked by the client."]


def test_what_came_whole_has_no_note(dev: Client, send: Sender) -> None:
    trace_id = send({"kind": "tool", "input": {"city": "Delft"}, "output": "rain"})
    assert told(dev, trace_id) == told(dev, trace_id, "cut") == []
