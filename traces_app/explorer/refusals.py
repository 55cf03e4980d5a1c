"""Answers that are not the page asked for."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from traces_app.explorer.pages.shell import Shell, shell_of
from traces_app.explorer.twins import retry_after_s
from traces_app.explorer.visitor import Visitor
from traces_app.queries import StoreUnavailable, StoreUnusable

log = logging.getLogger(__name__)


def show_not_found(request: HttpRequest, visitor: Visitor, trace_id: str) -> HttpResponse:
    """404: the same whether the trace never was, has expired, or is another project's."""
    context = {
        "trace_id": trace_id,
        "other_projects": [name for name in visitor.projects if name != visitor.project],
        "shell": shell_of(visitor, title="Not found"),
    }
    return render(request, "explorer/not_found.html", context, status=404)


def show_unavailable(request: HttpRequest, error: StoreUnavailable | StoreUnusable) -> HttpResponse:
    """503: the store cannot answer now, or not before somebody has set it up."""
    log.error("the store cannot be asked: %s", error)
    seconds = retry_after_s(error)
    context = {"retry_after_seconds": seconds, "shell": Shell(title="Not available")}
    response = render(request, "explorer/unavailable.html", context, status=503)
    response.headers["Retry-After"] = str(seconds)
    return response
