"""Everything there is of one trace, in the order it has to go, or to be changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from traces_app.domain.summary import merge
from traces_app.storage import keys
from traces_app.storage.items import Place, fragments_in
from traces_app.storage.models import Item, SpanItem, TraceItem


class Weight(NamedTuple):
    """What is stored of a trace; ``size_bytes`` are those of the items' bodies."""

    spans: int
    items: int
    size_bytes: int


def weigh(place: Place, listed: Sequence[TraceItem], items: Sequence[Item], now_ns: int) -> Weight:
    """``items`` are those of ``items_of_trace``; the anchor among them is there whether it exists or not."""
    summary = merge(place.project, place.trace_id, fragments_in(listed, with_entries=True), now_ns=now_ns)
    bodies = [len(item.body or b"") for item in items if item.pk != place.anchor_partition]
    return Weight(summary.span_count, len(bodies), sum(bodies))


def items_of_trace(place: Place, lists: frozenset[str], listed: Sequence[TraceItem]) -> Iterator[Item]:
    """Spans first, the day's list last: whatever stops half-way, the trace is still found to delete the rest.

    ``listed`` are its fragments in the day's list, ``lists`` the others its anchor knows.
    """
    yield from SpanItem.query(place.spans_partition, consistent_read=True)
    for partition in sorted(lists.union(*map(place.lists_in, listed))):
        prefix = keys.trace_prefix(place.start_ms, place.trace_id) + "#"
        yield from TraceItem.query(partition, TraceItem.sk.startswith(prefix), consistent_read=True)
    yield TraceItem(place.anchor_partition, keys.ONLY)
    yield from listed
