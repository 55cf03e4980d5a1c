"""A batch of spans as items: chunks for the spans table, fragments for every list their trace belongs to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

from backports.zstd import ZstdDict

from traces_app.domain.durations import DAY_S
from traces_app.domain.fragments import pack_without_note, unpack_fragment
from traces_app.domain.metering import Metered, pack_note
from traces_app.domain.packing import PackedSpan, content_key, pack_chunk
from traces_app.domain.summary import Fragment, Owners, fragment_of
from traces_app.storage import keys
from traces_app.storage.models import Item, SpanItem, TraceItem
from traces_app.storage.stamp import Stamp

ITEM_VERSION: Final = 1
MAX_PART_BYTES: Final = 380_000
"""DynamoDB's limit is 400 KB an item, names and keys included."""

MAX_CHUNK_SPANS: Final = 2048
MAX_CHUNK_PAYLOAD_BYTES: Final = 2**23
"""What a trace repeats is stored once a chunk: an agent's run of 100 turns takes three times as much in those
of 1 MiB. Opening one span unpacks its chunk: 5 ms at this size, twice that at 16 MiB."""

MAX_FRAGMENT_SPANS: Final = 4000
"""An entry takes 72 bytes at most: 288 KB of the 400 KB an item may have."""

MAX_PACKERS: Final = 4


def _start_packers() -> None:
    """Threads start with the first batch; the child of a fork has none and needs its own."""
    global _packers  # noqa: PLW0603 - one pool a process
    _packers = ThreadPoolExecutor(min(MAX_PACKERS, os.cpu_count() or 1), thread_name_prefix="pack")


_packers: ThreadPoolExecutor
_start_packers()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_packers)

NamedBlob = tuple[str, bytes]
"""A packed chunk and its name."""

AnyItem = TypeVar("AnyItem", bound=Item)


@dataclass(slots=True, frozen=True)
class Place:
    """Where a trace is listed."""

    project: str
    trace_id: str
    start_ms: int
    shards: int

    @property
    def shard(self) -> int:
        return keys.shard_of(self.trace_id, self.shards)

    @property
    def day_partition(self) -> str:
        return keys.day_partition(self.project, keys.day_of(self.start_ms), self.shard)

    @property
    def day_partitions(self) -> dict[str, int]:
        """Shards by partition: that one, and those of earlier batches that came when there were fewer."""
        day = keys.day_of(self.start_ms)
        shards = keys.shards_of(self.trace_id, self.shards)
        return {keys.day_partition(self.project, day, shard): shard for shard in shards}

    def as_found(self, listed: Iterable[TraceItem]) -> Place:
        """With as many shards as there were when the last of these came: what changes a trace leaves it in
        a partition that its day names.
        """
        partitions = {item.pk for item in listed}
        earlier = (replace(self, shards=number) for number in keys.shard_numbers(self.shards))
        return next((place for place in earlier if place.day_partition in partitions), self)

    @property
    def spans_partition(self) -> str:
        return keys.spans_partition(self.project, self.trace_id)

    @property
    def anchor_partition(self) -> str:
        return keys.anchor_partition(self.project, self.trace_id)

    def owned_lists(self, owners: Owners) -> frozenset[str]:
        """The partitions of its session and of its user, where it has one."""
        session = owners.session_id and keys.session_partition(self.project, owners.session_id)
        user = owners.user_id and keys.user_partition(self.project, owners.user_id)
        return frozenset(partition for partition in (session, user) if partition)

    def shards_in(self, listed: Iterable[TraceItem]) -> set[int]:
        """Those in which the trace stands."""
        return {self.day_partitions[item.pk] for item in listed}

    def lists_in(self, fragment: TraceItem) -> frozenset[str]:
        """Those that its batch named, and so stands in."""
        facts = unpack_fragment(fragment.body or b"", with_entries=False).facts
        return self.owned_lists(Owners(facts.user_id, facts.session_id, None, None))


def make_item(model: type[AnyItem], pk: str, sk: str, stamp: Stamp, *, body: bytes) -> AnyItem:
    at_us = stamp.now_ns // 1000
    return model(pk, sk, v=ITEM_VERSION, at=at_us, expires_at=stamp.expires_at, body=body)


def is_live(item: Item, now_ns: int) -> bool:
    """DynamoDB deletes expired items up to two days late, so readers look themselves."""
    return item.expires_at is None or item.expires_at > now_ns // 1_000_000_000


def pack_in_parallel(
    traces: Mapping[str, Sequence[PackedSpan]], dictionary: ZstdDict | None
) -> dict[str, list[NamedBlob]]:
    """Name and blob of each chunk by trace. Compression, half of what a batch costs, runs without the GIL."""
    groups = [(trace_id, group) for trace_id, packed in traces.items() for group in _chunk_groups(packed)]
    pack = map if len(groups) == 1 else _packers.map
    blobs = pack(partial(pack_chunk, dictionary=dictionary), [group for _, group in groups])
    found: dict[str, list[NamedBlob]] = {}
    for (trace_id, _), blob in zip(groups, blobs, strict=True):
        found.setdefault(trace_id, []).append((content_key(blob), blob))
    return found


