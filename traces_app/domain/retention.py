"""How long a trace is kept: rules, each a search of the list and a number of days.

Of all rules that hold for a trace the longest wins; where none holds, the days of the rest. So a trace that
becomes known piece by piece only ever lives longer, and the order of the rules means nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from traces_app.domain.durations import DAY_S, HOUR_S, SECOND_NS
from traces_app.domain.search import SPANS_ONLY, Search, Term, parse_search
from traces_app.domain.summary import TraceSummary

MAX_DAYS: Final = 3_650
MAX_CONDITION_CHARACTERS: Final = 300
_EXPLAINED_WITHIN_S: Final = 2 * HOUR_S
"""A trace's own id, its first span and the hour that expiry is rounded up to lie this close together."""

REST: Final = "rest"
_PLAIN_NAMES: Final = {"error:true": "errors", "scored:true": "scored", "pinned:true": "pinned"}
_NAMED_KEYS: Final = {"tag": "tag", "name": "name", "env": "environment"}
_COMPARED_KEYS: Final = {"duration": "slower than ", "cost": "dearer than $"}


@dataclass(frozen=True, slots=True)
class Rule:
    """``condition`` is written in the search language; empty for the rest. ``days`` None: for ever."""

    condition: str
    days: int | None

    @property
    def name(self) -> str:
        """As people call it: ``errors``, ``slower than 10s``, ``environment prod``; else the condition."""
        if not self.condition:
            return REST
        terms = _read(self.condition).terms
        return _name(terms[0]) or self.condition if len(terms) == 1 else self.condition

    @property
    def text(self) -> str:
        return f"{self.name}: {days_text(self.days)}"

    def holds(self, trace: TraceSummary) -> bool:
        return _read(self.condition).matches(trace)


@dataclass(frozen=True, slots=True)
class Retention:
    """The rules of one project. ``is_unsettled``: within the last days a trace of it was pinned,
    or a rule changed: batches of one trace may have come by different ones.
    """

    rest_days: int | None
    rules: tuple[Rule, ...] = ()
    is_unsettled: bool = False

    @property
    def varies(self) -> bool:
        """Whether two batches of one trace can be kept for different times."""
        return self.is_unsettled or any(rule.days != self.rest_days for rule in self.rules)

    @property
    def longest_days(self) -> int | None:
        return longest([self.rest_days, *(rule.days for rule in self.rules)])

    @property
    def shortest_days(self) -> int | None:
        """``None``: nothing ever expires."""
        days = [days for days in (self.rest_days, *(rule.days for rule in self.rules)) if days is not None]
        return min(days, default=None)

    def rule_of(self, trace: TraceSummary) -> Rule:
        """The longest of those that hold, else the rest. A name counts once it is known to be the root's."""
        known = trace if trace.root_span_id is not None else replace(trace, name=None)
        holding = [rule for rule in self.rules if rule.holds(known)]
        if not holding:
            return Rule("", self.rest_days)
        days = longest(rule.days for rule in holding)
        return next(rule for rule in holding if rule.days == days)

    def holds_longer(self, trace: TraceSummary) -> bool:
        """A rule keeps it longer than the rest: somebody wants it."""
        days = self.rule_of(trace).days
        return days != self.rest_days and longest([days, self.rest_days]) == days

    def reason(self, trace: TraceSummary) -> str:
        """Why ``trace`` is kept as long as it is: ``errors: 180 days``."""
        rule = self.rule_of(trace)
        if trace.is_pinned:
            return "pinned"
        if _explains(rule, trace):
            return rule.text if self.rules else days_text(rule.days)
        if trace.expires_at is None:
            return "for ever, by no rule of today"
        return f"by an earlier rule; today {rule.text}"


@functools.lru_cache(maxsize=1024)
def _read(condition: str) -> Search:
    """Rules are asked of every trace that comes in."""
    return parse_search(condition)


