"""Spans and ids for tests, and the short way to store them."""

from __future__ import annotations

from typing import Any

from traces_app.access import Access
from traces_app.domain.span import Span
from traces_app.ingest import Receipt, receive

NOW_NS = 2_000_000_000_000_000_000
"""2033-05-18 03:33:20 UTC: what the tests call now. The local store sweeps by the real clock."""


def span(number: int = 1, **fields: Any) -> Span:
    """A finished span of trace 1 that started ``number`` ms after NOW_NS minus a minute and took 10 ms."""
    start_ns = fields.pop("start_ns", NOW_NS - 60 * 10**9 + number * 10**6)
    values = {
        "trace_id": trace_id(1),
        "span_id": span_id(number),
        "name": f"span {number}",
        "start_ns": start_ns,
        "end_ns": start_ns + 10**7,
    }
    return Span(**(values | fields))


def trace_id(number: int) -> str:
    """A foreign (not UUIDv7) trace id."""
    return f"{number:032x}"


def span_id(number: int) -> str:
    return f"{number:016x}"


def own_trace_id(start_ms: int, number: int = 0) -> str:
    """An id as our client makes it: UUIDv7."""
    return f"{start_ms:012x}7000b{number:015x}"


def put(access: Access, *spans: Span, now_ns: int = NOW_NS) -> Receipt:
    """Receive spans as one batch."""
    return receive(access, spans, now_ns=now_ns)
