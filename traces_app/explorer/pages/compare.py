"""Traces side by side: their totals, what changed in how they were made, and their spans aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse

from traces_app.domain.comparison import Pair, align
from traces_app.domain.durations import MILLISECOND_NS
from traces_app.domain.span import Span
from traces_app.domain.summary import TraceSummary
from traces_app.domain.tree import TreeRow
from traces_app.explorer.formats import Moment, cost_text, count_text, duration_text, moment
from traces_app.explorer.pages.compare_config import Change, changes_between
from traces_app.explorer.pages.compare_text import FieldDiff, field_diffs
from traces_app.explorer.pages.links import Link
from traces_app.explorer.pages.list_filters import STATUS_LABELS
from traces_app.explorer.pages.tree_rows import MAX_DEPTH_DRAWN, MAX_NAME_CHARACTERS
from traces_app.explorer.visible import visible_line
from traces_app.explorer.visitor import Visitor
from traces_app.queries import Trace

ROWS_PER_PAGE: Final = 100
LETTERS: Final = "ABCD"
MANY_TIMES: Final = 10
MINUS: Final = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Side:
    letter: str
    trace_id: str
    name: str
    status: str
    status_label: str
    started: Moment | None
    address: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One trace's value, and how it differs from the first trace's. ``mark`` is better, worse or nothing."""

    text: str
    delta: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    label: str
    figures: list[Figure]


@dataclass(frozen=True, slots=True)
class AlignedRow:
    number: int
    name: str
    classes: str
    cells: list[Figure | None]
    address: str
    is_selected: bool
    state: str
    """``added``, ``removed``, or nothing."""


@dataclass(frozen=True, slots=True)
class ComparePage:
    sides: list[Side]
    totals: list[Total]
    changes: list[Change]
    rows: list[AlignedRow]
    rows_shown: str
    earlier_address: str
    later_address: str
    only_changed: bool
    only_address: str
    selected_name: str
    diffs: list[FieldDiff]
    only_one: str
    others: list[Link]
    ignores_ids: bool
    ids_address: str
    swap_address: str
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: the row and the two traces to read, the page of rows, what to leave out."""

    trace_ids: tuple[str, ...]
    row: str = ""
    page: str = ""
    only_changed: bool = False
    ignore_ids: bool = True
    other: str = "b"
    """The letter of the trace whose words are held against the first's."""

    def address(self, **changed: Any) -> str:
        """The same page but for ``changed``."""
        pairs = [(LETTERS[index].lower(), trace_id) for index, trace_id in enumerate(self.trace_ids)]
        fields = {"row": self.row, "page": self.page, "only": "changed" if self.only_changed else ""}
        fields |= {"ids": "" if self.ignore_ids else "shown", "with": "" if self.other == "b" else self.other}
        pairs += [(name, str(value)) for name, value in (fields | changed).items() if value]
        return f"{reverse('explorer:compare')}?{urlencode(pairs)}"


Aligned = tuple[int | None, ...]


def compare_page(traces: Sequence[Trace], asked: Asked, *, visitor: Visitor) -> ComparePage:
    aligned = _aligned(traces)
    numbered = [(number, row) for number, row in enumerate(aligned) if not asked.only_changed or None in row]
    selected = _selected(traces, aligned, asked.row)
    page = int(asked.page) if asked.page.isascii() and asked.page.isdecimal() and len(asked.page) < 6 else 1  # noqa: PLR2004
    first = min(
        (max(1, page) - 1) * ROWS_PER_PAGE, max(0, len(numbered) - 1) // ROWS_PER_PAGE * ROWS_PER_PAGE
    )
    shown = numbered[first : first + ROWS_PER_PAGE]
    number = first // ROWS_PER_PAGE + 1
    spans = [
        None if index is None else trace.span(trace.rows[index].span.span_id)
        for trace, index in zip(traces, aligned[selected], strict=True)
    ]
    return ComparePage(
        sides=[_side(letter, trace.summary, visitor) for letter, trace in zip(LETTERS, traces, strict=False)],
        totals=_totals([trace.summary for trace in traces]),
        changes=changes_between(traces),
        rows=[_row(traces, row, at, asked, selected) for at, row in shown],
        rows_shown=f"{first + 1:,} to {first + len(shown):,} of {len(numbered):,}",
        earlier_address=asked.address(page=number - 1) if number > 1 else "",
        later_address=asked.address(page=number + 1) if first + ROWS_PER_PAGE < len(numbered) else "",
        only_changed=asked.only_changed,
        only_address=asked.address(only="" if asked.only_changed else "changed", page=""),
        selected_name=_pair_name(spans),
        diffs=field_diffs(spans[0], spans[_other(asked)], ignore_ids=asked.ignore_ids),
        only_one=_only_one(spans, asked),
        others=_others(asked, selected),
        ignores_ids=asked.ignore_ids,
        ids_address=asked.address(ids="shown" if asked.ignore_ids else "", row=selected) + "#pair",
        swap_address=Asked(asked.trace_ids[::-1]).address(),
        added=sum(row[0] is None for row in aligned),
        removed=sum(row[0] is not None and row[1] is None for row in aligned),
    )


def _other(asked: Asked) -> int:
    return next((at for at in range(2, len(asked.trace_ids)) if LETTERS[at].lower() == asked.other), 1)


def _others(asked: Asked, selected: int) -> list[Link]:
    """With more than two: which of them the words of the first are held against."""
    found = [
        Link(
            f"A and {LETTERS[at]}",
            asked.address(row=str(selected), **{"with": LETTERS[at].lower() if at > 1 else ""}) + "#pair",
            is_current=at == _other(asked),
        )
        for at in range(1, len(asked.trace_ids))
    ]
    return found if len(found) > 1 else []