def read_condition(text: str) -> str:
    """The condition as it is kept. Raises ValueError naming what is wrong with it."""
    text = " ".join(text.split())
    if not text or len(text) > MAX_CONDITION_CHARACTERS:
        raise ValueError(
            f"condition: write a search, as error:true, of 1 to {MAX_CONDITION_CHARACTERS} characters."
        )
    if not text.isprintable():
        raise ValueError("condition: holds characters that cannot be seen.")
    search = parse_search(text)
    if search.problems:
        raise ValueError("condition: " + " ".join(search.problems))
    unfit = next((term for term in search.terms if term.key in _UNFIT), None)
    if unfit is not None:
        raise ValueError(f"condition: {_UNFIT[unfit.key]}")
    return str(search)


_UNFIT: Final = {
    "": "words alone are no rule; name what they stand in, as name:checkout or tag:refund.",
    **{key: f"{key}: looks into spans, and a rule knows a trace's summary only." for key in SPANS_ONLY},
    "pinned": "pinned traces are kept for ever in any case.",
}


def read_days(text: str) -> int | None:
    """``30``, or ``forever``. Raises ValueError naming the limit."""
    word = text.strip().lower()
    if word in ("forever", "for ever"):
        return None
    if (
        not (word.isascii() and word.isdecimal())
        or len(word) > len(str(MAX_DAYS))
        or not 1 <= int(word) <= MAX_DAYS
    ):
        raise ValueError(f"days: write a whole number from 1 to {MAX_DAYS}, or forever.")
    return int(word)


def days_text(days: int | None) -> str:
    return "for ever" if days is None else "1 day" if days == 1 else f"{days:,} days"


def expiry(days: int | None, start_ms: int, arrived_ns: int) -> int | None:
    """Epoch seconds, a full hour: so all batches of a trace expire in one moment, and all its hour with it.

    Days count from the trace's start; from its arrival where that is more than a day from it, because a
    clock may be wrong and old traces are imported.
    """
    if days is None:
        return None
    start_s, arrived_s = start_ms // 1000, arrived_ns // SECOND_NS
    first_s = start_s if abs(start_s - arrived_s) <= DAY_S else arrived_s
    return (first_s // HOUR_S + 1) * HOUR_S + days * DAY_S


def is_late(start_ms: int, arrived_ns: int) -> bool:
    """Whether days count from the arrival: then batches of one trace may differ under any rules."""
    return abs(start_ms // 1000 - arrived_ns // SECOND_NS) > DAY_S


def longest(values: Iterable[int | None]) -> int | None:
    """Of days or expiries: ``None`` is for ever. Raises ValueError where there is none."""
    found = list(values)
    return None if None in found else max(value for value in found if value is not None)


def with_lifetime(
    trace: TraceSummary, batches: Sequence[tuple[int, int | None]], *, is_pinned: bool
) -> TraceSummary:
    """From when each batch was written (nanoseconds) and expires. A pin alone keeps nothing."""
    trace.arrived_ns = max(written_ns for written_ns, _ in batches)
    trace.expires_at = longest(expires_at for _, expires_at in batches)
    trace.is_pinned = is_pinned
    return trace


def _explains(rule: Rule, trace: TraceSummary) -> bool:
    if rule.days is None or trace.expires_at is None:
        return rule.days is trace.expires_at
    kept_from = trace.expires_at - rule.days * DAY_S
    told = [time_ns // SECOND_NS for time_ns in (trace.start_ns, trace.arrived_ns) if time_ns is not None]
    return any(abs(kept_from - time_s) <= _EXPLAINED_WITHIN_S for time_s in told)


def _name(term: Term) -> str:
    plain = _PLAIN_NAMES.get(str(term))
    if plain or term.is_negated:
        return plain or ""
    if term.key in _COMPARED_KEYS and term.operator in (">", ">="):
        return _COMPARED_KEYS[term.key] + term.values[0].removeprefix("$")
    return f"{_NAMED_KEYS[term.key]} {', '.join(term.values)}" if term.key in _NAMED_KEYS else ""
