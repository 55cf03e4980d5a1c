"""Exports of other tools, of the shapes that these write, come in with everything they tell."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from langsmith.schemas import Run

from tests.builders import put, span, span_id, trace_id
from tests.otlp.exports import CASES, requests_of, send
from traces_app import queries
from traces_app.access import Access
from traces_app.domain.span import SPAN_FIELDS, Span, Usage
from traces_app.queries import Trace, TraceFilter
from traces_app.transfer.formats.values import Unreadable, span_id_of, time_ns_of, trace_id_of

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9
MESSAGES = [{"role": "user", "content": "How are you?"}]

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture(autouse=True)
def _restored(settings: Any) -> None:
    """The command sets both for its own process."""
    settings.RATE_LIMIT_RPM, settings.ALLOWED_HOSTS = 60, ["*"]


def take(*files: Path, **options: Any) -> str:
    out = io.StringIO()
    call_command("import", *map(str, files), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def refused(*files: Path, **options: Any) -> tuple[str, str]:
    """What is told at the end, and of each line."""
    errors = io.StringIO()
    with pytest.raises(CommandError) as told:
        call_command("import", *map(str, files), stdout=io.StringIO(), stderr=errors, **options)
    return str(told.value), errors.getvalue()


def written(path: Path, *values: Any) -> Path:
    """JSON lines."""
    path.write_text("".join(json.dumps(value, default=str) + "\n" for value in values))
    return path


def traces(project: str = "dev") -> list[Any]:
    return queries.list_traces(project, TraceFilter(), limit=1000, now_ns=time.time_ns()).traces


def opened(name: str, project: str = "dev") -> Trace:
    return queries.get_trace(project, name, now_ns=time.time_ns())


def by_name(trace: Trace) -> dict[str, Span]:
    return {one.name: one for one in trace.spans()}


# -- our own ---------------------------------------------------------------------------------------
def put_all(access: Access) -> None:
    full = span(
        1,
        start_ns=NOW_NS,
        kind="llm",
        model="gpt-4o",
        usage=Usage(1000, 10, cache_read_tokens=4),
        tags=["a"],
        input=[{"role": "user", "parts": [{"type": "text", "content": "x"}]}],
        session_id="s",
        user_id="u",
        metadata={"n": 2**60},
        attributes={"x": {"y": [1, None]}},
        scores=[{"name": "good", "value": 0.5}],
        status="error",
        error={"type": "ValueError", "message": "no"},
    )
    put(access, full, span(2, start_ns=NOW_NS, parent_span_id=span_id(1), cost_usd=0.5), now_ns=NOW_NS)


def export(path: Path) -> Path:
    call_command("export", str(path), project="dev", stdout=io.StringIO(), stderr=io.StringIO())
    return path


def everything(project: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Every field of every span."""
    return {
        (trace.trace_id, one.span_id): {name: getattr(one, name) for name in SPAN_FIELDS}
        for trace in traces(project)
        for one in opened(trace.trace_id, project).spans()
    }


def test_what_was_exported_comes_in_as_it_was(access: Access, tmp_path: Path) -> None:
    put_all(access)
    assert "2 spans in project copy" in take(export(tmp_path / "x.jsonl"), project="copy")
    assert everything("copy") == everything("dev")
    assert traces("copy")[0].cost_usd == traces()[0].cost_usd
    assert opened(trace_id(1), "copy").span(span_id(1)).cost_source == "computed"


@pytest.mark.parametrize(
    "case", [case for case in CASES if case not in ("malformed-requests", "empty-requests")]
)
def test_spans_of_every_instrumentation_survive_the_round_trip(
    case: str, tmp_path: Path, settings: Any
) -> None:
    settings.RATE_LIMIT_RPM = 0
    for request in requests_of(case):
        send(case, request)
    take(export(tmp_path / "x.jsonl"), project="copy")
    here, copy = everything("dev"), everything("copy")
    assert here.keys() == copy.keys()
    for key, known in here.items():
        different = {name for name in known if known[name] != copy[key][name]}
        assert different == set(), {name: (known[name], copy[key][name]) for name in different}


def test_importing_twice_shows_once(access: Access, tmp_path: Path) -> None:
    put_all(access)
    file = export(tmp_path / "x.jsonl")
    take(file, project="copy")
    before = [vars_of(trace) for trace in traces("copy")]
    take(file, project="copy")
    assert [vars_of(trace) for trace in traces("copy")] == before


def vars_of(trace: Any) -> tuple[Any, ...]:
    return trace.trace_id, trace.span_count, trace.cost_usd, trace.input_tokens, trace.error_count


def test_traces_that_a_page_exported_come_in_too(access: Access, tmp_path: Path) -> None:
    put_all(access)
    spans = [json.loads(line) for line in export(tmp_path / "x.jsonl").read_text().splitlines()]
    file = written(tmp_path / "page.jsonl", {"trace_id": trace_id(1), "name": "n", "spans": spans})
    take(file, project="copy")
    assert everything("copy") == everything("dev")


