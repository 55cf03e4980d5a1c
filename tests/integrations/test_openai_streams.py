"""Streams of openai: followed to their end, or to where their reader stops, who sees no difference."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from llm_tracer import SyncTracerClient
from llm_tracer.integrations.openai import wrap_openai
from tests.integrations.conftest import Told
from tests.integrations.provider import (
    ANSWERED_WORDS,
    STREAMED_ANSWER,
    Provider,
    messages,
    text_of,
)
from tests.integrations.test_openai import TOOL


@pytest.fixture
def plain(provider: Provider) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{provider.url}/v1", api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture
def client(plain: openai.OpenAI, tracer: SyncTracerClient) -> openai.OpenAI:
    return wrap_openai(plain, tracer)


def chat(client: Any, model: str = "gpt-4o", **more: Any) -> Any:
    return client.chat.completions.create(model=model, messages=messages(), stream=True, **more)


def said(chunks: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def assert_whole(span: dict[str, Any]) -> None:
    assert (span["status"], text_of(span)) == ("ok", STREAMED_ANSWER)
    assert (span["usage"]["input_tokens"], span["usage"]["output_tokens"]) == (6, ANSWERED_WORDS)
    assert span["metadata"]["finish_reason"] == "stop"
    duration_ms = (span["end_time_unix_nano"] - span["start_time_unix_nano"]) / 1e6
    assert 0 < span["time_to_first_token_ms"] <= duration_ms


def assert_stopped(span: dict[str, Any]) -> None:
    assert (span["status"], text_of(span)) == ("cancelled", "Start in ")
    assert "error" not in span


def test_a_stream_is_told_whole_with_usage_and_time_to_first_token(client: openai.OpenAI, told: Told) -> None:
    stream = chat(client)
    assert isinstance(stream, openai.Stream)
    assert said(stream) == STREAMED_ANSWER
    (span,) = told()
    assert_whole(span)


def test_the_reader_sees_the_chunks_of_an_unwrapped_client(
    plain: openai.OpenAI, provider: Provider, tracer: SyncTracerClient
) -> None:
    unwrapped = [chunk.to_dict() for chunk in chat(plain)]
    wrapped = [chunk.to_dict() for chunk in chat(wrap_openai(plain, tracer))]
    assert wrapped == unwrapped
    assert provider.requests[1]["stream_options"] == {"include_usage": True}


def test_usage_that_the_caller_asked_for_is_not_hidden(client: openai.OpenAI, told: Told) -> None:
    chunks = list(chat(client, stream_options={"include_usage": True}))
    assert chunks[-1].usage.prompt_tokens == 6
    assert_whole(told()[0])


def test_usage_that_the_caller_refused_is_not_asked_for(
    client: openai.OpenAI, provider: Provider, told: Told
) -> None:
    list(chat(client, stream_options={"include_usage": False}))
    assert provider.requests[0]["stream_options"] == {"include_usage": False}
    assert "usage" not in told()[0]


def test_usage_is_not_asked_for_if_the_wrapping_says_so(plain: openai.OpenAI, provider: Provider) -> None:
    list(chat(wrap_openai(plain, SyncTracerClient(enabled=False), ask_for_usage=False)))
    assert "stream_options" not in provider.requests[0]


def test_a_server_that_refuses_the_question_for_usage_is_asked_without_it_from_then_on(
    client: openai.OpenAI, provider: Provider, told: Told
) -> None:
    for _ in range(2):
        assert said(chat(client, "refuses-usage")) == STREAMED_ANSWER
    assert ["stream_options" in request for request in provider.requests] == [True, False, False]
    assert [(span["status"], text_of(span)) for span in told()] == [("ok", STREAMED_ANSWER)] * 2


def leave_the_loop(stream: Any) -> None:
    for chunk in stream:
        if chunk.choices[0].delta.content == "in ":
            break


def close_it(stream: Any) -> None:
    next(stream), next(stream)
    stream.close()


def leave_its_block(stream: Any) -> None:
    with stream:
        next(stream), next(stream)


def raise_in_the_loop(stream: Any) -> None:
    def loop() -> None:
        for chunk in stream:
            if chunk.choices[0].delta.content == "in ":
                raise LookupError

    with pytest.raises(LookupError):
        loop()


@pytest.mark.parametrize("stop", [leave_the_loop, close_it, leave_its_block, raise_in_the_loop])
def test_a_reader_who_stops_early_leaves_a_span_with_what_had_come(
    client: openai.OpenAI, told: Told, stop: Callable[[Any], None]
) -> None:
    stream = chat(client)
    stop(stream)
    (span,) = told()
    assert_stopped(span)
    stream.close()


def test_a_stream_that_is_forgotten_is_told_when_it_is_collected(client: openai.OpenAI, told: Told) -> None:
    stream = chat(client)
    next(stream), next(stream)
    assert told() == []
    del stream
    gc.collect()
    (span,) = told()
    assert_stopped(span)


def test_a_stream_that_breaks_is_an_error_with_what_had_come(client: openai.OpenAI, told: Told) -> None:
    with pytest.raises(openai.APIError, match="broke off") as caught:
        list(chat(client, "breaks"))
    (span,) = told()
    assert (span["status"], text_of(span)) == ("error", "Start in Alfama, ride tram ")
    assert span["error"]["message"] == str(caught.value)


def test_calls_of_tools_are_put_together(client: openai.OpenAI, told: Told) -> None:
    list(chat(client, tools=[TOOL]))
    (span,) = told()
    (call,) = span["output"]["tool_calls"]
    assert call == {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city": "Lisbon"}'},
    }
    assert span["time_to_first_token_ms"] > 0


def test_the_helper_of_the_package_works_and_is_told(client: openai.OpenAI, told: Told) -> None:
    with client.chat.completions.stream(model="gpt-4o", messages=messages()) as stream:
        kinds = {event.type for event in stream}
        completion = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert (completion.choices[0].message.content, completion.usage) == (STREAMED_ANSWER, None)
    assert_whole(told()[0])


def test_leaving_the_block_of_the_helper_ends_the_span(client: openai.OpenAI, told: Told) -> None:
    with client.chat.completions.stream(model="gpt-4o", messages=messages()) as stream:
        for event in stream:
            if event.type == "content.delta" and event.delta == "in ":
                break
    (span,) = told()
    assert_stopped(span)


def test_a_raw_response_of_a_stream_is_followed(client: openai.OpenAI, told: Told) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=messages(), stream=True)
    assert raw.headers["content-type"] == "text/event-stream"
    assert said(raw.parse()) == STREAMED_ANSWER
    assert_whole(told()[0])


def test_a_streaming_response_of_a_stream_is_followed(client: openai.OpenAI, told: Told) -> None:
    create = client.chat.completions.with_streaming_response.create
    with create(model="gpt-4o", messages=messages(), stream=True) as response:
        assert said(response.parse()) == STREAMED_ANSWER
    assert_whole(told()[0])


def test_events_of_responses_are_put_together(client: openai.OpenAI, told: Told) -> None:
    events = list(client.responses.create(model="gpt-4o", input="Lisbon?", stream=True))
    assert events[-1].type == "response.completed"
    (span,) = told()
    assert (span["status"], text_of(span)) == ("ok", STREAMED_ANSWER.strip())
    assert span["usage"]["output_tokens"] == ANSWERED_WORDS
    assert span["time_to_first_token_ms"] > 0


def test_responses_that_are_left_early_tell_what_had_come(client: openai.OpenAI, told: Told) -> None:
    with client.responses.stream(model="gpt-4o", input="Lisbon?") as stream:
        for event in stream:
            if event.type == "response.output_text.delta" and event.delta == "in ":
                break
    (span,) = told()
    assert_stopped(span)


@pytest.fixture
def asynchronous(provider: Provider, tracer: SyncTracerClient) -> openai.AsyncOpenAI:
    client = openai.AsyncOpenAI(base_url=f"{provider.url}/v1", api_key="any", max_retries=0)
    return wrap_openai(client, tracer)


def test_asynchronous_calls_are_told_below_their_own_spans(
    asynchronous: openai.AsyncOpenAI, tracer: SyncTracerClient, told: Told
) -> None:
    async def ask(number: int) -> None:
        async with asynchronous_trace(number):
            await asynchronous.chat.completions.create(
                model="gpt-4o", messages=messages(f"question {number}")
            )
            async for _ in await chat(asynchronous):
                pass

    def asynchronous_trace(number: int) -> Any:
        return tracer.trace(f"task {number}")

    async def all_at_once() -> None:
        await asyncio.gather(*(ask(number) for number in range(20)))
        await asynchronous.close()

    asyncio.run(all_at_once())
    spans = told()
    assert len(spans) == 60
    roots = {span["trace_id"]: span for span in spans if span["name"].startswith("task")}
    for span in spans:
        if span["kind"] == "llm":
            assert span["parent_span_id"] == roots[span["trace_id"]]["span_id"]
            assert text_of(span).strip() == STREAMED_ANSWER.strip()
    asked = {span["input"][0]["content"] for span in spans if span["kind"] == "llm"}
    assert len(asked) == 21


def test_asynchronous_streams_end_as_the_others_do(asynchronous: openai.AsyncOpenAI, told: Told) -> None:
    async def read() -> None:
        stream = await chat(asynchronous)
        assert isinstance(stream, openai.AsyncStream)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == STREAMED_ANSWER
        left = await chat(asynchronous)
        async for chunk in left:
            if chunk.choices[0].delta.content == "in ":
                break
        await asyncio.sleep(0.01)
        await left.close()
        async with asynchronous.chat.completions.stream(model="gpt-4o", messages=messages()) as stream:
            async for event in stream:
                if event.type == "content.delta" and event.delta == "in ":
                    break
        with pytest.raises(openai.APIError):
            [chunk async for chunk in await chat(asynchronous, "breaks")]
        raw = await asynchronous.chat.completions.with_raw_response.create(
            model="gpt-4o", messages=messages(), stream=True
        )
        [chunk async for chunk in raw.parse()]
        create = asynchronous.chat.completions.with_streaming_response.create
        async with create(model="gpt-4o", messages=messages()) as response:
            await response.parse()
        async with create(model="gpt-4o", messages=messages(), stream=True) as response:
            [chunk async for chunk in await response.parse()]
        await asynchronous.close()

    asyncio.run(read())
    whole, left, left_helper, broken, raw, later, later_stream = told()
    assert_whole(whole)
    assert_stopped(left)
    assert_stopped(left_helper)
    assert broken["status"] == "error"
    assert_whole(raw)
    assert (later["status"], text_of(later)) == ("ok", STREAMED_ANSWER.strip())
    assert_whole(later_stream)


def test_a_cancelled_task_is_cancelled_and_no_error(asynchronous: openai.AsyncOpenAI, told: Told) -> None:
    async def read() -> None:
        async for _ in await chat(asynchronous, "slow"):
            pass

    async def cancel() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(read(), timeout=0.4)
        await asynchronous.close()

    asyncio.run(cancel())
    (span,) = told()
    assert (span["status"], "error" in span) == ("cancelled", False)
    assert text_of(span).startswith("Start ")
