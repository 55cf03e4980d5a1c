"""Hours of statistics, each kept as one small item from the moment somebody looks, and when they are stale.

Ingest pays nothing until then. Once a project's statistics are looked at, a batch that comes for an hour
which is closed leaves a marker (at most one an hour, minute and process); what was added up before the
marker, or so shortly after that clocks may disagree, is added up again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from traces_app.domain.durations import DAY_S, HOUR_MS
from traces_app.domain.measures import SECTIONS
from traces_app.storage import keys
from traces_app.storage.items import Place, is_live, make_item
from traces_app.storage.models import Item, TraceItem
from traces_app.storage.records import Records
from traces_app.storage.stamp import Stamp

MAX_CLOCK_SKEW_NS: Final = 120 * 10**9
"""By which the clocks of two servers may differ."""

CLOSED_AFTER_NS: Final = 600 * 10**9
"""An hour is added up when it has been over this long: most traces that started in it have ended."""

LATE_AFTER_NS: Final = CLOSED_AFTER_NS - MAX_CLOCK_SKEW_NS
MARKED_FOR_NS: Final = 60 * 10**9
"""A marker speaks for what follows it, too: a stream of late batches costs a unit a minute."""

SETTLED_AFTER_NS: Final = MARKED_FOR_NS + MAX_CLOCK_SKEW_NS
KEPT_AT_MOST_S: Final = 440 * DAY_S
MARKED_FOR_S: Final = KEPT_AT_MOST_S + DAY_S
"""A marker outlives every hour that was added up before it: sums made before a change must not come back."""

WATCH_REMEMBERED_NS: Final = 10 * 10**9
"""How long a process believes that nobody looks at a project's statistics."""

WATCHED_AFTER_NS: Final = WATCH_REMEMBERED_NS + 5 * 10**9
MAX_REMEMBERED: Final = 10_000


@dataclass(slots=True, frozen=True)
class Kept:
    """One hour as it was added up."""

    hour: int
    body: bytes
    is_settled: bool
    """Not so: something changed that was added up in it."""


class Rollups:
    """``hour`` counts hours since 1970."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._watched: OrderedDict[str, tuple[int, bool]] = OrderedDict()
        self._marked: OrderedDict[tuple[str, str], int] = OrderedDict()

    # -- for those who write -----------------------------------------------------------------------

    def markers(self, places: Iterable[Place], now_ns: int) -> dict[tuple[str, str], Item]:
        """What a batch that touches closed hours has to write with it; give it to ``remember`` afterwards."""
        found: dict[tuple[str, str], Item] = {}
        stamp = Stamp(now_ns, now_ns // 1_000_000_000 + MARKED_FOR_S)
        for place in places:
            hour = place.start_ms // HOUR_MS
            if now_ns < _end_ns(hour) + LATE_AFTER_NS:
                continue
            name = (keys.late_partition(place.project), keys.hour_sort(hour))
            marked_ns = self._marked.get(name)
            is_fresh = marked_ns is not None and 0 <= now_ns - marked_ns < MARKED_FOR_NS
            if name not in found and not is_fresh and self._is_watched(place.project, now_ns):
                found[name] = make_item(TraceItem, *name, stamp, body=b"{}")
        return found

    @contextmanager
    def marked(self, place: Place, now_ns: int, *, changes: int = 1) -> Iterator[list[Item]]:
        """What has to be written with a change of a stored trace, and remembered once it is: its hour has to
        be added up again.
        """
        markers = self.markers([place], now_ns) if changes else {}
        yield list(markers.values())
        self.remember(markers, now_ns)

    def remember(self, markers: Iterable[tuple[str, str]], now_ns: int) -> None:
        for name in markers:
            self._marked[name] = now_ns
            _bound(self._marked)

    def _is_watched(self, project: str, now_ns: int) -> bool:
        known = self._watched.get(project)
        if known is not None and (known[1] or 0 <= now_ns - known[0] < WATCH_REMEMBERED_NS):
            return known[1]
        is_watched = self._records.get_record(keys.Kind.WATCHED, project, now_ns=now_ns) is not None
        self._watched[project] = (now_ns, is_watched)
        _bound(self._watched)
        return is_watched

    # -- for those who look ------------------------------------------------------------------------

    def watch(self, project: str, *, now_ns: int) -> bool:
        """Note that somebody looks. True once every writer knows: from then on hours may be kept."""
        record = self._records.get_record(keys.Kind.WATCHED, project, now_ns=now_ns)
        if record is None:
            value = {"since_ns": now_ns}
            self._records.put_record(keys.Kind.WATCHED, project, value, now_ns=now_ns, only_if_absent=True)
            return False
        return now_ns - int(record["since_ns"]) >= WATCHED_AFTER_NS

    def read(self, project: str, section: str, first_hour: int, last_hour: int, *, now_ns: int) -> list[Kept]:
        """The hours that are kept, stale ones too."""
        late = {
            item.sk: (item.at or 0) * 1000
            for item in _between(keys.late_partition(project), first_hour, last_hour)
        }
        return [
            Kept(int(item.sk), item.body or b"", _is_settled((item.at or 0) * 1000, late.get(item.sk)))
            for item in _between(keys.rollup_partition(project, section), first_hour, last_hour)
            if is_live(item, now_ns)
        ]

    def forget(self, project: str, hours: Iterable[int]) -> None:
        """Hours as they were added up: names, users, sessions. The bill's name nobody."""
        for hour in hours:
            for section in SECTIONS.keys() - {"bill"}:
                self._records.delete_record(keys.rollup_partition(project, section), keys.hour_sort(hour))

    def items(
        self, project: str, section: str, hours: Mapping[int, bytes], *, now_ns: int, expires_at: int | None
    ) -> Iterator[Item]:
        """Closed hours to keep. ``now_ns`` is when their traces began to be read."""
        pk = keys.rollup_partition(project, section)
        last = now_ns // 1_000_000_000 + KEPT_AT_MOST_S
        stamp = Stamp(now_ns, last if expires_at is None else min(expires_at, last))
        for hour, body in hours.items():
            if is_closed(hour, now_ns):
                yield make_item(TraceItem, pk, keys.hour_sort(hour), stamp, body=body)


def is_closed(hour: int, now_ns: int) -> bool:
    return now_ns >= _end_ns(hour) + CLOSED_AFTER_NS


def _end_ns(hour: int) -> int:
    return (hour + 1) * HOUR_MS * 1_000_000


def _is_settled(added_up_ns: int, marked_ns: int | None) -> bool:
    return marked_ns is None or added_up_ns > marked_ns + SETTLED_AFTER_NS


def _between(pk: str, first_hour: int, last_hour: int) -> Iterator[TraceItem]:
    bounds = TraceItem.sk.between(keys.hour_sort(first_hour), keys.hour_sort(last_hour))
    return iter(TraceItem.query(pk, bounds))


def _bound(memory: OrderedDict[str, tuple[int, bool]] | OrderedDict[tuple[str, str], int]) -> None:
    while len(memory) > MAX_REMEMBERED:
        memory.popitem(last=False)
