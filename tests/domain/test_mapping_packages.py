"""Attributes as packages send them, of versions and kinds of calls that the captures do not hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.domain.test_mapping import mapped
from traces_app.domain.conventions import content_switch
from traces_app.domain.mapping import map_span
from traces_app.domain.mapping.messages import chat_of
from traces_app.domain.pricing import price
from traces_app.domain.span import Span, Usage

WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}
CALL = {"type": "tool_call", "id": "c", "name": "get_weather", "arguments": {"city": "Lisbon"}}


def said(role: str, *texts: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text} for text in texts]}


def llm(attributes: dict[str, Any], **fields: Any) -> Span:
    return mapped({"gen_ai.operation.name": "chat", **attributes}, **fields)


def test_a_call_beside_the_content_that_announces_it_is_one_call() -> None:
    """OpenInference for Anthropic 3."""
    message = "llm.output_messages.0.message."
    call = {"id": "c", "function.name": "get_weather", "function.arguments": '{"city": "Lisbon"}'}
    span = mapped(
        {
            "openinference.span.kind": "LLM",
            f"{message}role": "assistant",
            f"{message}contents.0.message_content.type": "text",
            f"{message}contents.0.message_content.text": "Let me look.",
            f"{message}contents.1.message_content.type": "tool_use",
            **{f"{message}contents.1.tool_call.{name}": value for name, value in call.items()},
            **{f"{message}tool_calls.0.tool_call.{name}": value for name, value in call.items()},
        }
    )
    assert span.output == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Let me look."}, CALL]}
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"messages": [["user", "hi"]]},
        [{"type": "human", "data": {"content": "hi", "type": "human"}}],
        [{"graph": None, "update": {"messages": [{"content": "hi", "type": "human"}]}, "goto": []}],
        {"output": [{"graph": None, "update": {"messages": [{"content": "hi", "type": "human"}]}}]},
        {"model": "gpt-5-mini", "input": "hi", "tools": [WEATHER]},
        [{"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "hi"}]}],
    ],
)
def test_shapes_of_langgraph_and_of_openais_responses_are_messages(value: Any) -> None:
    assert chat_of(value, role="user") == [said("user", "hi")]


def test_instructions_that_a_response_repeats_are_not_its_answer() -> None:
    answer = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "blue"}]}
    response = {"object": "response", "instructions": "Be brief", "output": [answer]}
    assert chat_of(response, role="assistant") == [said("assistant", "blue")]


def test_a_call_of_openais_responses_has_the_id_that_its_result_names() -> None:
    item = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
    (message,) = chat_of([item]) or []
    assert message["parts"][0]["id"] == "c"


def test_smolagents_roles_are_the_usual_ones() -> None:
    chat = [{"role": "tool-call", "content": "f()"}, {"role": "tool-response", "content": "blue"}]
    assert [message["role"] for message in chat_of(chat) or []] == ["assistant", "tool"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"kind": "binary", "media_type": "image/png", "binary_content": "YWJj"},
            {"type": "media", "modality": "image", "mime_type": "image/png", "data": "YWJj"},
        ),
        (
            {"type": "file", "mediaType": "image/png", "data": "YWJj"},
            {"type": "media", "modality": "image", "mime_type": "image/png", "data": "YWJj"},
        ),
        (
            {"type": "image_url", "image_url": {"url": "@@@langfuseMedia:type=image/png|id=x@@@"}},
            {"type": "media", "modality": "image", "uri": "@@@langfuseMedia:type=image/png|id=x@@@"},
        ),
        ({"text": "hm", "thought": True}, {"type": "reasoning", "content": "hm"}),
        (
            {"type": "reasoning", "content": '[{"type": "summary_text", "text": "hm"}]'},
            {"type": "reasoning", "content": "hm"},
        ),
    ],
)
def test_more_shapes_of_parts(part: dict[str, Any], expected: dict[str, Any]) -> None:
    (message,) = chat_of([{"role": "user", "content": [part]}]) or []
    assert message["parts"] == [expected]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "server_tool_call", "id": "s", "name": "search", "server_tool_call": {"query": "q"}},
            {"type": "tool_call", "id": "s", "name": "search", "arguments": {"query": "q"}},
        ),
        (
            {"type": "server_tool_call_response", "id": "s", "server_tool_call_response": {"hits": 1}},
            {"type": "tool_result", "id": "s", "content": {"hits": 1}},
        ),
        (
            {"type": "file", "modality": "document", "file_id": "file-1"},
            {"type": "media", "modality": "document", "file_id": "file-1"},
        ),
        (
            {
                "type": "audio",
                "audio": {"audio": {"url": "data:audio/wav;base64,AA", "mime_type": "audio/wav"}},
            },
            {
                "type": "media",
                "modality": "audio",
                "mime_type": "audio/wav",
                "uri": "data:audio/wav;base64,AA",
            },
        ),
        ({"type": "compaction", "id": "c", "content": "so far"},) * 2,
    ],
)
def test_parts_that_the_conventions_have_and_packages_rarely_send(
    part: dict[str, Any], expected: dict[str, Any]
) -> None:
    (message,) = llm({"gen_ai.input.messages": [{"role": "user", "parts": [part]}]}).input
    assert message["parts"] == [expected]


def test_a_call_traced_by_hand_may_have_its_messages_as_its_value() -> None:
    attributes = {"input.value": '[{"role": "user", "content": "hi"}]', "output.value": "hello"}
    span = mapped({"openinference.span.kind": "LLM", **attributes})
    assert (span.input, span.output) == ([said("user", "hi")], "hello")
    plain = mapped({"openinference.span.kind": "CHAIN", **attributes})
    assert plain.input == [{"role": "user", "content": "hi"}]


def test_an_evaluation_may_be_told_in_the_body_of_a_log() -> None:
    body = {"gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": "0.7"}
    span = llm({}, events=[{"name": "gen_ai.evaluation.result", "body": body}])
    assert span.scores == [{"name": "relevance", "value": 0.7}]


def test_a_result_that_is_an_object_stays_one() -> None:
    """pydantic-ai 1 with version=1."""
    (message,) = chat_of([{"role": "tool", "id": "c", "content": {"sky": "blue"}}]) or []
    assert message["parts"] == [{"type": "tool_result", "id": "c", "content": {"sky": "blue"}}]


def test_messages_without_their_content_keep_their_roles_only() -> None:
    """pydantic-ai with include_content=False."""
    messages = json.dumps([{"role": "user", "parts": [{"type": "text"}]}])
    assert llm({"gen_ai.input.messages": messages}).input == [{"role": "user", "parts": []}]


def test_older_names_say_what_newer_ones_lose() -> None:
    """LiteLLM's callback leaves calls of tools out of its messages, not out of its completions."""
    span = llm(
        {
            "gen_ai.output.messages": '[{"role": "assistant", "parts": [], "finish_reason": "tool_calls"}]',
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.function_call.name": "get_weather",
            "gen_ai.completion.0.function_call.arguments": '{"city": "Lisbon"}',
            "gen_ai.response.finish_reasons": '["tool_calls"]',
        }
    )
    assert span.output == [{"role": "assistant", "parts": [CALL | {"id": ""}], "finish_reason": "tool_calls"}]


