"""One trace, and each of its spans."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.decorators.gzip import gzip_page

from traces_app import queries, retention
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.pages.span_detail import detail_of, whole_text
from traces_app.explorer.pages.trace_page import Asked, trace_page
from traces_app.explorer.refusals import show_not_found
from traces_app.explorer.twins import advertise, problem, row_json, summary_json
from traces_app.explorer.twins import span_json as span_as_json
from traces_app.explorer.visitor import Visitor, project_json, project_page


@gzip_page
@project_page
def trace(request: HttpRequest, visitor: Visitor, trace_id: str) -> HttpResponseBase:
    return _show_trace(request, visitor, trace_id, span_id=None)


@gzip_page
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
    kept = retention.retention_of(visitor.project, now_ns=visitor.now_ns)
    summary = summary_json(found.summary) | {"kept_by": kept.reason(found.summary)}
    return JsonResponse({"trace": summary, "spans": rows})


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
        pane = {"detail": detail, "shell": shell_of(visitor, title="")}
        return render(request, "explorer/_detail.html", pane)
    asked = Asked(view=request.GET.get("view", ""), rows_page=request.GET.get("rows", ""))
    kept = retention.retention_of(visitor.project, now_ns=visitor.now_ns)
    page = trace_page(found, detail, visitor=visitor, asked=asked, kept_by=kept.reason(found.summary))
    if "header" in request.GET:
        header = {"page": page, "shell": shell_of(visitor, title=page.name)}
        return render(request, "explorer/_trace_header.html", header)
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
