"""What a list shows of an input and an output."""

from __future__ import annotations

from tests.domain.test_mapping_packages import said
from traces_app.domain.preview import preview, preview_of_answer


def test_the_answer_of_a_conversation_is_what_was_said_last() -> None:
    assert preview_of_answer([said("user", "weather?"), said("assistant", "blue")]) == "blue"
    assert preview_of_answer([{"role": "assistant", "parts": [], "finish_reason": "stop"}]) is None


def test_what_a_decorator_saw_is_shown_without_its_wrapping() -> None:
    assert preview({"args": ["sky?"], "kwargs": {}}) == "sky?"
    assert preview({"args": [], "kwargs": {"question": "sky?"}}) == "sky?"
    assert preview({"args": [], "kwargs": {}}) is None
    assert preview({"messages": [{"type": "ai", "data": {"content": "blue", "type": "ai"}}]}) == "blue"


def test_an_answer_that_only_calls_tools_names_them() -> None:
    calls = [
        {"id": "c1", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}},
        {"name": "time", "arguments": {}},
    ]
    answer = [{"role": "assistant", "content": None, "tool_calls": calls}]
    assert preview_of_answer(answer) == 'weather {"city":"Oslo"} time {}'
    assert preview_of_answer([answer[0] | {"content": "I look it up."}]) == "I look it up."
    assert preview({"content": "", "tool_calls": "none"}) == '{"content":"","tool_calls":"none"}'


def test_calls_alone_are_told_in_every_shape() -> None:
    shapes = (
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "name": "weather", "input": {"city": "Oslo"}}],
        },
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city":"Oslo"}'},
        {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}]},
    )
    assert {preview_of_answer([shape]) for shape in shapes} == {'weather {"city":"Oslo"}'}
    told = {"type": "function", "function": {"name": "f", "parameters": {}}}
    assert preview([told]) == '{"type":"function","function":{"name":"f","parameters":{}}}'
