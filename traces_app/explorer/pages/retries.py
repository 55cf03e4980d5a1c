"""The same thing tried again: siblings of one kind and name that were given the same input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from traces_app.domain.span import Span
from traces_app.explorer.pages.history import SpanLink, link_to
from traces_app.explorer.pages.list_filters import STATUS_LABELS
from traces_app.queries import Trace

MAX_ATTEMPTS: Final = 20
"""Each has to be unpacked to compare what it was given."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """``link`` leads to it; none for the span that is open."""

    status: str
    link: SpanLink | None


def attempts(trace: Trace, span: Span) -> list[Attempt]:
    """In the order of time, with ``span`` among them; empty where nothing tells that it was tried again."""
    if span.input is None:
        return []
    identity = (span.parent_span_id, span.kind, span.name)
    alike = [row for row in trace.rows if (row.span.parent_span_id, row.span.kind, row.span.name) == identity]
    found = [
        Attempt(
            STATUS_LABELS.get(row.span.status, row.span.status),
            None if row.span.span_id == span.span_id else link_to(row),
        )
        for row in alike[:MAX_ATTEMPTS]
        if row.span.span_id == span.span_id or trace.span(row.span.span_id).input == span.input
    ]
    return found if len(found) > 1 and any(one.link is None for one in found) else []
