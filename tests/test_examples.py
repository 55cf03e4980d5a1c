"""The examples, run as a user runs them: a process each, real HTTP to us and to a stand-in for the model."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbclient import NotebookClient

from tests.servers import our_server, serving
from traces_app import queries
from traces_app.domain.span import Span
from traces_app.queries import Trace, TraceFilter

CHECKOUT = Path(__file__).resolve().parent.parent
EXAMPLES = CHECKOUT / "examples"
ANSWERED_WORDS = 19


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def surroundings(store: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Our server and the stand-in, named by the variables that the examples read."""
    stand_in = load("model_stand_in").serve(0)
    with our_server() as url, serving(stand_in):
        monkeypatch.setenv("TRACER_URL", url)
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://localhost:{stand_in.server_port}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "any")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", f"http://localhost:{stand_in.server_port}")
        monkeypatch.setenv("ANTHROPIC_API_KEY", "any")
        monkeypatch.setenv("PYTHONPATH", str(CHECKOUT / "client"))
        yield


def run(name: str) -> Trace:
    return opened(printed_by(name).split()[-1])


def printed_by(name: str) -> str:
    command = [sys.executable, str(EXAMPLES / f"{name}.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def opened(trace_id: str) -> Trace:
    return queries.get_trace("dev", trace_id, now_ns=time.time_ns())


@pytest.mark.usefixtures("surroundings")
def test_the_asynchronous_sample_is_seen_with_tokens_cost_times_and_parents() -> None:
    trace = run("async_agent")
    assert (trace.summary.name, trace.summary.status) == ("my-agent-run", "ok")
    assert trace.summary.output_preview == "Agent completed successfully"
    root, call = trace.rows
    assert (root.depth, call.depth, call.span.kind, call.span.model) == (0, 1, "llm", "gpt-4")
    assert (trace.summary.input_tokens, trace.summary.output_tokens) == (18, ANSWERED_WORDS)
    assert trace.summary.cost_usd == pytest.approx((18 * 30 + ANSWERED_WORDS * 60) / 1e6)
    assert root.duration_ns is not None
    assert call.duration_ns is not None
    assert 0 < call.duration_ns <= root.duration_ns
    assert "Alfama" in trace.span(call.span.span_id).output["response"]


@pytest.mark.usefixtures("surroundings")
def test_the_synchronous_sample_is_seen_as_well() -> None:
    trace = run("sync_script")
    assert (trace.summary.name, trace.summary.span_count) == ("experiment-v1", 2)
    assert (trace.summary.input_tokens, trace.summary.output_tokens) == (7, ANSWERED_WORDS)


@pytest.mark.usefixtures("surroundings")
def test_the_synchronous_sample_works_inside_a_running_event_loop() -> None:
    async def notebook_cell() -> str:
        return str(load("sync_script").main())

    trace = opened(asyncio.run(notebook_cell()))
    assert (trace.summary.name, trace.summary.span_count) == ("experiment-v1", 2)


def names(trace: Trace) -> list[tuple[int, str, str]]:
    return [(row.depth, row.span.kind, row.span.name) for row in trace.rows]


def whole(trace: Trace, kind: str) -> list[Span]:
    return [trace.span(row.span.span_id) for row in trace.rows if row.span.kind == kind]


@pytest.mark.usefixtures("surroundings")
def test_streamed_answers_have_their_first_token_usage_and_session() -> None:
    trace = run("streaming_chat")
    assert names(trace) == [(0, "chain", "story"), (1, "llm", "chat gpt-4o-mini")]
    (call,) = whole(trace, "llm")
    assert call.time_to_first_token_ms is not None
    assert [said["role"] for said in call.input] == ["user", "assistant", "user"]
    assert (trace.summary.session_id, trace.summary.user_id) == ("reader-7", "ada")
    assert trace.summary.tags == ["streaming"]
    assert trace.summary.output_tokens == ANSWERED_WORDS
    assert len(stored()) == 2


@pytest.mark.usefixtures("surroundings")
def test_an_agent_shows_its_turns_its_thoughts_and_its_tools() -> None:
    trace = run("agent_with_tools")
    chat = (1, "llm", "chat claude-sonnet-5")
    assert names(trace) == [(0, "agent", "travel-agent"), chat, (1, "tool", "get_weather"), chat]
    (called,) = whole(trace, "tool")
    first, second = whole(trace, "llm")
    thought, asked = first.output["content"]
    assert (thought["type"], asked["type"]) == ("thinking", "tool_use")
    assert called.tool is not None
    assert called.tool["call_id"] == asked["id"]
    assert first.tool is not None
    assert first.tool["definitions"][0]["name"] == "get_weather"
    assert second.input[0]["role"] == "system"
    assert "Alfama" in trace.summary.output_preview
    assert trace.summary.input_tokens > 0


@pytest.mark.usefixtures("surroundings")
def test_a_retrieval_shows_its_embedding_and_its_documents() -> None:
    trace = run("rag")
    assert names(trace) == [
        (0, "chain", "ask-the-guide"),
        (1, "retrieval", "search passages"),
        (2, "embedding", "embeddings text-embedding-3-small"),
        (1, "llm", "chat gpt-4o-mini"),
    ]
    (retrieval,), (embedding,) = whole(trace, "retrieval"), whole(trace, "embedding")
    assert "Tram 28" in retrieval.documents[0]["content"]
    assert embedding.output == {"count": 5, "dimensions": 64}
    assert embedding.usage is not None
    assert embedding.usage.input_tokens is not None
    assert trace.summary.cost_usd is not None


@pytest.mark.usefixtures("surroundings")
def test_an_agent_of_langgraph_shows_its_nodes() -> None:
    trace = run("langchain_agent")
    shown = names(trace)
    assert shown[:3] == [(0, "chain", "request"), (1, "agent", "travel-agent"), (2, "agent", "agent")]
    assert (3, "tool", "search_guide") in shown
    assert (4, "function", "read the index") in shown
    assert [name for _, kind, name in shown if kind == "llm"] == ["chat gpt-4o-mini"] * 2
    assert trace.summary.output_tokens == 2 * ANSWERED_WORDS


@pytest.mark.usefixtures("surroundings")
def test_an_invocation_of_a_lambda_function_is_there_when_it_returns() -> None:
    assert "Alfama" in printed_by("lambda_function")
    (trace,) = stored()
    assert names(trace) == [(0, "chain", "answer-question"), (1, "llm", "chat gpt-4o-mini")]
    (root,) = whole(trace, "chain")
    assert root.metadata["cold_start"] is True
    assert root.input["headers"] == {"authorization": "[masked]", "content-type": "application/json"}


@pytest.mark.usefixtures("surroundings")
def test_the_notebook_runs_and_shows_a_summary_of_its_trace() -> None:
    shown = outputs_of_notebook(EXAMPLES / "notebook.ipynb")
    first, newest = stored()[::-1]
    assert (first.summary.name, newest.summary.name) == ("notebook", "notebook stream")
    assert names(first)[1:3] == [(1, "chain", "temperature 0"), (2, "llm", "chat gpt-4o-mini")]
    tables = [html for html in shown if "<table>" in html]
    assert [trace.summary.trace_id in html for trace, html in zip((first, newest), tables, strict=True)] == [
        True
    ] * 2
    assert "open the trace" in tables[0]


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert code
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


def outputs_of_notebook(path: Path) -> list[str]:
    """The HTML of its cells, run in a kernel of its own."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]


def stored() -> list[Trace]:
    """All traces, the newest first."""
    page = queries.list_traces("dev", TraceFilter(), limit=50, cursor=None, now_ns=time.time_ns())
    return [opened(trace.trace_id) for trace in page.traces]
