"""Our own exports come in as they were; what cannot come in is named, and the rest does."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.builders import put, span, span_id, trace_id
from tests.otlp.exports import CASES, requests_of, send
from tests.transfer.imports import NOW_NS, opened, refused, take, traces, written
from traces_app.access import Access
from traces_app.domain.span import SPAN_FIELDS, Usage

pytestmark = pytest.mark.usefixtures("store")


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
