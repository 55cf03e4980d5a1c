"""Logs that tell about spans, and their limits."""

from __future__ import annotations

import time
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from tests.otlp.exports import post, post_json
from traces_app import queries
from traces_app.api.otlp.records import Record
from traces_app.api.otlp.translate import MAX_EVENTS, export_of_logs, export_of_spans

NOW_NS = time.time_ns()
SPAN_ID = b"s" * 8


def request_of(*texts: str, span_id: bytes = SPAN_ID, at_ns: int = NOW_NS) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for text in texts:
        log = scope.log_records.add(
            trace_id=b"t" * 16, span_id=span_id, event_name="gen_ai.user.message", time_unix_nano=at_ns
        )
        log.body.kvlist_value.values.add(key="content").value.string_value = text
    return request


def rejected(request: ExportLogsServiceRequest) -> tuple[int, str]:
    answer = post("/v1/logs", request.SerializeToString())
    assert answer.status == 200
    told = ExportLogsServiceResponse.FromString(answer.body).partial_success
    return told.rejected_log_records, told.error_message


def events() -> list[Any]:
    return queries.get_trace("dev", (b"t" * 16).hex(), now_ns=NOW_NS).span(SPAN_ID.hex()).events


def test_logs_beyond_the_bytes_of_a_span_are_refused_alone() -> None:
    count, message = rejected(request_of(*["x" * 6 * 2**20] * 3))
    assert (count, "16777216 bytes" in message) == (1, True)
    assert len(events()) == 2
    assert queries.get_losses("dev", now_ns=NOW_NS) == {"refused: log record": 1}


def test_logs_beyond_the_events_of_a_span_are_refused_alone() -> None:
    count, message = rejected(request_of(*["x"] * (MAX_EVENTS + 2)))
    assert (count, f"{MAX_EVENTS} events" in message) == (2, True)
    assert len(events()) == MAX_EVENTS


def test_refused_log_records_are_counted_as_log_records() -> None:
    """A partial span that ingest refuses is as many records as it was made of."""
    from traces_app.ingest import Receipt, Rejection

    record = Record("a" * 32, "b" * 16, "gen_ai.user.message", NOW_NS, {}, {}, {}, body={"content": "x"})
    export = export_of_logs([record, record, record])
    assert len(export.spans) == 1
    export.add_refusals(Receipt(rejected=[Rejection(0, "b" * 16, "span", "too large")]))
    assert export.partial_success() == (3, "span: too large (3)")


def test_a_resource_too_large_for_a_span_refuses_its_logs_and_names_their_number() -> None:
    request = request_of("one", "two", "three")
    resource = request.resource_logs[0].resource
    resource.attributes.add(key="k").value.string_value = "x" * (16 * 2**20 - 2000)
    count, _ = rejected(request)
    assert count == 3
    assert queries.list_traces("dev", queries.TraceFilter(), now_ns=NOW_NS).traces == []


def test_in_json_refused_logs_are_called_by_their_name() -> None:
    told = post_json({"resourceLogs": [{"scopeLogs": [{"logRecords": [5]}]}]}, "/v1/logs").json()
    assert told["partialSuccess"]["rejectedLogRecords"] == "1"


def test_events_beyond_the_limit_of_a_span_are_dropped_and_counted() -> None:
    record = Record("a" * 32, "b" * 16, "chat", NOW_NS, {}, {}, {})
    record.events = [{"name": "chunk"}] * (MAX_EVENTS + 3)
    export = export_of_spans([record])
    assert len(export.spans[0].events) == MAX_EVENTS
    assert (
        export.spans[0].dropped == export.counters == {f"events beyond the first {MAX_EVENTS} of a span": 3}
    )