def chunk_items(partition: str, chunks: Iterable[NamedBlob], stamp: Stamp) -> Iterator[Item]:
    for name, blob in chunks:
        starts = range(0, len(blob), MAX_PART_BYTES)
        for part, start in enumerate(starts):
            sort = keys.part_sort(name, part, len(starts))
            yield make_item(SpanItem, partition, sort, stamp, body=blob[start : start + MAX_PART_BYTES])


def pack_fragments(
    packed: Sequence[PackedSpan], chunks: Sequence[NamedBlob], *, thinned: float | None = None
) -> list[NamedBlob]:
    """What lists will show of the batch. A name stands for the spans alone, whatever is noted behind them.

    ``thinned``: there are no chunks, because only this share of plain traces is kept whole.
    """
    stored_bytes = sum(len(blob) for _, blob in chunks)
    chunk_names = [name.encode() for name, _ in chunks]
    fragments = []
    for start in range(0, len(packed), MAX_FRAGMENT_SPANS):
        some = packed[start : start + MAX_FRAGMENT_SPANS]
        fragment = fragment_of(
            [entry.span for entry in some],
            raw_bytes=sum(len(entry.payload) for entry in some),
            stored_bytes=0 if start else stored_bytes,
            thinned=thinned,
        )
        blob = pack_without_note(fragment)
        fragments.append((content_key(blob, *chunk_names), blob))
    return fragments


def fragment_items(
    place: Place,
    lists: Iterable[str],
    fragments: Sequence[NamedBlob],
    metered: Metered | None,
    stamp: Stamp,
) -> Iterator[TraceItem]:
    """In the day's list and in each of ``lists``. The first notes what the whole batch consumed."""
    notes = [pack_note(metered), *[pack_note(metered and Metered())] * (len(fragments) - 1)]
    for (name, blob), note in zip(fragments, notes, strict=True):
        sort = keys.fragment_sort(place.start_ms, place.trace_id, name)
        for partition in (place.day_partition, *sorted(lists)):
            yield make_item(TraceItem, partition, sort, stamp, body=blob + note)


def day_entry(place: Place, shard: int, expires_at: int | None, now_ns: int) -> TraceItem:
    """That the trace's day is listed as long as the trace lives: lists need not guess days."""
    pk, until = keys.days_partition(place.project), day_end(expires_at)
    sort = keys.day_sort(place.start_ms, shard, until)
    return make_item(TraceItem, pk, sort, Stamp(now_ns, until), body=b"{}")


def day_end(expires_at: int | None) -> int | None:
    """Whole days, one more than the trace has."""
    return None if expires_at is None else (expires_at // DAY_S + 2) * DAY_S


def is_pin(item: Item) -> bool:
    return item.sk.endswith(f"#{keys.PIN}")


def thinned_share(item: Item) -> float | None:
    """Of a fragment whose spans were not kept: what share of plain traces was."""
    return unpack_fragment(item.body or b"", with_entries=False).facts.thinned


def batches_in(items: Iterable[TraceItem]) -> list[TraceItem]:
    """Without the pin, oldest first."""
    return sorted((item for item in items if not is_pin(item)), key=lambda item: item.at or 0)


def fragments_in(items: Iterable[TraceItem], *, with_entries: bool = False) -> list[Fragment]:
    """Oldest first. Of a trace of several the entries are needed in any case."""
    ordered = batches_in(items)
    all_entries = with_entries or len(ordered) > 1
    return [unpack_fragment(item.body or b"", with_entries=all_entries) for item in ordered]


def listed_fragments(place: Place) -> Iterator[TraceItem]:
    """What batches left of a trace in the day's list, expired ones and its pin too."""
    prefix = keys.trace_prefix(place.start_ms, place.trace_id) + "#"
    for partition in place.day_partitions:
        yield from TraceItem.query(partition, TraceItem.sk.startswith(prefix), consistent_read=True)


def in_list(fragment: TraceItem, partitions: Iterable[str]) -> Iterator[TraceItem]:
    """The same fragment in other lists, written and expiring when it was."""
    stamp = Stamp((fragment.at or 0) * 1000, fragment.expires_at)
    for partition in sorted(partitions):
        yield make_item(TraceItem, partition, fragment.sk, stamp, body=fragment.body or b"")


def _chunk_groups(packed: Sequence[PackedSpan]) -> Iterator[list[PackedSpan]]:
    group: list[PackedSpan] = []
    payload_bytes = 0
    for entry in packed:
        full = len(group) >= MAX_CHUNK_SPANS or payload_bytes + len(entry.payload) > MAX_CHUNK_PAYLOAD_BYTES
        if group and full:
            yield group
            group, payload_bytes = [], 0
        group.append(entry)
        payload_bytes += len(entry.payload)
    if group:
        yield group
