"""Answers given before or after Django could: in the shape that the caller of the path expects."""

from __future__ import annotations

import base64
from typing import Any, Final

from django.http import HttpRequest

from traces_app.api.problems import ProblemError, problem_response

__all__ = ["answer_too_large", "body_too_large", "malformed"]

OTLP_PATHS: Final = ("/v1/", "/api/public/otel/")
LIMIT: Final = "6 MB (6291456 bytes) for one call of a Lambda function, a binary body as base64"


def malformed(event: dict[str, Any]) -> dict[str, Any]:
    return _told(event, ProblemError(400, "Not a request", "The event is no HTTP request of a function URL."))


def body_too_large(event: dict[str, Any]) -> dict[str, Any]:
    problem = ProblemError(
        413,
        "Body too large",
        "The body is too large. Send fewer spans at a time, or compress it.",
        field="body",
        limit=LIMIT,
    )
    return _told(event, problem)


def answer_too_large(event: dict[str, Any]) -> dict[str, Any]:
    problem = ProblemError(
        500,
        "Answer too large",
        "The answer is larger than Lambda carries. Ask for a part, or accept gzip.",
        limit=LIMIT,
    )
    return _told(event, problem)


def _told(event: dict[str, Any], problem: ProblemError) -> dict[str, Any]:
    request = _request_of(event)
    response = (
        _as_otlp(request, problem) if request.path.startswith(OTLP_PATHS) else problem_response(problem)
    )
    body = b"".join(response)
    return {
        "statusCode": response.status_code,
        "headers": {name.lower(): value for name, value in response.items()},
        "cookies": [],
        "isBase64Encoded": True,
        "body": base64.b64encode(body).decode("ascii"),
    }


def _as_otlp(request: HttpRequest, problem: ProblemError) -> Any:
    from traces_app.api.otlp.answers import refusal  # noqa: PLC0415 - protobuf, for those who speak it

    return refusal(request, problem)


def _request_of(event: dict[str, Any]) -> HttpRequest:
    """As much of a request as choosing the shape of an answer needs; the event may hold anything."""
    request = HttpRequest()
    path, headers = event.get("rawPath"), event.get("headers")
    request.path = path if isinstance(path, str) else "/"
    content_type = headers.get("content-type") if isinstance(headers, dict) else None
    request.META["CONTENT_TYPE"] = content_type if isinstance(content_type, str) else ""
    return request
