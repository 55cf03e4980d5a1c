"""The pages: each reads its address, asks one question, and shows the answer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from traces_app import queries
from traces_app.explorer.actions import ACTIONS
from traces_app.explorer.filters import ListQuery, read_list_query
from traces_app.explorer.pages.problems import problems_page
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.pages.span_detail import detail_of, whole_text
from traces_app.explorer.pages.trace_list import PAGE_SIZE, trace_list_page
from traces_app.explorer.pages.trace_page import trace_page
from traces_app.explorer.refusals import show_not_found
from traces_app.explorer.twins import advertise, problem, row_json, summary_json
from traces_app.explorer.twins import span_json as span_as_json
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


@project_page
def problems(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    found = queries.get_problems(visitor.project, now_ns=visitor.now_ns)
    twin = reverse("explorer:problems_json")
    context = {
        "page": problems_page(found),
        "shell": shell_of(visitor, title="Problems", json_address=twin),
    }
    return advertise(render(request, "explorer/problems.html", context), twin)


@project_json
def problems_json(_request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    found = queries.get_problems(visitor.project, now_ns=visitor.now_ns)
    return JsonResponse({"project": visitor.project, "problems": [asdict(one) for one in found]})


@project_page
def trace(request: HttpRequest, visitor: Visitor, trace_id: str) -> HttpResponseBase:
    return _show_trace(request, visitor, trace_id, span_id=None)


@project_page
def span(request: HttpRequest, visitor: Visitor, trace_id: str, span_id: str) -> HttpResponseBase:
    """The trace with one span open; with ``?pane`` only that span's pane, for the page's script."""
    return _show_trace(request, visitor, trace_id, span_id=span_id)


@project_json
def trace_json(_request: HttpRequest, visitor: Visitor, trace_id: str) -> HttpResponseBase:
    try:
        found = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
    except queries.TraceNotFound:
        return problem(404, "No such trace", f"Project {visitor.project} holds no trace {trace_id}.")
    rows = [row_json(row) for row in found.rows]
    return JsonResponse({"trace": summary_json(found.summary), "spans": rows})


@project_json
def span_json(_request: HttpRequest, visitor: Visitor, trace_id: str, span_id: str) -> HttpResponseBase:
    try:
        found = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns).span(span_id)
    except (queries.TraceNotFound, queries.SpanNotFound):
        return problem(404, "No such span", f"Project {visitor.project} holds no such span.")
    return JsonResponse(span_as_json(found))


@project_page
def span_text(
    request: HttpRequest, visitor: Visitor, trace_id: str, span_id: str, field: str
) -> HttpResponseBase:
    """One field of a span, whole and as it came, to be saved: never shown by the browser as a page."""
    try:
        found = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns).span(span_id)
    except (queries.TraceNotFound, queries.SpanNotFound):
        return show_not_found(request, visitor, trace_id)
    text = whole_text(found, field)
    if text is None:
        return show_not_found(request, visitor, trace_id)
    body = text.encode("utf-8", "backslashreplace")
    response = HttpResponse(body, content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{span_id[:16]}-{field}.txt"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _list(visitor: Visitor, query: ListQuery) -> queries.TracePage:
    return queries.list_traces(
        visitor.project, query.filters, limit=PAGE_SIZE, cursor=query.cursor, now_ns=visitor.now_ns
    )


def _show_trace(
    request: HttpRequest, visitor: Visitor, trace_id: str, *, span_id: str | None
) -> HttpResponseBase:
    try:
        found = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
        opened = span_id or _first_span_id(found)
        detail = detail_of(found, opened, visitor=visitor) if opened else None
    except (queries.TraceNotFound, queries.SpanNotFound):
        return show_not_found(request, visitor, trace_id)
    if span_id and "pane" in request.GET:
        return render(request, "explorer/_detail.html", {"detail": detail})
    page = trace_page(found, detail, visitor=visitor, rows_page=request.GET.get("rows", ""))
    twin = page.json_address if span_id is None or detail is None else detail.json_address
    context: dict[str, Any] = {
        "page": page,
        "detail": detail,
        "shell": shell_of(visitor, title=page.name, json_address=twin),
    }
    return advertise(render(request, "explorer/trace.html", context), twin)


def _first_span_id(found: queries.Trace) -> str | None:
    """What is open before anything was chosen: the root, or whatever stands first."""
    return found.rows[0].span.span_id if found.rows else None
