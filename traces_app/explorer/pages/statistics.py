"""What a project's traces add up to over time, and by name, model, tag, environment and user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from traces_app.domain.durations import HOUR_NS, MILLISECOND_NS
from traces_app.domain.measures import (
    EVERYTHING,
    OTHERS,
    Histogram,
    Measures,
    percentile_ms,
)
from traces_app.domain.search import exactly
from traces_app.explorer.filters import Parameters, TimeRange, query_string
from traces_app.explorer.formats import (
    UNKNOWN,
    Moment,
    cost_text,
    count_text,
    duration_text,
    moment,
    plural,
    short_count_text,
    tokens_text,
)
from traces_app.explorer.pages.charts import Chart, Series, bar_chart, line_chart
from traces_app.explorer.pages.links import Link
from traces_app.explorer.pages.ranking import RANGES, columns, partial_text
from traces_app.explorer.pages.times import RangePicker, range_picker
from traces_app.explorer.visible import visible_line
from traces_app.statistics import Statistics

DIMENSIONS: Final = {"name": "Name", "model": "Model", "tag": "Tag", "env": "Environment", "user": "User"}
STEPS_H: Final = (1, 2, 3, 6, 12, 24)
MAX_COLUMNS: Final = 32
MAX_LINES: Final = 50


@dataclass(frozen=True, slots=True)
class DimensionLine:
    name: str
    address: str
    share: str
    traces: str
    errors: str
    tokens: str
    cost: str
    p50: str
    latency: str
    p99: str
    first_token: str


@dataclass(frozen=True, slots=True)
class StatisticsPage:
    range: RangePicker
    tiles: list[tuple[str, str]]
    charts: list[Chart]
    dimensions: list[Link]
    dimension: str
    counted: str
    lines: list[DimensionLine]
    more: str
    partial: str
    is_empty: bool


def statistics_page(
    over_time: Statistics,
    by_value: Statistics,
    parameters: Parameters,
    time: TimeRange,
    *,
    now_ns: int,
) -> StatisticsPage:
    """``by_value`` holds the dimension that the table is by."""
    dimension = chosen_dimension(parameters)
    everything = over_time.everything()
    values = by_value.total().get(dimension, {})
    ordered = sorted(values.items(), key=lambda item: (item[0] != OTHERS, item[1].count), reverse=True)
    lines = [_line(dimension, value, one, ordered[0][1].count) for value, one in ordered[:MAX_LINES]]
    return StatisticsPage(
        range=_range(parameters, time, now_ns),
        tiles=_tiles(everything),
        charts=_charts(over_time, now_ns),
        dimensions=[
            Link(label, query_string(parameters | {"by": name}), is_current=name == dimension)
            for name, label in DIMENSIONS.items()
        ],
        dimension=DIMENSIONS[dimension],
        counted="Calls" if dimension == "model" else "Traces",
        lines=lines,
        more=f"and {len(ordered) - MAX_LINES:,} more" if len(ordered) > MAX_LINES else "",
        partial=partial_text(over_time, now_ns) or partial_text(by_value, now_ns),
        is_empty=not everything.count,
    )


def chosen_dimension(parameters: Parameters) -> str:
    return parameters["by"] if parameters.get("by") in DIMENSIONS else "name"


def _tiles(total: Measures) -> list[tuple[str, str]]:
    share = f" ({total.errors / total.count:.1%})" if total.count else ""
    return [
        ("Traces", count_text(total.count)),
        ("With a failed span", f"{total.errors:,}{share}"),
        ("Tokens in → out", tokens_text(total.input_tokens, total.output_tokens, short=True)),
        ("Cost", columns(total)["cost"]),
        ("Latency p50", _percentile(total.latency, 0.5)),
        ("p95", _percentile(total.latency, 0.95)),
        ("p99", _percentile(total.latency, 0.99)),
        ("First token p50", _percentile(total.first_token, 0.5)),
    ]


def _charts(found: Statistics, now_ns: int) -> list[Chart]:
    step_h = _step_h(found.last_hour - found.first_hour + 1)
    starts = list(range(found.first_hour - found.first_hour % step_h, found.last_hour + 1, step_h))
    parts = [
        found.between(max(start, found.first_hour), min(start + step_h - 1, found.last_hour))
        for start in starts
    ]
    measures = [part.get(EVERYTHING, {}).get(EVERYTHING, Measures()) for part in parts]
    moments = [moment(start * HOUR_NS, now_ns=now_ns) for start in starts]
    per = f"every {step_h} hours" if step_h > 1 else "every hour"
    traces, *sums = _bars(measures, moments, per)
    return [traces, _failures(measures, moments, per), *sums, *_percentiles(measures, moments, per)]


def _failures(measures: list[Measures], moments: list[Moment | None], per: str) -> Chart:
    """A time without traces has no share: a gap, not 0 %."""
    shares = [one.errors / one.count if one.count else None for one in measures]
    return line_chart(
        "With a failed span",
        [Series("share", "bad", shares)],
        moments,
        _percent,
        summary=f"of the traces, {per}",
    )


def _bars(measures: list[Measures], moments: list[Moment | None], per: str) -> list[Chart]:
    total = Measures()
    for one in measures:
        total.add(one)
    good = Series("without one", "good", [one.count - one.errors for one in measures])
    bad = Series("with a failed span", "bad", [one.errors for one in measures])
    taken = Series("in", "first", [one.input_tokens for one in measures])
    given = Series("out", "second", [one.output_tokens for one in measures])
    cost = Series("cost", "first", [one.cost_usd for one in measures])
    return [
        bar_chart("Traces", [bad, good], moments, _whole, summary=f"{plural(total.count, 'trace')}, {per}"),
        bar_chart(
            "Cost", [cost], moments, _usd, summary=f"{cost_text(total.cost_usd)} {_unpriced(total)}{per}"
        ),
        bar_chart(
            "Tokens",
            [taken, given],
            moments,
            _short,
            summary=f"{tokens_text(total.input_tokens, total.output_tokens, short=True)}, {per}",
        ),
    ]


def _percentiles(measures: list[Measures], moments: list[Moment | None], per: str) -> list[Chart]:
    charts = []
    kinds: tuple[tuple[str, Callable[[Measures], Histogram]], ...] = (
        ("Latency", lambda one: one.latency),
        ("Time to first token", lambda one: one.first_token),
    )
    for title, histogram_of in kinds:
        series = [
            Series(label, style, [percentile_ms(histogram_of(one), share) for one in measures])
            for label, style, share in (
                ("p99", "third", 0.99),
                ("p95", "second", 0.95),
                ("p50", "first", 0.5),
            )
        ]
        charts.append(line_chart(title, series, moments, _duration, summary=f"{per}, right to 2.5 %"))
    return charts


def _step_h(hours: int) -> int:
    return next((step for step in STEPS_H if hours / step <= MAX_COLUMNS), STEPS_H[-1])


def _line(dimension: str, value: str, measures: Measures, highest: int) -> DimensionLine:
    found = columns(measures)
    return DimensionLine(
        name="all others" if value == OTHERS else visible_line(value, 80),
        address="" if value == OTHERS else _in_list(dimension, value),
        share=f"{100 * measures.count / max(1, highest):.1f}%",
        traces=found["traces"],
        errors=found["errors"],
        tokens=found["tokens"],
        cost=found["cost"],
        p50=_percentile(measures.latency, 0.5),
        latency=found["latency"],
        p99=_percentile(measures.latency, 0.99),
        first_token=_percentile(measures.first_token, 0.5),
    )


def _in_list(dimension: str, value: str) -> str:
    return f"{reverse('explorer:traces')}?{urlencode({'q': str(exactly(dimension, value))})}"


def _range(parameters: Parameters, time: TimeRange, now_ns: int) -> RangePicker:
    return range_picker(
        time,
        parameters,
        address=lambda name: query_string(parameters | {"range": name, "from": "", "to": ""}),
        names=RANGES,
        any_time=False,
        now_ns=now_ns,
    )


def _percentile(histogram: Histogram, share: float) -> str:
    return _duration(percentile_ms(histogram, share))


def _duration(duration_ms: float | None) -> str:
    return duration_text(None if duration_ms is None else duration_ms * MILLISECOND_NS)


def _whole(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.0f}" if value >= 1 or value == 0 else f"{value:g}"


def _percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{100 * value:.3g} %"


def _short(value: float | None) -> str:
    return short_count_text(None if value is None else round(value))


def _usd(value: float | None) -> str:
    return cost_text(value)


def _unpriced(total: Measures) -> str:
    return f"and {plural(total.unpriced, 'call')} without a known price, " if total.unpriced else "in all, "
