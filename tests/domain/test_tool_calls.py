"""Calls of tools that nothing answered, in the shapes that messages come in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import NOW_NS, span
from traces_app.domain.tool_calls import tool_turns, unanswered_calls

ASKED = {
    "OpenAI": [
        {
            "role": "assistant",
            "tool_calls": [{"id": "c1", "function": {"name": "weather", "arguments": "{}"}}],
        }
    ],
    "OpenAI, whole answer": {
        "choices": [
            {"message": {"content": None, "tool_calls": [{"id": "c1", "function": {"name": "weather"}}]}}
        ]
    },
    "OpenAI responses": [{"type": "function_call", "call_id": "c1", "id": "fc_9", "name": "weather"}],
    "Anthropic": {
        "content": [{"type": "text", "text": "…"}, {"type": "tool_use", "id": "c1", "name": "weather"}]
    },
    "OpenTelemetry": [{"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "weather"}]}],
    "Vercel": [
        {"role": "assistant", "content": [{"type": "tool-call", "toolCallId": "c1", "toolName": "weather"}]}
    ],
    "OpenAI responses, whole answer": {
        "object": "response",
        "output": [{"type": "function_call", "call_id": "c1", "id": "fc_9", "name": "weather"}],
    },
    "Bedrock": {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c1", "name": "weather"}}]},
    "Gemini, whole answer": {
        "candidates": [
            {"content": {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "weather"}}]}}
        ]
    },
    "Gemini": {"parts": [{"functionCall": {"id": "c1", "name": "weather", "args": {}}}]},
}
ANSWERS = {
    "OpenAI": [{"role": "tool", "tool_call_id": "c1", "content": "rain"}],
    "OpenAI responses": [{"type": "function_call_output", "call_id": "c1", "output": "rain"}],
    "Anthropic": [
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "rain"}]}
    ],
    "OpenTelemetry": [
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "result": "rain"}]}
    ],
    "Vercel": [
        {"role": "tool", "content": [{"type": "tool-result", "toolCallId": "c1", "toolName": "weather"}]}
    ],
}


def missed(*spans: Any) -> list[int]:
    by_id = {one.span_id: one for one in spans}
    return sorted(int(one, 16) for one in unanswered_calls(spans, by_id.__getitem__))


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_a_call_is_read_and_missed_where_nothing_answers(asked: Any) -> None:
    assert [(turn.kind, turn.name, turn.call_id) for turn in tool_turns(asked)] == [
        ("tool_call", "weather", "c1")
    ]
    assert missed(span(1, kind="llm", output=asked), span(2, kind="llm", output="done")) == [1]


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_result_in_a_later_input_answers(answer: Any) -> None:
    asking = span(1, kind="llm", output=ASKED["OpenAI"])
    assert missed(asking, span(2, kind="llm", input=answer)) == []


def test_a_span_answers_by_the_calls_id_or_by_its_name() -> None:
    asking = span(1, kind="llm", output=ASKED["OpenAI"])
    assert missed(asking, span(2, kind="tool", name="x", tool={"call_id": "c1"})) == []
    assert missed(asking, span(2, kind="function", name="weather")) == []
    assert missed(asking, span(2, kind="tool", name="run", tool={"name": "weather"})) == []
    assert missed(asking, span(2, kind="tool", name="weather", start_ns=NOW_NS - 3600 * 10**9)) == [1]
    assert missed(asking, span(2, kind="tool", name="another")) == [1]


def test_the_run_of_one_call_answers_no_other_of_the_same_tool() -> None:
    second = [{"role": "assistant", "tool_calls": [{"id": "c2", "function": {"name": "weather"}}]}]
    spans = (
        span(1, kind="llm", output=ASKED["OpenAI"]),
        span(2, kind="tool", name="weather", tool={"call_id": "c1"}),
        span(3, kind="llm", output=second),
    )
    assert missed(*spans) == [3]


def test_calls_without_ids_are_answered_by_name() -> None:
    asking = span(1, kind="llm", output={"parts": [{"functionCall": {"name": "weather"}}]})
    answer = [{"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {}}}]}]
    assert missed(asking) == [1]
    assert missed(asking, span(2, kind="llm", input=answer)) == []
    old = [{"role": "function", "name": "weather", "content": "rain"}]
    assert missed(asking, span(2, kind="llm", input=old)) == []


class Name(str):
    """Counts how often a tool's name is looked at."""

    __slots__ = ()
    looks = 0

    def __eq__(self, other: object) -> bool:
        Name.looks += 1
        return super().__eq__(other)

    def __hash__(self) -> int:
        Name.looks += 1
        return super().__hash__()


def test_each_run_is_looked_at_once_however_many_calls_there_are() -> None:
    calls = [{"id": f"c{number}", "function": {"name": f"tool {number}"}} for number in range(300)]
    asking = span(1, kind="llm", output={"tool_calls": calls})
    runs = [span(number + 2, kind="tool", name=Name(f"tool {number}")) for number in range(300)]
    Name.looks = 0
    assert missed(asking, *runs) == []
    assert missed(asking, *runs[1:]) == [1]
    assert 0 < Name.looks < 30 * len(runs)


def test_what_was_asked_before_and_stands_in_an_input_is_no_call_of_this_one() -> None:
    assert missed(span(1, kind="llm", input=ASKED["OpenAI"], output="It rains.")) == []


def test_arguments_and_texts_that_look_like_calls_are_none() -> None:
    inner = {"type": "tool_use", "id": "c9", "name": "x"}
    asked = [{"type": "tool_call", "id": "c1", "name": "a", "arguments": {"content": [inner]}}]
    assert [turn.call_id for turn in tool_turns(asked)] == ["c1"]
    deep: Any = inner
    for _ in range(2000):
        deep = {"content": [deep]}
    assert list(tool_turns(deep)) == []
    assert list(tool_turns({"tool_calls": "none", "content": [None, 3, {"role": "tool"}]})) == []
