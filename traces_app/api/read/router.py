"""The questions of the pages as JSON, for people, scripts and agents. A key reads its own project only."""

from __future__ import annotations

import time

from django.http import HttpResponse
from ninja import Query, Router

from traces_app import bill, queries
from traces_app.api.answers import json_answer
from traces_app.api.auth import KeyedRequest, RequireKey
from traces_app.api.read import schemas, translate

router = Router(tags=["read"], auth=RequireKey("read"))


@router.get("/traces", response=schemas.TracePageOut)
def list_traces(request: KeyedRequest, query: Query[schemas.TraceQuery]) -> HttpResponse:
    """Traces, newest first. A filtered page may hold few: go on while there is a next_cursor."""
    page = queries.list_traces(
        request.auth.project, query.filters(), limit=query.limit, cursor=query.cursor, now_ns=time.time_ns()
    )
    return json_answer(translate.page_out(page))


@router.get("/traces/{trace_id}", response=schemas.TraceRowsOut)
def get_trace(request: KeyedRequest, trace_id: str, *, payload: bool = False) -> HttpResponse:
    """One trace and its spans in reading order; payload=true gives each span whole."""
    found = queries.get_trace(request.auth.project, trace_id.lower(), now_ns=time.time_ns())
    return json_answer(translate.rows_out(found, with_payload=payload))


@router.get("/traces/{trace_id}/receipt", response=schemas.ReceiptOut)
def get_receipt(request: KeyedRequest, trace_id: str) -> HttpResponse:
    """What keeping one trace takes and costs on AWS, and when it expires."""
    found = bill.get_receipt(request.auth.project, trace_id.lower(), now_ns=time.time_ns())
    return json_answer(translate.receipt_out(found))


@router.get("/traces/{trace_id}/spans/{span_id}", response=schemas.SpanOut)
def get_span(request: KeyedRequest, trace_id: str, span_id: str) -> HttpResponse:
    """One whole span."""
    found = queries.get_trace(request.auth.project, trace_id.lower(), now_ns=time.time_ns())
    return json_answer(translate.span_out(found.span(span_id.lower())))


@router.get("/stats", response=schemas.StatsOut)
def get_stats(request: KeyedRequest, query: Query[schemas.RangeQuery]) -> HttpResponse:
    """Totals over the traces that start in the range."""
    found = queries.get_stats(
        request.auth.project, since_ns=query.since, until_ns=query.until, now_ns=time.time_ns()
    )
    return json_answer(translate.stats_out(found))


@router.get("/projects", response=schemas.ProjectsOut)
def list_projects(request: KeyedRequest) -> HttpResponse:
    """The project this key reads, and what else the key may do there."""
    return json_answer({"projects": [{"id": request.auth.project, "scope": request.auth.scope}]})
