"""A trace taken away: as Markdown, as OpenTelemetry's JSON, as one HTML file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from traces_app import queries
from traces_app.explorer.pages.html_export import html_export
from traces_app.explorer.pages.markdown import span_markdown as span_as_markdown
from traces_app.explorer.pages.markdown import trace_markdown as trace_as_markdown
from traces_app.explorer.pages.otlp_json import otlp_json
from traces_app.explorer.pages.trace_page import Asked, trace_page
from traces_app.explorer.refusals import show_not_found
from traces_app.explorer.visitor import Visitor, project_page
from traces_app.retention import retention_of

MARKDOWN: Final = "text/markdown; charset=utf-8"


@project_page
def trace_markdown(request: HttpRequest, visitor: Visitor, trace_id: str) -> HttpResponseBase:
    try:
        found = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
    except queries.TraceNotFound:
        return show_not_found(request, visitor, trace_id)
    pieces = trace_as_markdown(found, now_ns=visitor.now_ns)
    return _saved(pieces, MARKDOWN, f"trace-{trace_id[:32]}.md", as_file=False)


@project_page
def span_markdown(request: HttpRequest, visitor: Visitor, trace_id: str, span_id: str) -> HttpResponseBase:
    try:
        found = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns).span(span_id)
    except (queries.TraceNotFound, queries.SpanNotFound):
        return show_not_found(request, visitor, trace_id)
    return HttpResponse(span_as_markdown(found), content_type=MARKDOWN)


@project_page
def trace_otlp(request: HttpRequest, visitor: Visitor, trace_id: str) -> HttpResponseBase:
    try:
        found = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
    except queries.TraceNotFound:
        return show_not_found(request, visitor, trace_id)
    return _saved(otlp_json(found), "application/json", f"trace-{trace_id[:32]}.otlp.json")


@project_page
def trace_html(request: HttpRequest, visitor: Visitor, trace_id: str) -> HttpResponseBase:
    """Always a download: shown from here, our own policy would refuse its style."""
    try:
        found = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
    except queries.TraceNotFound:
        return show_not_found(request, visitor, trace_id)
    kept = retention_of(visitor.project, now_ns=visitor.now_ns)
    reason = kept.reason(found.summary)
    page = trace_page(found, None, visitor=visitor, asked=Asked(view="table"), kept_by=reason)
    pieces = html_export(found, page, now_ns=visitor.now_ns)
    return _saved(pieces, "text/html; charset=utf-8", f"trace-{trace_id[:32]}.html")


def _saved(
    pieces: Iterable[str | bytes], content_type: str, name: str, *, as_file: bool = True
) -> StreamingHttpResponse:
    encoded = (
        piece if isinstance(piece, bytes) else piece.encode("utf-8", "backslashreplace") for piece in pieces
    )
    response = StreamingHttpResponse(encoded, content_type=content_type)
    response.headers["Content-Disposition"] = f'{"attachment" if as_file else "inline"}; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
