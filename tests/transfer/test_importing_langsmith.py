"""Runs of LangSmith, of the shapes that it writes, come in with everything they tell."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from langsmith.schemas import Run

from tests.transfer.imports import NOW, NOW_NS, by_name, opened, take, traces, written
from traces_app.domain.span import Usage

pytestmark = pytest.mark.usefixtures("store")

ROOT, CALL, TOOL = (UUID(int=number + 2**100) for number in (1, 2, 3))


def runs() -> list[dict[str, Any]]:
    """As the package itself writes them."""
    order = "20261120T120000000000Z"
    root = Run(
        id=ROOT,
        trace_id=ROOT,
        dotted_order=f"{order}{ROOT}",
        name="agent",
        run_type="chain",
        start_time=NOW,
        end_time=NOW + timedelta(seconds=3),
        inputs={"question": "How are you?"},
        outputs={"answer": "Fine."},
        extra={"metadata": {"thread_id": "talk-1", "user_id": "ann", "plan": "free"}},
        tags=["prod"],
        session_id=UUID(int=9),
        prompt_tokens=21,
        completion_tokens=5,
        total_cost=Decimal("0.004"),
        feedback_stats={"helpful": {"n": 1, "avg": 1.0}},
        status="success",
    )
    call = Run(
        id=CALL,
        trace_id=ROOT,
        parent_run_id=ROOT,
        dotted_order=f"{order}{ROOT}.{order}{CALL}",
        name="ChatOpenAI",
        run_type="llm",
        start_time=NOW + timedelta(seconds=1),
        end_time=NOW + timedelta(seconds=2),
        first_token_time=NOW + timedelta(seconds=1, milliseconds=250),
        inputs={"messages": [[{"type": "human", "data": {"content": "How are you?"}}]]},
        outputs={"generations": [[{"message": {"type": "ai", "data": {"content": "Fine."}}}]]},
        extra={
            "metadata": {"ls_model_name": "gpt-4o", "ls_provider": "openai"},
            "invocation_params": {"model": "gpt-4o", "temperature": 0.5, "tools": []},
        },
        prompt_tokens=21,
        completion_tokens=5,
        prompt_token_details={"cache_read": 4},
        total_cost=Decimal("0.004"),
    )
    tool = Run(
        id=TOOL,
        trace_id=ROOT,
        parent_run_id=ROOT,
        dotted_order=f"{order}{ROOT}.{order}{TOOL}",
        name="search",
        run_type="tool",
        start_time=NOW,
        end_time=NOW,
        inputs={"input": "x"},
        error="ValueError('no')",
    )
    return [json.loads(run.model_dump_json()) for run in (call, root, tool)]


def test_langsmith_runs_come_in(tmp_path: Path) -> None:
    assert "3 spans in project dev (entries: 3 langsmith)" in take(written(tmp_path / "runs.jsonl", *runs()))
    (listed,) = traces()
    assert (listed.trace_id, listed.name, listed.session_id, listed.user_id) == (
        ROOT.hex,
        "agent",
        "talk-1",
        "ann",
    )
    assert (listed.span_count, listed.error_count, listed.input_tokens, listed.output_tokens) == (3, 1, 21, 5)
    assert listed.cost_usd == pytest.approx(0.004)
    spans = by_name(opened(ROOT.hex))
    agent, call, tool = spans["agent"], spans["ChatOpenAI"], spans["search"]
    assert (agent.kind, agent.tags, agent.metadata["plan"]) == ("chain", ["prod"], "free")
    assert agent.scores == [{"name": "helpful", "value": 1.0}]
    assert (call.kind, call.model, call.provider, call.cost_source) == ("llm", "gpt-4o", "openai", "reported")
    assert call.parent_span_id == tool.parent_span_id == agent.span_id
    assert (call.usage or Usage()).cache_read_tokens == 4
    assert call.time_to_first_token_ms == 250
    assert call.parameters is not None
    assert call.parameters["temperature"] == 0.5
    assert call.input[0]["parts"] == [{"type": "text", "content": "How are you?"}]
    assert call.output[0]["parts"] == [{"type": "text", "content": "Fine."}]
    assert (tool.kind, tool.status, (tool.error or {})["message"]) == ("tool", "error", "ValueError('no')")
    assert call.start_ns == NOW_NS + 10**9


def test_langsmith_runs_come_with_their_children_inside_and_as_parquet(tmp_path: Path) -> None:
    call, root, tool = runs()
    take(written(tmp_path / "nested.json", {**root, "child_runs": [call, tool]}), project="nested")
    rows = [
        {
            **{name: run[name] for name in ("id", "trace_id", "parent_run_id", "name", "run_type", "error")},
            "start_time": datetime.fromisoformat(run["start_time"]),
            "end_time": datetime.fromisoformat(run["end_time"]),
            "inputs": json.dumps(run["inputs"]),
            "outputs": json.dumps(run["outputs"]),
            "extra": json.dumps(run["extra"]),
            "prompt_tokens": run["prompt_tokens"],
            "completion_tokens": run["completion_tokens"],
        }
        for run in runs()
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "bulk.parquet")
    take(tmp_path / "bulk.parquet", project="bulk")
    for project in ("nested", "bulk"):
        spans = by_name(opened(ROOT.hex, project))
        assert spans["ChatOpenAI"].model == "gpt-4o"
        assert spans["search"].parent_span_id == spans["agent"].span_id
        assert spans["ChatOpenAI"].start_ns == NOW_NS + 10**9
        assert (spans["ChatOpenAI"].usage or Usage()).input_tokens == 21
