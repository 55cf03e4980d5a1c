"""Everything there is of one trace, in the order it has to go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from traces_app.storage import keys
from traces_app.storage.items import Place
from traces_app.storage.models import Item, SpanItem, TraceItem


def items_of_trace(place: Place, lists: frozenset[str], listed: Sequence[TraceItem]) -> Iterator[Item]:
    """Spans first, the day's list last: whatever stops half-way, the trace is still found to delete the rest.

    ``listed`` are its fragments in the day's list, ``lists`` the others its anchor knows.
    """
    for part in SpanItem.query(place.spans_partition, consistent_read=True):
        yield SpanItem(part.pk, part.sk)
    for partition in sorted(lists.union(*map(place.lists_in, listed))):
        prefix = keys.trace_prefix(place.start_ms, place.trace_id) + "#"
        for item in TraceItem.query(partition, TraceItem.sk.startswith(prefix), consistent_read=True):
            yield TraceItem(item.pk, item.sk)
    yield TraceItem(place.anchor_partition, keys.ONLY)
    yield from (TraceItem(item.pk, item.sk) for item in listed)
