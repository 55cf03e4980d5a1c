"""What the list is asked for: its query string, read once, and the addresses of neighbouring questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from traces_app.domain.span import STATUSES
from traces_app.queries import TraceFilter

HOUR_NS: Final = 3_600_000_000_000
RANGES: Final = {"1h": HOUR_NS, "24h": 24 * HOUR_NS, "7d": 7 * 24 * HOUR_NS, "30d": 30 * 24 * HOUR_NS}
FIELDS: Final = ("q", "status", "tag", "user", "session", "env", "range", "from", "to")
"""Parameters that filter. Beside them: ``project``, and ``cursor``, which no changed filter keeps."""

MAX_VALUE_CHARACTERS: Final = 200
MAX_TAGS: Final = 20

Parameters = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class ListQuery:
    """One question to the list. ``problems`` are sentences about parameters that could not be read."""

    parameters: Parameters
    filters: TraceFilter
    cursor: str | None
    problems: list[str]

    @property
    def is_filtered(self) -> bool:
        return any(name in self.parameters for name in FIELDS)

    def value(self, name: str) -> str:
        values = self.parameters.get(name)
        return values[0] if values else ""

    def with_value(self, name: str, value: str) -> str:
        """The query string of this question with one value changed; a tag is added to the others."""
        changed = {key: values for key, values in self.parameters.items() if key != name}
        if name == "range":
            changed = {key: values for key, values in changed.items() if key not in ("from", "to")}
        if value:
            earlier = self.parameters.get(name, []) if name == "tag" else []
            changed[name] = [*(tag for tag in earlier if tag != value), value]
        return query_string(changed)

    def without_value(self, name: str, value: str) -> str:
        changed = {
            key: [one for one in values if key != name or one != value]
            for key, values in self.parameters.items()
        }
        return query_string(changed)

    def without_filters(self) -> str:
        return query_string({key: values for key, values in self.parameters.items() if key not in FIELDS})

    def at_cursor(self, cursor: str | None) -> str:
        return query_string(self.parameters | ({"cursor": [cursor]} if cursor else {}))


def read_list_query(parameters: Mapping[str, Any], *, now_ns: int) -> ListQuery:
    """The question in a request's query string (a ``QueryDict``)."""
    get_list: Callable[[str], list[str]] = parameters.getlist  # type: ignore[attr-defined]
    kept: Parameters = {}
    for name in (*FIELDS, "project"):
        values = [value.strip()[:MAX_VALUE_CHARACTERS] for value in get_list(name)]
        values = [value for value in dict.fromkeys(values) if value]
        if values:
            kept[name] = values[:MAX_TAGS] if name == "tag" else values[-1:]
    problems: list[str] = []
    since_ns, until_ns = _time_range(kept, problems, now_ns)
    filters = TraceFilter(
        status=_status(kept, problems),
        name=_one(kept, "q"),
        tags=tuple(kept.get("tag", ())),
        user_id=_one(kept, "user"),
        session_id=_one(kept, "session"),
        environment=_one(kept, "env"),
        since_ns=since_ns,
        until_ns=until_ns,
    )
    return ListQuery(kept, filters, parameters.get("cursor") or None, problems)


def query_string(parameters: Parameters) -> str:
    """``?...`` for a link; ``?`` alone would keep a page's own query, so no parameters give a bare mark."""
    return "?" + urlencode([(name, value) for name, values in parameters.items() for value in values])


def _one(parameters: Parameters, name: str) -> str | None:
    values = parameters.get(name)
    return values[0] if values else None


def _status(parameters: Parameters, problems: list[str]) -> str | None:
    status = _one(parameters, "status")
    if status is None or status in STATUSES:
        return status
    del parameters["status"]
    problems.append("status: write one of " + ", ".join(STATUSES) + ".")
    return None


def _time_range(parameters: Parameters, problems: list[str], now_ns: int) -> tuple[int | None, int | None]:
    """Since and until. Times given exactly replace a range: both come from one form."""
    if "from" in parameters or "to" in parameters:
        parameters.pop("range", None)
        return _moment_ns(parameters, "from", problems), _moment_ns(parameters, "to", problems)
    name = _one(parameters, "range")
    if name is None:
        return None, None
    if name not in RANGES:
        del parameters["range"]
        problems.append("range: write one of " + ", ".join(RANGES) + ".")
        return None, None
    return now_ns - RANGES[name], None


def _moment_ns(parameters: Parameters, name: str, problems: list[str]) -> int | None:
    text = _one(parameters, name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return int(at.timestamp()) * 1_000_000_000
    except (ValueError, OverflowError):
        del parameters[name]
        problems.append(f"{name}: write a time in UTC like 2026-11-23T14:00.")
        return None