def test_litellm_tells_its_cost_its_user_and_its_usage_in_its_own_names() -> None:
    usage = {
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    span = llm(
        {
            "gen_ai.usage.input_tokens": 21,
            "gen_ai.cost.total_cost": 7.95e-06,
            "llm.user": "u7",
            "metadata.usage_object": str(usage),
        }
    )
    assert (span.cost_usd, span.user_id) == (7.95e-06, "u7")
    assert span.usage == Usage(input_tokens=21, cache_read_tokens=8, reasoning_tokens=3)


def test_texts_of_an_embedding_are_texts_however_they_came() -> None:
    """Traceloop and LiteLLM send them as messages."""
    messages = [{"role": "user", "parts": [{"type": "text", "content": text}]} for text in ("one", "two")]
    span = mapped({"gen_ai.operation.name": "embeddings", "gen_ai.input.messages": json.dumps(messages)})
    assert span.input == ["one", "two"]


def test_a_tools_arguments_and_result_are_taken_out_of_messages() -> None:
    """Strands Agents, in events with the latest conventions."""
    call = {"role": "tool", "parts": [{"type": "tool_call", "id": "c", "name": "f", "arguments": {"a": 1}}]}
    result = {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "c", "response": {"sky": "blue"}}],
    }
    events = [
        {"name": "gen_ai.client.inference.operation.details", "attributes": {key: json.dumps([message])}}
        for key, message in (("gen_ai.input.messages", call), ("gen_ai.output.messages", result))
    ]
    span = mapped({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "f"}, events=events)
    assert (span.input, span.output) == ({"a": 1}, {"sky": "blue"})


