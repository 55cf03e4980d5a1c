"""What a call was told before, and which span ran the tool it asked for."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.builders import span_id
from tests.explorer.conftest import Sender
from traces_app.explorer.pages.traceback import frame_groups

SYSTEM = {"role": "system", "content": "s"}
QUESTION = {"role": "user", "content": "q"}
REPLY = {"role": "assistant", "content": "a"}
NEXT = {"role": "user", "content": "and?"}


def call(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"kind": "llm", "input": list(messages), "output": REPLY} | fields


def detail(browser: Client, trace_id: str, number: int) -> Any:
    return browser.get(f"/dashboard/t/{trace_id}/s/{span_id(number)}?pane=1").context["detail"]


def test_a_call_that_goes_on_from_another_says_what_is_new(dev: Client, send: Sender) -> None:
    trace_id = send(call(SYSTEM, QUESTION), call(SYSTEM, QUESTION, REPLY, NEXT))
    shown = detail(dev, trace_id, 3).input
    assert shown.new == "+1 new since the previous call"
    assert shown.previous.span_id == span_id(2)
    assert [message.role for message in shown.last] == ["user"]
    assert len(shown.first) + len(shown.middle) == 3


def test_calls_that_only_share_their_system_prompt_have_no_history(dev: Client, send: Sender) -> None:
    trace_id = send(call(SYSTEM, QUESTION), call(SYSTEM, NEXT))
    assert detail(dev, trace_id, 3).input.new == ""
    assert detail(dev, trace_id, 2).input.new == ""


@pytest.mark.parametrize(
    "asked",
    [
        {"type": "tool_use", "id": "id-1", "name": "search", "input": {}},
        {"type": "tool_call", "id": "id-1", "name": "search", "arguments": {}},
    ],
)
def test_the_span_with_the_calls_id_ran_the_tool(dev: Client, send: Sender, asked: Any) -> None:
    tools = [
        {"kind": "tool", "name": "search", "tool": {"name": "search", "call_id": f"id-{number}"}}
        for number in range(3)
    ]
    output = [{"role": "assistant", "content": [asked]}]
    trace_id = send(call(QUESTION, output=output), *tools)
    part = detail(dev, trace_id, 2).output.last[0].parts[0]
    assert part.link.span_id == span_id(4)


def asked_parts(browser: Client, trace_id: str) -> list[tuple[str, str]]:
    parts = [part for one in detail(browser, trace_id, 2).output.messages for part in one.parts]
    return [
        (part.link.span_id if part.link else "", part.result.text if part.result else "") for part in parts
    ]


def asks(*ids: str) -> dict[str, Any]:
    calls = [{"id": one, "function": {"name": "weather", "arguments": "{}"}} for one in ids]
    return call(QUESTION, output=[{"role": "assistant", "tool_calls": calls}])


def ran(answer: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "tool", "name": "weather", "output": answer} | fields


def test_an_answer_stands_under_its_own_call(dev: Client, send: Sender) -> None:
    trace_id = send(asks("c1", "c2"), ran("sun", tool={"call_id": "c2"}), ran("rain", tool={"call_id": "c1"}))
    assert asked_parts(dev, trace_id) == [(span_id(4), "rain"), (span_id(3), "sun")]


def test_a_name_alone_tells_the_answer_of_one_call_and_not_of_two(dev: Client, send: Sender) -> None:
    assert asked_parts(dev, send(asks("c1"), ran("rain"))) == [(span_id(3), "rain")]
    assert asked_parts(dev, send(asks("c1", "c2"), ran("rain"), ran("sun"))) == [("", ""), ("", "")]
    assert asked_parts(dev, send(asks("c1", "c1"), ran("rain"))) == [(span_id(3), "rain")] * 2


def test_no_answer_is_taken_from_another_call_of_the_tool(dev: Client, send: Sender) -> None:
    assert asked_parts(dev, send(asks("c1"), ran("sun", tool={"call_id": "c9"}))) == [("", "")]
    assert asked_parts(dev, send(asks("c1"), ran("sun", start_ns=1_600_000_000_000_000_000))) == [("", "")]


def test_a_call_without_an_id_finds_the_run_that_has_one(dev: Client, send: Sender) -> None:
    part = {"functionCall": {"name": "weather", "args": {}}}
    asking = call(QUESTION, output=[{"role": "model", "parts": [part]}])
    assert asked_parts(dev, send(asking, ran("rain", tool={"call_id": "c9"}))) == [(span_id(3), "rain")]


def test_library_frames_are_folded_and_the_programs_own_are_not() -> None:
    stack = """Traceback (most recent call last):
  File "/app/main.py", line 3, in run
    work()
  File "/venv/lib/python3.11/site-packages/httpx/_client.py", line 1, in send
    raise error
  File "/venv/lib/python3.11/site-packages/httpx/_client.py", line 9, in handle
    again()
  File "/app/work.py", line 7, in work
    fail()
ValueError: no"""
    groups = frame_groups(stack)
    assert [group.label for group in groups] == ["", "2 library frames", ""]
    assert "work()" in groups[0].text
    assert groups[2].text.endswith("ValueError: no")
