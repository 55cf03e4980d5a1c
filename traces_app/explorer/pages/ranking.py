"""A table of sessions or of users: what each adds up to in a time, sorted, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from traces_app.domain.durations import HOUR_NS, MILLISECOND_NS
from traces_app.domain.measures import OTHERS, Measures, percentile_ms
from traces_app.explorer.filters import Parameters, TimeRange, query_string
from traces_app.explorer.formats import (
    Moment,
    cost_text,
    count_text,
    duration_text,
    moment,
    plural,
    tokens_text,
)
from traces_app.explorer.pages.links import Link
from traces_app.explorer.pages.times import RangePicker, range_picker
from traces_app.explorer.visible import visible_line
from traces_app.statistics import Statistics

ROWS_A_PAGE: Final = 50
RANGES: Final = ("24h", "7d", "30d")

_ORDERS: Final[dict[str, tuple[str, Callable[[Measures], float]]]] = {
    "last": ("Last active", lambda one: one.last_ms or 0),
    "traces": ("Traces", lambda one: one.count),
    "errors": ("With a failed span", lambda one: one.errors),
    "tokens": ("Tokens", lambda one: (one.input_tokens or 0) + (one.output_tokens or 0)),
    "cost": ("Cost", lambda one: one.cost_nano_usd or 0),
}


@dataclass(frozen=True, slots=True)
class RankingLine:
    name: str
    address: str
    traces_address: str
    owner: Link | None
    words: str
    traces: str
    errors: str
    tokens: str
    cost: str
    latency: str
    first: Moment | None
    last: Moment | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """``found`` says how many there are, ``partial`` what is not added up yet."""

    lines: list[RankingLine]
    orders: list[Link]
    range: RangePicker
    search_text: str
    kept: list[tuple[str, str]]
    found: str
    others: str
    partial: str
    previous_address: str
    next_address: str
    is_filtered: bool


def ranking(
    statistics: Statistics,
    dimension: str,
    parameters: Parameters,
    time: TimeRange,
    *,
    now_ns: int,
) -> Ranking:
    values = dict(statistics.total().get(dimension, {}))
    others = values.pop(OTHERS, None)
    wanted = parameters.get("q", "").lower()
    order = parameters.get("sort", "last")
    chosen = [item for item in values.items() if _has(item, wanted)]
    chosen.sort(key=lambda item: _ORDERS.get(order, _ORDERS["last"])[1](item[1]), reverse=True)
    first = _first_row(parameters.get("page", ""), len(chosen))
    shown = chosen[first : first + ROWS_A_PAGE]
    return Ranking(
        lines=[_line(dimension, value, measures, now_ns) for value, measures in shown],
        orders=_orders(parameters, order),
        range=_range(parameters, time, now_ns),
        search_text=parameters.get("q", ""),
        kept=[(name, value) for name, value in parameters.items() if name not in ("q", "page")],
        found=plural(len(chosen), dimension),
        others=_others(others, dimension),
        partial=partial_text(statistics, now_ns),
        previous_address=_page(parameters, first // ROWS_A_PAGE) if first else "",
        next_address=_page(parameters, first // ROWS_A_PAGE + 2) if first + ROWS_A_PAGE < len(chosen) else "",
        is_filtered=bool(wanted),
    )


def partial_text(statistics: Statistics, now_ns: int) -> str:
    """What a reader must know when not everything could be added up in one request."""
    if statistics.missing_before is None:
        return ""
    at = moment(statistics.missing_before * HOUR_NS, now_ns=now_ns)
    return f"Added up back to {at.day} {at.clock} UTC so far; looking again goes on." if at else ""


def _has(item: tuple[str, Measures], wanted: str) -> bool:
    value, measures = item
    return not wanted or any(
        wanted in (text or "").lower() for text in (value, measures.owner, measures.words)
    )


def _line(dimension: str, value: str, measures: Measures, now_ns: int) -> RankingLine:
    in_list = reverse("explorer:traces") + "?" + urlencode({dimension: value})
    is_session = dimension == "session"
    own = reverse("explorer:session") + "?" + urlencode({"id": value}) if is_session else in_list
    return RankingLine(
        name=visible_line(value, 80),
        address=own,
        traces_address=in_list,
        owner=_owner(measures.owner),
        words=visible_line(measures.words or "", 160),
        **columns(measures),
        first=_moment(measures.first_ms, now_ns),
        last=_moment(measures.last_ms, now_ns),
    )


def columns(measures: Measures) -> dict[str, str]:
    """What every table of measures shows."""
    p95 = percentile_ms(measures.latency, 0.95)
    unpriced = "≥ " if measures.unpriced and measures.cost_nano_usd else ""
    return {
        "traces": count_text(measures.count),
        "errors": count_text(measures.errors) if measures.errors else "",
        "tokens": tokens_text(measures.input_tokens, measures.output_tokens, short=True),
        "cost": unpriced + cost_text(measures.cost_usd),
        "latency": duration_text(None if p95 is None else p95 * MILLISECOND_NS),
    }


def _owner(user_id: str | None) -> Link | None:
    if user_id is None:
        return None
    address = reverse("explorer:traces") + "?" + urlencode({"user": user_id})
    return Link(visible_line(user_id, 60), address)


def _moment(at_ms: int | None, now_ns: int) -> Moment | None:
    return moment(None if at_ms is None else at_ms * MILLISECOND_NS, now_ns=now_ns)


def _orders(parameters: Parameters, order: str) -> list[Link]:
    return [
        Link(label, query_string(parameters | {"sort": name, "page": ""}), is_current=name == order)
        for name, (label, _) in _ORDERS.items()
    ]


def _range(parameters: Parameters, time: TimeRange, now_ns: int) -> RangePicker:
    return range_picker(
        time,
        {name: value for name, value in parameters.items() if name != "page"},
        address=lambda name: query_string(parameters | {"range": name, "from": "", "to": "", "page": ""}),
        names=RANGES,
        any_time=False,
        now_ns=now_ns,
    )


def _others(others: Measures | None, dimension: str) -> str:
    if others is None:
        return ""
    return (
        f"{plural(others.count, 'trace')} of the rarest {dimension}s of busy hours are not listed one by one."
    )


def _first_row(page: str, count: int) -> int:
    number = int(page) if page.isdecimal() and len(page) < 7 else 1  # noqa: PLR2004 - no more pages are linked
    return max(0, min(number - 1, max(0, count - 1) // ROWS_A_PAGE)) * ROWS_A_PAGE


def _page(parameters: Parameters, number: int) -> str:
    return query_string(parameters | {"page": str(number)})


def ranking_json(statistics: Statistics, dimension: str) -> list[Mapping[str, object]]:
    return [
        {dimension: value, **measures_json(measures)}
        for value, measures in sorted(
            statistics.total().get(dimension, {}).items(), key=lambda item: -(item[1].last_ms or 0)
        )
    ]


def measures_json(measures: Measures) -> dict[str, object]:
    return {
        "count": measures.count,
        "errors": measures.errors,
        "input_tokens": measures.input_tokens,
        "output_tokens": measures.output_tokens,
        "cost_usd": measures.cost_usd,
        "unpriced": measures.unpriced,
        "first_ms": measures.first_ms,
        "last_ms": measures.last_ms,
        "latency_ms": {name: percentile_ms(measures.latency, share) for name, share in PERCENTILES.items()},
        "first_token_ms": {
            name: percentile_ms(measures.first_token, share) for name, share in PERCENTILES.items()
        },
    }


PERCENTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