def test_older_events_of_strands_are_read_too() -> None:
    """Without the latest conventions: the choice is a text, or a JSON list of Bedrock's parts."""
    use = [{"toolUse": {"toolUseId": "c", "name": "get_weather", "input": {"city": "Lisbon"}}}]
    asked = {"name": "gen_ai.user.message", "attributes": {"content": '[{"text": "weather?"}]'}}
    chosen = {"message": json.dumps(use), "finish_reason": "tool_use"}
    span = llm({}, events=[asked, {"name": "gen_ai.choice", "attributes": chosen}])
    assert span.input == [said("user", "weather?")]
    assert span.output == [{"role": "assistant", "parts": [CALL], "finish_reason": "tool_use"}]


def test_older_events_of_a_tool_are_its_arguments_and_its_result() -> None:
    given = {"role": "tool", "content": '{"city": "Lisbon"}', "id": "c"}
    events = [
        {"name": "gen_ai.tool.message", "attributes": given},
        {"name": "gen_ai.choice", "attributes": {"message": '[{"text": "blue"}]', "id": "c"}},
    ]
    span = mapped({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "f"}, events=events)
    assert (span.input, span.output) == ({"city": "Lisbon"}, "blue")


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("openinference.span.kind", "output.value", {"type": "tool", "data": {"type": "tool"}}),
        ("langfuse.observation.type", "langfuse.observation.output", {"type": "tool"}),
        ("langsmith.span.kind", "gen_ai.completion", {"output": {"type": "tool"}}),
    ],
)
def test_a_tools_result_is_taken_out_of_langchains_message(kind: str, key: str, value: Any) -> None:
    message = value.get("data") or value.get("output") or value
    message |= {"content": '{"sky": "blue"}', "tool_call_id": "c", "name": "f"}
    span = mapped({kind: "TOOL" if "open" in kind else "tool", key: json.dumps(value)})
    assert span.output == {"sky": "blue"}


def test_wrapped_arguments_of_a_tool_are_unwrapped() -> None:
    smolagents = {"args": [], "sanitize_inputs_outputs": True, "kwargs": {"city": "Lisbon"}}
    for wrapped in (smolagents, {"kwargs": {"city": "Lisbon"}}):
        span = mapped({"openinference.span.kind": "TOOL", "input.value": json.dumps(wrapped)})
        assert span.input == {"city": "Lisbon"}


def test_tools_that_langfuse_lists_as_messages_are_definitions() -> None:
    messages = [{"role": "user", "content": "hi"}, {"role": "tool", "content": WEATHER}]
    span = mapped(
        {"langfuse.observation.type": "generation", "langfuse.observation.input": json.dumps(messages)}
    )
    assert span.input == [said("user", "hi")]
    assert span.tool == {"definitions": [WEATHER]}


@pytest.mark.parametrize(
    ("kind", "request_key"),
    [
        ({"langfuse.observation.type": "generation"}, "langfuse.observation.input"),
        ({"mlflow.spanType": '"CHAT_MODEL"'}, "mlflow.spanInputs"),
        ({"langsmith.span.kind": "llm"}, "gen_ai.prompt"),
    ],
)
def test_a_whole_request_tells_its_tools(kind: dict[str, str], request_key: str) -> None:
    request = {
        "model": "m",
        "temperature": 0.2,
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [WEATHER],
    }
    span = mapped({**kind, request_key: json.dumps(request)})
    assert span.input == [said("user", "hi")]
    assert span.tool == {"definitions": [WEATHER]}


