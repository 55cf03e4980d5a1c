"""The time range of a page: presets, exact times, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from traces_app.explorer.filters import Parameters, TimeRange
from traces_app.explorer.formats import Moment, moment
from traces_app.explorer.pages.links import Link

RANGE_LABELS: Final = {
    "15m": "Last 15 minutes",
    "1h": "Last hour",
    "6h": "Last 6 hours",
    "24h": "Last 24 hours",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
}


@dataclass(frozen=True, slots=True)
class RangePicker:
    """``since`` and ``until`` are exact times, where there are such; ``kept`` is what the form carries on."""

    label: str
    since: Moment | None
    until: Moment | None
    presets: list[Link]
    since_input: str
    until_input: str
    kept: list[tuple[str, str]]


def range_picker(
    time: TimeRange,
    parameters: Parameters,
    *,
    address: Callable[[str], str],
    names: Sequence[str],
    any_time: bool,
    now_ns: int,
) -> RangePicker:
    """``address`` leads to a preset by its name; with ``any_time`` there is one without bounds."""
    is_exact = not time.name and (time.since_ns is not None or time.until_ns is not None)
    presets = [
        Link(RANGE_LABELS[name], address(name), is_current=name == time.name and not is_exact)
        for name in names
    ]
    if any_time:
        presets.append(Link("Any time", address(""), is_current=not time.name and not is_exact))
    return RangePicker(
        label="" if is_exact else RANGE_LABELS.get(time.name, "Any time"),
        since=moment(time.since_ns, now_ns=now_ns) if is_exact else None,
        until=moment(time.until_ns, now_ns=now_ns) if is_exact else None,
        presets=presets,
        since_input=_input(time.since_ns, now_ns) if is_exact else "",
        until_input=_input(time.until_ns, now_ns) if is_exact else "",
        kept=[(name, value) for name, value in parameters.items() if name not in ("range", "from", "to")],
    )


def _input(time_ns: int | None, now_ns: int) -> str:
    """As a datetime-local input takes it."""
    at = moment(time_ns, now_ns=now_ns)
    return at.iso[:19] if at else ""
