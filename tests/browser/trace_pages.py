"""Traces for the browser, and the ways to look at them."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.builders import span_id
from tests.explorer.conftest import Sender
from traces_app.domain.span import Usage

ZOOMED = re.compile(r"[#&]z=\d+-\d+")
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Delft"}'},
}
QUESTION = [
    {"role": "system", "content": "You are brief."},
    {"role": "user", "content": "What is the weather in Delft?"},
]
ANSWER = "## Weather\n\n**Rain** all day:\n\n- take a coat\n- take `two` umbrellas"


def agent_trace(send: Sender, **fields: Any) -> str:
    """A call that asks for a tool, the tool, a call that answers, and a tool that fails."""
    first = {
        "name": "chat one",
        "kind": "llm",
        "model": "gpt-4o-mini",
        "usage": Usage(100, 20),
        "input": QUESTION,
        "output": {"role": "assistant", "content": None, "tool_calls": [CALL]},
        "time_to_first_token_ms": 90.0,
    }
    tool = {
        "name": "get_weather",
        "kind": "tool",
        "tool": {"name": "get_weather", "call_id": "call_1"},
        "input": {"city": "Delft"},
        "output": {"sky": "rain", "id": 12345678901234567890},
    }
    history = [
        *QUESTION,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"sky": "rain"}'},
    ]
    second = first | {
        "name": "chat two",
        "input": history,
        "output": {"role": "assistant", "content": ANSWER},
    }
    failing = {
        "name": "send_mail",
        "kind": "tool",
        "status": "error",
        "input": {"to": "ana"},
        "error": {"type": "ConnectTimeout", "message": "no answer in 5 s"},
    }
    values = {"name": "agent run", "kind": "agent", "user_id": "ana", "session_id": "chat-7"} | fields
    return send(first, tool, second, failing, **values)


def wide_trace(send: Sender, count: int) -> str:
    children = [
        {
            "name": "step",
            "kind": "function",
            "parent_span_id": span_id(1 + number // 50 * 50) if number else None,
        }
        for number in range(count)
    ]
    for child in children[:1]:
        child["parent_span_id"] = span_id(1)
    return send(*children, name="wide")


def open_trace(page: Page, trace_id: str, rest: str = "") -> None:
    page.goto(f"/dashboard/t/{trace_id}{rest}")
    expect(page.locator("[data-trace][data-ready]")).to_be_attached()


def names(page: Page) -> list[str]:
    """Of the rows, from the top."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('[data-rows] .row')]
            .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
            .map((row) => row.querySelector('b').textContent)"""
    )
    return found


def title(page: Page) -> Any:
    """Of the open span."""
    return page.locator("[data-detail] h2")
