"""The API's table of contents."""

from __future__ import annotations

from ninja import NinjaAPI

from traces_app import __version__
from traces_app.api import errors
from traces_app.api.native.router import router as native
from traces_app.api.openapi import LocalSwagger, docs_page
from traces_app.api.read.router import router as read
from traces_app.api.seed.router import router as seed

api = NinjaAPI(
    title="LLM Tracer",
    version=__version__,
    description="Send traces of LLM applications, and ask about them. Errors are problem+json (RFC 9457).",
    urls_namespace="api",
    docs=LocalSwagger(),
    docs_decorator=docs_page,
)
errors.install(api)

api.add_router("", native)
api.add_router("", seed)
api.add_router("/v1", read)
api.add_router("", errors.unknown_paths)
