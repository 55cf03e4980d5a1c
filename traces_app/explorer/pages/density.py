"""The strip above the list: how many traces began when, and how many of them failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from traces_app.domain.summary import TraceSummary
from traces_app.explorer.filters import ListQuery
from traces_app.explorer.formats import Moment, moment, plural

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
    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Density:
    """``unseen_width`` is the part at the left that was not searched."""

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
    counts, errors = [0] * BARS, [0] * BARS
    for trace in traces:
        place = ((trace.start_ns or 0) - first_ns) // step_ns
        if 0 <= place < BARS:
            counts[place] += 1
            errors[place] += trace.status == "error" or trace.error_count > 0
    unseen = 0.0 if reached_end else max(0.0, 100 * (min(starts) - first_ns) / (last_ns - first_ns))
    bars = [
        _bar(query, place, (counts, errors), (first_ns + place * step_ns, step_ns), now_ns)
        for place in range(BARS)
        if counts[place]
    ]
    return Density(
        bars=bars,
        label=f"{plural(sum(counts), 'trace')}, {sum(errors):,} with errors",
        first=moment(first_ns, now_ns=now_ns),
        last=moment(last_ns, now_ns=now_ns),
        unseen_width=f"{unseen:.2f}%" if unseen > 1 else "",
    )


def _bar(
    query: ListQuery,
    place: int,
    numbers: tuple[Sequence[int], Sequence[int]],
    times: tuple[int, int],
    now_ns: int,
) -> Bar:
    (counts, errors), (since_ns, step_ns) = numbers, times
    high = max(counts)
    height = max(4.0, HEIGHT * counts[place] / high)
    error_height = height * errors[place] / counts[place]
    at = moment(since_ns, now_ns=now_ns)
    failed = f", {errors[place]:,} with errors" if errors[place] else ""
    return Bar(
        x=f"{100 * place / BARS:.2f}%",
        width=f"{100 / BARS - 0.25:.2f}%",
        y=f"{HEIGHT - height:.1f}%",
        height=f"{height:.1f}%",
        error_y=f"{HEIGHT - error_height:.1f}%",
        error_height=f"{error_height:.1f}%" if errors[place] else "",
        title=f"{at.day} {at.clock} UTC: {plural(counts[place], 'trace')}{failed}" if at else "",
        address=query.between(since_ns, since_ns + step_ns),
    )
