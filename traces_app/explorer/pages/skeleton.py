"""A trace as columns, some 40 bytes a span: what the page's script draws rows, bars and sums from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

from traces_app.domain.span import KINDS, STATUSES
from traces_app.domain.tree import TreeRow
from traces_app.explorer.pages.extent import extent_ns
from traces_app.explorer.pages.tree_rows import score_chips
from traces_app.explorer.visible import visible_line
from traces_app.queries import Trace

UNKNOWN: Final = -1
NANO: Final = 1_000_000_000
MAX_NAME_CHARACTERS: Final = 120
MAX_ERROR_CHARACTERS: Final = 160
MAX_ERRORS: Final = 500
"""Error messages in the skeleton: the others are read in the span itself."""

_KINDS: Final = {kind: number for number, kind in enumerate(KINDS)}
_STATUSES: Final = {status: number for number, status in enumerate(STATUSES)}


def skeleton(trace: Trace, *, now_ns: int) -> dict[str, Any]:
    """Columns in the order of the tree; ``-1`` is unknown, a number alone stands for a column of it.

    Times are microseconds, ``start`` after the row before; ``up`` is how many rows above the parent
    stands, 0 for a top; costs are nano dollars.
    """
    rows = trace.rows
    names, models = _Table(), _Table()
    columns = {
        "up": _ups(rows),
        "kind": [_KINDS[row.span.kind] for row in rows],
        "name": [names.number(row.span.display_name or row.span.name) for row in rows],
        "start": _starts(rows),
        "duration": [_whole(row.duration_ns, 1000) for row in rows],
        "status": [_STATUSES[row.span.status] for row in rows],
        "ttft": [_whole(row.span.time_to_first_token_ms, 0.001) for row in rows],
        "cost": [_whole(row.span.cost_usd, 1 / NANO) for row in rows],
        "model": [models.number(row.span.model) if row.span.model else UNKNOWN for row in rows],
        "orphan": [int(row.is_orphan) for row in rows],
        **_token_columns(rows),
    }
    return {
        "rev": revision(trace),
        "count": len(rows),
        "extent": extent_ns(trace.summary, rows, now_ns) // 1000,
        "pending": trace.summary.status == "pending",
        "kinds": KINDS,
        "statuses": STATUSES,
        "names": names.texts,
        "models": models.texts,
        "ids": " ".join(row.span.span_id for row in rows),
        "errors": _errors(rows),
        "scores": {str(index): score_chips(row.span) for index, row in enumerate(rows) if row.span.scores},
        "columns": {name: _short(column) for name, column in columns.items()},
    }


def revision(trace: Trace) -> str:
    """Another one as soon as anything arrives: a running span that ends adds bytes too."""
    return f"{len(trace.rows):x}-{trace.summary.stored_bytes:x}-{trace.summary.status}"


class _Table:
    """Each different text once."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self.texts)
            self.texts.append(visible_line(text, MAX_NAME_CHARACTERS))
        return number


def _ups(rows: Sequence[TreeRow]) -> Iterable[int]:
    path: list[int] = []
    for index, row in enumerate(rows):
        del path[row.depth :]
        yield index - path[-1] if path else 0
        path.append(index)


def _starts(rows: Sequence[TreeRow]) -> Iterable[int]:
    before = 0
    for row in rows:
        start = row.offset_ns // 1000
        yield start - before
        before = start


def _token_columns(rows: Sequence[TreeRow]) -> dict[str, list[int]]:
    usages = [row.span.usage for row in rows]
    return {
        "in": [_whole(usage.input_tokens, 1) if usage else UNKNOWN for usage in usages],
        "out": [_whole(usage.output_tokens, 1) if usage else UNKNOWN for usage in usages],
        "cached": [_whole(usage.cache_read_tokens, 1) if usage else UNKNOWN for usage in usages],
        "rollup": [int(row.is_rollup) for row in rows],
    }


def _whole(value: float | None, unit: float) -> int:
    return UNKNOWN if value is None else round(value / unit)


def _errors(rows: Sequence[TreeRow]) -> dict[str, str]:
    failing = ((index, row.span.error) for index, row in enumerate(rows) if row.span.error)
    found = {}
    for index, error in islice(failing, MAX_ERRORS):
        text = ": ".join(str(error[key]) for key in ("type", "message") if error.get(key))
        found[str(index)] = visible_line(text, MAX_ERROR_CHARACTERS)
    return found


def _short(column: Iterable[int]) -> list[int] | int:
    values = list(column)
    return values[0] if values and values.count(values[0]) == len(values) else values
