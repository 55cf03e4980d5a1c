"""Spans of Phoenix, of the shapes that it writes, come in with everything they tell."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import span_id, trace_id
from tests.transfer.imports import NOW_NS, by_name, opened, take, traces, written

pytestmark = pytest.mark.usefixtures("store")


def phoenix() -> list[dict[str, Any]]:
    """Rows of its data frame of spans."""
    return [
        {
            "name": "ChatCompletion",
            "span_kind": "LLM",
            "parent_id": span_id(1),
            "start_time": "2026-11-20 12:00:01.000000+00:00",
            "end_time": "2026-11-20 12:00:02.500000+00:00",
            "status_code": "OK",
            "status_message": "",
            "events": [],
            "context.span_id": span_id(2),
            "context.trace_id": trace_id(8),
            "attributes.llm.model_name": "gpt-4o",
            "attributes.llm.input_messages": [{"message.role": "user", "message.content": "How are you?"}],
            "attributes.llm.output_messages": [{"message.role": "assistant", "message.content": "Fine."}],
            "attributes.llm.token_count.prompt": 21.0,
            "attributes.llm.token_count.completion": 5.0,
            "attributes.llm.invocation_parameters": '{"temperature": 0.5}',
            "attributes.retrieval.documents": None,
        },
        {
            "name": "agent",
            "span_kind": "AGENT",
            "parent_id": None,
            "start_time": "2026-11-20 12:00:00+00:00",
            "end_time": "2026-11-20 12:00:03+00:00",
            "status_code": "ERROR",
            "status_message": "ValueError: no",
            "events": [
                {
                    "name": "exception",
                    "timestamp": "2026-11-20T12:00:02+00:00",
                    "attributes": {"exception.type": "ValueError", "exception.message": "no"},
                }
            ],
            "context.span_id": span_id(1),
            "context.trace_id": trace_id(8),
            "attributes.session.id": "talk-1",
            "attributes.user.id": "ann",
            "attributes.tag.tags": ["prod"],
            "attributes.metadata": {"plan": "free"},
            "attributes.input.value": "How are you?",
        },
    ]


def assert_phoenix(project: str) -> None:
    (listed,) = traces(project)
    assert (listed.name, listed.session_id, listed.user_id, listed.status) == (
        "agent",
        "talk-1",
        "ann",
        "error",
    )
    assert (listed.span_count, listed.input_tokens, listed.output_tokens) == (2, 21, 5)
    assert listed.cost_usd == pytest.approx((21 * 2.5 + 5 * 10) / 1e6)
    spans = by_name(opened(trace_id(8), project))
    agent, call = spans["agent"], spans["ChatCompletion"]
    assert (agent.kind, agent.tags, agent.metadata) == ("agent", ["prod"], {"plan": "free"})
    assert (agent.error or {})["type"] == "ValueError"
    assert (call.kind, call.model, call.parent_span_id) == ("llm", "gpt-4o", agent.span_id)
    assert call.input[0]["parts"] == [{"type": "text", "content": "How are you?"}]
    assert call.output[0]["parts"] == [{"type": "text", "content": "Fine."}]
    assert call.parameters == {"temperature": 0.5}
    assert (call.start_ns, call.end_ns) == (NOW_NS + 10**9, NOW_NS + 2_500_000_000)


def test_phoenix_comes_as_json_lines_with_times_as_texts_and_numbers(tmp_path: Path) -> None:
    assert "2 spans in project dev (entries: 2 phoenix)" in take(
        written(tmp_path / "spans.jsonl", *phoenix())
    )
    assert_phoenix("dev")
    names = ("start_time", "end_time")
    epoch = [
        {**row, **{n: round(datetime.fromisoformat(row[n]).timestamp() * 1000) for n in names}}
        for row in phoenix()
    ]
    take(written(tmp_path / "epoch.jsonl", *epoch), project="epoch")
    assert_phoenix("epoch")


def test_phoenix_comes_as_parquet(tmp_path: Path) -> None:
    rows = [
        {
            **row,
            "start_time": datetime.fromisoformat(row["start_time"]),
            "end_time": datetime.fromisoformat(row["end_time"]),
        }
        for row in phoenix()
    ]
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows])
    pq.write_table(table, tmp_path / "spans.parquet")
    take(tmp_path / "spans.parquet")
    assert_phoenix("dev")


def test_phoenix_comes_as_csv_with_pythons_own_literals(tmp_path: Path) -> None:
    with (tmp_path / "spans.csv").open("w", newline="") as file:
        names = list(dict.fromkeys(name for row in phoenix() for name in row))
        table = csv.DictWriter(file, ["", *names])
        table.writeheader()
        for number, row in enumerate(phoenix()):
            table.writerow({"": number, **row})
    take(tmp_path / "spans.csv")
    assert_phoenix("dev")


def test_phoenix_comes_as_its_rest_api_answers(tmp_path: Path) -> None:
    spans = []
    for row in phoenix():
        plain = {
            name: value for name, value in row.items() if not name.startswith(("attributes.", "context."))
        }
        attributes = {name[11:]: value for name, value in row.items() if name.startswith("attributes.")}
        context = {"trace_id": row["context.trace_id"], "span_id": row["context.span_id"]}
        spans.append({"id": "U3Bhbjox", **plain, "context": context, "attributes": attributes})
    (tmp_path / "api.json").write_text(json.dumps({"data": spans, "next_cursor": None}))
    take(tmp_path / "api.json")
    assert_phoenix("dev")
