"""Who is looking: the projects a session was granted by keys, checked again on every request."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, Final, ParamSpec
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from traces_app import access
from traces_app.explorer.twins import problem, unavailable
from traces_app.metering import attribute_request
from traces_app.queries import StoreUnavailable, StoreUnusable

log = logging.getLogger(__name__)

P = ParamSpec("P")

SESSION_GRANTS: Final = "grants"
SESSION_PROJECT: Final = "project"
OTHER_PROJECT: Final = "That form was of a project that is not open here any more. Nothing was done."
LOGGED_OUT: Final = "Nothing was done: the session is over. Log in and send the form again."


@dataclass(frozen=True, slots=True)
class Visitor:
    """One request's reader: the project shown, all projects granted, and the time of the request."""

    project: str
    projects: tuple[str, ...]
    is_signed_in: bool
    """False where no login is asked for (API_KEY_REQUIRED=false)."""
    now_ns: int
    key_id: str = ""
    """Whose session it is; empty where nobody logged in."""
    may_write: bool = False
    """Whether the key allows to change what is stored, and who may."""

    @property
    def who(self) -> str:
        """The owner of what is saved, and the author of what is done."""
        return self.key_id or "anonymous"


PageView = Callable[Concatenate[HttpRequest, Visitor, P], HttpResponseBase]
PlainView = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def project_page(view: PageView[P]) -> PlainView[P]:
    """The view gets a Visitor; who is none is sent to the login page."""
    return _guarded(view, _to_login, ("GET", "HEAD"))


def project_action(view: PageView[P]) -> PlainView[P]:
    """As ``project_page``, for what changes something or answers a form."""
    return _guarded(view, _to_login, ("POST",))


def project_json(view: PageView[P]) -> PlainView[P]:
    """As ``project_page``, for a program: who is no visitor gets 401, a store that is away a problem."""
    guarded = _guarded(view, _unauthorized, ("GET", "HEAD"))

    def told(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return guarded(request, *args, **kwargs)
        except (StoreUnavailable, StoreUnusable) as error:
            log.error("the store cannot be asked: %s", error)  # noqa: TRY400 - the message says all
            return unavailable(error)

    return functools.update_wrapper(told, view)


def grant(request: HttpRequest, granted: access.Access) -> None:
    """Add the project of a key to the session and show it. The session's id changes."""
    grants = dict(request.session.get(SESSION_GRANTS, {}))
    grants[granted.project] = granted.key_id
    request.session.cycle_key()
    request.session[SESSION_GRANTS] = grants
    request.session[SESSION_PROJECT] = granted.project


def granted_projects(request: HttpRequest) -> tuple[str, ...]:
    return tuple(sorted(request.session.get(SESSION_GRANTS, {})))


def _guarded(
    view: PageView[P], refuse: Callable[[HttpRequest], HttpResponse], methods: tuple[str, ...]
) -> PlainView[P]:
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.method not in methods:
            return _not_allowed(request, methods)
        visitor = visitor_of(request, now_ns=time.time_ns())
        if visitor is None:
            return refuse(request)
        if request.POST.get("project", visitor.project) != visitor.project:
            messages.warning(request, OTHER_PROJECT)
            return HttpResponseRedirect(reverse("explorer:traces"))
        attribute_request(visitor.project)
        return view(request, visitor, *args, **kwargs)

    functools.update_wrapper(guarded, view)
    return guarded


def visitor_of(request: HttpRequest, *, now_ns: int) -> Visitor | None:
    """Nobody where a login is asked for, and there is none."""
    grants: dict[str, Any] = request.session.get(SESSION_GRANTS, {})
    if not grants:
        open_access = access.authenticate(None, now_ns=now_ns)
        if open_access is None:
            return None
        return Visitor(
            open_access.project, (open_access.project,), is_signed_in=False, now_ns=now_ns, may_write=True
        )
    project = _chosen_project(request, grants)
    scope = access.scope_of_key(grants[project], project, now_ns=now_ns)
    if scope is None:
        _withdraw(request, project)
        return visitor_of(request, now_ns=now_ns)
    names = tuple(sorted(grants))
    may_write = scope == "all"
    return Visitor(
        project, names, is_signed_in=True, now_ns=now_ns, key_id=grants[project], may_write=may_write
    )


def _chosen_project(request: HttpRequest, grants: dict[str, Any]) -> str:
    """The one in the address or the form, else the one chosen last, else the first. Only granted ones count.

    One in the address becomes the one chosen last: links on the page it leads to need not repeat it. A form
    says which project's page it stood on: another tab may have chosen another one since.
    """
    asked = request.GET.get("project") or request.POST.get("project")
    chosen = request.session.get(SESSION_PROJECT)
    if asked in grants and asked != chosen:
        request.session[SESSION_PROJECT] = chosen = asked
    return str(chosen) if chosen in grants else min(grants)


def _withdraw(request: HttpRequest, project: str) -> None:
    """The key was revoked: what it granted ends here."""
    grants = request.session[SESSION_GRANTS]
    request.session[SESSION_GRANTS] = {name: key_id for name, key_id in grants.items() if name != project}


def _not_allowed(request: HttpRequest, methods: tuple[str, ...]) -> HttpResponseBase:
    """What a form sends to was opened as a page, as a reader does who reloads or goes back."""
    allowed = ", ".join(methods)
    if request.path.endswith(".json"):
        answer: HttpResponse = problem(405, "Method not allowed", f"Use {allowed}.")
    else:
        answer = render(request, "405.html", status=405)
    answer.headers["Allow"] = allowed
    return answer


def _to_login(request: HttpRequest) -> HttpResponse:
    address = reverse("explorer:login")
    if request.method == "POST":
        messages.warning(request, LOGGED_OUT)
    if request.method == "GET" and request.get_full_path() != reverse("explorer:traces"):
        address += "?" + urlencode({"next": request.get_full_path()})
    return HttpResponseRedirect(address)


def _unauthorized(_request: HttpRequest) -> HttpResponse:
    return problem(401, "Not signed in", "Sign in at the login page, or read /api/v1/ with an X-API-Key.")
