"""A span and a trace as one JSON object each: what pages answer and files hold."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

from traces_app.domain.span import SPAN_FIELDS, Span
from traces_app.domain.summary import TraceSummary

__all__ = ["iso_time", "span_json", "summary_json"]


def summary_json(summary: TraceSummary) -> dict[str, Any]:
    return dataclasses.asdict(summary) | {
        "duration_ms": summary.duration_ms,
        "total_tokens": summary.total_tokens,
        "started_at": iso_time(summary.start_ns),
        "ended_at": iso_time(summary.end_ns),
        "expires_at": iso_time(None if summary.expires_at is None else summary.expires_at * 10**9),
    }


def span_json(span: Span) -> dict[str, Any]:
    """Every field, with what is worked out beside. Its values are the span's own, not copies."""
    known = {name: getattr(span, name) for name in SPAN_FIELDS}
    return known | {
        "usage": None if span.usage is None else dataclasses.asdict(span.usage),
        "duration_ns": span.duration_ns,
        "started_at": iso_time(span.start_ns),
        "ended_at": iso_time(span.end_ns),
    }


def iso_time(time_ns: int | None) -> str | None:
    """UTC with nanoseconds; ``None`` for times that no calendar holds."""
    if time_ns is None:
        return None
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"
    except (ValueError, OverflowError, OSError):
        return None
