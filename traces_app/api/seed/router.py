"""The original LLM Tracer's wire API: its clients work here unchanged. Delete this folder to end that.

A span takes two calls here, so creating and completing spans weigh little against the rate limit.
"""

from __future__ import annotations

import time
from typing import Final, TypeVar

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel

from traces_app import ingest, queries
from traces_app.access import Access
from traces_app.api.answers import json_answer
from traces_app.api.auth import KeyedRequest, RequireKey
from traces_app.api.body import read_json
from traces_app.api.errors import ProblemError
from traces_app.api.openapi import body_of
from traces_app.api.seed import schemas, translate
from traces_app.domain.span import Span
from traces_app.queries import SpanNotFound, TraceFilter

router = Router(tags=["the original's API"])

SPAN_CALL_WEIGHT: Final = 1 / 20
"""The original's client makes 22 calls for 10 spans: so a trace of that size counts as two requests."""

Body = TypeVar("Body", bound=BaseModel)


@router.post(
    "/traces",
    auth=RequireKey("ingest"),
    response=schemas.TraceMark,
    openapi_extra=body_of(schemas.TraceIn),
)
def create_trace(request: KeyedRequest) -> HttpResponse:
    """Begin a trace."""
    body = _body(request, schemas.TraceIn)
    if body.project_id not in (None, request.auth.project, f"project-{request.auth.project}"):
        raise ProblemError(
            403, "Project of another key", "project_id must be the project of the key.", field="project_id"
        )
    now_ns = time.time_ns()
    root = translate.new_root(body, now_ns=now_ns)
    _store(request.auth, root, now_ns)
    return json_answer({"trace_id": root.trace_id, "status": "created"})


@router.post(
    "/traces/{trace_id}/spans",
    auth=RequireKey("ingest", weight=SPAN_CALL_WEIGHT),
    response=schemas.SpanMark,
    openapi_extra=body_of(schemas.SpanIn),
)
def create_span(request: KeyedRequest, trace_id: str) -> HttpResponse:
    """Begin a span."""
    body = _body(request, schemas.SpanIn)
    now_ns = time.time_ns()
    trace = queries.get_trace(request.auth.project, trace_id.lower(), now_ns=now_ns, consistent=True)
    span = translate.new_span(body, trace.summary, now_ns=now_ns)
    _store(request.auth, span, now_ns)
    return json_answer({"span_id": translate.span_handle(span.trace_id, span.span_id), "status": "created"})


@router.patch(
    "/spans/{span_id}/complete",
    auth=RequireKey("ingest", weight=SPAN_CALL_WEIGHT),
    response=schemas.SpanMark,
    openapi_extra=body_of(schemas.SpanCompletion),
)
def complete_span(request: KeyedRequest, span_id: str) -> HttpResponse:
    """End a span; ending it again overwrites."""
    body = _body(request, schemas.SpanCompletion)
    ids = translate.span_ids(span_id)
    if ids is None:
        raise SpanNotFound(span_id)
    now_ns = time.time_ns()
    span = queries.get_trace(request.auth.project, ids[0], now_ns=now_ns, consistent=True).span(ids[1])
    translate.complete_span(span, body, now_ns=now_ns)
    _store(request.auth, span, now_ns)
    return json_answer({"span_id": span_id, "status": "completed"})


@router.patch(
    "/traces/{trace_id}/complete",
    auth=RequireKey("ingest", weight=SPAN_CALL_WEIGHT),
    response=schemas.TraceMark,
    openapi_extra=body_of(schemas.TraceCompletion),
)
def complete_trace(request: KeyedRequest, trace_id: str) -> HttpResponse:
    """End a trace; ending it again overwrites."""
    body = _body(request, schemas.TraceCompletion)
    now_ns = time.time_ns()
    trace = queries.get_trace(request.auth.project, trace_id.lower(), now_ns=now_ns, consistent=True)
    root = trace.span(translate.root_id(trace.summary.trace_id))
    translate.complete_root(root, body.output, now_ns=now_ns)
    _store(request.auth, root, now_ns)
    return json_answer({"trace_id": trace_id, "status": "completed"})


@router.get("/traces", auth=RequireKey("read"), response=schemas.TracePageOut)
def list_traces(request: KeyedRequest, query: Query[schemas.TraceQuery]) -> HttpResponse:
    """Traces, newest first."""
    tags = tuple(tag.strip() for tag in (query.tags or "").split(",") if tag.strip())
    filters = TraceFilter(user_id=query.user_id, session_id=query.session_id, tags=tags)
    page = queries.list_traces(
        request.auth.project, filters, limit=query.limit, cursor=query.cursor, now_ns=time.time_ns()
    )
    return json_answer(
        {
            "traces": [translate.trace_out(trace) for trace in page.traces],
            "next_cursor": page.next_cursor,
            "has_more": page.next_cursor is not None,
            "count": len(page.traces),
        }
    )


@router.get("/traces/{trace_id}", auth=RequireKey("read"), response=schemas.WholeTraceOut)
def get_trace(request: KeyedRequest, trace_id: str) -> HttpResponse:
    """One trace with all its spans."""
    trace = queries.get_trace(request.auth.project, trace_id.lower(), now_ns=time.time_ns())
    summary = trace.summary
    spans = [
        translate.span_out(span, summary) for span in trace.spans() if span.span_id != summary.root_span_id
    ]
    return json_answer({"trace": translate.trace_out(summary), "spans": spans, "span_count": len(spans)})


@router.get("/stats", auth=RequireKey("read"), response=schemas.StatsOut)
def get_stats(request: KeyedRequest) -> HttpResponse:
    """Totals over the whole project."""
    stats = queries.get_stats(request.auth.project, now_ns=time.time_ns())
    return json_answer(
        {
            "total_traces": stats.total_traces,
            "total_spans": stats.total_spans,
            "total_tokens": stats.total_tokens or 0,
            "total_cost": stats.cost_usd or 0.0,
        }
    )


def _body(request: HttpRequest, schema: type[Body]) -> Body:
    return schema.model_validate(read_json(request).value)


def _store(access: Access, span: Span, now_ns: int) -> None:
    """Raises a 422 problem when the span breaks a rule of ingest."""
    receipt = ingest.receive(access, [span], now_ns=now_ns)
    for rejection in receipt.rejected:
        raise ProblemError(422, "Invalid value", rejection.reason, field=rejection.field)
