"""Traces and observations of Langfuse, of the shapes that it writes, come in with everything they tell."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.transfer.imports import MESSAGES, NOW_NS, by_name, opened, take, traces, written
from traces_app.domain.span import Usage
from traces_app.transfer.formats.values import trace_id_of

pytestmark = pytest.mark.usefixtures("store")


def langfuse() -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """A trace with two observations at its top and one below, and scores: as the API writes them."""
    trace = {
        "id": "my trace/1",
        "timestamp": "2026-11-20T12:00:00.000Z",
        "name": "chat",
        "input": "How are you?",
        "output": "Fine.",
        "sessionId": "talk-1",
        "userId": "ann",
        "metadata": {"plan": "free"},
        "tags": ["prod"],
        "release": "1.2",
        "environment": "production",
        "public": False,
        "latency": 3.0,
        "totalCost": 0.004,
        "observations": ["o1", "o2", "o3"],
    }
    base = {
        "traceId": "my trace/1",
        "level": "DEFAULT",
        "environment": "production",
        "parentObservationId": None,
    }
    observations = [
        {
            **base,
            "id": "o1",
            "type": "GENERATION",
            "name": "answer",
            "startTime": "2026-11-20T12:00:01.123456789Z",
            "endTime": "2026-11-20T12:00:02.000Z",
            "completionStartTime": "2026-11-20T12:00:01.623Z",
            "model": "gpt-4o",
            "modelParameters": {"temperature": 0.5},
            "input": MESSAGES,
            "output": {"role": "assistant", "content": "Fine."},
            "usageDetails": {"input": 20, "input_cached_tokens": 4, "output": 5, "total": 29},
            "costDetails": {"input": 0.003, "output": 0.001, "total": 0.004},
            "promptName": "greet",
            "promptVersion": 3,
            "metadata": {"k": "v"},
        },
        {
            **base,
            "id": "o2",
            "type": "SPAN",
            "name": "look up",
            "startTime": "2026-11-20T12:00:00.500Z",
            "endTime": "2026-11-20T12:00:03.000Z",
        },
        {
            **base,
            "id": "o3",
            "type": "TOOL",
            "name": "search",
            "parentObservationId": "o2",
            "startTime": "2026-11-20T12:00:00.600Z",
            "endTime": "2026-11-20T12:00:00.700Z",
            "level": "ERROR",
            "statusMessage": "no such thing",
        },
    ]
    scores = [
        {
            "id": "s1",
            "traceId": "my trace/1",
            "name": "helpful",
            "value": 1,
            "dataType": "NUMERIC",
            "source": "API",
        },
        {
            "id": "s2",
            "traceId": "my trace/1",
            "observationId": "o1",
            "name": "tone",
            "value": 0.25,
            "stringValue": "cold",
            "comment": "meh",
            "dataType": "CATEGORICAL",
            "source": "EVAL",
        },
    ]
    return trace, observations, scores


def assert_langfuse(project: str) -> None:
    (listed,) = traces(project)
    name = trace_id_of("my trace/1", "id")
    assert (listed.trace_id, listed.name, listed.session_id, listed.user_id) == (
        name,
        "chat",
        "talk-1",
        "ann",
    )
    assert (listed.span_count, listed.error_count, listed.input_tokens, listed.output_tokens) == (4, 1, 24, 5)
    assert (listed.cost_usd, listed.status) == (pytest.approx(0.004), "ok")
    assert (listed.environment, listed.release) == ("production", "1.2")
    assert listed.scores == {"helpful": 1.0, "tone": 0.25}
    spans = by_name(opened(name, project))
    root, answer, tool = spans["chat"], spans["answer"], spans["search"]
    assert (root.kind, root.input, root.output, root.tags) == ("chain", "How are you?", "Fine.", ["prod"])
    assert root.metadata["plan"] == "free"
    assert root.end_ns == NOW_NS + 3 * 10**9
    assert answer.parent_span_id == spans["look up"].parent_span_id == root.span_id
    assert tool.parent_span_id == spans["look up"].span_id
    assert (answer.kind, answer.model, answer.start_ns) == ("llm", "gpt-4o", NOW_NS + 1_123_456_789)
    assert (answer.usage or Usage()).cache_read_tokens == 4
    assert answer.input[0]["parts"] == [{"type": "text", "content": "How are you?"}]
    assert answer.output[0]["parts"] == [{"type": "text", "content": "Fine."}]
    assert answer.prompt is not None
    assert answer.prompt["name"] == "greet"
    assert answer.time_to_first_token_ms == pytest.approx(499.543, abs=0.001)
    assert answer.scores == [{"name": "tone", "value": 0.25, "label": "cold", "comment": "meh"}]
    assert (tool.kind, tool.status, (tool.error or {})["message"]) == ("tool", "error", "no such thing")


def snake(told: dict[str, Any]) -> dict[str, Any]:
    """As the export to blob storage writes it."""
    names = {"model": "provided_model_name"}
    plain = {
        "".join("_" + c.lower() if c.isupper() else c for c in name): value for name, value in told.items()
    }
    return {names.get(name, name): value for name, value in plain.items()}


def test_langfuse_traces_observations_and_scores_come_in(tmp_path: Path) -> None:
    trace, observations, scores = langfuse()
    (tmp_path / "traces.json").write_text(json.dumps({"data": [trace], "meta": {"page": 1}}, indent=1))
    files = [
        written(tmp_path / "observations.jsonl", *observations),
        tmp_path / "traces.json",
        written(tmp_path / "scores.jsonl", *scores),
    ]
    assert "4 spans in project dev (entries: 6 langfuse)" in take(*files)
    assert_langfuse("dev")
    take(*files)
    assert_langfuse("dev")


def test_langfuse_comes_as_one_detailed_trace_as_blobs_and_as_csv(tmp_path: Path) -> None:
    trace, observations, scores = langfuse()
    (tmp_path / "trace.json").write_text(
        json.dumps({**trace, "observations": observations, "scores": scores})
    )
    take(tmp_path / "trace.json", project="detail")
    assert_langfuse("detail")
    take(written(tmp_path / "b.jsonl", *map(snake, [*scores, trace, *observations])), project="blob")
    assert_langfuse("blob")
    files = [tmp_path / f"{name}.csv" for name in ("traces", "observations", "scores")]
    for file, rows in zip(files, ([trace], observations, scores), strict=True):
        with file.open("w", newline="") as out:
            names = list(dict.fromkeys(name for row in rows for name in row))
            table = csv.DictWriter(out, names)
            table.writeheader()
            for row in rows:
                cells = {k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in row.items()}
                table.writerow(cells)
    take(*files, project="csv")
    assert_langfuse("csv")


def test_a_langfuse_trace_with_one_observation_at_its_top_is_that_observation(tmp_path: Path) -> None:
    trace, observations, scores = langfuse()
    top = {**observations[1], "input": "its own"}
    take(written(tmp_path / "x.jsonl", trace, top, observations[2], scores[0]))
    (listed,) = traces()
    assert (listed.span_count, listed.session_id, listed.user_id) == (2, "talk-1", "ann")
    found = opened(listed.trace_id)
    root = found.span(found.summary.root_span_id or "")
    assert (root.name, root.input, root.output) == ("look up", "its own", "Fine.")
    assert (root.tags, root.metadata["plan"], root.release) == (["prod"], "free", "1.2")
    assert root.scores == [{"name": "helpful", "value": 1.0}]


def test_langfuse_observations_alone_keep_their_roots(tmp_path: Path) -> None:
    _, observations, _ = langfuse()
    take(written(tmp_path / "x.jsonl", *observations))
    (listed,) = traces()
    assert listed.span_count == 3
    assert {row.span.name: row.depth for row in opened(listed.trace_id).rows} == {
        "look up": 0,
        "search": 1,
        "answer": 0,
    }
