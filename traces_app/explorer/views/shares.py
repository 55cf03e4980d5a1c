"""Links that show a trace to people without a key: made, listed, revoked, and followed."""

from __future__ import annotations

import time
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from traces_app import queries, sharing
from traces_app.domain.ids import is_trace_id
from traces_app.explorer.confirming import NO_WRITING, confirmed, done_once, log
from traces_app.explorer.formats import moment, plural
from traces_app.explorer.pages.confirm import Question
from traces_app.explorer.pages.html_export import html_export, style_hash
from traces_app.explorer.pages.shares import shares_page
from traces_app.explorer.pages.shell import Shell, shell_of
from traces_app.explorer.pages.trace_page import Asked, trace_page
from traces_app.explorer.twins import advertise
from traces_app.explorer.visitor import Visitor, project_action, project_json, project_page


@project_page
def shares(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    trace_id = request.GET.get("trace", "")
    twin = reverse("explorer:shares_json")
    page = shares_page(
        sharing.list_shares(visitor.project, now_ns=visitor.now_ns),
        trace_id=trace_id if is_trace_id(trace_id) else "",
        base_url=request.build_absolute_uri("/").rstrip("/"),
        visitor=visitor,
    )
    context = {
        "page": page,
        "shell": shell_of(visitor, title="Shared links", json_address=twin, place="admin"),
    }
    return advertise(render(request, "explorer/shares.html", context), twin)


@project_json
def shares_json(_request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    """Without the links themselves: who may read them here may make others."""
    found = [
        {
            "id": share.share_id,
            "trace_id": share.trace_id,
            "redaction": share.redaction,
            "made_by": share.who,
            "made_at_ns": share.made_at_ns,
            "expires_at": share.expires_at,
        }
        for share in sharing.list_shares(visitor.project, now_ns=visitor.now_ns)
    ]
    return JsonResponse({"project": visitor.project, "shares": found})


@project_action
def create_share(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    trace_id = request.POST.get("trace", "")
    if not visitor.may_write:
        messages.warning(request, NO_WRITING)
        return _to_shares(trace_id)
    check = partial(sharing.check_new_share, visitor.project, **_typed(request), now_ns=visitor.now_ns)
    try:
        return done_once(request, visitor, _create_share, check=check, back_address=_shares_address(trace_id))
    except ValueError as error:
        messages.warning(request, f"Not done. {error}")
    except queries.TraceNotFound:
        messages.warning(request, "Not done. There is no such trace.")
    return _to_shares(trace_id)


@project_action
def revoke_share(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    share_id, trace_id = request.POST.get("share", ""), request.POST.get("trace", "")
    question = Question(
        "Revoke the link?",
        "Whoever has it sees nothing any more, from now on. Another one can be made.",
        "Revoke the link",
        [("share", share_id), ("trace", trace_id)],
        back_address=_shares_address(trace_id),
    )
    return confirmed(request, visitor, _revoke_share, question)


@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponseBase:
    """The trace on one page without script, for whoever holds the link."""
    now_ns = time.time_ns()
    try:
        share, trace = sharing.open_share(token, now_ns=now_ns)
    except sharing.ShareNotFound:
        context = {"shell": Shell(title="This link opens nothing")}
        return _unlisted(render(request, "explorer/share_missing.html", context, status=404))
    reader = Visitor(share.project, (), is_signed_in=False, now_ns=now_ns)
    page = trace_page(trace, None, visitor=reader, asked=Asked(view="table"), kept_by="")
    until = moment(share.expires_at * 10**9, now_ns=now_ns)
    note = (
        f"Shared until {until.day} {until.clock} UTC; shows {sharing.REDACTIONS[share.redaction]}."
        if until
        else ""
    )
    pieces = html_export(trace, page, now_ns=now_ns, note=note)
    response = StreamingHttpResponse(
        (piece.encode("utf-8", "backslashreplace") for piece in pieces),
        content_type="text/html; charset=utf-8",
    )
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src '{style_hash()}'; img-src data:; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return _unlisted(response)


def _unlisted(response: HttpResponseBase) -> HttpResponseBase:
    """No search engine keeps it, and no page that it leads to learns the link."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _typed(request: HttpRequest) -> dict[str, Any]:
    days = request.POST.get("days", "")
    is_number = days.isascii() and days.isdecimal() and len(days) < 5  # noqa: PLR2004
    return {
        "trace_id": request.POST.get("trace", ""),
        "redaction": request.POST.get("redaction", ""),
        "days": int(days) if is_number else 0,
    }


def _create_share(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    typed = _typed(request)
    share = sharing.create_share(visitor.project, **typed, who=visitor.who, now_ns=visitor.now_ns)
    lasts = f"for {plural(typed['days'], 'day')}, left out: {share.redaction}"
    log(visitor, "make link", f"{share.share_id} to trace {share.trace_id} {lasts}")
    messages.success(request, "The link is made: whoever has it sees the trace, without a key.")
    return _to_shares(share.trace_id)


def _revoke_share(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    share_id = request.POST.get("share", "")[:12]
    share = sharing.revoke_share(visitor.project, share_id, now_ns=visitor.now_ns)
    if share is None:
        raise ValueError("There is no such link any more.")
    log(visitor, "revoke link", f"{share.share_id} to trace {share.trace_id}")
    messages.success(request, "The link is revoked: it opens nothing any more.")
    return _to_shares(request.POST.get("trace", ""))


def _shares_address(trace_id: str) -> str:
    address: str = reverse("explorer:shares")
    return f"{address}?{urlencode({'trace': trace_id})}" if trace_id else address


def _to_shares(trace_id: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(_shares_address(trace_id))
