"""Errors leave by one door, in one shape: application/problem+json (RFC 9457).

Whatever a view raises becomes a ``ProblemError`` here and nowhere else; a dialect with an error shape of
its own (OTLP answers google.rpc.Status) calls ``problem_of`` and writes it its own way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
import pydantic
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.request import UnreadablePostError
from ninja import NinjaAPI, Router
from ninja.errors import AuthenticationError, HttpError, ValidationError

from traces_app.ingest import StoreUnavailable
from traces_app.queries import BadCursor, SpanNotFound, StoreUnusable, TraceNotFound

__all__ = [
    "ProblemError",
    "field_path",
    "install",
    "problem_of",
    "problem_response",
    "unknown_paths",
    "written",
]

log = logging.getLogger(__name__)

MAX_FIELD_ERRORS: Final = 20
"""A body can be wrong in a thousand places; a person mends the first few and tries again."""


UNUSABLE_RETRY_AFTER_S: Final = 30


class ProblemError(Exception):
    """What the caller is told: never internals, always the field and the limit where there is one."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        field: str | None = None,
        limit: str | None = None,
        retry_after_seconds: int | None = None,
        allow: str | None = None,
        errors: Sequence[dict[str, str]] = (),
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.field = field
        self.limit = limit
        self.retry_after_seconds = retry_after_seconds
        self.allow = allow
        self.errors = errors


def install(api: NinjaAPI) -> None:
    """Make ``api`` answer every error as a problem."""
    for error_type in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(error_type, _answer)


def problem_of(error: Exception) -> ProblemError:
    """The problem to tell for any exception; an unexpected one is logged and told without its text."""
    if isinstance(error, ProblemError):
        return error
    for error_type, translate in _TRANSLATIONS.items():
        if isinstance(error, error_type):
            return translate(error)
    log.error("unexpected error", exc_info=error)
    return ProblemError(500, "Internal error", "Something went wrong on the server; its log says what.")


def problem_response(problem: ProblemError) -> HttpResponse | StreamingHttpResponse:
    body = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "field": problem.field,
        "limit": problem.limit,
        "errors": problem.errors or None,
    }
    text = orjson.dumps({name: value for name, value in body.items() if value is not None})
    return written(problem, text, "application/problem+json")


def written(problem: ProblemError, text: bytes, content_type: str) -> HttpResponse | StreamingHttpResponse:
    """The answer to a problem told as ``text``, with the headers that belong to it in any dialect."""
    response: HttpResponse | StreamingHttpResponse
    if problem.status in (HTTPStatus.LENGTH_REQUIRED, HTTPStatus.NOT_IMPLEMENTED):
        # The body was not read and would be taken for the next request. Without a length of our own
        # Django's server closes the connection.
        response = StreamingHttpResponse([text])
    else:
        response = HttpResponse(text)
    response.status_code = problem.status
    response["Content-Type"] = content_type
    if problem.retry_after_seconds is not None:
        response["Retry-After"] = str(problem.retry_after_seconds)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="LLM Tracer"'
    if problem.allow is not None:
        response["Allow"] = problem.allow
    return response


def field_path(location: Sequence[str | int]) -> str:
    """``("usage", "input_tokens")`` as ``usage.input_tokens``."""
    return ".".join(str(part) for part in location)


unknown_paths = Router()
"""Answers every path under the API that nothing else answered; stands last in the table of contents."""


@unknown_paths.api_operation(
    ["GET", "POST", "PUT", "PATCH", "DELETE"], "{path:rest}", include_in_schema=False, auth=None
)
def unknown_path(request: HttpRequest, rest: str) -> HttpResponse:  # noqa: ARG001 (the router passes them)
    raise ProblemError(404, "Not found", "The API has no such path. GET /api/docs lists those it has.")


def _answer(request: HttpRequest, error: Any) -> HttpResponse | StreamingHttpResponse:  # noqa: ARG001 (ninja's signature)
    return problem_response(problem_of(error))


def _of_field_errors(found: Sequence[Any], skip_location_parts: int) -> ProblemError:
    errors = [
        {"field": field_path(error["loc"][skip_location_parts:]) or "body", "reason": error["msg"]}
        for error in found[:MAX_FIELD_ERRORS]
    ]
    first = errors[0]
    return ProblemError(
        422, "Invalid value", f"{first['field']}: {first['reason']}", field=first["field"], errors=errors
    )


def _of_parameters(error: ValidationError) -> ProblemError:
    # ninja's locations begin with ("query", "filters", ...) or ("path", ...): the last part is the name.
    named = [{**found, "loc": found["loc"][-1:]} for found in error.errors]
    return _of_field_errors(named, 0)


def _of_model(error: pydantic.ValidationError) -> ProblemError:
    return _of_field_errors(error.errors(include_url=False, include_context=False, include_input=False), 0)


def _of_store(error: StoreUnavailable) -> ProblemError:
    log.warning("store unavailable: %s", error)
    return ProblemError(
        503,
        "Store unavailable",
        "Not everything is stored. Sending the same again after Retry-After seconds is safe.",
        retry_after_seconds=error.retry_after_seconds,
    )


def _of_unusable_store(error: StoreUnusable) -> ProblemError:
    """A sender should come again: somebody will set this right, and 503 is what exporters retry."""
    log.error("store unusable: %s", error)
    return ProblemError(
        503,
        "Store not usable",
        "The server's storage is not set up; its log says what is wrong.",
        retry_after_seconds=UNUSABLE_RETRY_AFTER_S,
    )


def _of_http_error(error: HttpError) -> ProblemError:
    return ProblemError(error.status_code, HTTPStatus(error.status_code).phrase, str(error))


def _of_authentication(error: AuthenticationError) -> ProblemError:  # noqa: ARG001 (as the others)
    return ProblemError(
        401,
        "No valid key",
        "Send a key of this server as X-API-Key: project-NAME, or as Authorization: Bearer.",
        field="X-API-Key",
    )


_TRANSLATIONS: Final[dict[type[Exception], Callable[[Any], ProblemError]]] = {
    ValidationError: _of_parameters,
    pydantic.ValidationError: _of_model,
    StoreUnavailable: _of_store,
    StoreUnusable: _of_unusable_store,
    TraceNotFound: lambda _: ProblemError(
        404, "No such trace", "The project of this key has no trace with this id.", field="trace_id"
    ),
    SpanNotFound: lambda _: ProblemError(
        404, "No such span", "The trace has no span with this id.", field="span_id"
    ),
    BadCursor: lambda _: ProblemError(
        400, "Bad cursor", "Send next_cursor of the page before, unchanged, or none.", field="cursor"
    ),
    AuthenticationError: _of_authentication,
    HttpError: _of_http_error,
    Http404: lambda _: ProblemError(404, "Not found", "There is nothing here."),
    UnreadablePostError: lambda _: ProblemError(
        400, "Body cut short", "The connection ended before the body did.", field="body"
    ),
}
