"""Files of OpenTelemetry come in by the way that its exporters take."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import span_id, trace_id
from tests.transfer.imports import NOW_NS, opened, refused, take, written

pytestmark = pytest.mark.usefixtures("store")


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
