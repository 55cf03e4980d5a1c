"""What the API's own page at /api/docs shows, and how it is allowed to show it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Swagger
from ninja.openapi.docs import ABS_TPL_PATH
from pydantic import TypeAdapter

__all__ = ["LocalSwagger", "body_of", "docs_page"]

DOCS_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI's files are ninja's own, served as static files; its icons are data: addresses in its CSS."""


class LocalSwagger(Swagger):
    """Swagger UI from our own static files. Ninja is not among the installed apps: Django would load it,
    and pydantic, at every start; without being one ninja would take the files from a CDN.
    """

    template_cdn = str(ABS_TPL_PATH / "swagger.html")


def body_of(schema: Any) -> dict[str, Any]:
    """Describes a body that the view reads itself, as ``openapi_extra``."""
    described = TypeAdapter(schema).json_schema()
    content = {"application/json": {"schema": _inlined(described, described.pop("$defs", {}))}}
    return {"requestBody": {"required": True, "content": content}}


def docs_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Gives the page, and the schema beside it, a policy: local files only, nothing inline."""

    @wraps(view, assigned=())
    def with_policy(request: HttpRequest, **parameters: Any) -> HttpResponse:
        response = view(request, **parameters)
        response["Content-Security-Policy"] = DOCS_CSP
        return response

    return with_policy


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema without references: inside an OpenAPI document they would point to the document's root."""
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(value, definitions) for name, value in schema.items()}
