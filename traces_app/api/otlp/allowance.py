"""What one request may make of its bytes. Two bytes can ask for an object of three hundred."""

from __future__ import annotations

from typing import Final

from traces_app.api.problems import ProblemError
from traces_app.domain.limits import MAX_SHARED_BYTES, MAX_SPAN_BYTES

__all__ = ["MAX_RECORDS_PER_REQUEST", "MAX_RECORD_BYTES", "Allowance", "check_marks"]

MAX_RECORDS_PER_REQUEST: Final = 20_000
"""Spans or log records. A Collector's batch holds 8,192; exporters wait 10 seconds for the answer, and to
keep so many small spans takes about half of that."""

MAX_RECORD_BYTES: Final = MAX_SPAN_BYTES
"""Of one span in protobuf; as JSON it is no smaller."""

MAX_PARTS: Final = 4_000_000
"""Of a request, some 300 MB as objects. A batch of 512 spans with a vector of 1,536 numbers each has 0.8
million."""

COUNTED_FIELD, PAIR, EVENT, LINK = 2, 3, 8, 8
"""In parts; a value in a list is one: about 64 bytes. To count a field takes time instead."""

MAX_OUTER_FIELDS: Final = 400_000
"""Of the protobuf levels around the records: to step over them takes a quarter of a second."""

MAX_MARKS: Final = 2_000_000
"""``{`` and ``[`` in a body, also in JSON texts within it: each may be an object of 250 bytes. 64 MiB of
spans as instrumentations write them hold about one million."""

MAX_COMMAS: Final = 4_000_000
"""As the marks: each may part two texts of 60 bytes."""

_ADVICE: Final = "Send fewer spans at a time (in the SDK OTEL_BSP_MAX_EXPORT_BATCH_SIZE, default 512)."


class Allowance:
    """Counts what a request asks for. Each method raises a 413 problem when it is too much."""

    def __init__(self) -> None:
        self._parts_left = MAX_PARTS
        self._outer_fields_left = MAX_OUTER_FIELDS
        self._records_left = MAX_RECORDS_PER_REQUEST
        self._shared_bytes_left = MAX_SHARED_BYTES

    def step_over(self) -> None:
        self._outer_fields_left -= 1
        if self._outer_fields_left < 0:
            limit = f"{MAX_RECORDS_PER_REQUEST} records a request, and {MAX_OUTER_FIELDS} fields around them"
            raise _too_much("spans or log records", limit)

    def spend(self, parts: int = COUNTED_FIELD) -> None:
        self._parts_left -= parts
        if self._parts_left < 0:
            raise _too_much("values", f"{MAX_PARTS} values a request (a pair counts 3, an event or link 8)")

    def spend_records(self, count: int) -> None:
        self._records_left -= count
        if self._records_left < 0:
            raise _too_much("spans or log records", f"{MAX_RECORDS_PER_REQUEST} records a request")

    def share(self, shared_bytes: int, count: int) -> None:
        """``count`` records will each hold the resource and scope above them."""
        self._shared_bytes_left -= shared_bytes * count
        if self._shared_bytes_left < 0 or shared_bytes > MAX_RECORD_BYTES:
            limit = f"{MAX_SHARED_BYTES // 2**20} MiB for resource and scope, times the spans they are of"
            raise _too_much("spans below a large resource", limit)


def check_marks(body: bytes) -> None:
    """Before the body is parsed: raises a 413 problem for one that is mostly structure of JSON."""
    if body.count(b"{") + body.count(b"[") > MAX_MARKS:
        raise _too_much("objects and lists", f"{MAX_MARKS} '{{' and '[' in a body, those in texts too")
    if body.count(b",") > MAX_COMMAS:
        raise _too_much("values", f"{MAX_COMMAS} commas in a body, those in texts too")


def _too_much(what: str, limit: str) -> ProblemError:
    return ProblemError(
        413, "Too much in one request", f"Too many {what}. {_ADVICE}", field="body", limit=limit
    )
