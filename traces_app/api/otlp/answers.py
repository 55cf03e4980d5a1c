"""OTLP's answers: in the request's type, errors as google.rpc.Status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from traces_app.api.otlp.translate import Export
from traces_app.api.problems import ProblemError, written

__all__ = ["JSON", "LOGS", "METRICS", "PROTOBUF", "TRACES", "Signal", "answer", "is_json", "refusal"]

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

MAX_MESSAGE_BYTES: Final = 4096
"""Of an error; exporters put it on one line of a log."""

_EXPORTERS_STATUS: Final = {429: 503}
"""To an exporter both mean: come again after Retry-After. Python's before 1.45 loses the batch at a 429."""

_STATUS_CODES: Final = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 411: 3, 413: 8, 415: 3, 503: 14}
"""google.rpc.Code of an HTTP status; 13, internal, for any other."""

_INTERNAL: Final = 13


@dataclass(frozen=True, slots=True)
class Signal:
    """What is exported, and how its answer names what was rejected, in protobuf and in JSON."""

    response: Any
    rejected: str
    rejected_json: str


TRACES: Final = Signal(ExportTraceServiceResponse, "rejected_spans", "rejectedSpans")
LOGS: Final = Signal(ExportLogsServiceResponse, "rejected_log_records", "rejectedLogRecords")
METRICS: Final = Signal(ExportMetricsServiceResponse, "rejected_data_points", "rejectedDataPoints")


def is_json(request: HttpRequest) -> bool:
    """Raises a 415 problem for what is neither JSON nor protobuf."""
    content_type = _content_type(request)
    if content_type not in (JSON, PROTOBUF):
        raise ProblemError(
            415,
            "Unknown type",
            f"Content-Type {content_type[:40]!r} is not read here: send {PROTOBUF} or {JSON}.",
            field="Content-Type",
        )
    return content_type == JSON


def answer(request: HttpRequest, export: Export, signal: Signal) -> HttpResponse:
    """200: "the server MUST leave partial_success unset when everything was accepted"."""
    rejected, message = export.partial_success()
    if is_json(request):
        return HttpResponse(_json_answer(signal, rejected, message), content_type=JSON)
    return HttpResponse(_protobuf_answer(signal, rejected, message), content_type=PROTOBUF)


def refusal(request: HttpRequest, problem: ProblemError) -> HttpResponse | StreamingHttpResponse:
    """A google.rpc.Status; JSON when the request's type is neither."""
    problem.status = _EXPORTERS_STATUS.get(problem.status, problem.status)
    message = f"{problem.detail} Limit: {problem.limit}." if problem.limit else problem.detail
    code = _STATUS_CODES.get(problem.status, _INTERNAL)
    if _content_type(request) == PROTOBUF:
        return written(problem, _status_message(code, message), PROTOBUF)
    return written(problem, orjson.dumps({"code": code, "message": message}), JSON)


def _content_type(request: HttpRequest) -> str:
    return str(request.META.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()


def _json_answer(signal: Signal, rejected: int, message: str) -> bytes:
    if not rejected:
        return b"{}"
    return orjson.dumps({"partialSuccess": {signal.rejected_json: str(rejected), "errorMessage": message}})


def _protobuf_answer(signal: Signal, rejected: int, message: str) -> bytes:
    if not rejected:
        return b""
    response = signal.response(partial_success={signal.rejected: rejected, "error_message": message})
    return bytes(response.SerializeToString())


def _status_message(code: int, message: str) -> bytes:
    """google.rpc.Status begins with ``int32 code = 1; string message = 2;``.

    So does a message that is at hand: another package for two fields is not worth it.
    """
    text = message.encode()[:MAX_MESSAGE_BYTES].decode(errors="ignore")
    status = ExportTracePartialSuccess(rejected_spans=code, error_message=text)
    return bytes(status.SerializeToString())
