"""Problems of what pydantic's core refuses: the field, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic_core import ValidationError

from traces_app.api.problems import ProblemError, translate

__all__ = ["field_path", "problem_of_fields"]

MAX_FIELD_ERRORS: Final = 20
"""A body can be wrong in a thousand places; a person mends the first few and tries again."""


def field_path(location: Sequence[str | int]) -> str:
    """``("usage", "input_tokens")`` as ``usage.input_tokens``."""
    return ".".join(str(part) for part in location)


def problem_of_fields(found: Sequence[Any]) -> ProblemError:
    errors = [
        {"field": field_path(error["loc"]) or "body", "reason": error["msg"]}
        for error in found[:MAX_FIELD_ERRORS]
    ]
    first = errors[0]
    return ProblemError(
        422, "Invalid value", f"{first['field']}: {first['reason']}", field=first["field"], errors=errors
    )


def _of_model(error: ValidationError) -> ProblemError:
    return problem_of_fields(error.errors(include_url=False, include_context=False, include_input=False))


translate(ValidationError, _of_model)
