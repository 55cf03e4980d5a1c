"""wrap_openai: the real package against a server; what a span tells, and that callers see no difference."""

from __future__ import annotations

import json
from collections.abc import Iterator

import openai
import pydantic
import pytest
from openai.types.chat import ChatCompletion

from llm_tracer import SyncTracerClient
from llm_tracer.integrations.openai import unwrap, wrap_openai
from tests.integrations.conftest import Told
from tests.integrations.provider import ANSWER, ANSWERED_WORDS, Provider, messages, text_of

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@pytest.fixture
def plain(provider: Provider) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{provider.url}/v1", api_key="sk-hidden", max_retries=0) as client:
        yield client


@pytest.fixture
def client(plain: openai.OpenAI, tracer: SyncTracerClient) -> openai.OpenAI:
    return wrap_openai(plain, tracer)


def test_a_chat_is_a_span_with_messages_parameters_usage_and_finish_reason(
    client: openai.OpenAI, told: Told
) -> None:
    answer = client.chat.completions.create(
        model="gpt-4o-mini", messages=messages(), temperature=0.2, max_tokens=50
    )
    assert isinstance(answer, ChatCompletion)
    (span,) = told()
    assert (span["name"], span["kind"], span["status"]) == ("chat gpt-4o-mini", "llm", "ok")
    assert (span["model"], span["provider"]) == ("gpt-4o-mini", "localhost")
    assert span["input"] == messages()
    assert span["output"] == {"role": "assistant", "content": ANSWER}
    assert span["parameters"] == {"model": "gpt-4o-mini", "temperature": 0.2, "max_tokens": 50}
    assert span["usage"] == {
        "input_tokens": 6,
        "output_tokens": ANSWERED_WORDS,
        "cache_read_tokens": 2,
        "reasoning_tokens": 4,
    }
    assert span["metadata"] == {"finish_reason": "stop", "response_id": "chatcmpl-1"}


def test_a_call_is_below_the_span_that_is_open_where_it_is_made(
    client: openai.OpenAI, tracer: SyncTracerClient, told: Told
) -> None:
    with tracer.trace("question") as trace, trace.span("step") as step:
        client.chat.completions.create(model="gpt-4o", messages=messages())
    call = next(span for span in told() if span["kind"] == "llm")
    assert (call["trace_id"], call["parent_span_id"]) == (trace.trace_id, step.span_id)


def test_without_a_tracer_a_call_goes_where_the_open_span_goes(
    plain: openai.OpenAI, tracer: SyncTracerClient, told: Told
) -> None:
    client = wrap_openai(plain)
    with tracer.trace("question") as trace:
        client.chat.completions.create(model="gpt-4o", messages=messages())
    assert {span["trace_id"] for span in told()} == {trace.trace_id}
    assert len(told()) == 2


def test_tools_are_told_as_definitions_and_their_calls_as_output(client: openai.OpenAI, told: Told) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=messages(), tools=[TOOL])
    call = answer.choices[0].message.tool_calls[0]
    history = [
        *messages(),
        answer.choices[0].message,
        {"role": "tool", "tool_call_id": call.id, "content": "sun"},
    ]
    client.chat.completions.create(model="gpt-4o", messages=history, tools=[TOOL])
    first, second = told()
    assert first["tool"] == {"definitions": [TOOL]}
    assert first["output"]["tool_calls"] == [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": '{"city": "Lisbon"}'},
        }
    ]
    assert first["metadata"]["finish_reason"] == "tool_calls"
    assert second["input"][1]["tool_calls"][0]["id"] == "call_1"
    assert text_of(second) == ANSWER


def test_several_choices_are_all_kept(client: openai.OpenAI, told: Told) -> None:
    client.chat.completions.create(model="two-choices", messages=messages(), n=2)
    (span,) = told()
    assert [choice["message"]["content"] for choice in span["output"]["choices"]] == [ANSWER, ANSWER]


def test_a_parsed_answer_is_kept_once_and_returned_parsed(client: openai.OpenAI, told: Told) -> None:
    class City(pydantic.BaseModel):
        name: str

    answer = client.chat.completions.parse(model="says-json", messages=messages(), response_format=City)
    assert answer.choices[0].message.parsed == City(name="Lisbon")
    (span,) = told()
    assert span["output"] == {"role": "assistant", "content": '{"name": "Lisbon"}'}
    assert span["parameters"]["response_format"]["type"] == "json_schema"


