"""What instrumentations call things, read into a span's own fields."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.builders import NOW_NS
from traces_app.domain.conventions import SOURCES
from traces_app.domain.mapping import map_span
from traces_app.domain.mapping.messages import chat_of, finish_reason
from traces_app.domain.normalize import normalize
from traces_app.domain.span import Span, Usage


def mapped(attributes: dict[str, Any], **fields: Any) -> Span:
    scope = fields.pop("scope", None)
    about = {"scope": {"name": scope}} if scope else {"kind": "client"}
    everything = {"trace_id": "a" * 32, "span_id": "b" * 16, "name": "n", "start_ns": NOW_NS} | fields
    span = Span(**everything, attributes={**attributes, "otel": about})
    map_span(span)
    return span


def test_every_table_names_attributes_once_and_each_field_has_sources() -> None:
    assert all(sources for sources in SOURCES.values())
    assert all(len(set(sources)) == len(sources) for sources in SOURCES.values())


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "Chat"}, "llm"),
        ({"gen_ai.operation.name": "RETRIEVER"}, "retrieval"),
        ({"gen_ai.operation.name": "never heard of"}, "other"),
        ({"gen_ai.operation.name": "never heard of", "gen_ai.request.model": "m"}, "llm"),
        ({"openinference.span.kind": "RERANKER"}, "reranker"),
        ({"openinference.span.kind": "SOMETHING_NEW", "gen_ai.operation.name": "chat"}, "other"),
        ({"mlflow.spanType": '"CHAT_MODEL"'}, "llm"),
        ({"mlflow.spanType": '"PARSER"'}, "function"),
        ({"langsmith.span.kind": "retriever", "gen_ai.operation.name": "embeddings"}, "retrieval"),
        ({"traceloop.span.kind": "task", "gen_ai.agent.name": "planner"}, "chain"),
        ({"ai.operationId": "ai.streamText.doStream"}, "llm"),
        ({"ai.operationId": "ai.streamText"}, "chain"),
        ({"ai.operationId": "ai.embedMany.doEmbed"}, "embedding"),
        ({"ai.operationId": "ai.toolCall"}, "tool"),
        ({"langfuse.observation.type": "span"}, "function"),
        ({"langfuse.observation.type": "span", "langfuse.observation.model.name": "m"}, "llm"),
        ({"llm.request.type": "chat"}, "llm"),
        ({"gen_ai.tool.name": "search"}, "tool"),
        ({"mcp.method.name": "tools/call"}, "tool"),
        ({"gen_ai.agent.name": "planner"}, "other"),
        ({"http.method": "GET"}, "other"),
    ],
)
def test_what_a_span_is(attributes: dict[str, Any], kind: str) -> None:
    assert mapped(attributes).kind == kind


def test_a_scope_tells_what_attributes_do_not() -> None:
    assert mapped({"agent_name": "helper"}, scope="pydantic-ai").kind == "agent"
    assert mapped({"agent_name": "helper", "gen_ai.request.model": "m"}, scope="pydantic-ai").kind == "llm"
    assert mapped({}, scope="pydantic-ai").kind == "chain"
    assert mapped({}, scope="logfire.openai").kind == "function"
    assert mapped({"logfire.span_type": "log"}, scope="logfire").kind == "other"


@pytest.mark.parametrize(
    "value",
    [
        [{"role": "user", "content": "hi"}],
        {"messages": [{"role": "user", "content": "hi"}]},
        {"messages": [[{"id": ["HumanMessage"], "kwargs": {"content": "hi", "type": "human"}}]]},
        json.dumps([{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]),
        [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        [{"message": {"role": "user", "contents": [{"message_content": {"type": "text", "text": "hi"}}]}}],
        [{"role": "user", "parts": [{"text": "hi"}]}],
        {"role": "user", "content": "hi"},
    ],
)
def test_each_shape_of_a_message_becomes_one(value: Any) -> None:
    assert chat_of(value) == [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]


@pytest.mark.parametrize(
    "message",
    [
        {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"a": 1}'}}]},
        {"parts": [{"type": "tool_call", "id": "c", "name": "f", "arguments": {"a": 1}}]},
        {"content": [{"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}}]},
        {"content": [{"type": "tool-call", "toolCallId": "c", "toolName": "f", "input": '{"a":1}'}]},
        {"tool_calls": [{"tool_call": {"id": "c", "function": {"name": "f", "arguments": '{"a": 1}'}}}]},
        {
            "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}}],
            "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"a": 1}'}}],
        },
    ],
)
def test_each_shape_of_a_tool_call_becomes_one_and_is_there_once(message: dict[str, Any]) -> None:
    call = {"type": "tool_call", "id": "c", "name": "f", "arguments": {"a": 1}}
    assert chat_of([{"role": "assistant", **message}]) == [{"role": "assistant", "parts": [call]}]


@pytest.mark.parametrize(
    "message",
    [
        {"content": '{"sky": "blue"}', "tool_call_id": "c"},
        {"parts": [{"type": "tool_call_response", "id": "c", "response": {"sky": "blue"}}]},
        {"parts": [{"type": "tool_call_response", "id": "c", "result": '{"sky": "blue"}'}]},
        {"content": [{"type": "tool_result", "tool_use_id": "c", "content": {"sky": "blue"}}]},
        {
            "content": [
                {
                    "type": "tool-result",
                    "toolCallId": "c",
                    "output": {"type": "json", "value": {"sky": "blue"}},
                }
            ]
        },
    ],
)
def test_each_shape_of_a_tools_result_becomes_one(message: dict[str, Any]) -> None:
    result = {"type": "tool_result", "id": "c", "content": {"sky": "blue"}}
    assert chat_of([{"role": "tool", **message}]) == [{"role": "tool", "parts": [result]}]


@pytest.mark.parametrize(
    ("part", "media"),
    [
        ({"type": "image_url", "image_url": {"url": "https://a/b.png"}}, {"uri": "https://a/b.png"}),
        ({"type": "image", "image": {"image": {"url": "https://a/b.png"}}}, {"uri": "https://a/b.png"}),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            {"data": "AAAA", "mime_type": "image/png"},
        ),
        (
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAAA"},
            {"data": "AAAA", "mime_type": "image/png"},
        ),
        ({"type": "uri", "modality": "image", "uri": "https://a/b.png"}, {"uri": "https://a/b.png"}),
    ],
)
def test_each_shape_of_an_image_becomes_one(part: dict[str, Any], media: dict[str, Any]) -> None:
    (message,) = chat_of([{"role": "user", "content": [part]}]) or []
    assert message["parts"] == [{"type": "media", "modality": "image", **media}]


def test_whole_requests_and_responses_are_read() -> None:
    langchain = {
        "generations": [[{"text": "hi", "message": {"kwargs": {"content": "hi", "type": "ai"}}}]],
        "llm_output": None,
    }
    gemini = {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP"}]
    }
    anthropic = {"role": "assistant", "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn"}
    openai = {"choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}
    responses = {
        "instructions": "be brief",
        "output": [
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]}
        ],
    }
    for response in (langchain, gemini, anthropic, openai, responses):
        message = (chat_of(response) or [{}])[-1]
        assert (message["role"], message["parts"]) == ("assistant", [{"type": "text", "content": "hi"}])
    request = chat_of({"system": "be brief", "messages": [{"role": "user", "content": "hi"}]}) or []
    assert [message["role"] for message in request] == ["system", "user"]


def test_langsmiths_python_literals_are_read_and_a_framework_is_no_provider() -> None:
    span = mapped(
        {
            "langsmith.span.kind": "llm",
            "gen_ai.system": "langchain",
            "langsmith.metadata.ls_provider": "openai",
            "langsmith.metadata.usage_metadata": "{'input_token_details': {'cache_read': 5}}",
            "langsmith.metadata.thread_id": "t1",
            "langsmith.span.tags": "a, b",
            "gen_ai.prompt": json.dumps({"messages": [[{"kwargs": {"content": "hi", "type": "human"}}]]}),
        }
    )
    assert (span.kind, span.provider, span.session_id, span.tags) == ("llm", "openai", "t1", ["a", "b"])
    assert span.usage == Usage(cache_read_tokens=5)
    assert span.input == [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]


def test_pydantic_ai_before_2_keeps_its_events_in_an_attribute() -> None:
    events = [
        {"event.name": "gen_ai.user.message", "role": "user", "content": "hi"},
        {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": "hello"}},
    ]
    span = mapped({"gen_ai.operation.name": "chat", "events": json.dumps(events)}, scope="pydantic-ai")
    assert span.input == [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]
    assert span.output == [{"role": "assistant", "parts": [{"type": "text", "content": "hello"}]}]
    agent = mapped(
        {"agent_name": "helper", "all_messages_events": json.dumps(events[:1]), "final_result": "hello"},
        scope="pydantic-ai",
        name="agent run",
    )
    assert (agent.kind, agent.agent_name, agent.display_name) == ("agent", "helper", "helper")
    assert (agent.input, agent.output) == ("hi", "hello")


def test_mlflows_texts_in_texts_are_read() -> None:
    span = mapped(
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
            "mlflow.spanOutputs": json.dumps(
                {"choices": [{"message": {"role": "assistant", "content": "yo"}}]}
            ),
            "mlflow.chat.tokenUsage": json.dumps({"input_tokens": 3, "output_tokens": 1}),
            "mlflow.llm.model": '"m-2026"',
            "mlflow.traceTag.plan": "pro",
        }
    )
    assert (span.model, (span.parameters or {})["model"], span.tags) == ("m-2026", "m", ["plan:pro"])
    assert span.usage == Usage(input_tokens=3, output_tokens=1)
    assert span.input[0]["role"] == "user"
    assert span.output == [{"role": "assistant", "parts": [{"type": "text", "content": "yo"}]}]


def test_what_is_no_chat_is_none() -> None:
    assert chat_of("hello") is None
    assert chat_of({"city": "Paris"}) is None
    assert chat_of([{"id": "d1", "text": "Paris"}]) is None
    assert chat_of([]) is None


def test_finish_reasons_are_spelt_one_way() -> None:
    assert finish_reason(["tool-calls"]) == finish_reason('["tool_call"]') == "tool_calls"
    assert finish_reason("stop") == "stop"
    assert finish_reason(None) is None


def test_a_session_may_stand_in_the_metadata() -> None:
    span = mapped({"metadata": '{"thread_id": "t9", "langgraph_node": "plan", "ls_provider": "openai"}'})
    assert (span.session_id, span.metadata) == ("t9", {"langgraph_node": "plan"})


def test_usage_is_inclusive_also_where_the_sender_adds_up() -> None:
    own = {"input": 10, "output": 4, "cache_read_input_tokens": 100, "total": 114}
    span = mapped(
        {"langfuse.observation.type": "generation", "langfuse.observation.usage_details": json.dumps(own)}
    )
    assert span.usage == Usage(input_tokens=110, output_tokens=4, cache_read_tokens=100)
    openai = {"prompt_tokens": 21, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 5}}
    span = mapped({"langfuse.observation.usage_details": json.dumps(openai)})
    assert span.usage == Usage(input_tokens=21, output_tokens=7, cache_read_tokens=5)


def test_old_and_new_names_of_cache_writes_are_read() -> None:
    for name in ("cache_write", "cache_creation"):
        span = mapped({f"gen_ai.usage.{name}.input_tokens": "7"})
        assert span.usage == Usage(cache_write_tokens=7)


@pytest.mark.parametrize(
    ("attributes", "events"),
    [
        ({"gen_ai.response.time_to_first_chunk": 0.25}, []),
        ({"gen_ai.client.operation.time_to_first_chunk": 0.25}, []),
        ({"ai.response.msToFirstChunk": 250}, []),
        ({"ai.stream.msToFirstChunk": 250.0}, []),
        ({}, ["First Token Stream Event"]),
        ({}, ["ai.stream.firstChunk"]),
        ({}, ["llm.content.completion.chunk", "llm.content.completion.chunk"]),
    ],
)
def test_the_first_token_has_many_sources(attributes: dict[str, Any], events: list[str]) -> None:
    happened = [
        {"name": name, "time_ns": NOW_NS + (index + 1) * 250_000_000} for index, name in enumerate(events)
    ]
    assert mapped(attributes, events=happened).time_to_first_token_ms == 250


def test_the_first_token_may_be_a_moment_in_json() -> None:
    attributes = {"langfuse.observation.completion_start_time": '"2026-11-23T22:30:00.500000Z"'}
    start_ns = 1_795_473_000_000_000_000
    assert mapped(attributes, start_ns=start_ns).time_to_first_token_ms == pytest.approx(500)


def test_vectors_are_told_not_kept() -> None:
    vector = [0.5] * 8
    span = mapped(
        {
            "openinference.span.kind": "EMBEDDING",
            "embedding.embeddings.0.embedding.text": "hi",
            "embedding.embeddings.0.embedding.vector": vector,
            "output.value": json.dumps({"data": [{"embedding": vector}]}),
        }
    )
    assert (span.input, span.output) == (["hi"], {"count": 1, "dimensions": 8})
    assert "0.5" not in json.dumps(span.attributes)


def test_scores_come_from_events_and_attributes() -> None:
    event = {
        "name": "gen_ai.evaluation.result",
        "attributes": {"gen_ai.evaluation.name": "tone", "gen_ai.evaluation.score.value": 0.5},
    }
    assert mapped({}, events=[event]).scores == [{"name": "tone", "value": 0.5}]
    flat = {"evaluations.0.evaluation.name": "tone", "evaluations.0.evaluation.score": 1}
    assert mapped(flat).scores == [{"name": "tone", "value": 1}]


def test_an_error_is_only_what_the_status_says() -> None:
    assert mapped({"error.type": "Timeout"}).error is None
    failed = mapped(
        {"error.type": "RateLimitError", "otel": {}},
        status="error",
        events=[{"name": "exception", "attributes": {"exception.message": "Error code: 429 - slow down"}}],
    )
    assert failed.error == {
        "type": "RateLimitError",
        "message": "Error code: 429 - slow down",
        "http_status": 429,
    }


def test_old_events_on_the_span_fill_its_messages() -> None:
    events = [
        {
            "name": "gen_ai.content.prompt",
            "attributes": {"gen_ai.prompt": '[{"role": "user", "content": "hi"}]'},
        },
        {"name": "gen_ai.choice", "attributes": {"finish_reason": "stop", "message": '{"content": "hello"}'}},
    ]
    span = mapped({"gen_ai.request.model": "m"}, events=events)
    assert span.input == [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]
    assert span.output == [
        {"role": "assistant", "parts": [{"type": "text", "content": "hello"}], "finish_reason": "stop"}
    ]


def test_mapping_again_changes_nothing() -> None:
    span = mapped(
        {"gen_ai.operation.name": "chat", "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi"}
    )
    once = json.dumps([span.input, span.attributes, span.kind])
    map_span(span)
    assert json.dumps([span.input, span.attributes, span.kind]) == once


def test_native_spans_that_speak_a_convention_are_read_too_but_keep_what_they_say_themselves() -> None:
    span = Span(
        trace_id="a" * 32,
        span_id="b" * 16,
        name="chat",
        start_ns=NOW_NS,
        model="mine",
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.response.model": "theirs",
            "gen_ai.usage.input_tokens": 3,
        },
    )
    assert normalize(span, now_ns=NOW_NS) is None
    assert (span.kind, span.model, span.usage) == ("llm", "mine", Usage(input_tokens=3))
