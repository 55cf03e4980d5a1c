"""Problems of what ninja and pydantic raise, and the API's last path."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import pydantic
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import NinjaAPI, Router
from ninja.errors import HttpError, ValidationError

from traces_app.api.problems import ProblemError, problem_of, problem_response, translate

__all__ = ["ProblemError", "field_path", "install", "problem_of", "problem_response", "unknown_paths"]

MAX_FIELD_ERRORS: Final = 20
"""A body can be wrong in a thousand places; a person mends the first few and tries again."""


def install(api: NinjaAPI) -> None:
    """Make ``api`` answer every error as a problem."""
    for error_type in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(error_type, _answer)


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


def _of_http_error(error: HttpError) -> ProblemError:
    return ProblemError(error.status_code, HTTPStatus(error.status_code).phrase, str(error))


translate(ValidationError, _of_parameters)
translate(pydantic.ValidationError, _of_model)
translate(HttpError, _of_http_error)
