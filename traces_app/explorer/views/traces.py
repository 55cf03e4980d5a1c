"""The list of a project's traces."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from traces_app import queries
from traces_app.explorer.actions import ACTIONS
from traces_app.explorer.filters import ListQuery, read_list_query
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.pages.trace_list import PAGE_SIZE, trace_list_page
from traces_app.explorer.twins import advertise, problem, summary_json
from traces_app.explorer.visitor import Visitor, project_json, project_page

UNREADABLE_CURSOR = "That link to older traces is not valid any more: these are the newest."


@project_page
def traces(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    query = read_list_query(request.GET, now_ns=visitor.now_ns)
    try:
        found = _list(visitor, query)
    except queries.BadCursor:
        messages.warning(request, UNREADABLE_CURSOR)
        return HttpResponseRedirect(reverse("explorer:traces") + query.at_cursor(None))
    twin = reverse("explorer:traces_json") + query.at_cursor(query.cursor)
    page = trace_list_page(
        found,
        query,
        visitor=visitor,
        losses=queries.get_losses(visitor.project, now_ns=visitor.now_ns),
        base_url=request.build_absolute_uri("/").rstrip("/"),
        actions=[(name, action.label) for name, action in ACTIONS.items()],
    )
    context = {"page": page, "shell": shell_of(visitor, title="Traces", json_address=twin)}
    return advertise(render(request, "explorer/traces.html", context), twin)


@project_json
def traces_json(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    query = read_list_query(request.GET, now_ns=visitor.now_ns)
    if query.problems:
        return problem(400, "Wrong filter", " ".join(query.problems))
    try:
        found = _list(visitor, query)
    except queries.BadCursor:
        return problem(400, "Wrong cursor", "cursor: use the one of the page before, unchanged.")
    return JsonResponse(
        {
            "project": visitor.project,
            "traces": [summary_json(summary) for summary in found.traces],
            "searched": found.searched,
            "next": found.next_cursor
            and request.build_absolute_uri(request.path + query.at_cursor(found.next_cursor)),
        }
    )


def _list(visitor: Visitor, query: ListQuery) -> queries.TracePage:
    return queries.list_traces(
        visitor.project, query.filters, limit=PAGE_SIZE, cursor=query.cursor, now_ns=visitor.now_ns
    )
