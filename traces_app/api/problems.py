"""Errors leave by one door, in one shape: application/problem+json (RFC 9457).

Whatever a view raises becomes a ``ProblemError`` here and nowhere else; a dialect with an error shape of
its own (OTLP answers google.rpc.Status) calls ``problem_of`` and writes it its own way. What ninja and
pydantic raise is added by ``errors``: a receiver that uses neither does not wait for them to load.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.request import UnreadablePostError

from traces_app.ingest import StoreUnavailable
from traces_app.queries import BadCursor, SpanNotFound, StoreUnusable, TraceNotFound

__all__ = ["UNUSABLE_RETRY_AFTER_S", "ProblemError", "problem_of", "problem_response", "translate", "written"]

log = logging.getLogger(__name__)

UNUSABLE_RETRY_AFTER_S: Final = 30

Translation = Callable[[Any], "ProblemError"]


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


def translate(error_type: type[Exception], translation: Translation) -> None:
    """Tell errors of this type as ``translation`` says."""
    _TRANSLATIONS[error_type] = translation


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


_TRANSLATIONS: Final[dict[type[Exception], Translation]] = {
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
    Http404: lambda _: ProblemError(404, "Not found", "There is nothing here."),
    UnreadablePostError: lambda _: ProblemError(
        400, "Body cut short", "The connection ended before the body did.", field="body"
    ),
}
