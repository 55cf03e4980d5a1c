"""A stored trace written anew: what to put, and what to delete once that is durable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from backports.zstd import ZstdDict

from traces_app.domain.durations import HOUR_S
from traces_app.domain.fragments import unpack_fragment
from traces_app.domain.metering import Metered
from traces_app.domain.packing import PackedSpan, pack_payload, span_from
from traces_app.domain.span import Span
from traces_app.domain.summary import owners_of
from traces_app.storage.chunks import Chunk
from traces_app.storage.items import (
    NamedBlob,
    Place,
    chunk_items,
    fragment_items,
    in_list,
    pack_fragments,
    pack_in_parallel,
)
from traces_app.storage.models import Item, SpanItem, TraceItem
from traces_app.storage.stamp import Stamp

Change = Callable[[Span], Span | None]
"""A stored span as it should be; ``None`` when it is so already."""


LOST_AFTER_US: Final = HOUR_S * 10**6
"""A batch that is still incomplete after an hour will not be completed."""


@dataclass(slots=True)
class Rewrite:
    """``changed`` spans, the ``lists`` they stand in, and the items that replace others."""

    changed: int = 0
    lists: frozenset[str] = frozenset()
    puts: dict[tuple[str, str], Item] = field(default_factory=dict)
    deletes: dict[tuple[str, str], Item] = field(default_factory=dict)

    def put(self, items: Iterable[Item]) -> None:
        self.puts.update({(item.pk, item.sk): item for item in items})

    def delete(self, items: Iterable[Item]) -> None:
        self.deletes.update({(item.pk, item.sk): item for item in items})


@dataclass(slots=True)
class _Renewed:
    """A stored chunk, and its spans as they should be."""

    chunk: Chunk
    packed: list[PackedSpan]
    changed: int
    blobs: list[NamedBlob]
    fragments: list[NamedBlob]


def is_being_written(listed: Sequence[TraceItem], chunks: Iterable[Chunk], now_ns: int) -> bool:
    """Lists tell of spans that are not there yet: another process is in the middle of its batch.

    ``listed`` are not those of thinned batches, whose spans never come.
    """
    here = {row["span_id"] for chunk in chunks for row in chunk.rows}
    recent = [item for item in listed if (item.at or 0) > now_ns // 1000 - LOST_AFTER_US]
    fragments = (unpack_fragment(item.body or b"", with_entries=True) for item in recent)
    return any(entry.span_id not in here for fragment in fragments for entry in fragment.entries)


def rewrite(
    place: Place,
    listed: Sequence[TraceItem],
    chunks: Sequence[Chunk],
    lists: frozenset[str],
    change: Change,
    *,
    dictionary: ZstdDict | None,
) -> Rewrite:
    """``listed`` are the trace's fragments in the day's list, ``lists`` the others it is known to stand in.

    Chunks keep the time they were written and the time they expire. Every chunk gets a fragment of its own,
    in all lists. Doing it again, also after half of it was done, gives the same.
    """
    renewed = [_renewed(place.trace_id, chunk, change, dictionary) for chunk in chunks]
    result = Rewrite(changed=sum(one.changed for one in renewed))
    if result.changed:
        owners = owners_of([entry.span for one in renewed for entry in one.packed])
        result.lists = lists.union(place.owned_lists(owners), *map(place.lists_in, listed))
        notes = _notes(renewed, listed)
        for one in renewed:
            result.put(_items_of(place, result.lists, one, notes))
            result.delete(SpanItem(place.spans_partition, sort) for sort in one.chunk.sorts)
        for partition in (*place.day_partitions, *result.lists):
            result.delete(TraceItem(partition, item.sk) for item in listed)
        result.deletes = {key: item for key, item in result.deletes.items() if key not in result.puts}
    return result


def copies(place: Place, result: Rewrite, lists: frozenset[str]) -> Iterator[TraceItem]:
    """The new fragments, for lists that were announced while they were written."""
    for item in result.puts.values():
        if isinstance(item, TraceItem) and item.pk == place.day_partition:
            yield from in_list(item, lists - result.lists)


def _renewed(trace_id: str, chunk: Chunk, change: Change, dictionary: ZstdDict | None) -> _Renewed:
    packed: list[PackedSpan] = []
    changed = 0
    for index, row in enumerate(chunk.rows):
        stored = span_from(trace_id, {"name": "", **row, **chunk.payload(index)})
        better = change(stored)
        changed += better is not None
        span = better or stored
        packed.append(PackedSpan(span, pack_payload(span)))
    blobs = pack_in_parallel({trace_id: packed}, dictionary)[trace_id]
    return _Renewed(chunk, packed, changed, blobs, pack_fragments(packed, blobs))


def _items_of(
    place: Place, lists: frozenset[str], renewed: _Renewed, notes: Mapping[str, Metered | None]
) -> Iterator[Item]:
    stamp = Stamp(renewed.chunk.written_us * 1000, renewed.chunk.expires_at)
    yield from chunk_items(place.spans_partition, renewed.blobs, stamp)
    fragments = renewed.fragments
    yield from fragment_items(place, lists, fragments, notes[fragments[0][0]], stamp)


def _notes(renewed: Sequence[_Renewed], listed: Sequence[TraceItem]) -> dict[str, Metered | None]:
    """By a new fragment's name, what it notes: the first of a changed chunk what those it replaces did.

    Where that is listed already, half of this was done before.
    """
    noted = {item.sk.rsplit("#", 1)[-1]: _noted(item) for item in listed}
    names = [one.fragments[0][0] for one in renewed]
    replaced = [note for name, note in noted.items() if name not in names]
    total = None if None in replaced else reduce(Metered.plus, filter(None, replaced), Metered())
    first = next(name for name, one in zip(names, renewed, strict=True) if one.changed)
    empty = None if total is None else Metered()
    return {name: noted.get(name, total if name == first else empty) for name in names}


def _noted(item: TraceItem) -> Metered | None:
    return unpack_fragment(item.body or b"", with_entries=False).metered
