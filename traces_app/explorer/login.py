"""Log in with an API key, log out for good, choose among the granted projects."""

from __future__ import annotations

import logging
import time
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from traces_app import access
from traces_app.explorer.pages.login import LoginPage
from traces_app.explorer.pages.shell import Shell
from traces_app.explorer.throttle import LoginThrottle
from traces_app.explorer.visitor import SESSION_GRANTS, SESSION_PROJECT, grant, granted_projects

logger = logging.getLogger(__name__)

MAX_KEY_CHARACTERS: Final = 300
DEVELOPMENT_KEY: Final = "project-dev"
NOT_KNOWN: Final = "This key is not known here. It may be mistyped or revoked."
MAY_NOT_READ: Final = "This key may only send traces. To look at them, use a key with scope “read” or “all”."

throttle = LoginThrottle()


def log_in(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _show(request)
    key = request.POST.get("key", "").strip()[:MAX_KEY_CHARACTERS]
    granted = access.authenticate(key, now_ns=time.time_ns()) if key else None
    if granted is None or not granted.may_read:
        address = request.META.get("REMOTE_ADDR", "")
        wait_s = throttle.wait_s(address, now_s=time.monotonic())
        if wait_s:  # a right key passes always: behind a proxy the address is everybody's
            return _show_throttled(request, wait_s)
        throttle.refuse(address, now_s=time.monotonic())
        logger.warning(
            "login refused: %s from %s", "unknown key" if granted is None else "ingest key", address
        )
        return _show(request, error=NOT_KNOWN if granted is None else MAY_NOT_READ, status=403)
    grant(request, granted)
    rotate_token(request)
    return HttpResponseRedirect(_local(request.POST.get("next", "")))


def log_out(request: HttpRequest) -> HttpResponse:
    request.session.flush()
    return HttpResponseRedirect(reverse("explorer:login"))


def switch_project(request: HttpRequest) -> HttpResponse:
    project = request.POST.get("project", "")
    if project in request.session.get(SESSION_GRANTS, {}):
        request.session[SESSION_PROJECT] = project
    return HttpResponseRedirect(reverse("explorer:traces"))


def _show(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    asked_for = request.POST.get("next", "") or request.GET.get("next", "")
    page = LoginPage(
        error=error,
        next_address=asked_for if _is_local(asked_for) else "",
        development_key=_development_key(),
        projects=granted_projects(request),
    )
    context = {"page": page, "shell": Shell(title="Log in")}
    return render(request, "explorer/login.html", context, status=status)


def _show_throttled(request: HttpRequest, wait_s: int) -> HttpResponse:
    error = f"Too many keys were refused. Try again in {wait_s} seconds."
    response = _show(request, error=error, status=429)
    response.headers["Retry-After"] = str(wait_s)
    return response


def _development_key() -> str:
    is_offered = settings.ENVIRONMENT == "development" and DEVELOPMENT_KEY in settings.API_KEYS
    return DEVELOPMENT_KEY if is_offered else ""


def _local(address: str) -> str:
    return address if _is_local(address) else reverse("explorer:traces")


def _is_local(address: str) -> bool:
    """A path on this host: whatever a browser would read as another host is not followed."""
    return address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