def _only_one(spans: Sequence[Span | None], asked: Asked) -> str:
    at = _other(asked)
    having = [letter for letter, span in ((LETTERS[0], spans[0]), (LETTERS[at], spans[at])) if span]
    if len(having) == 1:
        return f"Only {having[0]} has this span."
    return "" if having else f"Neither {LETTERS[0]} nor {LETTERS[at]} has this span."


# -- alignment -------------------------------------------------------------------------------------
def _aligned(traces: Sequence[Trace]) -> list[Aligned]:
    """One entry a row: an index in each trace. The others are aligned with the first."""
    keys = [[_key(row) for row in trace.rows] for trace in traces]
    rows: list[list[int | None]] = [[index] for index in range(len(keys[0]))]
    for number, other in enumerate(keys[1:], 1):
        rows = _with(rows, align(keys[0], other), number)
    return [tuple(row) for row in rows]


def _with(rows: list[list[int | None]], pairs: Sequence[Pair], number: int) -> list[list[int | None]]:
    """The rows with one more trace; what only that one has stands where its order puts it."""
    found: list[list[int | None]] = []
    waiting = iter(rows)
    for base, other in pairs:
        if base is None:
            found.append([*[None] * number, other])
            continue
        for row in waiting:
            found.append([*row, other if row[0] == base else None])
            if row[0] == base:
                break
    return found + [[*row, None] for row in waiting]


def _key(row: TreeRow) -> tuple[str, str, str]:
    """The tops belong together whatever they are called."""
    if row.depth == 0 and not row.is_orphan:
        return ("", "", "")
    return (row.span.kind, row.span.name, str((row.span.tool or {}).get("name") or ""))


def _selected(traces: Sequence[Trace], aligned: Sequence[Aligned], asked: str) -> int:
    """The row asked for; else the last call of a model that the first two have: what they ended with."""
    if asked.isascii() and asked.isdecimal() and len(asked) < 7 and int(asked) < len(aligned):  # noqa: PLR2004
        return int(asked)
    both = [number for number, row in enumerate(aligned) if None not in row[:2]]
    calls = [number for number in both if traces[0].rows[aligned[number][0] or 0].span.kind == "llm"]
    return (calls or both or [0])[-1]


# -- what is shown ---------------------------------------------------------------------------------
def _side(letter: str, summary: TraceSummary, visitor: Visitor) -> Side:
    return Side(
        letter,
        summary.trace_id,
        visible_line(summary.name or "(no name)"),
        summary.status,
        STATUS_LABELS.get(summary.status, summary.status),
        moment(summary.start_ns, now_ns=visitor.now_ns),
        reverse("explorer:trace", args=[summary.trace_id]),
    )


def _totals(summaries: Sequence[TraceSummary]) -> list[Total]:
    durations = [None if one.duration_ms is None else one.duration_ms * MILLISECOND_NS for one in summaries]
    return [
        Total("Duration", _figures(durations, duration_text)),
        Total("Tokens in", _figures([one.input_tokens for one in summaries], count_text)),
        Total("Tokens out", _figures([one.output_tokens for one in summaries], count_text)),
        Total("Cost", _figures([one.cost_usd for one in summaries], cost_text)),
        Total("Spans", _figures([one.span_count for one in summaries], count_text, is_judged=False)),
        Total("Errors", _figures([one.error_count for one in summaries], count_text)),
    ]


def _figures(values: Sequence[Any], text: Any, *, is_judged: bool = True) -> list[Figure]:
    return [
        _figure(value, None if not index else values[0], text, is_judged)
        for index, value in enumerate(values)
    ]


def _figure(value: Any, base: Any, text: Any, is_judged: bool) -> Figure:  # noqa: FBT001 - private
    """Of time, tokens, money and errors less is better; a hundredth more or less is neither."""
    if value is None or base is None or value == base:
        return Figure(text(value))
    sign = "+" if value > base else MINUS
    percent = f" ({_share_text(value, base)})" if base else ""
    is_much = abs(value - base) > abs(base) / 100
    mark = ("worse" if value > base else "better") if is_judged and is_much else ""
    return Figure(text(value), f"{sign}{text(abs(value - base))}{percent}", mark)


def _share_text(value: Any, base: Any) -> str:
    """``+12 %``; from ten times as much on how many times."""
    if value >= MANY_TIMES * base:
        return f"x{value / base:,.0f}"
    return f"{'+' if value > base else MINUS}{100 * abs(value - base) / base:.0f} %"


def _row(traces: Sequence[Trace], row: Aligned, number: int, asked: Asked, selected: int) -> AlignedRow:
    spans = [None if index is None else trace.rows[index] for trace, index in zip(traces, row, strict=True)]
    known = next(one for one in spans if one is not None)
    base = spans[0].duration_ns if spans[0] else None
    cells = [
        None if one is None else _figure(one.duration_ns, base if index else None, duration_text, True)
        for index, one in enumerate(spans)
    ]
    failed = any(one is not None and one.span.status == "error" for one in spans)
    return AlignedRow(
        number=number,
        name=visible_line(known.span.display_name or known.span.name, MAX_NAME_CHARACTERS),
        classes=f"{known.span.kind} d{min(known.depth, MAX_DEPTH_DRAWN)}{' error' if failed else ''}",
        cells=cells,
        address=asked.address(row=str(number)) + "#pair",
        is_selected=number == selected,
        state="added" if spans[0] is None else "removed" if None in spans else "",
    )


def _pair_name(spans: Sequence[Span | None]) -> str:
    return next((visible_line(span.display_name or span.name) for span in spans if span), "")