def test_parameters_of_a_whole_request_leave_out_what_has_a_field_or_is_empty() -> None:
    request = {
        "model": "m",
        "temperature": 0.2,
        "top_p": None,
        "stop": "",
        "messages": [],
        "tools": [WEATHER],
    }
    span = mapped({"mlflow.spanType": '"CHAT_MODEL"', "mlflow.spanInputs": json.dumps(request)})
    assert span.parameters == {"model": "m", "temperature": 0.2}


def test_each_choice_has_its_own_reason_to_finish() -> None:
    messages = [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]
    span = llm({"gen_ai.output.messages": messages, "gen_ai.response.finish_reasons": ["stop", "length"]})
    assert [message["finish_reason"] for message in span.output] == ["stop", "length"]


def test_an_image_that_came_out_is_an_answer() -> None:
    span = mapped({"openinference.span.kind": "LLM", "output.images.0.image.url": "data:image/png;base64,AA"})
    (message,) = span.output
    assert message["parts"][0]["uri"] == "data:image/png;base64,AA"


def test_a_retriever_may_wrap_its_documents() -> None:
    """LangSmith puts whatever is no object under ``output``."""
    completion = {"output": [{"page_content": "Lisbon is blue", "metadata": {"f": "a"}}]}
    span = mapped({"langsmith.span.kind": "retriever", "gen_ai.completion": json.dumps(completion)})
    assert span.documents == [{"text": "Lisbon is blue", "metadata": {"f": "a"}}]


def test_a_message_of_an_exception_ends_where_its_stack_begins() -> None:
    message = "RateLimitError('slow down')\n\nTraceback (most recent call last):\n  File 1"
    attributes = {"exception.type": "Exception", "exception.message": message, "exception.stacktrace": "..."}
    span = llm({}, status="error", events=[{"name": "exception", "attributes": attributes}])
    assert span.error == {"type": "Exception", "message": "RateLimitError('slow down')", "stacktrace": "..."}


@pytest.mark.parametrize("name", ["langgraph", "strands-agents", "autogen", "microsoft.agent_framework"])
def test_a_framework_is_no_provider(name: str) -> None:
    assert llm({"gen_ai.provider.name": name}).provider is None


@pytest.mark.parametrize(
    "attributes",
    [
        {"metadata": '{"session_id": "s", "user_id": "u"}'},
        {"session_id": "s", "user_id": "u"},
        {"session_id": "[Scrubbed due to 'session']", "session.id": "s", "user_id": "u"},
    ],
)
def test_owners_are_found_in_metadata_and_in_copied_baggage(attributes: dict[str, Any]) -> None:
    span = llm(attributes)
    assert (span.session_id, span.user_id) == ("s", "u")


def test_a_scrubbed_session_is_none() -> None:
    assert llm({"session_id": "[Scrubbed due to 'session']"}).session_id is None


def test_owners_of_a_resource_are_those_of_its_spans() -> None:
    resource = {"session.id": "s", "user.id": "u"}
    span = Span(
        trace_id="a" * 32,
        span_id="b" * 16,
        name="n",
        attributes={"gen_ai.operation.name": "chat", "otel": {"resource": resource}},
    )
    map_span(span)
    assert (span.session_id, span.user_id) == ("s", "u")


def test_the_first_chunk_is_found_in_more_places() -> None:
    span = llm({"gen_ai.server.time_to_first_token": 98})
    assert span.time_to_first_token_ms == 98
    start_ns = span.start_ns or 0
    event = {"name": "mlflow.chunk.item.0", "time_ns": start_ns + 5_000_000}
    assert mapped({"mlflow.spanType": '"LLM"'}, events=[event]).time_to_first_token_ms == 5


def test_a_cycle_of_strands_is_a_step() -> None:
    assert mapped({"gen_ai.operation.name": "execute_event_loop_cycle"}).kind == "chain"


def test_an_embedding_without_a_provider_has_a_price() -> None:
    found = price(Usage(input_tokens=5), model="text-embedding-3-small", provider=None, at_ns=0)
    assert found is not None
    assert found.usd > 0


def test_a_switch_is_named_for_the_sdk_of_anthropic() -> None:
    switch = content_switch({"gen_ai.operation.name": "chat", "anthropic.message.stop_reason": "end_turn"})
    assert switch == "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE=content"
