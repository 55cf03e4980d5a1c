"""What stands around the list: choices with counts, time ranges, chips of what is filtered, the form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from traces_app.domain.summary import TraceSummary
from traces_app.explorer.filters import RANGES, ListQuery
from traces_app.explorer.formats import count_text
from traces_app.explorer.visible import visible_line

MAX_CHOICES_SHOWN: Final = 8
SHORT_VALUE_CHARACTERS: Final = 28
STATUS_LABELS: Final = {"ok": "ok", "error": "error", "cancelled": "cancelled", "pending": "running"}
RANGE_LABELS: Final = {"1h": "1 h", "24h": "24 h", "7d": "7 d", "30d": "30 d"}
CHIP_LABELS: Final = {
    "q": "name has",
    "status": "status",
    "tag": "tag",
    "user": "user",
    "session": "session",
    "env": "environment",
    "range": "last",
    "from": "from",
    "to": "until",
}
KEPT_NAMES: Final = ("project", "q", "status", "tag", "range")
"""Parameters that the form of exact values carries on unseen."""


@dataclass(frozen=True, slots=True)
class Link:
    """``count`` and ``is_current`` where the link is a choice among others."""

    text: str
    address: str
    title: str = ""
    count: str = ""
    is_current: bool = False
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    title: str
    links: list[Link]


@dataclass(frozen=True, slots=True)
class Input:
    name: str
    label: str
    value: str
    type: str = "text"
    placeholder: str = ""


def filter_link(query: ListQuery, name: str, value: str | None) -> Link | None:
    if value is None:
        return None
    shown = visible_line(value, SHORT_VALUE_CHARACTERS)
    return Link(shown, query.with_value(name, value), title=f"Only {name} {visible_line(value)}")


def tag_link(query: ListQuery, tag: str) -> Link:
    return Link(
        visible_line(tag, SHORT_VALUE_CHARACTERS), query.with_value("tag", tag), title=visible_line(tag)
    )


def ranges(query: ListQuery) -> list[Link]:
    chosen = query.value("range")
    is_custom = bool(query.value("from") or query.value("to"))
    links = [
        Link(
            RANGE_LABELS[name],
            query.with_value("range", name),
            f"Last {RANGE_LABELS[name]}",
            is_current=name == chosen,
        )
        for name in RANGES
    ]
    return [
        *links,
        Link("All", query.with_value("range", ""), "Any time", is_current=not chosen and not is_custom),
    ]


def choices(traces: Sequence[TraceSummary], query: ListQuery) -> list[Choices]:
    """Values seen on this page with their counts; those chosen always stand there."""
    statuses = Counter(summary.status for summary in traces)
    found = [
        Choices("Status", [_status_choice(query, name, statuses[name]) for name in STATUS_LABELS]),
        _counted("Tag", "tag", query, (tag for summary in traces for tag in summary.tags)),
        _counted("Environment", "env", query, (summary.environment for summary in traces)),
        _counted("User", "user", query, (summary.user_id for summary in traces)),
        _counted("Session", "session", query, (summary.session_id for summary in traces)),
    ]
    return [one for one in found if one.links]


def _status_choice(query: ListQuery, status: str, count: int) -> Link:
    is_current = query.value("status") == status
    return Link(
        STATUS_LABELS[status],
        query.without_value("status", status) if is_current else query.with_value("status", status),
        count=count_text(count) if count else "",
        is_current=is_current,
        mark=status,
    )


def _counted(title: str, name: str, query: ListQuery, values: Iterable[str | None]) -> Choices:
    counts = Counter(value for value in values if value is not None)
    chosen = query.parameters.get(name, [])
    seen = [value for value, _ in counts.most_common(MAX_CHOICES_SHOWN) if value not in chosen]
    return Choices(title, [_choice(name, query, value, counts[value]) for value in [*chosen, *seen]])


def _choice(name: str, query: ListQuery, value: str, count: int) -> Link:
    is_current = value in query.parameters.get(name, [])
    return Link(
        visible_line(value, SHORT_VALUE_CHARACTERS),
        query.without_value(name, value) if is_current else query.with_value(name, value),
        title=visible_line(value),
        count=count_text(count),
        is_current=is_current,
    )


def inputs(query: ListQuery) -> list[Input]:
    return [
        Input("tag", "Tag", "", placeholder="add a tag"),
        Input("user", "User", query.value("user")),
        Input("session", "Session", query.value("session")),
        Input("env", "Environment", query.value("env")),
        Input("from", "From (UTC)", query.value("from"), type="datetime-local"),
        Input("to", "Until (UTC)", query.value("to"), type="datetime-local"),
    ]


def chips(query: ListQuery) -> list[Link]:
    return [
        Link(f"{label} {visible_line(_chip_value(name, value), 60)}", query.without_value(name, value))
        for name, label in CHIP_LABELS.items()
        for value in query.parameters.get(name, [])
    ]


def _chip_value(name: str, value: str) -> str:
    if name == "status":
        return STATUS_LABELS.get(value, value)
    if name == "range":
        return RANGE_LABELS.get(value, value)
    return value.replace("T", " ") + " UTC" if name in ("from", "to") else value
