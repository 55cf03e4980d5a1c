"""How a batch is written: chunks, and fragments in the day's list and in those of all who own the trace.

OpenTelemetry's senders name session and user on some spans only, most often on the root, which comes last.
So a batch announces the owners it names, writes, and only then looks: what was listed before the announcement
it copies, and who was announced meanwhile gets what it wrote. Of two batches in the same moment at least one
sees the other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from traces_app.domain.limits import OLDEST_START_NS
from traces_app.domain.packing import PackedSpan
from traces_app.domain.summary import owners_of
from traces_app.storage import keys
from traces_app.storage.anchors import Anchor, Anchors, read_anchors, remember
from traces_app.storage.engine import Engine
from traces_app.storage.items import (
    NamedBlob,
    Place,
    chunk_items,
    fragment_items,
    in_list,
    is_live,
    listed_fragments,
    make_item,
    pack_in_parallel,
)
from traces_app.storage.models import Item, TraceItem
from traces_app.storage.rollups import Rollups
from traces_app.storage.stamp import Stamp

Traces = Mapping[str, Sequence[PackedSpan]]
Lists = Mapping[str, frozenset[str]]


@dataclass(slots=True)
class _Batch:
    """The spans of one trace that came together, and the lists their owners have."""

    place: Place
    packed: Sequence[PackedSpan]
    chunks: Sequence[NamedBlob]
    lists: frozenset[str]
    anchor: Anchor | None = None
    """``None`` for ids of our own: they say where the trace is listed, and our spans say whose they are."""

    @property
    def is_whole(self) -> bool:
        """Nothing has come before, and nothing that names an owner is likely to come."""
        is_first = self.anchor is not None and self.anchor.is_new
        return is_first and any(entry.span.parent_span_id is None for entry in self.packed)


class Appender:
    """Writes batches, and remembers what it need not write again."""

    def __init__(self, engine: Engine, rollups: Rollups, shards: int) -> None:
        self._engine = engine
        self._rollups = rollups
        self._shards = shards
        self._anchors = Anchors()
        self._registered: OrderedDict[tuple[str, str], None] = OrderedDict()

    def append(self, project: str, traces: Traces, stamp: Stamp) -> float:
        blobs = pack_in_parallel(traces)
        batches = [
            self._batch(project, trace_id, packed, blobs[trace_id], stamp)
            for trace_id, packed in traces.items()
        ]
        with self._engine.one_commit():
            batches = self._engine.each(lambda batch: self._agreed(batch, stamp), batches)
            places = [batch.place for batch in batches]
            registrations = self._registrations(places, stamp)
            markers = self._rollups.markers(places, stamp)
            items = [item for batch in batches for item in _items_of(batch, stamp)]
            units = self._engine.batch_put([*items, *registrations.values(), *markers.values()])
            lists = _lists_now(self._engine, batches)
            units += self._engine.batch_put(_late_items(batches, lists, stamp))
        self._remember(batches, lists, registrations)
        self._rollups.remember(markers, stamp.now_ns)
        return units

    def _batch(
        self,
        project: str,
        trace_id: str,
        packed: Sequence[PackedSpan],
        chunks: Sequence[NamedBlob],
        stamp: Stamp,
    ) -> _Batch:
        place = Place(project, trace_id, _first_start_ms(packed, stamp), self._shards)
        lists = place.owned_lists(owners_of([entry.span for entry in packed]))
        return _Batch(place, packed, chunks, lists)

    def _agreed(self, batch: _Batch, stamp: Stamp) -> _Batch:
        """Where its trace is listed: the time in our own ids; for foreign ids what the first batch said."""
        place = batch.place
        own_ms = keys.own_start_ms(place.trace_id, place.start_ms)
        if own_ms is not None:
            return replace(batch, place=replace(place, start_ms=own_ms))
        anchor = self._anchors.agree(place.anchor_partition, place.start_ms, batch.lists, stamp)
        return replace(batch, place=replace(place, start_ms=anchor.start_ms), anchor=anchor)

    def _remember(
        self, batches: Sequence[_Batch], lists: Lists, registrations: Iterable[tuple[str, str]]
    ) -> None:
        """Only what is durable, adoptions included."""
        for name in registrations:
            remember(self._registered, name, None)
        for batch in batches:
            partition, anchor = batch.place.anchor_partition, batch.anchor
            if anchor is not None:
                settled = anchor.settled | batch.lists
                self._anchors.keep(partition, Anchor(anchor.start_ms, lists[partition], settled))

    def _registrations(self, places: Sequence[Place], stamp: Stamp) -> dict[tuple[str, str], Item]:
        """Project and day partitions, noted once a day and process: lists need not guess days."""
        today = keys.day_of(stamp.now_ns // 1_000_000)
        after_its_traces = None if stamp.expires_at is None else stamp.expires_at + keys.DAY_MS // 1000
        items: dict[tuple[str, str], Item] = {}
        for place in places:
            day = f"{keys.day_of(place.start_ms)}#{place.shard}"
            for partition, sort, expires_at in (
                (keys.PROJECTS, place.project, None),
                (keys.days_partition(place.project), day, after_its_traces),
            ):
                name = (partition, f"{sort}@{today}")
                if name not in self._registered:
                    until = stamp._replace(expires_at=expires_at)
                    items[name] = make_item(TraceItem, partition, sort, until, body=b"{}")
        return items


def _items_of(batch: _Batch, stamp: Stamp) -> Iterator[Item]:
    known: frozenset[str] = batch.anchor.lists if batch.anchor else frozenset()
    yield from chunk_items(batch.place.spans_partition, batch.chunks, stamp)
    yield from fragment_items(batch.place, known | batch.lists, batch.packed, batch.chunks, stamp)


def _lists_now(engine: Engine, batches: Iterable[_Batch]) -> Lists:
    """By anchor: what others announced while these batches were written too."""
    agreed = {batch.place.anchor_partition: batch for batch in batches if batch.anchor}
    asked = [partition for partition, batch in agreed.items() if not batch.is_whole]
    found = read_anchors(engine, asked) if asked else {}
    return {
        partition: batch.anchor.lists | (found[partition].lists if partition in found else frozenset())
        for partition, batch in agreed.items()
        if batch.anchor
    }


def _late_items(batches: Iterable[_Batch], lists: Lists, stamp: Stamp) -> Iterator[Item]:
    for batch in batches:
        if batch.anchor is not None:
            announced = lists[batch.place.anchor_partition] - batch.anchor.lists - batch.lists
            yield from _own_for_others(batch, announced, stamp)
            yield from _others_for_own(batch, batch.lists - batch.anchor.settled, stamp)


def _own_for_others(batch: _Batch, announced: frozenset[str], stamp: Stamp) -> Iterator[Item]:
    """What this batch wrote, in the lists that were announced while it did."""
    if announced:
        items = fragment_items(batch.place, announced, batch.packed, batch.chunks, stamp)
        yield from (item for item in items if item.pk in announced)


def _others_for_own(batch: _Batch, announced: frozenset[str], stamp: Stamp) -> Iterator[Item]:
    """What earlier batches wrote, in the lists that this one announced."""
    if announced and batch.anchor and not batch.anchor.is_new:
        for fragment in listed_fragments(batch.place):
            if is_live(fragment, stamp.now_ns):
                yield from in_list(fragment, announced - batch.place.lists_in(fragment))


def _first_start_ms(packed: Sequence[PackedSpan], stamp: Stamp) -> int:
    starts = [start for entry in packed if (start := entry.span.start_ns or 0) >= OLDEST_START_NS]
    return min(max(0, min(starts, default=stamp.now_ns) // 1_000_000), keys.MAX_START_MS)
