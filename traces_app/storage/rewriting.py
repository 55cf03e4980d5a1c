"""A stored trace written anew: what to put, and what to delete once that is durable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from traces_app.domain.fragments import unpack_fragment
from traces_app.domain.packing import PackedSpan, pack_payload, span_from
from traces_app.domain.span import Span
from traces_app.domain.summary import Fragment, Owners, owners_of
from traces_app.storage.chunks import Chunk
from traces_app.storage.items import Place, chunk_items, fragment_items, pack_in_parallel
from traces_app.storage.models import Item, SpanItem, TraceItem
from traces_app.storage.stamp import Stamp

Change = Callable[[Span], Span | None]
"""A stored span as it should be; ``None`` when it is so already."""


@dataclass(slots=True)
class Rewrite:
    """``changed`` spans; none when the trace is as it should be, or is just being written."""

    changed: int = 0
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


def rewrite(place: Place, listed: Sequence[TraceItem], chunks: Sequence[Chunk], change: Change) -> Rewrite:
    """``listed`` are the trace's fragments in the day's list, read before its ``chunks`` were.

    Chunks keep the time they were written and the time they expire. Every chunk gets a fragment of its own,
    in the lists of all who own the trace. Doing it again, also after half of it was done, gives the same.
    """
    fragments = [unpack_fragment(item.body or b"", with_entries=True) for item in listed]
    if _is_being_written(fragments, chunks):
        return Rewrite()
    renewed = [_renewed(place.trace_id, chunk, change) for chunk in chunks]
    result = Rewrite(changed=sum(one.changed for one in renewed))
    if result.changed:
        owners = owners_of([entry.span for one in renewed for entry in one.packed])
        for one in renewed:
            result.put(_items_of(place, owners, one))
            result.delete(SpanItem(place.spans_partition, sort) for sort in one.chunk.sorts)
        result.delete(_listings(place, owners, listed, fragments))
        result.deletes = {key: item for key, item in result.deletes.items() if key not in result.puts}
    return result


def _is_being_written(fragments: Iterable[Fragment], chunks: Iterable[Chunk]) -> bool:
    """Lists tell of spans that are not there yet: another process is in the middle of its batch."""
    told = {entry.span_id for fragment in fragments for entry in fragment.entries}
    return not told <= {row["span_id"] for chunk in chunks for row in chunk.rows}


def _renewed(trace_id: str, chunk: Chunk, change: Change) -> _Renewed:
    renewed = _Renewed(chunk, [], 0)
    for index, row in enumerate(chunk.rows):
        stored = span_from(trace_id, {"name": "", **row, **chunk.payload(index)})
        better = change(stored)
        renewed.changed += better is not None
        span = better or stored
        renewed.packed.append(PackedSpan(span, pack_payload(span)))
    return renewed


def _items_of(place: Place, owners: Owners, renewed: _Renewed) -> Iterator[Item]:
    stamp = Stamp(renewed.chunk.written_us * 1000, renewed.chunk.expires_at)
    blobs = pack_in_parallel({place.trace_id: renewed.packed})[place.trace_id]
    everyone = (owners_of([entry.span for entry in renewed.packed]), owners)
    yield from chunk_items(place.spans_partition, blobs, stamp)
    yield from fragment_items(place, everyone, renewed.packed, blobs, stamp)


def _listings(
    place: Place, owners: Owners, listed: Iterable[TraceItem], fragments: Sequence[Fragment]
) -> Iterator[Item]:
    """Wherever the old fragments may stand."""
    everyone = [_owners_in(fragment) for fragment in fragments]
    partitions = [place.day_partition, *place.owned_partitions(owners, *everyone)]
    for item in listed:
        yield from (TraceItem(partition, item.sk) for partition in partitions)


def _owners_in(fragment: Fragment) -> Owners:
    return Owners(*(getattr(fragment.facts, name) for name in Owners._fields))
