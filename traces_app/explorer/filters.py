"""What the list is asked for: its query string, read once, and the addresses of neighbouring questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from traces_app.domain.durations import DAY_NS, HOUR_NS, MINUTE_NS
from traces_app.domain.search import ANY_SPAN, ROOT, Search, Term, exactly, parse_search
from traces_app.explorer.visible import as_typed, visible_line

RANGES: Final = {
    "15m": 15 * MINUTE_NS,
    "1h": HOUR_NS,
    "6h": 6 * HOUR_NS,
    "24h": DAY_NS,
    "7d": 7 * DAY_NS,
    "30d": 30 * DAY_NS,
}
TIMES: Final = ("range", "from", "to")
FIELDS: Final = ("q", "scope", *TIMES)
"""Parameters that ask. Beside them: ``project``, ``strip``; and ``cursor``, which no new question keeps."""

STRIPS: Final = ("errors", "cost", "p95")
"""What the bars of the strip may stand for besides the number of traces."""

EARLIER_FIELDS: Final = {"status": "status", "tag": "tag", "user": "user", "session": "session", "env": "env"}
"""Parameters that links of earlier versions carry: each is a condition of the search."""

MAX_VALUE_CHARACTERS: Final = 2000
MAX_EARLIER_VALUES: Final = 20
MAX_PROBLEM_CHARACTERS: Final = 600
_SURROGATE: Final = re.compile("[\ud800-\udfff]")

Parameters = dict[str, str]


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Bounds of the start, in nanoseconds. ``name`` is a preset's, or empty."""

    name: str = ""
    since_ns: int | None = None
    until_ns: int | None = None


@dataclass(frozen=True, slots=True)
class ListQuery:
    """One question to the list. ``problems`` are sentences about what could not be read."""

    parameters: Parameters
    search: Search
    time: TimeRange
    cursor: str | None
    problems: list[str]

    @property
    def text(self) -> str:
        """The search as it was written, what could not be read of it too."""
        return self.parameters.get("q", "")

    @property
    def is_filtered(self) -> bool:
        return any(name in self.parameters for name in FIELDS)

    @property
    def is_narrowed(self) -> bool:
        """By more than time."""
        return bool(self.search.terms)

    def with_search(self, search: Search) -> str:
        return self._with(q=str(search))

    def with_term(self, term: Term) -> str:
        return self.with_search(self.search.with_term(term))

    def with_value(self, key: str, value: str) -> str:
        return self.with_term(exactly(key, value))

    def without(self, *terms: Term) -> str:
        return self.with_search(self.search.without(*terms))

    @property
    def strip(self) -> str:
        return self.parameters.get("strip", "")

    def with_strip(self, name: str) -> str:
        return self._with(strip=name)

    def with_range(self, name: str) -> str:
        return self._with(**{"range": name, "from": "", "to": ""})

    def between(self, since_ns: int, until_ns: int) -> str:
        return self._with(**{"range": "", "from": _iso(since_ns), "to": _iso(until_ns)})

    def with_scope(self, scope: str) -> str:
        return self._with(scope="" if scope == ROOT else scope)

    def without_filters(self) -> str:
        return query_string({key: value for key, value in self.parameters.items() if key not in FIELDS})

    def without_search(self) -> str:
        return self._with(q="", scope="")

    def at_cursor(self, cursor: str | None) -> str:
        return self._with(cursor=cursor or "")

    def saved(self) -> str:
        """What a saved view keeps: the question without the project and the page."""
        return query_string({key: value for key, value in self.parameters.items() if key in FIELDS})

    def _with(self, **changes: str) -> str:
        return query_string(self.parameters | changes)


