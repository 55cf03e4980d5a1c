"""Is the server up, and does it reach its store? Without a key, so it says nothing else."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from traces_app import __version__, queries
from traces_app.api.problems import UNUSABLE_RETRY_AFTER_S
from traces_app.queries import StoreUnavailable, StoreUnusable

log = logging.getLogger(__name__)

PROBED_PROJECT = "#"
"""No project can have this name: a question that reads nothing, and still needs the store."""


class HealthFirst:
    """Middleware that answers /health before anything may refuse it: a probe names no host of ours."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return health() if request.path_info == "/health" else self._get_response(request)


def health() -> JsonResponse:
    """200 with status, version and storage engine; 503 while the store cannot be reached or used."""
    try:
        queries.get_losses(PROBED_PROJECT, now_ns=time.time_ns())
        engine = queries.engine_name()
    except StoreUnavailable as error:
        return _down("store unavailable", retry_after_seconds=error.retry_after_seconds)
    except StoreUnusable as error:
        log.error("store not usable: %s", error)  # noqa: TRY400 - the message says all
        return _down("store not usable", retry_after_seconds=UNUSABLE_RETRY_AFTER_S)
    return JsonResponse({"status": "ok", "version": __version__, "storage": engine})


def _down(status: str, *, retry_after_seconds: int) -> JsonResponse:
    headers = {"Retry-After": str(retry_after_seconds)}
    return JsonResponse({"status": status, "version": __version__}, status=503, headers=headers)