def test_responses_tell_instructions_items_and_usage(client: openai.OpenAI, told: Told) -> None:
    client.responses.create(model="gpt-4o", instructions="Be brief.", input="Lisbon?", temperature=0)
    (span,) = told()
    assert span["input"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Lisbon?"},
    ]
    assert (span["output"][0]["role"], text_of(span)) == ("assistant", ANSWER)
    assert span["usage"] == {
        "input_tokens": 1,
        "output_tokens": ANSWERED_WORDS,
        "cache_read_tokens": 1,
        "reasoning_tokens": 3,
    }
    assert span["metadata"] == {"finish_reason": "completed", "response_id": "resp_1"}


def test_a_response_that_failed_is_an_error_though_nothing_was_raised(
    client: openai.OpenAI, told: Told
) -> None:
    assert client.responses.create(model="fails-inside", input="Lisbon?").status == "failed"
    (span,) = told()
    assert (span["status"], span["error"]["message"]) == ("error", "no capacity")


def test_embeddings_are_told_without_their_vectors(client: openai.OpenAI, told: Told) -> None:
    answer = client.embeddings.create(model="text-embedding-3-small", input=["one two", "three"])
    assert len(answer.data[0].embedding) == 64
    (span,) = told()
    assert (span["kind"], span["output"]) == ("embedding", {"count": 2, "dimensions": 64})
    assert (span["input"], span["usage"]) == (["one two", "three"], {"input_tokens": 3})
    assert span["parameters"] == {"model": "text-embedding-3-small"}


def test_raw_responses_stay_raw(client: openai.OpenAI, told: Told) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=messages())
    assert raw.headers["content-type"] == "application/json"
    assert raw.parse().choices[0].message.content == ANSWER
    assert [text_of(span) for span in told()] == [ANSWER]


def test_a_body_that_is_read_later_is_told_when_it_is_read(client: openai.OpenAI, told: Told) -> None:
    create = client.chat.completions.with_streaming_response.create
    with create(model="gpt-4o", messages=messages()) as response:
        assert told() == []
        assert json.loads(response.read())["id"] == "chatcmpl-1"
        assert [text_of(span) for span in told()] == [ANSWER]


def test_a_body_that_is_read_as_bytes_is_said_to_be_unseen(client: openai.OpenAI, told: Told) -> None:
    create = client.chat.completions.with_streaming_response.create
    with create(model="gpt-4o", messages=messages()) as response:
        assert b"Alfama" in b"".join(response.iter_bytes())
    (span,) = told()
    assert (span["status"], "output" in span) == ("ok", False)
    assert span["metadata"]["llm_tracer.output"] == "not seen: the response was read as bytes"


@pytest.mark.parametrize(
    ("status", "kind"), [(429, openai.RateLimitError), (500, openai.InternalServerError)]
)
def test_an_error_of_the_provider_is_told_and_raised_unchanged(
    client: openai.OpenAI, told: Told, status: int, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model=f"status-{status}", messages=messages())
    (span,) = told()
    assert (span["status"], span["error"]["type"]) == ("error", f"openai.{kind.__name__}")
    assert span["error"]["message"] == str(caught.value)


def test_retries_are_one_span(client: openai.OpenAI, provider: Provider, told: Told) -> None:
    patient = client.with_options(max_retries=1)
    with pytest.raises(openai.InternalServerError):
        patient.chat.completions.create(model="status-500", messages=messages())
    assert len(provider.requests) == 2
    assert [span["status"] for span in told()] == ["error"]


def test_a_client_that_cannot_connect_is_told_with_its_cause(tracer: SyncTracerClient, told: Told) -> None:
    client = wrap_openai(openai.OpenAI(base_url="http://localhost:9", api_key="any", max_retries=0), tracer)
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model="gpt-4o", messages=messages())
    assert [span["error"]["type"] for span in told()] == ["openai.APIConnectionError"]


