"""The strip above the list: how many traces began when and failed, what they cost, how long they took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from traces_app.domain.durations import MILLISECOND_NS
from traces_app.domain.summary import TraceSummary
from traces_app.explorer.filters import ListQuery
from traces_app.explorer.formats import Moment, cost_text, duration_text, moment, plural
from traces_app.explorer.pages.links import Link

BARS: Final = 60
MIN_SPAN_NS: Final = 60 * 10**9
HEIGHT: Final = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """Places in percent of the strip. ``address`` leads to what began within the bar."""

    x: str
    width: str
    y: str
    height: str
    error_y: str
    error_height: str
    at: Moment | None
    told: str
    address: str


@dataclass(frozen=True, slots=True)
class Density:
    """``unseen_width`` is the part at the left that was not searched; ``measures`` is what bars may show."""

    measures: list[Link]
    bars: list[Bar]
    label: str
    first: Moment | None
    last: Moment | None
    unseen_width: str


def density(
    traces: Sequence[TraceSummary], query: ListQuery, *, reached_end: bool, now_ns: int
) -> Density | None:
    """``None`` where there is nothing to see."""
    starts = [trace.start_ns for trace in traces if trace.start_ns is not None]
    if not starts:
        return None
    last_ns = query.time.until_ns or (max(starts) + 1 if query.cursor else max(now_ns, max(starts) + 1))
    first_ns = min(starts) if query.time.since_ns is None else query.time.since_ns
    first_ns = min(first_ns, last_ns - MIN_SPAN_NS)
    step_ns = max(1, -(-(last_ns - first_ns) // BARS))
    places: list[list[TraceSummary]] = [[] for _ in range(BARS)]
    for trace in traces:
        place = ((trace.start_ns or 0) - first_ns) // step_ns
        if 0 <= place < BARS:
            places[place].append(trace)
    shown = [trace for place in places for trace in place]
    unseen = 0.0 if reached_end else max(0.0, 100 * (min(starts) - first_ns) / (last_ns - first_ns))
    measure = _MEASURES[query.strip]
    heights = [measure.value(place) for place in places]
    bars = [
        _bar(query, place, heights, (first_ns + number * step_ns, step_ns, number), now_ns)
        for number, place in enumerate(places)
        if place
    ]
    return Density(
        measures=[
            Link(one.label, query.with_strip(name), one.title, is_current=name == query.strip)
            for name, one in _MEASURES.items()
        ],
        bars=bars,
        label=f"{plural(len(shown), 'trace')}, {_failed(shown):,} with a failed span",
        first=moment(first_ns, now_ns=now_ns),
        last=moment(last_ns, now_ns=now_ns),
        unseen_width=f"{unseen:.2f}%" if unseen > 1 else "",
    )


@dataclass(frozen=True, slots=True)
class _Measure:
    """What the height of a bar stands for, and how it is written."""

    label: str
    title: str
    value: Callable[[Sequence[TraceSummary]], float]
    text: Callable[[float], str]


def _failed(traces: Sequence[TraceSummary]) -> int:
    return sum(trace.has_failed_span for trace in traces)


def _cost_usd(traces: Sequence[TraceSummary]) -> float:
    return sum(trace.cost_usd or 0 for trace in traces)


def _p95_ms(traces: Sequence[TraceSummary]) -> float:
    durations = sorted(trace.duration_ms for trace in traces if trace.duration_ms is not None)
    return durations[-(-len(durations) * 95 // 100) - 1] if durations else 0


_MEASURES: Final = {
    "": _Measure("Traces", "How many began, those with a failed span red", len, lambda _: ""),
    "errors": _Measure("Failed span", "Traces with a failed span", _failed, lambda _: ""),
    "cost": _Measure("Cost", "What they cost, where that is known", _cost_usd, cost_text),
    "p95": _Measure(
        "p95", "95 % took no longer", _p95_ms, lambda value: f"p95 {duration_text(value * MILLISECOND_NS)}"
    ),
}


def _bar(
    query: ListQuery,
    traces: Sequence[TraceSummary],
    heights: Sequence[float],
    place: tuple[int, int, int],
    now_ns: int,
) -> Bar:
    since_ns, step_ns, number = place
    high, value = max(heights) or 1, heights[number]
    height = max(4.0, HEIGHT * value / high) if value else 0.0
    failed = _failed(traces)
    error_height = height if query.strip == "errors" else 0 if query.strip else height * failed / len(traces)
    at = moment(since_ns, now_ns=now_ns)
    told = [plural(len(traces), "trace"), f"{failed:,} with a failed span" if failed else ""]
    told.append(_MEASURES[query.strip].text(value))
    return Bar(
        x=f"{100 * number / BARS:.2f}%",
        width=f"{100 / BARS - 0.25:.2f}%",
        y=f"{HEIGHT - height:.1f}%",
        height=f"{height:.1f}%",
        error_y=f"{HEIGHT - error_height:.1f}%",
        error_height=f"{error_height:.1f}%" if error_height else "",
        at=at,
        told=", ".join(filter(None, told)),
        address=query.between(since_ns, since_ns + step_ns),
    )
