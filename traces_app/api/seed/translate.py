"""Between the original's traces and spans and ours.

A trace of the original is our root span: its id is the last half of the trace id. The original's clients
have no clock of their own, so this is the one dialect where the server says when a span began and ended.
"""

from __future__ import annotations

import re
from typing import Final

from traces_app.api.answers import iso_utc, milliseconds
from traces_app.api.errors import ProblemError
from traces_app.api.seed.schemas import SpanCompletion, SpanIn, SpanOut, TraceIn, TraceOut
from traces_app.domain.ids import SPAN_ID_DIGITS, TRACE_ID_DIGITS, new_span_id, new_trace_id
from traces_app.domain.span import Span, Usage
from traces_app.domain.summary import TraceSummary

__all__ = [
    "complete_root",
    "complete_span",
    "new_root",
    "new_span",
    "root_id",
    "span_handle",
    "span_ids",
    "span_out",
    "trace_out",
]

_HANDLE: Final = re.compile(rf"([0-9a-f]{{{TRACE_ID_DIGITS}}})-([0-9a-f]{{{SPAN_ID_DIGITS}}})")
_STATUS_WORDS: Final = {"pending": "running", "ok": "completed", "error": "failed", "cancelled": "failed"}


# -- ids -------------------------------------------------------------------------------------------
def root_id(trace_id: str) -> str:
    """The id of the span that is the trace itself."""
    return trace_id[16:]


def span_handle(trace_id: str, span_id: str) -> str:
    """The span id that is handed out: it holds the trace's, so that the span is found without a search."""
    return f"{trace_id}-{span_id}"


def span_ids(handle: str) -> tuple[str, str] | None:
    """Trace id and span id; None when no such handle was ever handed out."""
    match = _HANDLE.fullmatch(handle.lower())
    return (match[1], match[2]) if match else None


# -- in --------------------------------------------------------------------------------------------
def new_root(body: TraceIn, *, now_ns: int) -> Span:
    trace_id = new_trace_id(now_ns)
    return Span(
        trace_id=trace_id,
        span_id=root_id(trace_id),
        name=body.name,
        kind="chain",
        status="pending",
        start_ns=now_ns,
        metadata=body.metadata or {},
        tags=body.tags or [],
        user_id=body.user_id,
        session_id=body.session_id,
    )


def new_span(body: SpanIn, trace: TraceSummary, *, now_ns: int) -> Span:
    return Span(
        trace_id=trace.trace_id,
        span_id=new_span_id(),
        parent_span_id=_parent(body.parent_span_id, trace),
        name=body.name,
        kind=body.span_type,
        status="pending",
        start_ns=now_ns,
        input=body.input_data,
        output=body.output_data,
        metadata=body.metadata or {},
        model=body.model,
        usage=_usage(body.tokens_input, body.tokens_output),
        cost_usd=body.cost_usd,
        error=_error(body.error),
        user_id=trace.user_id,
        session_id=trace.session_id,
    )


def complete_span(span: Span, body: SpanCompletion, *, now_ns: int) -> None:
    """Write into ``span`` what is known now; what is not sent stays as it was."""
    known = span.usage or Usage()
    span.usage = _usage(
        known.input_tokens if body.tokens_input is None else body.tokens_input,
        known.output_tokens if body.tokens_output is None else body.tokens_output,
    )
    if span.cost_source == "computed":  # of the tokens known then: it is computed anew
        span.cost_usd, span.cost_source, span.cost_detail = None, None, None
    span.cost_usd = span.cost_usd if body.cost_usd is None else body.cost_usd
    span.error = _error(body.error) or span.error
    _end(span, body.output_data, now_ns)


def complete_root(root: Span, output: object, *, now_ns: int) -> None:
    _end(root, output, now_ns)


def _end(span: Span, output: object, now_ns: int) -> None:
    span.output = span.output if output is None else output
    span.status = "error" if span.error else "ok"
    span.end_ns = now_ns


def _parent(handle: str | None, trace: TraceSummary) -> str:
    if handle is None:
        return trace.root_span_id or root_id(trace.trace_id)
    ids = span_ids(handle)
    if ids is None or ids[0] != trace.trace_id:
        raise ProblemError(
            422,
            "Invalid value",
            "parent_span_id: must be a span_id that this trace handed out",
            field="parent_span_id",
        )
    return ids[1]


def _usage(tokens_input: int | None, tokens_output: int | None) -> Usage | None:
    if tokens_input is None and tokens_output is None:
        return None
    return Usage(input_tokens=tokens_input, output_tokens=tokens_output)


def _error(message: str | None) -> dict[str, str] | None:
    return {"message": message} if message else None


# -- out -------------------------------------------------------------------------------------------
def trace_out(trace: TraceSummary) -> TraceOut:
    """The root span is the trace itself, so it is not counted among the spans; running ones are not yet."""
    start_time, end_time = iso_utc(trace.start_ns), iso_utc(trace.end_ns)
    is_root_counted = trace.root_span_id is not None and trace.status != "pending"
    return {
        "trace_id": trace.trace_id,
        "project_id": trace.project,
        "name": trace.name or "",
        "status": _STATUS_WORDS[trace.status],
        "start_time": start_time,
        "end_time": end_time,
        "duration_ms": trace.duration_ms,
        "created_at": start_time,
        "updated_at": end_time or start_time,
        "metadata": trace.metadata,
        "tags": trace.tags,
        "user_id": trace.user_id,
        "session_id": trace.session_id,
        "total_tokens": trace.total_tokens or 0,
        "total_cost": trace.cost_usd or 0.0,
        "span_count": max(0, trace.span_count - is_root_counted),
    }


def span_out(span: Span, trace: TraceSummary) -> SpanOut:
    usage = span.usage or Usage()
    has_parent = span.parent_span_id not in (None, trace.root_span_id)
    return {
        "span_id": span_handle(span.trace_id, span.span_id),
        "trace_id": span.trace_id,
        "parent_span_id": span_handle(span.trace_id, span.parent_span_id or "") if has_parent else None,
        "name": span.name,
        "span_type": span.kind,
        "status": _STATUS_WORDS[span.status],
        "start_time": iso_utc(span.start_ns),
        "end_time": iso_utc(span.end_ns),
        "duration_ms": milliseconds(span.duration_ns),
        "input_data": span.input,
        "output_data": span.output,
        "model": span.model,
        "tokens_input": usage.input_tokens,
        "tokens_output": usage.output_tokens,
        "cost_usd": span.cost_usd,
        "error": (span.error or {}).get("message") or (span.error or {}).get("type"),
        "metadata": span.metadata,
    }