def test_each_refused_line_is_named_and_the_others_come_in(access: Access, tmp_path: Path) -> None:
    put_all(access)
    good = json.loads(export(tmp_path / "x.jsonl").read_text().splitlines()[1])
    future = {**good, "span_id": span_id(7), "start_ns": time.time_ns() + 10**15}
    wrong = [{**good, "name": 5}, {**good, "kind": "x"}, {**good, "usage": {"input_tokens": "1"}}, future]
    file = written(tmp_path / "bad.jsonl", *wrong, good, {"hello": 1}, [1])
    file.write_text(file.read_text() + "{broken\n")
    told, lines = refused(file, project="copy")
    assert told.startswith("7 were refused: ")
    assert "bad.jsonl:1: name: must be of type str" in lines
    assert "bad.jsonl:2: kind: must be one of llm, tool" in lines
    assert "bad.jsonl:3: usage.input_tokens: must be a whole number" in lines
    assert "bad.jsonl:4: start_ns: more than 24 hours in the future" in lines
    assert "bad.jsonl:6: of no format that is known" in lines
    assert "bad.jsonl:7[0]: is no JSON object" in lines
    assert "bad.jsonl:8: is not JSON" in lines
    assert len(everything("copy")) == 1


def test_no_key_is_left_and_wrong_files_are_named(tmp_path: Path) -> None:
    from traces_app.access import list_keys

    assert "0 spans" in take(written(tmp_path / "empty.jsonl"))
    (key,) = list_keys("dev", now_ns=time.time_ns())
    assert key.revoked_at_ns is not None
    with pytest.raises(CommandError, match=r"no file .*gone\.json"):
        take(tmp_path / "gone.json")
    with pytest.raises(CommandError, match="project"):
        take(tmp_path / "empty.jsonl", project="not a project")


# -- OpenTelemetry ---------------------------------------------------------------------------------
def otlp_request(first: int, count: int) -> dict[str, Any]:
    spans = [
        {
            "traceId": trace_id(5),
            "spanId": span_id(number),
            "name": f"otel {number}",
            "startTimeUnixNano": str(NOW_NS),
            "endTimeUnixNano": str(NOW_NS + 10),
            "attributes": [
                {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}},
                {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "7"}},
            ],
        }
        for number in range(first, first + count)
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {
        "resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "x"}, "spans": spans}]}]
    }


def test_otlp_comes_as_one_document_and_as_lines_of_a_collector(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(otlp_request(1, 3), indent=1))
    lines = written(tmp_path / "collector.jsonl", otlp_request(4, 2), otlp_request(6, 2))
    packed = tmp_path / "collector.jsonl.gz"
    packed.write_bytes(gzip.compress(lines.read_bytes()))
    assert "7 spans in project dev (entries: 3 otlp)" in take(tmp_path / "one.json", packed)
    trace = opened(trace_id(5))
    assert len(trace.rows) == 7
    first = trace.span(span_id(1))
    assert (first.kind, first.model, first.attributes["otel"]["resource"]) == (
        "llm",
        "gpt-4o",
        {"service.name": "shop"},
    )


def test_otlp_of_more_spans_than_a_request_takes_is_sent_in_several(tmp_path: Path) -> None:
    file = written(tmp_path / "many.json", otlp_request(1, 21_000))
    assert "21,000 spans" in take(file)


def test_what_the_receiver_refuses_is_told(tmp_path: Path) -> None:
    request = otlp_request(1, 2)
    request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] = "short"
    told, lines = refused(written(tmp_path / "x.jsonl", request))
    assert told.startswith("1 were refused: trace_id: must be 16 bytes")
    assert "x.jsonl" in lines
    assert len(opened(trace_id(5)).rows) == 1


# -- LangSmith -------------------------------------------------------------------------------------
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


# -- Langfuse --------------------------------------------------------------------------------------
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


# -- Phoenix ---------------------------------------------------------------------------------------
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


# -- values ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "told",
    [
        "2026-11-20T12:00:00Z",
        "2026-11-20T12:00:00.000000000Z",
        "2026-11-20T13:00:00+01:00",
        "2026-11-20 12:00:00.000",
        NOW_NS // 10**9,
        NOW_NS // 10**6,
        NOW_NS // 10**3,
        NOW_NS,
        str(NOW_NS // 10**6),
        float(NOW_NS // 10**9),
    ],
)
def test_times_are_read_in_every_unit(told: Any) -> None:
    assert time_ns_of(told, "t") == NOW_NS


def test_fractions_and_errors_of_times() -> None:
    assert time_ns_of("2026-11-20T12:00:00.123456789Z", "t") == NOW_NS + 123_456_789
    assert time_ns_of("", "t") is None
    with pytest.raises(Unreadable, match="t: 'soon' is no time"):
        time_ns_of("soon", "t")


def test_ids_that_are_no_hex_become_the_same_every_time() -> None:
    assert trace_id_of("0123ABCD-0123-4123-8123-0123456789ab", "id") == "0123abcd0123412381230123456789ab"
    assert trace_id_of("x", "id") == trace_id_of("x", "id") != trace_id_of("y", "id")
    assert span_id_of("00000000000000ff", "id") == "00000000000000ff"
    assert len(span_id_of("0123abcd-0123-4123-8123-0123456789ab", "id")) == 16
    with pytest.raises(Unreadable, match="an id is missing"):
        trace_id_of(None, "id")
