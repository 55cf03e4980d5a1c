"""The questions of the pages as JSON, for people, scripts and agents. A key reads its own project only."""

from __future__ import annotations

import time

from django.http import HttpResponse
from ninja import Query, Router

from traces_app import audit, bill, curation, queries
from traces_app.api.answers import json_answer
from traces_app.api.auth import KeyedRequest, RequireKey
from traces_app.api.errors import ProblemError
from traces_app.api.read import schemas, translate
from traces_app.retention import retention_of

router = Router(tags=["read"], auth=RequireKey("read"))


@router.get("/traces", response=schemas.TracePageOut)
def list_traces(request: KeyedRequest, query: Query[schemas.TraceQuery]) -> HttpResponse:
    """Traces, newest first. A filtered page may hold few: go on while there is a next_cursor."""
    project, now_ns = request.auth.project, time.time_ns()
    page = queries.list_traces(
        project, query.filters(), limit=query.limit, cursor=query.cursor, now_ns=now_ns
    )
    return json_answer(translate.page_out(page, retention_of(project, now_ns=now_ns)))


@router.get("/traces/{trace_id}", response=schemas.TraceRowsOut)
def get_trace(request: KeyedRequest, trace_id: str, *, payload: bool = False) -> HttpResponse:
    """One trace and its spans in reading order; payload=true gives each span whole."""
    project, now_ns = request.auth.project, time.time_ns()
    found = queries.get_trace(project, trace_id.lower(), now_ns=now_ns)
    kept = retention_of(project, now_ns=now_ns)
    return json_answer(translate.rows_out(found, kept, with_payload=payload))


@router.post("/traces/{trace_id}/pin", response=schemas.PinOut)
def pin_trace(request: KeyedRequest, trace_id: str) -> HttpResponse:
    """Keep the trace for ever, with what comes of it later. Needs a key of scope all; safe to repeat."""
    project, trace_id, now_ns = _may_change(request), trace_id.lower(), time.time_ns()
    if not curation.pin_trace(project, trace_id, now_ns=now_ns):
        raise queries.TraceNotFound(trace_id)
    return _pinned(request, trace_id, is_pinned=True, expires_at=None, now_ns=now_ns)


@router.post("/traces/{trace_id}/unpin", response=schemas.PinOut)
def unpin_trace(request: KeyedRequest, trace_id: str) -> HttpResponse:
    """Let the project's rules count again; a trace whose time has passed stays for one day more."""
    project, trace_id, now_ns = _may_change(request), trace_id.lower(), time.time_ns()
    unpinned = curation.unpin_trace(project, trace_id, now_ns=now_ns)
    if unpinned is None:
        raise queries.TraceNotFound(trace_id)
    return _pinned(request, trace_id, is_pinned=False, expires_at=unpinned.expires_at, now_ns=now_ns)


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


def _may_change(request: KeyedRequest) -> str:
    """The project. Raises a 403 problem for a key that may only read."""
    if not request.auth.may_write:
        raise ProblemError(
            403, "Key of another scope", "Pins need a key of the scope 'all'.", field="X-API-Key"
        )
    return request.auth.project


def _pinned(
    request: KeyedRequest, trace_id: str, *, is_pinned: bool, expires_at: int | None, now_ns: int
) -> HttpResponse:
    action = "pin traces" if is_pinned else "unpin traces"
    who = request.auth.key_id
    audit.record(request.auth.project, who=who, action=action, detail=trace_id, now_ns=now_ns)
    until = translate.expiry_out(expires_at)
    return json_answer({"trace_id": trace_id, "pinned": is_pinned, "expires_at": until})
