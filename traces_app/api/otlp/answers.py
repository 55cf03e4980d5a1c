"""OTLP's answers: in the request's type, errors as google.rpc.Status."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import orjson
from django.http import HttpRequest, HttpResponse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from traces_app.api.otlp.translate import Export
from traces_app.api.problems import ProblemError

__all__ = ["JSON", "PROTOBUF", "answer", "is_json", "refusal"]

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

_STATUS_CODES: Final = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 411: 3, 413: 8, 415: 3, 429: 8, 503: 14}
"""google.rpc.Code of an HTTP status; 13, internal, for any other."""

_INTERNAL: Final = 13


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


def answer(request: HttpRequest, export: Export) -> HttpResponse:
    """200: "the server MUST leave partial_success unset when everything was accepted"."""
    rejected, message = export.partial_success()
    if is_json(request):
        return HttpResponse(_json_answer(request, rejected, message), content_type=JSON)
    return HttpResponse(_protobuf_answer(request, rejected, message), content_type=PROTOBUF)


def refusal(request: HttpRequest, problem: ProblemError) -> HttpResponse:
    """A google.rpc.Status; JSON when the request's type is neither."""
    message = f"{problem.detail} Limit: {problem.limit}." if problem.limit else problem.detail
    code = _STATUS_CODES.get(problem.status, _INTERNAL)
    if _content_type(request) == PROTOBUF:
        response = HttpResponse(_status_message(code, message), content_type=PROTOBUF)
    else:
        response = HttpResponse(orjson.dumps({"code": code, "message": message}), content_type=JSON)
    response.status_code = problem.status
    if problem.retry_after_seconds is not None:
        response["Retry-After"] = str(problem.retry_after_seconds)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="LLM Tracer"'
    if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
        response["Allow"] = "POST"
    return response


def _content_type(request: HttpRequest) -> str:
    return str(request.META.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()


def _is_about_logs(request: HttpRequest) -> bool:
    return bool(request.path.endswith("/logs"))


def _json_answer(request: HttpRequest, rejected: int, message: str) -> bytes:
    if not rejected:
        return b"{}"
    name = "rejectedLogRecords" if _is_about_logs(request) else "rejectedSpans"
    return orjson.dumps({"partialSuccess": {name: str(rejected), "errorMessage": message}})


def _protobuf_answer(request: HttpRequest, rejected: int, message: str) -> bytes:
    if not rejected:
        return b""
    if _is_about_logs(request):
        logs = ExportLogsServiceResponse()
        logs.partial_success.rejected_log_records = rejected
        logs.partial_success.error_message = message
        return bytes(logs.SerializeToString())
    spans = ExportTraceServiceResponse()
    spans.partial_success.rejected_spans = rejected
    spans.partial_success.error_message = message
    return bytes(spans.SerializeToString())


def _status_message(code: int, message: str) -> bytes:
    """google.rpc.Status by hand, ``int32 code = 1; string message = 2;``: not worth another package."""
    text = message.encode()[:4096].decode(errors="ignore").encode()
    return bytes((0x08, code, 0x12)) + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
