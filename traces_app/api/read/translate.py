"""From what ``queries`` answers to the read API's JSON."""

from __future__ import annotations

from typing import Any

from traces_app.api.answers import iso_utc, milliseconds
from traces_app.api.read.schemas import (
    PayloadOut,
    PlaceOut,
    ReceiptOut,
    SpanHeadOut,
    StatsOut,
    TraceOut,
    TracePageOut,
    TraceRowsOut,
    UsageOut,
)
from traces_app.bill import TraceReceipt
from traces_app.domain.retention import Retention
from traces_app.domain.span import Span, Usage
from traces_app.domain.summary import TraceSummary
from traces_app.domain.tree import TreeRow
from traces_app.queries import Stats, Trace, TracePage

__all__ = ["expiry_out", "page_out", "receipt_out", "rows_out", "span_out", "stats_out"]


def page_out(page: TracePage, kept: Retention) -> TracePageOut:
    return {
        "traces": [_trace_out(trace, kept) for trace in page.traces],
        "next_cursor": page.next_cursor,
        "searched": page.searched,
    }


def rows_out(trace: Trace, kept: Retention, *, with_payload: bool) -> TraceRowsOut:
    spans: list[Any]
    if with_payload:
        spans = [{**_place_out(row), **span_out(trace.span(row.span.span_id))} for row in trace.rows]
    else:
        spans = [{**_place_out(row), **_head_out(row.span)} for row in trace.rows]
    return {"trace": _trace_out(trace.summary, kept), "spans": spans}


def span_out(span: Span) -> dict[str, Any]:
    return {**_head_out(span), **_payload_out(span)}


def receipt_out(receipt: TraceReceipt) -> ReceiptOut:
    metered, paid = receipt.metered, receipt.paid
    return {
        "trace_id": receipt.trace_id,
        "raw_bytes": receipt.raw_bytes,
        "stored_bytes": receipt.stored_bytes,
        "kept_bytes": metered.kept_bytes if metered else None,
        "batches": receipt.batches,
        "write_units": metered.own.write_units if metered else None,
        "work_ms": metered.own.work_us / 1000 if metered and metered.own.work_us else None,
        "writing_usd": paid.writes_usd if paid else None,
        "lambda_usd": paid.lambda_usd if paid else None,
        "keeping_usd_a_month": receipt.usd_a_month,
        "expires_at": iso_utc(None if receipt.expires_at is None else receipt.expires_at * 10**9),
        "biggest": [
            {"span_id": one.span_id, "name": one.name, "raw_bytes": one.raw_bytes} for one in receipt.biggest
        ],
    }


def stats_out(stats: Stats) -> StatsOut:
    return {
        "total_traces": stats.total_traces,
        "total_spans": stats.total_spans,
        "total_errors": stats.total_errors,
        "input_tokens": stats.input_tokens,
        "output_tokens": stats.output_tokens,
        "total_tokens": stats.total_tokens,
        "cost_usd": stats.cost_usd,
        "unpriced_count": stats.unpriced_count,
        "losses": stats.losses,
    }


def expiry_out(expires_at: int | None) -> str | None:
    return iso_utc(None if expires_at is None else expires_at * 10**9)


def _trace_out(trace: TraceSummary, kept: Retention) -> TraceOut:
    return {
        "trace_id": trace.trace_id,
        "project": trace.project,
        "name": trace.name,
        "status": trace.status,
        "start_time": iso_utc(trace.start_ns),
        "start_time_unix_nano": trace.start_ns,
        "end_time": iso_utc(trace.end_ns),
        "end_time_unix_nano": trace.end_ns,
        "duration_ms": trace.duration_ms,
        "span_count": trace.span_count,
        "error_count": trace.error_count,
        "input_tokens": trace.input_tokens,
        "output_tokens": trace.output_tokens,
        "total_tokens": trace.total_tokens,
        "cache_read_tokens": trace.cache_read_tokens,
        "reasoning_tokens": trace.reasoning_tokens,
        "cost_usd": trace.cost_usd,
        "unpriced_count": trace.unpriced_count,
        "models": trace.models,
        "user_id": trace.user_id,
        "session_id": trace.session_id,
        "tags": trace.tags,
        "environment": trace.environment,
        "release": trace.release,
        "metadata": trace.metadata,
        "root_span_id": trace.root_span_id,
        "root_kind": trace.root_kind,
        "input_preview": trace.input_preview,
        "output_preview": trace.output_preview,
        "dropped": trace.dropped,
        "raw_bytes": trace.raw_bytes,
        "stored_bytes": trace.stored_bytes,
        "expires_at": expiry_out(trace.expires_at),
        "pinned": trace.is_pinned,
        "kept_by": kept.reason(trace),
        "thinned": trace.thinned,
    }


def _head_out(span: Span) -> SpanHeadOut:
    return {
        "span_id": span.span_id,
        "trace_id": span.trace_id,
        "parent_span_id": span.parent_span_id,
        "name": span.name,
        "display_name": span.display_name,
        "kind": span.kind,
        "status": span.status,
        "start_time": iso_utc(span.start_ns),
        "start_time_unix_nano": span.start_ns,
        "end_time": iso_utc(span.end_ns),
        "end_time_unix_nano": span.end_ns,
        "duration_ms": milliseconds(span.duration_ns),
        "error": span.error,
        "model": span.model,
        "provider": span.provider,
        "usage": _usage_out(span.usage),
        "cost_usd": span.cost_usd,
        "cost_source": span.cost_source,
        "time_to_first_token_ms": span.time_to_first_token_ms,
        "tool": span.tool,
        "user_id": span.user_id,
        "session_id": span.session_id,
    }


def _place_out(row: TreeRow) -> PlaceOut:
    return {
        "depth": row.depth,
        "child_count": row.child_count,
        "is_orphan": row.is_orphan,
        "offset_ms": milliseconds(row.offset_ns),
        "self_ms": milliseconds(row.self_ns),
        "descendant_error_count": row.descendant_error_count,
        "is_rollup": row.is_rollup,
        "subtree_total_tokens": row.subtree_total_tokens,
        "subtree_cost_usd": row.subtree_cost_usd,
    }


def _payload_out(span: Span) -> PayloadOut:
    return {
        "input": span.input,
        "output": span.output,
        "parameters": span.parameters,
        "documents": span.documents,
        "prompt": span.prompt,
        "cost_detail": span.cost_detail,
        "tags": span.tags,
        "metadata": span.metadata,
        "environment": span.environment,
        "release": span.release,
        "scores": span.scores,
        "attributes": span.attributes,
        "events": span.events,
        "agent_name": span.agent_name,
        "notices": span.notices,
        "dropped": span.dropped,
    }


def _usage_out(usage: Usage | None) -> UsageOut | None:
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "input_audio_tokens": usage.input_audio_tokens,
        "output_audio_tokens": usage.output_audio_tokens,
    }
