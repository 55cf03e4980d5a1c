"""Answers that are not the page asked for."""

from __future__ import annotations

import logging
import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from traces_app.explorer.pages.shell import Shell, shell_of
from traces_app.explorer.twins import problem, retry_after_s
from traces_app.explorer.visitor import Visitor, visitor_of
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


def show_no_page(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's name
    """404 for an address of nothing: to a program as a problem, to a reader with the ways on."""
    if request.path_info.startswith(settings.PROGRAM_PREFIXES) or request.path_info.endswith(".json"):
        return problem(404, "No such page", "Nothing has this address.")
    visitor = _known_visitor(request)
    shell = Shell(title="Not found") if visitor is None else shell_of(visitor, title="Not found", place="")
    return render(request, "404.html", {"shell": shell}, status=404)


def _known_visitor(request: HttpRequest) -> Visitor | None:
    """Nobody where the store cannot say who it is: there is no such page in any case."""
    if not request.path.startswith(reverse("explorer:traces")):
        return None
    try:
        return visitor_of(request, now_ns=time.time_ns())
    except (StoreUnavailable, StoreUnusable):
        return None


def show_unavailable(request: HttpRequest, error: StoreUnavailable | StoreUnusable) -> HttpResponse:
    """503: the store cannot answer now, or not before somebody has set it up."""
    log.error("the store cannot be asked: %s", error)
    seconds = retry_after_s(error)
    context = {"retry_after_seconds": seconds, "shell": Shell(title="Not available")}
    response = render(request, "explorer/unavailable.html", context, status=503)
    response.headers["Retry-After"] = str(seconds)
    return response
