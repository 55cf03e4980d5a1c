"""The rows of a trace as the HTML has them: the tree with its waterfall, or the transcript."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from traces_app.domain.durations import MILLISECOND_NS
from traces_app.domain.packing import MAX_HEAD_SCORES, judgement_of
from traces_app.domain.span import Span
from traces_app.domain.tree import TreeRow
from traces_app.explorer.formats import cost_text, duration_text, judgement_text, tokens_text
from traces_app.explorer.pages.list_filters import STATUS_LABELS
from traces_app.explorer.pages.previews import is_told, previews
from traces_app.explorer.visible import visible_line
from traces_app.queries import Trace

ROWS_PER_PAGE: Final = 40
"""A first screen, and a page to read without JavaScript. More would be painted later."""

MAX_DEPTH_DRAWN: Final = 24
"""Deeper rows are not moved further right: their depth is written beside the name."""

MAX_NAME_CHARACTERS: Final = 120
MIN_MARKED_BAR_PERCENT: Final = 2
"""Narrower bars have no room for the mark of the first token."""

MIN_BAR_PERCENT: Final = 0.35
"""About two pixels: a span of no time is still seen."""

MAX_CHIPS: Final = 3
MAX_CHIP_NAME_CHARACTERS: Final = 24
MAX_CHIP_VALUE_CHARACTERS: Final = 16
"""Scores beyond are counted; all of them, whole, stand in the open span."""

AXIS_MARKS: Final = 3


@dataclass(frozen=True, slots=True)
class AxisMark:
    x: str
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Window:
    """One page of the rows that a view lists."""

    rows: Sequence[TreeRow]
    text: str
    number: int
    count: int

    def address(self, step: int, view: str) -> str:
        to = self.number + step
        return f"?view={view}&rows={to}" if 1 <= to <= self.count else ""


def window_of(rows: Sequence[TreeRow], selected: str, rows_page: str, view: str) -> Window:
    """``rows_page`` is what the address asks for; without it the page that holds the open span."""
    if view == "transcript":
        rows = [row for row in rows if is_told(row)]
    count = max(1, -(-len(rows) // ROWS_PER_PAGE))
    number = _asked_number(rows_page, count) or _number_with(rows, selected)
    first = (number - 1) * ROWS_PER_PAGE
    shown = rows[first : first + ROWS_PER_PAGE]
    text = f"{first + 1:,} to {first + len(shown):,} of {len(rows):,}" if count > 1 else ""
    return Window(shown, text, number, count)


def axis_of(extent: int) -> list[AxisMark]:
    anchors = ["start", *["middle"] * (AXIS_MARKS - 1), "end"]
    return [
        AxisMark(f"{100 * mark / AXIS_MARKS:.0f}%", duration_text(extent * mark / AXIS_MARKS), anchor)
        for mark, anchor in enumerate(anchors)
    ]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What every row of a page needs. Rows are dicts: the template engine asks keys before attributes."""

    base: str
    selected: str
    extent: int

    def rows(self, rows: Sequence[TreeRow]) -> list[dict[str, Any]]:
        return list(self.iterate(rows))

    def iterate(self, rows: Sequence[TreeRow]) -> Iterator[dict[str, Any]]:
        return (self._row(row) | self._bar(row) for row in rows)

    def told_rows(self, trace: Trace, rows: Sequence[TreeRow]) -> list[dict[str, Any]]:
        lines = previews(trace, [row.span.span_id for row in rows])
        return [
            self._row(row)
            | {"model": visible_line(row.span.model or "", 60), "preview": lines.get(row.span.span_id)}
            for row in rows
        ]

    def _row(self, row: TreeRow) -> dict[str, Any]:
        span = row.span
        usage = span.usage
        return {
            "id": span.span_id,
            "address": f"{self.base}/s/{span.span_id}",
            "classes": _classes(row),
            "level": row.depth + 1,
            "is_selected": span.span_id == self.selected,
            "name": visible_line(span.display_name or span.name, MAX_NAME_CHARACTERS),
            "note": _row_note(row),
            "scores": score_chips(span) if span.scores else None,
            "duration": duration_text(row.duration_ns),
            "tokens": tokens_text(usage.input_tokens, usage.output_tokens, short=True) if usage else "",
            "cost": cost_text(span.cost_usd) if span.cost_usd is not None else "",
        }

    def _bar(self, row: TreeRow) -> dict[str, Any]:
        x = 100 * row.offset_ns / self.extent
        has_self = row.child_count and row.self_ns
        return {
            "x": f"{min(x, 100 - MIN_BAR_PERCENT):.2f}%",
            "width": f"{self._width(row.duration_ns, x):.2f}%",
            "self_width": f"{self._width(row.self_ns, x):.2f}%" if has_self else "",
            "first_token_width": self._first_token_width(row, x),
        }

    def _width(self, duration_ns: int | None, x: float) -> float:
        """Running spans reach to the right edge."""
        if duration_ns is None:
            return max(MIN_BAR_PERCENT, 100 - x)
        return max(MIN_BAR_PERCENT, min(100 * duration_ns / self.extent, 100 - x))

    def _first_token_width(self, row: TreeRow, x: float) -> str:
        is_narrow = 100 * (row.duration_ns or 0) < MIN_MARKED_BAR_PERCENT * self.extent
        if is_narrow or not row.span.time_to_first_token_ms:
            return ""
        return f"{self._width(round(row.span.time_to_first_token_ms * MILLISECOND_NS), x):.2f}%"


def score_chips(span: Span) -> dict[str, Any]:
    """``chips`` as ``quality 0.9``, and how many ``more`` there are, as far as the span's head knows."""
    more = len(span.scores) - MAX_CHIPS
    at_least = " or more" if len(span.scores) >= MAX_HEAD_SCORES else ""
    return {
        "chips": [_chip(score) for score in span.scores[:MAX_CHIPS]],
        "more": f"+{more}{at_least}" if more > 0 else "",
    }


def _chip(score: dict[str, Any]) -> str:
    name = visible_line(str(score.get("name") or "score"), MAX_CHIP_NAME_CHARACTERS)
    told = visible_line(judgement_text(judgement_of(score)), MAX_CHIP_VALUE_CHARACTERS)
    return f"{name} {told}".rstrip()


def _classes(row: TreeRow) -> str:
    names = [row.span.kind, f"d{min(row.depth, MAX_DEPTH_DRAWN)}"]
    if row.span.status != "ok":
        names.append(row.span.status)
    if row.descendant_error_count and row.span.status != "error":
        names.append("broken-below")
    if row.is_orphan:
        names.append("orphan")
    return " ".join(names)


def _row_note(row: TreeRow) -> str:
    notes = []
    if row.depth > MAX_DEPTH_DRAWN:
        notes.append(f"depth {row.depth}")
    if row.is_orphan:
        notes.append("parent missing")
    if row.span.status in ("pending", "cancelled"):
        notes.append(STATUS_LABELS[row.span.status])
    return " · ".join(notes)


def _asked_number(rows_page: str, count: int) -> int:
    """0 for what is no page of these; no trace has a million pages."""
    is_number = rows_page.isascii() and rows_page.isdecimal() and len(rows_page) < 7  # noqa: PLR2004
    return int(rows_page) if is_number and 1 <= int(rows_page) <= count else 0


def _number_with(rows: Sequence[TreeRow], selected: str) -> int:
    return (
        1
        + next((index for index, row in enumerate(rows) if row.span.span_id == selected), 0) // ROWS_PER_PAGE
    )
