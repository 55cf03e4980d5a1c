"""The list of a project's traces."""

from __future__ import annotations

import time
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from traces_app import queries, retention, saved_views, searching
from traces_app.explorer.filters import ListQuery, read_list_query
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.pages.trace_list import PAGE_SIZE, trace_list_page
from traces_app.explorer.twins import advertise, problem, summary_json
from traces_app.explorer.visitor import Visitor, project_json, project_page

UNREADABLE_CURSOR = "That link to older traces is not valid any more: these are the newest."
MAX_SEARCH_S: Final = 2.0
"""For opening traces: people wait for an answer that says how far it came."""


@project_page
def traces(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    query = read_list_query(request.GET, now_ns=visitor.now_ns)
    try:
        found = _search(visitor, query)
    except queries.BadCursor:
        messages.warning(request, UNREADABLE_CURSOR)
        return HttpResponseRedirect(reverse("explorer:traces") + query.at_cursor(None))
    twin = reverse("explorer:traces_json") + query.at_cursor(query.cursor)
    page = trace_list_page(
        found,
        query,
        visitor=visitor,
        losses=queries.get_losses(visitor.project, now_ns=visitor.now_ns),
        kept=retention.retention_of(visitor.project, now_ns=visitor.now_ns),
        views=saved_views.list_views(visitor.project, owner=visitor.who, now_ns=visitor.now_ns),
        base_url=request.build_absolute_uri("/").rstrip("/"),
    )
    context = {"page": page, "shell": shell_of(visitor, title="Traces", json_address=twin)}
    return advertise(render(request, "explorer/traces.html", context), twin)


@project_json
def traces_json(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    query = read_list_query(request.GET, now_ns=visitor.now_ns)
    if query.problems:
        return problem(400, "Wrong filter", " ".join(query.problems))
    try:
        found = _search(visitor, query)
    except queries.BadCursor:
        return problem(400, "Wrong cursor", "cursor: use the one of the page before, unchanged.")
    kept = retention.retention_of(visitor.project, now_ns=visitor.now_ns)
    return JsonResponse(
        {
            "project": visitor.project,
            "traces": [summary_json(summary) | {"kept_by": kept.reason(summary)} for summary in found.traces],
            "searched": found.searched,
            "opened": found.opened,
            "unopened": found.unopened,
            "next": found.next_cursor
            and request.build_absolute_uri(request.path + query.at_cursor(found.next_cursor)),
        }
    )


@project_json
def newer_json(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    """How many traces began since the one that a page shows first."""
    query = read_list_query(request.GET, now_ns=visitor.now_ns)
    count = searching.count_newer(
        visitor.project, query.search, after=request.GET.get("after", ""), now_ns=visitor.now_ns
    )
    return JsonResponse({"newer": count})


def _search(visitor: Visitor, query: ListQuery) -> searching.Found:
    ends_at = time.monotonic() + MAX_SEARCH_S
    return searching.search_traces(
        visitor.project,
        query.search,
        since_ns=query.time.since_ns,
        until_ns=query.time.until_ns,
        limit=PAGE_SIZE,
        cursor=query.cursor,
        is_time_up=lambda: time.monotonic() > ends_at,
        now_ns=visitor.now_ns,
    )
