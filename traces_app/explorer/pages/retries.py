"""The same thing tried again: siblings of one kind and name that were given the same input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from traces_app.domain.span import Span
from traces_app.domain.tree import TreeRow
from traces_app.explorer.pages.history import SpanLink, link_to
from traces_app.explorer.pages.list_filters import STATUS_LABELS
from traces_app.queries import Trace

MAX_ATTEMPTS: Final = 20
"""Each has to be unpacked to compare what it was given."""

_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {}, {"args": [], "kwargs": {}})
"""Two that were given nothing need not be one thing tried twice."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """``link`` leads to it; none for the span that is open."""

    status: str
    link: SpanLink | None


@dataclass(frozen=True, slots=True)
class Attempts:
    """``count`` says when not all were compared."""

    count: str
    shown: list[Attempt]


def attempts(trace: Trace, span: Span) -> Attempts | None:
    """In the order of time, with ``span`` among them; ``None`` where nothing tells that there were others."""
    if span.input in _EMPTY:
        return None
    identity = (span.parent_span_id, span.kind, span.name)
    alike = [row for row in trace.rows if (row.span.parent_span_id, row.span.kind, row.span.name) == identity]
    looked_at = alike[:MAX_ATTEMPTS]
    if all(row.span.span_id != span.span_id for row in looked_at):
        looked_at = [*looked_at[:-1], *(row for row in alike if row.span.span_id == span.span_id)]
    shown = [
        _attempt(row, span)
        for row in looked_at
        if row.span.span_id == span.span_id or trace.span(row.span.span_id).input == span.input
    ]
    more = " or more" if len(alike) > len(looked_at) else ""
    return Attempts(f"{len(shown)}{more}", shown) if len(shown) > 1 else None


def _attempt(row: TreeRow, span: Span) -> Attempt:
    status = STATUS_LABELS.get(row.span.status, row.span.status)
    return Attempt(status, None if row.span.span_id == span.span_id else link_to(row))
