"""wrap_anthropic: the real package against a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from llm_tracer import SyncTracerClient
from llm_tracer.integrations.anthropic import unwrap, wrap_anthropic
from tests.integrations.conftest import Told
from tests.integrations.provider import (
    ANSWER,
    ANSWERED_WORDS,
    STREAMED_ANSWER,
    Provider,
    messages,
    text_of,
)

MODEL = "claude-sonnet-5"
TOOL = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
CALLED = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Lisbon"}}


@pytest.fixture
def plain(provider: Provider) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=provider.url, api_key="sk-hidden", max_retries=0) as client:
        yield client


@pytest.fixture
def client(plain: anthropic.Anthropic, tracer: SyncTracerClient) -> anthropic.Anthropic:
    return wrap_anthropic(plain, tracer)


def ask(client: Any, model: str = MODEL, **more: Any) -> Any:
    return client.messages.create(model=model, max_tokens=100, messages=messages(), **more)


def test_a_message_is_a_span_with_system_parameters_usage_and_stop_reason(
    client: anthropic.Anthropic, told: Told
) -> None:
    answer = ask(client, system="Be brief.", stop_sequences=["END"])
    assert isinstance(answer, anthropic.types.Message)
    (span,) = told()
    assert (span["name"], span["kind"], span["status"]) == (f"chat {MODEL}", "llm", "ok")
    assert span["input"] == [{"role": "system", "content": "Be brief."}, *messages()]
    assert (span["output"]["role"], text_of(span)) == ("assistant", ANSWER)
    assert span["parameters"] == {"model": MODEL, "max_tokens": 100, "stop_sequences": ["END"]}
    assert (span["usage"]["input_tokens"], span["usage"]["output_tokens"]) == (6, ANSWERED_WORDS)
    assert span["metadata"] == {"finish_reason": "end_turn", "response_id": "msg_1"}
    assert "sk-hidden" not in json.dumps(span)


@pytest.mark.parametrize("is_streamed", [False, True])
def test_cached_tokens_are_a_part_of_the_input(
    client: anthropic.Anthropic, told: Told, *, is_streamed: bool
) -> None:
    cached = [{"type": "text", "text": "Be very brief.", "cache_control": {"type": "ephemeral"}}]
    list(ask(client, system=cached, stream=is_streamed))
    usage = told()[0]["usage"]
    assert usage["cache_read_tokens"] > 0
    assert usage["input_tokens"] == 6 + usage["cache_read_tokens"]


def test_thinking_is_kept_whole_and_streamed(client: anthropic.Anthropic, told: Told) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    ask(client, thinking=thinking)
    list(ask(client, thinking=thinking, stream=True))
    whole, streamed = told()
    assert whole["output"]["content"][0]["thinking"] == streamed["output"]["content"][0]["thinking"]
    assert streamed["output"]["content"][0]["type"] == "thinking"
    assert streamed["parameters"]["thinking"] == thinking


def test_calls_of_tools_are_kept_whole_and_streamed(client: anthropic.Anthropic, told: Told) -> None:
    answer = ask(client, tools=[TOOL])
    list(ask(client, tools=[TOOL], stream=True))
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sun"}
    history = [
        *messages(),
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [result]},
    ]
    client.messages.create(model=MODEL, max_tokens=100, messages=history, tools=[TOOL])
    whole, streamed, second = told()
    assert whole["output"]["content"] == streamed["output"]["content"] == [CALLED]
    assert whole["tool"] == {"definitions": [TOOL]}
    assert second["input"][1]["content"][0]["id"] == "toolu_1"
    assert text_of(second) == ANSWER


def test_a_stream_is_told_whole(client: anthropic.Anthropic, told: Told) -> None:
    stream = ask(client, stream=True)
    assert isinstance(stream, anthropic.Stream)
    assert [event.type for event in stream][-1] == "message_stop"
    (span,) = told()
    assert (span["status"], text_of(span)) == ("ok", STREAMED_ANSWER)
    assert span["usage"]["output_tokens"] == ANSWERED_WORDS
    assert span["metadata"]["finish_reason"] == "end_turn"
    assert span["time_to_first_token_ms"] > 0


def test_the_helper_of_the_package_works_and_is_told(client: anthropic.Anthropic, told: Told) -> None:
    with client.messages.stream(model=MODEL, max_tokens=100, messages=messages()) as stream:
        assert "".join(stream.text_stream) == STREAMED_ANSWER
        assert stream.get_final_message().usage.output_tokens == ANSWERED_WORDS
    assert text_of(told()[0]) == STREAMED_ANSWER


def test_a_reader_who_stops_early_leaves_what_had_come(client: anthropic.Anthropic, told: Told) -> None:
    def two_words(stream: Any) -> None:
        for event in stream:
            if event.type == "content_block_delta" and event.delta.text == "in ":
                break

    left = ask(client, stream=True)
    two_words(left)
    assert len(told()) == 1
    left.close()
    with client.messages.stream(model=MODEL, max_tokens=100, messages=messages()) as stream:
        two_words(stream)
    assert [(span["status"], text_of(span)) for span in told()] == [("cancelled", "Start in ")] * 2


def test_a_tool_call_that_broke_off_keeps_its_arguments_as_text(
    client: anthropic.Anthropic, told: Told
) -> None:
    with ask(client, tools=[TOOL], stream=True) as stream:
        for event in stream:
            if event.type == "content_block_delta":
                break
    assert told()[0]["output"]["content"][0]["input"] == '{"cit'


@pytest.mark.parametrize(
    ("status", "kind"), [(429, anthropic.RateLimitError), (500, anthropic.InternalServerError)]
)
def test_an_error_of_the_provider_is_told_and_raised_unchanged(
    client: anthropic.Anthropic, told: Told, status: int, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        ask(client, f"status-{status}")
    (span,) = told()
    assert (span["status"], span["error"]["message"]) == ("error", str(caught.value))


def test_a_stream_that_breaks_is_an_error_with_what_had_come(client: anthropic.Anthropic, told: Told) -> None:
    with pytest.raises(anthropic.APIStatusError, match="broke off"):
        list(ask(client, "breaks", stream=True))
    (span,) = told()
    assert (span["status"], text_of(span)) == ("error", "Start in Alfama, ")


def test_raw_and_streaming_responses_stay_what_they_are(client: anthropic.Anthropic, told: Told) -> None:
    more: dict[str, Any] = {"model": MODEL, "max_tokens": 100, "messages": messages()}
    assert client.messages.with_raw_response.create(**more).parse().content[0].text == ANSWER
    assert len(list(client.messages.with_raw_response.create(**more, stream=True).parse())) > ANSWERED_WORDS
    with client.messages.with_streaming_response.create(**more) as response:
        assert response.parse().content[0].text == ANSWER
    with client.messages.with_streaming_response.create(**more, stream=True) as response:
        assert len(list(response.parse())) > ANSWERED_WORDS
    assert [text_of(span).strip() for span in told()] == [ANSWER] * 4


def test_beta_messages_are_told_as_well(client: anthropic.Anthropic, told: Told) -> None:
    client.beta.messages.create(model=MODEL, max_tokens=100, messages=messages(), betas=["some-beta"])
    (span,) = told()
    assert text_of(span) == ANSWER


def test_the_keys_of_remote_servers_are_not_told(client: anthropic.Anthropic, told: Told) -> None:
    server = {"type": "url", "url": "https://x.example", "name": "files", "authorization_token": "hush"}
    client.beta.messages.create(
        model=MODEL, max_tokens=100, messages=messages(), mcp_servers=[server], betas=["mcp"]
    )
    (span,) = told()
    assert span["parameters"]["mcp_servers"] == [server | {"authorization_token": "[masked]"}]


def test_unwrapping_gives_the_client_back_as_it_was(
    plain: anthropic.Anthropic, tracer: SyncTracerClient, told: Told
) -> None:
    before = dict(vars(plain))
    assert vars(unwrap(wrap_anthropic(wrap_anthropic(plain, tracer), tracer))) == before
    ask(plain)
    assert told() == []


def test_asynchronous_calls_and_streams_are_told_below_their_own_spans(
    provider: Provider, tracer: SyncTracerClient, told: Told
) -> None:
    async def task(client: anthropic.AsyncAnthropic, number: int) -> None:
        async with tracer.trace(f"task {number}"):
            await ask(client)
            assert len([event async for event in await ask(client, stream=True)]) > ANSWERED_WORDS
            async with client.messages.stream(model=MODEL, max_tokens=9, messages=messages()) as stream:
                assert await stream.get_final_text() == STREAMED_ANSWER

    async def all_at_once() -> None:
        async with anthropic.AsyncAnthropic(base_url=provider.url, api_key="any", max_retries=0) as plain:
            client = wrap_anthropic(plain, tracer)
            await asyncio.gather(*(task(client, number) for number in range(10)))

    asyncio.run(all_at_once())
    spans = told()
    roots = {span["trace_id"]: span["span_id"] for span in spans if span["kind"] != "llm"}
    calls = [span for span in spans if span["kind"] == "llm"]
    assert (len(roots), len(calls)) == (10, 30)
    assert all(span["parent_span_id"] == roots[span["trace_id"]] for span in calls)
    assert {text_of(span).strip() for span in calls} == {ANSWER}
