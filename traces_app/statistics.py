"""What a project's traces add up to, hour by hour: closed hours are added up once and kept, the rest anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Final

from django.conf import settings

from traces_app.domain.durations import DAY_S, HOUR_MS, HOUR_NS
from traces_app.domain.measures import (
    EVERYTHING,
    Measures,
    Rollup,
    Section,
    add_rollup,
    measure,
    measure_writings,
    note_adding_up,
    pack_rollup,
    unpack_rollup,
)
from traces_app.queries import MANY_ITEMS
from traces_app.storage import get_store

__all__ = ["Statistics", "get_statistics"]

MAX_HOURS: Final = 31 * 24
MAX_ADDED_UP: Final = 30_000
"""Traces added up for one answer: some 2 s. The next goes on where this one ended."""

CHECKED_EVERY: Final = 256
"""Traces between two looks at the clock."""


@dataclass(slots=True)
class Statistics:
    """``hours`` are those with traces, by number of hours since 1970."""

    first_hour: int
    last_hour: int
    hours: dict[int, Rollup] = field(default_factory=dict)
    missing_before: int | None = None
    """The hour before which nothing is added up yet; looking again goes on."""

    def total(self) -> Rollup:
        return self.between(self.first_hour, self.last_hour)

    def between(self, first_hour: int, last_hour: int) -> Rollup:
        """The sum over some hours, both included."""
        found: Rollup = {}
        for hour in range(first_hour, last_hour + 1):
            add_rollup(found, self.hours.get(hour, {}))
        return found

    def everything(self) -> Measures:
        return self.total().get(EVERYTHING, {}).get(EVERYTHING, Measures())


def get_statistics(
    project: str,
    section: Section,
    *,
    since_ns: int,
    until_ns: int,
    is_time_up: Callable[[], bool] = bool,
    now_ns: int,
    max_hours: int = MAX_HOURS,
    added_up_since_ns: int = 0,
    kept_days: int | None = None,
) -> Statistics:
    """Whole hours, at most ``max_hours`` of them: the first is the one ``since_ns`` lies in.

    Of hours before ``added_up_since_ns`` only those are there that are kept. Hours are kept for
    ``kept_days``, by default for RETENTION_DAYS.
    """
    last = min(until_ns, now_ns) // HOUR_NS
    found = Statistics(max(since_ns // HOUR_NS, last - max_hours + 1), last)
    if found.first_hour > last:
        return found
    store = get_store()
    may_keep = store.rollups.watch(project, now_ns=now_ns)
    kept = store.rollups.read(project, section, found.first_hour, last, now_ns=now_ns)
    known = {one.hour: unpack_rollup(one.body) for one in kept if one.is_settled}
    stale = {one.hour: unpack_rollup(one.body) for one in kept if not one.is_settled}
    fresh, holds_until = dict[int, Rollup](), dict[int, int]()
    first = max(found.first_hour, added_up_since_ns // HOUR_NS)
    for gap in _gaps(first, last, known):
        if not _add_up(project, section, gap, (fresh, holds_until), is_time_up=is_time_up, now_ns=now_ns):
            found.missing_before = min(fresh, default=gap[1] + 1)
            break
    if section == "bill":
        known |= {hour: rollup for hour, rollup in stale.items() if hour < first}
        _note_adding_up(fresh, stale, now_ns)
    if may_keep:
        days = settings.RETENTION_DAYS if kept_days is None else kept_days
        _keep(project, section, fresh, holds_until, now_ns=now_ns, days=days)
    found.hours = {hour: rollup for hour, rollup in (known | fresh).items() if rollup}
    return found


def _note_adding_up(fresh: dict[int, Rollup], stale: dict[int, Rollup], now_ns: int) -> None:
    for hour, rollup in fresh.items():
        note_adding_up(rollup, now_ns, stale.get(hour, {}))


def _gaps(first: int, last: int, known: Iterable[int]) -> list[tuple[int, int]]:
    """Runs of hours that are not known, newest first."""
    gaps: list[tuple[int, int]] = []
    covered = set(known)
    for hour in range(last, first - 1, -1):
        if hour in covered:
            continue
        if gaps and gaps[-1][0] == hour + 1:
            gaps[-1] = (hour, gaps[-1][1])
        else:
            gaps.append((hour, hour))
    return gaps


def _add_up(
    project: str,
    section: Section,
    gap: tuple[int, int],
    found: tuple[dict[int, Rollup], dict[int, int]],
    *,
    is_time_up: Callable[[], bool],
    now_ns: int,
) -> bool:
    """Fill ``found``, sums and until when they hold, from the newest back; false when the time was up."""
    (first, hour), (fresh, holds_until) = gap, found
    rollup = Rollup()
    bounds = (first * HOUR_MS, (hour + 1) * HOUR_MS - 1)
    for count, (listed_ms, expires_at, add_to) in enumerate(_traces(project, section, bounds, now_ns), 1):
        while listed_ms // HOUR_MS < hour:
            fresh[hour], hour, rollup = rollup, hour - 1, Rollup()
        if count > MAX_ADDED_UP or (count % CHECKED_EVERY == 0 and is_time_up()):
            return False
        add_to(rollup)
        if expires_at is not None:
            holds_until[hour] = min(expires_at, holds_until.get(hour, expires_at))
    fresh[hour] = rollup
    fresh.update({empty: Rollup() for empty in range(first, hour)})
    return True


def _traces(
    project: str, section: Section, bounds: tuple[int, int], now_ns: int
) -> Iterator[tuple[int, int | None, Callable[[Rollup], None]]]:
    """Of each trace between two times its start, until when its hour holds, and how to add it to that."""
    store, (since_ms, until_ms) = get_store(), bounds
    if section == "bill":
        for listed_ms, trace, writings in store.iterate_writings(
            project, since_ms=since_ms, until_ms=until_ms, page_items=MANY_ITEMS, now_ns=now_ns
        ):
            yield listed_ms, None, partial(measure_writings, trace=trace, writings=writings)
    else:
        for listed_ms, trace, calls in store.iterate_calls(
            project, since_ms=since_ms, until_ms=until_ms, page_items=MANY_ITEMS, now_ns=now_ns
        ):
            yield listed_ms, trace.expires_at, partial(measure, section=section, trace=trace, calls=calls)


def _keep(
    project: str,
    section: Section,
    fresh: dict[int, Rollup],
    holds_until: dict[int, int],
    *,
    now_ns: int,
    days: int,
) -> None:
    """An hour holds until the first of its traces expires: then it is added up without that."""
    store = get_store()
    last = now_ns // 10**9 + days * DAY_S
    items = (
        store.rollups.items(
            project,
            section,
            {hour: pack_rollup(rollup)},
            now_ns=now_ns,
            expires_at=min(last, holds_until.get(hour, last)),
        )
        for hour, rollup in fresh.items()
    )
    store.engine.batch_put(chain.from_iterable(items))
