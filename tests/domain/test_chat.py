from __future__ import annotations

from typing import Any

import pytest

from traces_app.domain.chat import read_messages
from traces_app.domain.mapping.parts import part_of


def parts(value: Any) -> list[tuple[str, str, Any]]:
    messages = read_messages(value)
    assert messages is not None
    return [(message.role, part.kind, part.value) for message in messages for part in message.parts]


def test_a_list_of_messages_is_a_chat() -> None:
    value = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    assert parts(value) == [("user", "text", "hi"), ("assistant", "text", "hello")]


def test_a_request_and_a_response_hold_messages() -> None:
    assert parts({"model": "m", "messages": [{"role": "user", "content": "hi"}]}) == [("user", "text", "hi")]
    assert parts({"choices": [{"message": {"role": "assistant", "content": "yo"}}]}) == [
        ("assistant", "text", "yo")
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "text", "text": "a"}, ("text", "a")),
        ({"type": "text", "content": "a"}, ("text", "a")),
        ({"type": "input_text", "text": "a"}, ("text", "a")),
        ({"text": "a"}, ("text", "a")),
        ({"type": "thinking", "thinking": "hm"}, ("reasoning", "hm")),
        ({"type": "reasoning", "summary": [{"text": "x"}, {"text": "y"}]}, ("reasoning", "x\n\ny")),
        ({"type": "tool_use", "id": "1", "name": "f", "input": {"x": 1}}, ("tool_call", {"x": 1})),
        ({"type": "tool-call", "toolName": "f", "args": {"x": 1}}, ("tool_call", {"x": 1})),
        ({"type": "tool_call", "name": "f", "arguments": '{"x": 1}'}, ("tool_call", {"x": 1})),
        ({"type": "tool_result", "tool_use_id": "1", "content": "done"}, ("tool_result", "done")),
        ({"type": "tool_call_response", "id": "1", "result": [1]}, ("tool_result", [1])),
        ({"type": "image_url", "image_url": {"url": "u"}}, ("image", "u")),
        ({"type": "input_image", "image_url": "u"}, ("image", "u")),
        (
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}},
            ("audio", "data:audio/mpeg;base64,AA"),
        ),
        ({"type": "file", "file": {"filename": "a.pdf", "file_id": "file-1"}}, ("file", "file-1")),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA"}},
            ("file", "data:application/pdf;base64,AA"),
        ),
        ({"type": "document", "source": {"type": "text", "data": "plain"}}, ("text", "plain")),
        ({"type": "document", "text": "found"}, ("other", {"type": "document", "text": "found"})),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
            ("image", "data:image/png;base64,AA"),
        ),
        ({"type": "never heard of", "a": 1}, ("other", {"type": "never heard of", "a": 1})),
        ("bare", ("text", "bare")),
    ],
)
def test_parts_of_every_provider_are_read(part: Any, expected: tuple[str, Any]) -> None:
    assert parts([{"role": "user", "content": [part]}]) == [("user", *expected)]
    assert parts([{"role": "user", "parts": [part]}]) == [("user", *expected)]


def test_tool_calls_and_results_keep_their_names_and_ids() -> None:
    messages = read_messages(
        [
            {
                "role": "assistant",
                "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": "not json"}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
        ]
    )
    assert messages is not None
    call, result = messages[0].parts[0], messages[1].parts[0]
    assert (call.name, call.call_id, call.value) == ("f", "c1", "not json")
    assert (result.kind, result.call_id, result.value) == ("tool_result", "c1", "42")


def test_entries_of_the_responses_api_stand_among_messages() -> None:
    value = [
        {"role": "user", "content": "hi"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "ok"},
    ]
    assert parts(value) == [
        ("user", "text", "hi"),
        ("assistant", "tool_call", {}),
        ("tool", "tool_result", "ok"),
    ]


def test_calls_and_results_name_the_call_and_not_their_own_entry() -> None:
    entries = [
        {"type": "function_call", "id": "fc_9", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "id": "fco_7", "call_id": "c1", "output": "ok"},
    ]
    for value in (entries, {"object": "response", "output": entries}):
        assert [message.parts[0].call_id for message in read_messages(value) or []] == ["c1", "c1"]
    assert [part_of(entry)["id"] for entry in entries] == ["c1", "c1"]


def test_parts_of_gemini_and_bedrock_are_calls_and_results() -> None:
    gemini = [
        {"functionCall": {"name": "f", "args": {"x": 1}}},
        {"functionResponse": {"name": "f", "response": {"y": 2}}},
    ]
    bedrock = [
        {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"x": 1}}},
        {"toolResult": {"toolUseId": "t1", "content": {"y": 2}}},
    ]
    said = [("model", "tool_call", {"x": 1}), ("model", "tool_result", {"y": 2})]
    assert parts({"candidates": [{"content": {"role": "model", "parts": gemini}}]}) == said
    assert parts({"role": "model", "content": bedrock}) == said


def test_what_calls_tools_is_the_models_message_without_a_role_too() -> None:
    call = {"type": "tool_use", "id": "1", "name": "f", "input": {}}
    assert parts({"content": [{"type": "text", "text": "a"}, call]}) == [
        ("assistant", "text", "a"),
        ("assistant", "tool_call", {}),
    ]
    assert parts({"type": ["odd"], "content": [call]}) == [("assistant", "tool_call", {})]
    assert read_messages({"answer": "kept in sight", "tool_calls": [{"function": {"name": "f"}}]}) is None
    told = {"type": "function", "function": {"name": "f", "parameters": {}}}
    assert parts({"role": "user", "content": [told]}) == [("user", "other", told)]


def test_reasoning_and_refusals_beside_the_content_are_kept() -> None:
    value = {"role": "assistant", "reasoning_content": "hm", "content": "no", "refusal": "I will not"}
    assert parts(value) == [
        ("assistant", "reasoning", "hm"),
        ("assistant", "text", "no"),
        ("assistant", "text", "I will not"),
    ]


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        7,
        [],
        {},
        [1, 2],
        [{"role": "user"}],
        [{"role": 5, "content": "x"}],
        {"messages": "none"},
        {"choices": ["text"]},
        [{"role": "user", "content": "x"}, "and text"],
        [{"type": ["list"]}],
        {"output": [{"role": "user", "content": "x"}], "documents": ["also shown"]},
        {"content": "x"},
    ],
)
def test_what_is_no_chat_is_not_made_one(value: Any) -> None:
    assert read_messages(value) is None


def test_odd_tool_calls_do_not_break_a_chat() -> None:
    for calls in ({"a": 1}, 5, "x", [None, 3], [{"function": "text"}]):
        assert read_messages({"role": "assistant", "tool_calls": calls}) is not None
