"""Charts as rectangles and lines in percent of their area, each with the same numbers as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from traces_app.explorer.formats import Moment

Numbers = Sequence[float | None]
MARKS: Final = 2
"""Lines across a chart above its ground."""

LABELS: Final = 4


@dataclass(frozen=True, slots=True)
class Series:
    """``style`` is a class: what colour it has stands in the style sheet."""

    label: str
    style: str
    values: Numbers


@dataclass(frozen=True, slots=True)
class Rect:
    x: str
    y: str
    width: str
    height: str
    style: str


@dataclass(frozen=True, slots=True)
class Line:
    x1: str
    y1: str
    x2: str
    y2: str
    style: str


@dataclass(frozen=True, slots=True)
class Mark:
    y: str
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """One step of time: where it stands, what a pointer over it is told behind its time, and its row."""

    x: str
    width: str
    told: str
    at: Moment | None
    cells: list[str]
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    series: list[Series]
    rects: list[Rect]
    lines: list[Line]
    marks: list[Mark]
    columns: list[Column]
    summary: str
    is_empty: bool


def bar_chart(
    title: str,
    series: Sequence[Series],
    moments: Sequence[Moment | None],
    write: Callable[[float | None], str],
    *,
    summary: str,
) -> Chart:
    """Bars that stand on one another."""
    sums = [sum(one.values[place] or 0 for one in series) for place in range(len(moments))]
    top = nice_top(max(sums, default=0))
    rects: list[Rect] = []
    for place in range(len(moments)):
        ground = 0.0
        for one in series:
            height = 100 * (one.values[place] or 0) / top
            if height:
                rects.append(_rect(place, len(moments), 100 - ground - height, height, one.style))
            ground += height
    return _chart(title, series, moments, write, rects=rects, lines=[], top=top, summary=summary)


def line_chart(
    title: str,
    series: Sequence[Series],
    moments: Sequence[Moment | None],
    write: Callable[[float | None], str],
    *,
    summary: str,
) -> Chart:
    """Lines from step to step; a step without a value is a gap, one between two gaps a short dash."""
    known = [value for one in series for value in one.values if value is not None]
    top = nice_top(max(known, default=0))
    lines = [line for one in series for line in _lines(one, len(moments), top)]
    return _chart(title, series, moments, write, rects=[], lines=lines, top=top, summary=summary)


def nice_top(value: float) -> float:
    """1, 2 or 5 times a power of ten, not below ``value``."""
    if value <= 0:
        return 1.0
    unit = 10 ** math.floor(math.log10(value))
    return float(next(step * unit for step in (1, 2, 5, 10) if step * unit >= value * 0.9999))


def _chart(
    title: str,
    series: Sequence[Series],
    moments: Sequence[Moment | None],
    write: Callable[[float | None], str],
    *,
    rects: list[Rect],
    lines: list[Line],
    top: float,
    summary: str,
) -> Chart:
    marks = [
        Mark(f"{100 - 100 * step / MARKS:.1f}%", write(top * step / MARKS)) for step in range(1, MARKS + 1)
    ]
    every = max(1, math.ceil(len(moments) / LABELS))
    columns = [
        _column(series, place, moments, write, has_label=place % every == 0) for place in range(len(moments))
    ]
    return Chart(title, list(series), rects, lines, marks, columns, summary, is_empty=not rects and not lines)


def _column(
    series: Sequence[Series],
    place: int,
    moments: Sequence[Moment | None],
    write: Callable[[float | None], str],
    *,
    has_label: bool,
) -> Column:
    at = moments[place]
    cells = [write(one.values[place]) for one in series]
    told = ", ".join(f"{one.label} {cell}" for one, cell in zip(series, cells, strict=True))
    return Column(
        x=f"{100 * place / len(moments):.2f}%",
        width=f"{100 / len(moments):.2f}%",
        told=told,
        at=at,
        cells=cells,
        label=f"{at.day} {at.clock[:5]}" if at and has_label else "",
    )


def _rect(place: int, count: int, y: float, height: float, style: str) -> Rect:
    width = 100 / count
    return Rect(
        f"{width * (place + 0.1):.2f}%", f"{y:.2f}%", f"{width * 0.8:.2f}%", f"{max(height, 0.5):.2f}%", style
    )


def _lines(series: Series, count: int, top: float) -> list[Line]:
    found, values = [], series.values
    for place, value in enumerate(values):
        if value is None:
            continue
        following = values[place + 1] if place + 1 < count else None
        if following is not None:
            found.append(_line(place + 0.5, value, place + 1.5, following, count, top, series.style))
        elif place == 0 or values[place - 1] is None:
            found.append(_line(place + 0.2, value, place + 0.8, value, count, top, series.style))
    return found


def _line(x1: float, y1: float, x2: float, y2: float, count: int, top: float, style: str) -> Line:  # noqa: PLR0917
    return Line(
        f"{100 * x1 / count:.2f}%",
        f"{100 - 100 * y1 / top:.2f}%",
        f"{100 * x2 / count:.2f}%",
        f"{100 - 100 * y2 / top:.2f}%",
        style,
    )
