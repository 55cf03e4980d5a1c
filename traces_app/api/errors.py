"""Problems of what ninja raises, and the API's last path."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import NinjaAPI, Router
from ninja.errors import HttpError, ValidationError

from traces_app.api.problems import ProblemError, problem_of, problem_response, translate
from traces_app.api.validation import problem_of_fields

__all__ = ["ProblemError", "install", "problem_of", "problem_response", "unknown_paths"]


def install(api: NinjaAPI) -> None:
    """Make ``api`` answer every error as a problem."""
    for error_type in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(error_type, _answer)


unknown_paths = Router()
"""Answers every path under the API that nothing else answered; stands last in the table of contents."""


@unknown_paths.api_operation(
    ["GET", "POST", "PUT", "PATCH", "DELETE"], "{path:rest}", include_in_schema=False, auth=None
)
def unknown_path(request: HttpRequest, rest: str) -> HttpResponse:  # noqa: ARG001 (the router passes them)
    raise ProblemError(404, "Not found", "The API has no such path. GET /api/docs lists those it has.")


def _answer(request: HttpRequest, error: Any) -> HttpResponse | StreamingHttpResponse:  # noqa: ARG001 (ninja's signature)
    return problem_response(problem_of(error))


def _of_parameters(error: ValidationError) -> ProblemError:
    # ninja's locations begin with ("query", "filters", ...) or ("path", ...): the last part is the name.
    named = [{**found, "loc": found["loc"][-1:]} for found in error.errors]
    return problem_of_fields(named)


def _of_http_error(error: HttpError) -> ProblemError:
    return ProblemError(error.status_code, HTTPStatus(error.status_code).phrase, str(error))


translate(ValidationError, _of_parameters)
translate(HttpError, _of_http_error)
