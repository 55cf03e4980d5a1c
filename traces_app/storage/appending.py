"""How a batch is written: chunks, and fragments in the day's list and in those of all who own the trace.

OpenTelemetry's senders name session and user on some spans only, most often on the root, which comes last.
So a batch announces the owners it names, writes, and only then looks: what was listed before the announcement
it copies, and who was announced meanwhile gets what it wrote. Of two batches in the same moment at least one
sees the other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from traces_app.domain.budget import Thinning
from traces_app.domain.limits import OLDEST_START_NS
from traces_app.domain.metering import NOTHING, Consumed, Metered
from traces_app.domain.packing import PackedSpan
from traces_app.domain.retention import Retention, expiry, is_late
from traces_app.domain.summary import fragment_of, merge, owners_of
from traces_app.storage import keys
from traces_app.storage.accounting import Written, account_of
from traces_app.storage.anchors import Anchor, Anchors, read_anchors, remember
from traces_app.storage.dictionaries import OwnDictionaries
from traces_app.storage.engine import Engine
from traces_app.storage.items import (
    NamedBlob,
    Place,
    chunk_items,
    day_end,
    fragment_items,
    in_list,
    is_live,
    listed_fragments,
    make_item,
    pack_fragments,
    pack_in_parallel,
    thinned_share,
)
from traces_app.storage.lifetimes import Lifetimes
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
    fragments: Sequence[NamedBlob]
    lists: frozenset[str]
    stamp: Stamp
    anchor: Anchor | None = None
    """``None`` for ids of our own: they say where the trace is listed, and our spans say whose they are."""

    @property
    def is_whole(self) -> bool:
        """Nothing has come before, and nothing that names an owner is likely to come."""
        is_first = self.anchor is not None and self.anchor.is_new
        return is_first and any(entry.span.parent_span_id is None for entry in self.packed)


class Appender:
    """Writes batches, and remembers what it need not write again."""

    def __init__(
        self,
        engine: Engine,
        rollups: Rollups,
        dictionaries: OwnDictionaries,
        lifetimes: Lifetimes,
        shards: int,
    ) -> None:
        self._engine = engine
        self._rollups = rollups
        self._dictionaries = dictionaries
        self._lifetimes = lifetimes
        self._shards = shards
        self._anchors = Anchors()
        self._registered: OrderedDict[tuple[str, str], None] = OrderedDict()

    def append(
        self,
        project: str,
        traces: Traces,
        stamp: Stamp,
        retention: Retention | None = None,
        thinning: Thinning | None = None,
    ) -> float:
        blobs = pack_in_parallel(traces, self._dictionaries.of(project, stamp.now_ns))
        batches = [
            self._batch(project, trace_id, packed, blobs[trace_id], stamp)
            for trace_id, packed in traces.items()
        ]
        with self._engine.one_commit():
            batches = self._engine.each(lambda batch: self._agreed(batch, retention), batches)
            if thinning is not None:
                batches = self._engine.each(lambda batch: _thinned(batch, thinning, retention), batches)
            places = [batch.place for batch in batches]
            registrations = self._registrations(batches, retention)
            markers = self._rollups.markers(places, stamp.now_ns)
            others = [*registrations.values(), *markers.values()]
            spent_units = sum(batch.anchor.write_units for batch in batches if batch.anchor)
            with account_of(project, spent_units) as account:
                written = _written(batches, account.carried)
                account.settle(written, others)
                items = [item for one in written for item in one.items]
                units = self._engine.batch_put([*items, *others])
            lists = self._lists_now(batches)
            late = list(_late_items(batches, written, lists))
            units += self._engine.batch_put(late)
            self._settle(batches, retention, {keys.parse_fragment_sort(item.sk)[1] for item in late})
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
        return _Batch(place, packed, chunks, pack_fragments(packed, chunks), lists, stamp)

    def _agreed(self, batch: _Batch, retention: Retention | None) -> _Batch:
        """Where its trace is listed: the time in our own ids; for foreign ids what the first batch said.

        And until when what the batch itself tells of the trace makes it last.
        """
        place, anchor = batch.place, None
        start_ms = keys.own_start_ms(place.trace_id, place.start_ms)
        if start_ms is None:
            until = _longest_stamp(batch, retention)
            anchor = self._anchors.agree(place.anchor_partition, place.start_ms, batch.lists, until)
            start_ms = anchor.start_ms
        place = replace(place, start_ms=start_ms)
        stamp = batch.stamp if retention is None else _stamp_by(retention, place, batch)
        return replace(batch, place=place, anchor=anchor, stamp=stamp)

    def _settle(
        self, batches: Sequence[_Batch], retention: Retention | None, copied: AbstractSet[str]
    ) -> None:
        """What came earlier, or in the same moment, may last longer than this, or less long.

        Copies of ``copied`` traces were read before others may have prolonged what they are copies of.
        """
        if retention is None:
            return

        def settle(batch: _Batch) -> None:
            is_copied = batch.place.trace_id in copied
            self._lifetimes.settle(batch.place, retention, with_copies=is_copied, now_ns=batch.stamp.now_ns)

        varying = retention.varies
        mixed = [one for one in batches if varying or is_late(one.place.start_ms, one.stamp.now_ns)]
        self._engine.each(settle, mixed)

    def _lists_now(self, batches: Iterable[_Batch]) -> Lists:
        """By anchor: what others announced while these batches were written too."""
        agreed = {batch.place.anchor_partition: batch for batch in batches if batch.anchor}
        asked = [partition for partition, batch in agreed.items() if not batch.is_whole]
        found = read_anchors(self._engine, asked) if asked else {}
        for partition in asked:
            if partition not in found:  # deleted with its trace, which begins anew with this batch
                batch = agreed[partition]
                self._anchors.forget(partition)
                found[partition] = self._anchors.agree(
                    partition, batch.place.start_ms, batch.lists, batch.stamp
                )
        return {
            partition: batch.anchor.lists | (found[partition].lists if partition in found else frozenset())
            for partition, batch in agreed.items()
            if batch.anchor
        }

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

    def _registrations(
        self, batches: Sequence[_Batch], retention: Retention | None
    ) -> dict[tuple[str, str], Item]:
        """Project and day partitions, noted once a day and process: lists need not guess days."""
        items: dict[tuple[str, str], Item] = {}
        for batch in batches:
            place, (now_ns, until) = batch.place, _longest_stamp(batch, retention)
            day = keys.day_sort(place.start_ms, place.shard, day_end(until))
            for partition, sort, end in (
                (keys.Kind.PROJECTS, place.project, None),
                (keys.days_partition(place.project), day, day_end(until)),
            ):
                name = (partition, f"{sort}@{keys.day_of(now_ns // 1_000_000)}")
                if name not in self._registered:
                    items[name] = make_item(TraceItem, partition, sort, Stamp(now_ns, end), body=b"{}")
        return items


def _stamp_by(retention: Retention, place: Place, batch: _Batch) -> Stamp:
    now_ns, days = batch.stamp.now_ns, retention.rest_days
    if retention.rules:
        fragment = fragment_of([entry.span for entry in batch.packed])
        days = retention.rule_of(merge(place.project, place.trace_id, [fragment], now_ns=now_ns)).days
    return Stamp(now_ns, expiry(days, place.start_ms, now_ns))


def _thinned(batch: _Batch, thinning: Thinning, retention: Retention | None) -> _Batch:
    """Without its chunks, where the budget drops them and nothing else is known of its trace.

    What came before may have been an error, a pin, or this very batch: sent again it is as it was.
    """
    if thinning.takes(batch.place.trace_id):
        return batch
    spans = [entry.span for entry in batch.packed]
    now_ns, place = batch.stamp.now_ns, batch.place
    trace = merge(place.project, place.trace_id, [fragment_of(spans)], now_ns=now_ns)
    if not thinning.drops(trace, spans) or (retention is not None and retention.holds_longer(trace)):
        return batch
    share: float | None = thinning.keep_rate
    names: set[str] = set()
    if batch.anchor is None or not batch.anchor.is_new:
        listed = [item for item in listed_fragments(place) if is_live(item, now_ns)]
        names = {item.sk.rsplit("#", 1)[-1] for item in listed}
        share = thinned_share(listed[0]) if listed else share
    if share is None:
        return batch
    fragments = pack_fragments(batch.packed, (), thinned=share)
    is_alone = names <= {name for name, _ in fragments}
    return replace(batch, chunks=(), fragments=fragments) if is_alone else batch


def _longest_stamp(batch: _Batch, retention: Retention | None) -> Stamp:
    """Until when any batch of the trace can last: for what all of them go by."""
    if retention is None:
        return batch.stamp
    now_ns = batch.stamp.now_ns
    return Stamp(now_ns, expiry(retention.longest_days, batch.place.start_ms, now_ns))


def _written(batches: Sequence[_Batch], carried: Consumed) -> list[Written]:
    """With notes that are still empty, but as long as they will be."""
    written = []
    for place, batch in enumerate(batches):
        known: frozenset[str] = batch.anchor.lists if batch.anchor else frozenset()
        note = Metered(carried=NOTHING if place else carried)
        items: list[Item] = [*chunk_items(batch.place.spans_partition, batch.chunks, batch.stamp)]
        items += fragment_items(batch.place, known | batch.lists, batch.fragments, note, batch.stamp)
        anchor = batch.anchor or Anchor(0, frozenset())
        written.append(Written(items, anchor.write_units, anchor.new_bytes))
    return written


def _late_items(batches: Sequence[_Batch], written: Sequence[Written], lists: Lists) -> Iterator[Item]:
    for batch, one in zip(batches, written, strict=True):
        if batch.anchor is not None:
            announced = lists[batch.place.anchor_partition] - batch.anchor.lists - batch.lists
            yield from _own_for_others(batch, one, announced)
            yield from _others_for_own(batch, batch.lists - batch.anchor.settled)


def _own_for_others(batch: _Batch, written: Written, announced: frozenset[str]) -> Iterator[Item]:
    """What this batch wrote, in the lists that were announced while it did."""
    for item in written.items:
        if isinstance(item, TraceItem) and item.pk == batch.place.day_partition:
            yield from in_list(item, announced)


def _others_for_own(batch: _Batch, announced: frozenset[str]) -> Iterator[Item]:
    """What earlier batches wrote, in the lists that this one announced."""
    if announced and batch.anchor and not batch.anchor.is_new:
        for fragment in listed_fragments(batch.place):
            if is_live(fragment, batch.stamp.now_ns):
                yield from in_list(fragment, announced - batch.place.lists_in(fragment))


def _first_start_ms(packed: Sequence[PackedSpan], stamp: Stamp) -> int:
    starts = [start for entry in packed if (start := entry.span.start_ns or 0) >= OLDEST_START_NS]
    return min(max(0, min(starts, default=stamp.now_ns) // 1_000_000), keys.MAX_START_MS)
