"""One session, read as a conversation."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from traces_app import queries
from traces_app.explorer.pages.replay import page_of, replay
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.twins import advertise, summary_json
from traces_app.explorer.visible import visible_line
from traces_app.explorer.visitor import Visitor, project_json, project_page

MAX_TRACES: Final = 500
"""Of one session; its totals are of the newest so many."""


@project_page
def session(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    session_id = request.GET.get("id", "")
    found = _traces(visitor, session_id)
    if not found.traces:
        return _show_missing(request, visitor, session_id)
    first, last = place = page_of(len(found.traces), request.GET.get("page", ""))
    opened = [_open(visitor, summary.trace_id) for summary in found.traces[first:last]]
    page = replay(
        session_id,
        found.traces,
        opened,
        place=place,
        is_cut=found.next_cursor is not None,
        now_ns=visitor.now_ns,
    )
    twin = reverse("explorer:session_json") + "?" + urlencode({"id": session_id})
    shell = shell_of(
        visitor, title=f"Session {visible_line(session_id, 60)}", json_address=twin, place="sessions"
    )
    return advertise(render(request, "explorer/session.html", {"page": page, "shell": shell}), twin)


@project_json
def session_json(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    session_id = request.GET.get("id", "")
    traces = [summary_json(summary) for summary in _traces(visitor, session_id).traces]
    return JsonResponse({"project": visitor.project, "session": session_id, "traces": traces[::-1]})


def _traces(visitor: Visitor, session_id: str) -> queries.TracePage:
    if not session_id:
        return queries.TracePage([], None, 0)
    filters = queries.TraceFilter(session_id=session_id)
    return queries.list_traces(visitor.project, filters, limit=MAX_TRACES, now_ns=visitor.now_ns)


def _open(visitor: Visitor, trace_id: str) -> queries.Trace | None:
    try:
        return queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
    except queries.TraceNotFound:  # expired or deleted between the list and here
        return None


def _show_missing(request: HttpRequest, visitor: Visitor, session_id: str) -> HttpResponseBase:
    shell = shell_of(visitor, title="No such session", place="sessions")
    context = {"session": visible_line(session_id), "shell": shell}
    return render(request, "explorer/session_missing.html", context, status=404)