def read_list_query(parameters: Mapping[str, Any], *, now_ns: int) -> ListQuery:
    """The question in a request's query string (a ``QueryDict``)."""
    get_list: Callable[[str], list[str]] = parameters.getlist  # type: ignore[attr-defined]
    kept: Parameters = {}
    for name in (*FIELDS, "project", "strip"):
        values = [value.strip()[:MAX_VALUE_CHARACTERS] for value in get_list(name)]
        values = [_typed(value) if name == "q" else value for value in values if value]
        if values:
            kept[name] = values[-1]
    problems: list[str] = []
    _take_earlier(kept, get_list, problems)
    if kept.get("scope") not in (None, ANY_SPAN):
        del kept["scope"]
    if kept.get("strip") not in (None, *STRIPS):
        del kept["strip"]
    search = parse_search(kept.get("q", ""), scope=kept.get("scope", ROOT))
    time = read_time_range(kept, problems, now_ns)
    problems = [visible_line(problem, MAX_PROBLEM_CHARACTERS) for problem in (*problems, *search.problems)]
    return ListQuery(kept, search, time, parameters.get("cursor") or None, problems)


def _typed(value: str) -> str:
    """Lone surrogates keep their names: no address of a neighbouring question could carry them."""
    typed = as_typed(value)
    return value if _SURROGATE.search(typed) else typed


def read_time_range(
    parameters: Parameters, problems: list[str], now_ns: int, *, default: str = ""
) -> TimeRange:
    """Times given exactly replace a preset: both come from one form. What is wrong leaves ``parameters``."""
    if "from" in parameters or "to" in parameters:
        parameters.pop("range", None)
        return _exact_range(parameters, problems, now_ns, default)
    name = parameters.get("range", default)
    if name and name not in RANGES:
        parameters.pop("range")
        problems.append("range: write one of " + ", ".join(RANGES) + ".")
        name = default
    return _named_range(name, now_ns)


def _named_range(name: str, now_ns: int) -> TimeRange:
    return TimeRange(name, now_ns - RANGES[name]) if name else TimeRange()


def _exact_range(parameters: Parameters, problems: list[str], now_ns: int, default: str) -> TimeRange:
    since_ns, until_ns = (_moment_ns(parameters, name, problems) for name in ("from", "to"))
    impossible = _impossible(since_ns or 0, until_ns, now_ns)
    if not impossible:
        return TimeRange("", since_ns, until_ns)
    problems.append(impossible)
    for name in ("from", "to"):
        parameters.pop(name, None)
    return _named_range(default, now_ns)


def _impossible(since_ns: int, until_ns: int | None, now_ns: int) -> str:
    """Why nothing can lie within; empty where something can."""
    if since_ns > now_ns:
        return "from: that time has not come yet."
    if until_ns is not None and until_ns <= since_ns:
        return "to: write a time after from." if since_ns else "to: write a time after 1970."
    return ""


def query_string(parameters: Parameters) -> str:
    """``?...`` for a link; no parameters give a bare mark, because an empty link keeps a page's own query."""
    return "?" + urlencode([(name, value) for name, value in parameters.items() if value])


def _take_earlier(kept: Parameters, get_list: Callable[[str], list[str]], problems: list[str]) -> None:
    search = Search()
    for name, key in EARLIER_FIELDS.items():
        for value in get_list(name)[:MAX_EARLIER_VALUES]:
            if value.strip():
                try:
                    term = exactly(key, value.strip()[:MAX_VALUE_CHARACTERS])
                except ValueError as error:
                    problems.append(str(error))
                else:
                    search = replace(search, terms=(*search.terms, term))
    if search.terms:
        kept["q"] = f"{kept.get('q', '')} {search}".strip()


def _moment_ns(parameters: Parameters, name: str, problems: list[str]) -> int | None:
    text = parameters.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))  # a plus that an address made a space
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return int(at.timestamp() * 1000) * 1_000_000
    except (ValueError, OverflowError):
        del parameters[name]
        problems.append(f"{name}: write a time like 2026-11-23T14:00 (UTC) or 2026-11-23T14:00+02:00.")
        return None


def _iso(time_ns: int) -> str:
    at = datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
    milliseconds = time_ns % 1_000_000_000 // 1_000_000
    return f"{at:%Y-%m-%dT%H:%M:%S}" + (f".{milliseconds:03d}" if milliseconds else "")
