"""The callback handler: real LangChain and LangGraph, a real server for the model."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command, interrupt

from llm_tracer import SyncTracerClient
from llm_tracer.integrations.langchain import TracerCallbackHandler
from tests.integrations.conftest import Told
from tests.integrations.provider import ANSWER, ANSWERED_WORDS, STREAMED_ANSWER, Provider


class Library(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [Document(page_content="Belém has tarts.", metadata={"page": 7}, id="b1")]


@pytest.fixture
def handler(tracer: SyncTracerClient) -> TracerCallbackHandler:
    return TracerCallbackHandler(tracer)


@pytest.fixture
def config(handler: TracerCallbackHandler) -> dict[str, Any]:
    return {"callbacks": [handler]}


@pytest.fixture
def model(provider: Provider) -> ChatOpenAI:
    return chat_model(provider)


def chat_model(provider: Provider, name: str = "gpt-4o", **more: Any) -> ChatOpenAI:
    return ChatOpenAI(model=name, base_url=f"{provider.url}/v1", api_key="sk-hidden", max_retries=0, **more)


def chain_of(model: ChatOpenAI) -> Runnable:
    prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")])
    return prompt | model | StrOutputParser()


def by_name(spans: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {span["name"]: span for span in spans}
    assert len(found) == len(spans)
    return found


def names_above(spans: list[dict[str, Any]], span: dict[str, Any]) -> list[str]:
    known = {span["span_id"]: span for span in spans}
    names = []
    while span["parent_span_id"] is not None:
        span = known[span["parent_span_id"]]
        names.append(span["name"])
    return names


def test_a_chain_is_a_trace_of_its_steps(model: ChatOpenAI, config: dict[str, Any], told: Told) -> None:
    assert chain_of(model).invoke({"question": "Lisbon?"}, config) == ANSWER
    spans = by_name(told())
    assert set(spans) == {"RunnableSequence", "ChatPromptTemplate", "chat gpt-4o", "StrOutputParser"}
    root, call = spans["RunnableSequence"], spans["chat gpt-4o"]
    assert spans["ChatPromptTemplate"]["output"] == call["input"]
    assert (root["input"], root["output"]) == ({"question": "Lisbon?"}, ANSWER)
    assert all(span["parent_span_id"] == root["span_id"] for span in spans.values() if span is not root)
    assert (call["kind"], call["model"], call["provider"]) == ("llm", "gpt-4o", "openai")
    assert call["input"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Lisbon?"},
    ]
    assert call["output"] == {"role": "assistant", "content": ANSWER}
    assert call["usage"]["output_tokens"] == ANSWERED_WORDS
    assert call["usage"]["reasoning_tokens"] == 4
    assert call["metadata"]["finish_reason"] == "stop"
    assert "sk-hidden" not in str(spans)


def test_a_stream_has_its_first_token(provider: Provider, config: dict[str, Any], told: Told) -> None:
    chain = chain_of(chat_model(provider, stream_usage=True))
    assert "".join(chain.stream({"question": "Lisbon?"}, config)) == STREAMED_ANSWER
    spans = by_name(told())
    call = spans["chat gpt-4o"]
    assert call["time_to_first_token_ms"] > 0
    assert call["output"]["content"] == STREAMED_ANSWER
    assert call["usage"]["output_tokens"] == ANSWERED_WORDS
    root = spans["RunnableSequence"]
    assert (root["input"], root["output"]) == ({"question": "Lisbon?"}, STREAMED_ANSWER)


def test_user_session_tags_and_metadata_of_the_config_are_those_of_the_trace(
    model: ChatOpenAI, config: dict[str, Any], told: Told
) -> None:
    about = {"user_id": "ada", "session_id": "s1", "plan": "pro", "api_key": "hush"}
    chain_of(model).invoke({"question": "?"}, {**config, "tags": ["beta"], "metadata": about})
    spans = by_name(told())
    root = spans["RunnableSequence"]
    assert root["tags"] == ["beta"]
    assert (root["metadata"]["plan"], root["metadata"]["api_key"]) == ("pro", "[masked]")
    assert {(span["user_id"], span["session_id"]) for span in spans.values()} == {("ada", "s1")}


def test_a_run_is_below_the_span_that_is_open_where_it_starts(
    model: ChatOpenAI, config: dict[str, Any], tracer: SyncTracerClient, told: Told
) -> None:
    with tracer.trace("request") as trace:
        model.invoke("Lisbon?", config)
    call = by_name(told())["chat gpt-4o"]
    assert (call["trace_id"], call["parent_span_id"]) == (trace.trace_id, trace.span_id)


def test_without_a_tracer_a_run_goes_where_the_open_span_goes(
    model: ChatOpenAI, tracer: SyncTracerClient, told: Told
) -> None:
    with tracer.trace("request"):
        model.invoke("Lisbon?", {"callbacks": [TracerCallbackHandler()]})
    assert len(told()) == 2


def test_a_retriever_tells_its_documents(config: dict[str, Any], told: Told) -> None:
    Library().invoke("tarts", config)
    (span,) = told()
    assert (span["kind"], span["input"]) == ("retrieval", "tarts")
    assert span["documents"] == [{"content": "Belém has tarts.", "metadata": {"page": 7}, "id": "b1"}]


def test_spans_that_a_tool_opens_are_below_it(
    config: dict[str, Any], tracer: SyncTracerClient, told: Told
) -> None:
    @tool
    def count(city: str) -> int:
        """Count."""
        with tracer.span("look up"):
            return len(city)

    @tool
    async def count_later(city: str) -> int:
        """Count."""
        with tracer.span("look up"):
            return len(city)

    count.invoke({"city": "Lisbon"}, config)
    asyncio.run(count_later.ainvoke({"city": "Lisbon"}, config))
    with tracer.span("afterwards") as after:
        assert after.parent_span_id is None
    spans = told()
    tools = {span["name"]: span for span in spans if span["kind"] == "tool"}
    assert (tools["count"]["input"], tools["count"]["output"]) == ({"city": "Lisbon"}, 6)
    inner = [names_above(spans, span) for span in spans if span["name"] == "look up"]
    assert inner == [["count"], ["count_later"]]


def test_errors_are_told_where_they_happened_and_raised(
    provider: Provider, config: dict[str, Any], told: Told
) -> None:
    with pytest.raises(Exception, match="the provider says"):
        chain_of(chat_model(provider, "status-429")).invoke({"question": "?"}, config)
    spans = by_name(told())
    assert spans["chat status-429"]["error"]["type"].endswith("RateLimitError")
    assert spans["RunnableSequence"]["status"] == "error"
    assert spans["ChatPromptTemplate"]["status"] == "ok"


def test_a_failing_tool_and_a_failing_retriever_are_errors(config: dict[str, Any], told: Told) -> None:
    @tool
    def fail() -> None:
        """Fail."""
        raise LookupError("no such city")

    class Empty(Library):
        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
            raise LookupError("no such book")

    with pytest.raises(LookupError):
        fail.invoke({}, config)
    with pytest.raises(LookupError):
        Empty().invoke("x", config)
    assert [span["error"]["message"] for span in told()] == ["no such city", "no such book"]


def test_concurrent_runs_in_tasks_and_threads_do_not_mix(
    model: ChatOpenAI, config: dict[str, Any], told: Told
) -> None:
    chain = chain_of(model)

    async def tasks() -> None:
        await asyncio.gather(*(chain.ainvoke({"question": f"a{n}"}, config) for n in range(8)))

    asyncio.run(tasks())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: chain.invoke({"question": f"t{n}"}, config), range(8)))
    chain.batch([{"question": f"b{n}"} for n in range(8)], config)
    spans = told()
    roots = {span["trace_id"]: span for span in spans if span["parent_span_id"] is None}
    assert (len(roots), len(spans)) == (24, 96)
    for span in spans:
        if span["kind"] == "llm":
            assert span["input"][1]["content"] == roots[span["trace_id"]]["input"]["question"]
            assert span["parent_span_id"] == roots[span["trace_id"]]["span_id"]


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sun in {city}"


def agent_graph(model: ChatOpenAI) -> Any:
    bound = model.bind_tools([get_weather])
    graph = StateGraph(MessagesState)
    graph.add_node("agent", lambda state: {"messages": [bound.invoke(state["messages"])]})
    graph.add_node("tools", ToolNode([get_weather]))
    graph.add_edge(START, "agent")
    graph.add_conditional_edges("agent", tools_condition)
    graph.add_edge("tools", "agent")
    return graph.compile()


def test_an_agent_of_langgraph_is_a_tree_of_nodes_calls_and_tools(
    model: ChatOpenAI, config: dict[str, Any], told: Told
) -> None:
    agent_graph(model).invoke({"messages": [("user", "Lisbon?")]}, config)
    spans = told()
    (root,) = [span for span in spans if span["parent_span_id"] is None]
    assert (root["name"], root["kind"]) == ("LangGraph", "agent")
    assert root["input"] == {"messages": [{"role": "user", "content": "Lisbon?"}]}
    assert [said["role"] for said in root["output"]["messages"]] == ["user", "assistant", "tool", "assistant"]
    called = next(span for span in spans if span["kind"] == "tool")
    assert called["tool"] == {"name": "get_weather", "call_id": "call_1"}
    assert (called["input"], called["output"]) == ({"city": "Lisbon"}, "sun in Lisbon")
    assert names_above(spans, called) == ["tools", "LangGraph"]
    first, second = (span for span in spans if span["kind"] == "llm")
    assert names_above(spans, first) == ["agent", "LangGraph"]
    assert first["tool"]["definitions"][0]["function"]["name"] == "get_weather"
    assert first["output"]["tool_calls"] == [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": {"city": "Lisbon"}},
        }
    ]
    assert second["input"][2] == {
        "role": "tool",
        "content": "sun in Lisbon",
        "tool_call_id": "call_1",
        "name": "get_weather",
    }


def test_a_hidden_run_has_no_span_and_what_is_below_it_has(
    config: dict[str, Any], handler: TracerCallbackHandler, told: Told
) -> None:
    hidden = RunnableLambda(lambda city: get_weather.invoke({"city": city})).with_config(
        tags=["langsmith:hidden"]
    )
    last = RunnableLambda(str.upper).with_config(run_name="last")
    assert (hidden | last).invoke("Lisbon", config) == "SUN IN LISBON"
    spans = by_name(told())
    assert set(spans) == {"RunnableSequence", "get_weather", "last"}
    assert names_above(list(spans.values()), spans["get_weather"]) == ["RunnableSequence"]
    assert spans["RunnableSequence"]["output"] == "SUN IN LISBON"
    assert (handler._runs, handler._hidden) == ({}, {})


def test_a_graph_that_pauses_for_a_person_has_not_failed(config: dict[str, Any], told: Told) -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("ask", lambda _: {"messages": [("user", interrupt("may I?"))]})
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    compiled = graph.compile(checkpointer=InMemorySaver())
    settings = {**config, "configurable": {"thread_id": "t1"}}
    compiled.invoke({"messages": []}, settings)
    paused = told()
    assert {span["status"] for span in paused} == {"ok"}
    assert by_name(paused)["ask"]["metadata"] == {"interrupted": "GraphInterrupt"}
    assert {span["session_id"] for span in paused} == {"t1"}
    compiled.invoke(Command(resume="yes"), settings)
    assert len(told()) == 4


def test_a_stream_that_is_left_early_ends_all_its_spans(
    model: ChatOpenAI, config: dict[str, Any], handler: TracerCallbackHandler, told: Told
) -> None:
    stream = chain_of(model).stream({"question": "Lisbon?"}, config)
    next(stream)
    stream.close()
    spans = by_name(told())
    assert set(spans) == {"RunnableSequence", "ChatPromptTemplate", "chat gpt-4o", "StrOutputParser"}
    assert not any("error" in span for span in spans.values())
    assert handler._runs == {}


def test_runs_that_never_end_are_bounded(
    config: dict[str, Any], told: Told, tracer: SyncTracerClient
) -> None:
    class Small(TracerCallbackHandler):
        MAX_OPEN_RUNS = 3

    from uuid import uuid4

    small = Small(tracer)
    for number in range(5):
        small.on_chain_start({"name": f"run {number}"}, {}, run_id=uuid4())
    assert len(small._runs) == 3
    assert [span["name"] for span in told()] == ["run 0", "run 1"]


def test_what_langchain_never_sends_breaks_nothing(
    handler: TracerCallbackHandler, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    from uuid import uuid4

    from llm_tracer.integrations import _guard

    count = _guard.faults.count
    unknown = uuid4()
    handler.on_chain_end({}, run_id=unknown)
    handler.on_llm_end(object(), run_id=unknown)
    handler.on_tool_error(ValueError(), run_id=unknown)
    assert _guard.faults.count == count
    handler.on_chat_model_start({}, 7, run_id=unknown)
    assert _guard.faults.count == count + 1
    _guard.faults.count = count
    assert told() == []


def test_nothing_is_kept_while_tracing_is_off(model: ChatOpenAI) -> None:
    handler = TracerCallbackHandler(SyncTracerClient(enabled=False))
    assert chain_of(model).invoke({"question": "?"}, {"callbacks": [handler]}) == ANSWER
    assert handler._runs == {}


def test_a_function_in_a_chain_is_a_step(config: dict[str, Any], told: Told) -> None:
    (RunnableLambda(lambda n: n + 1).with_config(run_name="add") | RunnableLambda(str)).invoke(1, config)
    assert by_name(told())["add"]["output"] == 2
