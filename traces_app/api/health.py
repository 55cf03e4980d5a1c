"""Is the server up, and does it reach its store? Without a key, so it says nothing else."""

from __future__ import annotations

import time

from django.http import HttpRequest, JsonResponse

from traces_app import __version__, queries
from traces_app.queries import StoreUnavailable

PROBED_PROJECT = "health"
"""Reading the losses of a project that has none is the cheapest question there is: half a read unit."""


def health(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 (Django passes it)
    """200 with status, version and storage engine; 503 while the store cannot be reached."""
    known = {"version": __version__, "storage": queries.engine_name()}
    try:
        queries.get_losses(PROBED_PROJECT, now_ns=time.time_ns())
    except StoreUnavailable as error:
        headers = {"Retry-After": str(error.retry_after_seconds)}
        return JsonResponse({"status": "store unavailable", **known}, status=503, headers=headers)
    return JsonResponse({"status": "ok", **known})