def test_secrets_are_not_told(client: openai.OpenAI, provider: Provider, told: Told) -> None:
    client.responses.create(
        model="gpt-4o",
        input="hello",
        tools=[
            {
                "type": "mcp",
                "server_label": "files",
                "server_url": "https://files.example",
                "authorization": "hush-1",
                "headers": {"X-Anything": "hush-2"},
            }
        ],
        extra_headers={"X-Api-Key": "hush-3"},
        extra_query={"api_key": "hush-4"},
        extra_body={"api_key": "hush-5", "top_k": 3},
    )
    assert provider.headers[0]["x-api-key"] == "hush-3"
    (span,) = told()
    assert span["parameters"]["top_k"] == 3
    assert span["tool"]["definitions"][0]["server_label"] == "files"
    assert "hush" not in json.dumps(span)
    assert "sk-hidden" not in json.dumps(span)


def test_what_the_caller_does_to_the_messages_later_changes_nothing(
    client: openai.OpenAI, told: Told
) -> None:
    history = messages("first")
    client.chat.completions.create(model="gpt-4o", messages=history)
    history[0]["content"] = "changed"
    assert told()[0]["input"] == messages("first")


def test_other_calls_are_left_alone(client: openai.OpenAI, told: Told) -> None:
    with pytest.raises(openai.NotFoundError):
        client.moderations.create(input="hello")
    assert told() == []


def test_an_answer_that_makes_no_sense_is_returned_and_told(client: openai.OpenAI, told: Told) -> None:
    answer = client.chat.completions.create(model="garbage", messages=messages())
    assert answer.choices == "none"
    assert [span["status"] for span in told()] == ["ok"]


def test_wrapping_twice_is_wrapping_once(client: openai.OpenAI, tracer: SyncTracerClient, told: Told) -> None:
    assert wrap_openai(client, tracer) is client
    client.chat.completions.create(model="gpt-4o", messages=messages())
    assert len(told()) == 1


def test_unwrapping_gives_the_client_back_as_it_was(
    plain: openai.OpenAI, tracer: SyncTracerClient, told: Told
) -> None:
    before = dict(vars(plain))
    assert unwrap(wrap_openai(plain, tracer)) is plain
    assert vars(plain) == before
    plain.chat.completions.create(model="gpt-4o", messages=messages())
    assert told() == []
    assert unwrap(plain) is plain


def test_copies_of_a_wrapped_client_are_wrapped(client: openai.OpenAI, told: Told) -> None:
    client.with_options(timeout=5).chat.completions.create(model="gpt-4o", messages=messages())
    client.copy(timeout=5).chat.completions.create(model="gpt-4o", messages=messages())
    assert len(told()) == 2


def test_nothing_is_done_while_tracing_is_off(plain: openai.OpenAI, provider: Provider) -> None:
    client = wrap_openai(plain, SyncTracerClient(enabled=False))
    list(client.chat.completions.create(model="gpt-4o", messages=messages(), stream=True))
    assert "stream_options" not in provider.requests[0]


def test_what_is_no_client_is_left_alone_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    thing = object()
    assert wrap_openai(thing) is thing
    assert "object is no client" in caplog.text


def test_a_failure_of_ours_is_logged_and_the_call_goes_on(
    plain: openai.OpenAI, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llm_tracer.integrations import _guard

    monkeypatch.setattr(_guard.faults, "_warned_at", None)
    count = _guard.faults.count

    class Broken:
        def span(self, *_: object, **__: object) -> None:
            raise ZeroDivisionError

    client = wrap_openai(plain, Broken())
    assert client.chat.completions.create(model="gpt-4o", messages=messages()).id == "chatcmpl-1"
    assert client.chat.completions.create(model="gpt-4o", messages=messages()).id == "chatcmpl-1"
    assert (_guard.faults.count - count, caplog.text.count("the call went on")) == (2, 1)
    _guard.faults.count = count


def test_azure_is_told_as_the_provider(provider: Provider, tracer: SyncTracerClient, told: Told) -> None:
    import httpx2

    def as_azure(request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == "/openai/deployments/gpt-4o/chat/completions"
        return httpx2.Response(200, json=json.loads(answer.to_json()))

    answer = openai.OpenAI(base_url=f"{provider.url}/v1", api_key="x").chat.completions.create(
        model="gpt-4o", messages=messages()
    )
    azure = wrap_openai(
        openai.AzureOpenAI(
            azure_endpoint="https://mine.openai.azure.com",
            api_key="any",
            api_version="2024-10-21",
            http_client=httpx2.Client(transport=httpx2.MockTransport(as_azure)),
        ),
        tracer,
    )
    azure.chat.completions.create(model="gpt-4o", messages=messages())
    assert [(span["provider"], text_of(span)) for span in told()] == [("azure", ANSWER)]
