"""The repository: what the other floors may ask of the store, in their own words."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from traces_app.domain.fragments import unpack_fragment
from traces_app.domain.packing import PackedSpan
from traces_app.domain.summary import Fragment, TraceSummary, merge
from traces_app.domain.totals import Entry, distinct_entries
from traces_app.storage import keys
from traces_app.storage.anchors import lists_of
from traces_app.storage.appending import Appender
from traces_app.storage.chunks import Chunk, read_chunks
from traces_app.storage.deleting import items_of_trace
from traces_app.storage.engine import Engine
from traces_app.storage.items import (
    Place,
    is_live,
    listed_fragments,
)
from traces_app.storage.models import Item, TraceItem
from traces_app.storage.records import Records
from traces_app.storage.rewriting import Change, copies, is_being_written, rewrite
from traces_app.storage.rollups import Rollups
from traces_app.storage.stamp import Stamp

LISTED_PAGE_ITEMS: Final = 64
MARKED_FOR_S: Final = 400 * 86_400
"""Longer than most keep their traces: statistics made before a deletion must not come back."""


class Store(Records):
    """One open store. Thread-safe. ``now_ns`` and ``expires_at`` (epoch seconds) come from the caller.

    Every method raises StoreUnavailable when the store cannot answer now.
    """

    def __init__(self, engine: Engine, *, shards: int = 1) -> None:
        self.engine = engine
        self._shards = shards
        self.rollups = Rollups(self)
        self._appender = Appender(engine, self.rollups, shards)

    @property
    def name(self) -> str:
        return self.engine.name

    # -- traces ------------------------------------------------------------------------------------

    def append(self, project: str, traces: Mapping[str, Sequence[PackedSpan]], stamp: Stamp) -> float:
        """Write the spans of each trace and what lists show of them; durable when it returns the write units.

        Writing the same again changes nothing. A span may stand once in a trace's sequence.
        """
        return self._appender.append(project, traces, stamp)

    def read_trace(
        self, project: str, trace_id: str, *, now_ns: int, consistent: bool = False
    ) -> list[Chunk]:
        """All chunks of a trace, oldest first; empty when there is no such trace in this project.

        ``consistent`` sees every acknowledged write, at twice the price of a read that may be some
        milliseconds behind.
        """
        partition = keys.spans_partition(project, trace_id)
        return read_chunks(partition, consistent=consistent, now_ns=now_ns)

    def iterate_traces(
        self,
        project: str,
        *,
        session_id: str | None = None,
        user_id: str | None = None,
        before: str | None = None,
        since_ms: int = 0,
        until_ms: int = keys.MAX_START_MS,
        page_items: int = LISTED_PAGE_ITEMS,
        now_ns: int,
    ) -> Iterator[tuple[str, TraceSummary]]:
        """Traces newest first, each with its position: give that as ``before`` to go on behind it.

        ``since_ms`` and ``until_ms`` bound the start, both inclusive. ``page_items`` are read at a time.
        """
        found = self._listed(
            project, (session_id, user_id), (since_ms, until_ms, before), page_items=page_items, now_ns=now_ns
        )
        for prefix, items in found:
            _, trace_id = keys.parse_fragment_sort(prefix + "#")
            yield prefix, merge(project, trace_id, _fragments(items), now_ns=now_ns)

    def iterate_calls(
        self, project: str, *, since_ms: int, until_ms: int, page_items: int, now_ns: int
    ) -> Iterator[tuple[int, TraceSummary, list[Entry]]]:
        """As ``iterate_traces``: the start that lists know, and what each of a trace's spans adds to it."""
        bounds = (since_ms, until_ms, None)
        for prefix, items in self._listed(
            project, (None, None), bounds, page_items=page_items, now_ns=now_ns
        ):
            listed_ms, trace_id = keys.parse_fragment_sort(prefix + "#")
            fragments = _fragments(items, with_entries=True)
            summary = merge(project, trace_id, fragments, now_ns=now_ns)
            yield listed_ms, summary, distinct_entries(one.entries for one in fragments)

    def _listed(
        self,
        project: str,
        owner: tuple[str | None, str | None],
        bounds: tuple[int, int, str | None],
        *,
        page_items: int,
        now_ns: int,
    ) -> Iterator[tuple[str, list[TraceItem]]]:
        """The fragments of each trace of a list, newest trace first, under its position."""
        (session_id, user_id), (since_ms, until_ms, before) = owner, bounds
        low = f"{min(max(0, since_ms), keys.MAX_START_MS):013d}"
        high = before or f"{min(max(0, until_ms), keys.MAX_START_MS):013d}$"  # "$" sorts behind "#"
        if low > high:
            return
        if session_id is not None:
            items = _newest_first(keys.session_partition(project, session_id), low, high, page_items)
        elif user_id is not None:
            items = _newest_first(keys.user_partition(project, user_id), low, high, page_items)
        else:
            items = self._day_items(project, low, high, page_items, now_ns)
        live = (item for item in items if is_live(item, now_ns))
        for prefix, group in groupby(live, key=lambda item: item.sk[: item.sk.rindex("#")]):
            yield prefix, list(group)

    def rewrite_trace(self, project: str, position: str, change: Change, *, now_ns: int) -> int | None:
        """Change the stored spans of the trace that lists have at ``position``; how many were changed.

        ``None``: left alone, as a batch of it is just being written.
        """
        start_ms, trace_id = keys.parse_fragment_sort(position + "#")
        place = Place(project, trace_id, start_ms, self._shards)
        with self.engine.one_commit():
            listed = [item for item in listed_fragments(place) if is_live(item, now_ns)]
            lists = lists_of(self.engine, place)
            chunks = self.read_trace(project, trace_id, now_ns=now_ns, consistent=True)
            if is_being_written(listed, chunks, now_ns):
                return None
            result = rewrite(place, listed, chunks, lists, change)
            self.engine.batch_put([*result.puts.values(), *self._marked(place, now_ns, result.changed)])
            self.engine.batch_delete(result.deletes.values())
            self.engine.batch_put(copies(place, result, lists_of(self.engine, place)))
        return result.changed

    def delete_trace(self, project: str, trace_id: str, *, now_ns: int) -> bool:
        """Every span and every listing of the trace; false when there was none. Safe to repeat."""
        start_ms = self._listed_at(project, trace_id, now_ns)
        if start_ms is None:
            return False
        place = Place(project, trace_id, start_ms, self._shards)
        listed = list(listed_fragments(place))
        items = list(items_of_trace(place, lists_of(self.engine, place), listed))
        self.engine.batch_put(self._marked(place, now_ns, len(listed)))
        self.engine.batch_delete(items)
        return len(items) > 1

    def _listed_at(self, project: str, trace_id: str, now_ns: int) -> int | None:
        """Where lists have the trace: as its anchor says, or its own id."""
        anchor = self.get_record(keys.anchor_partition(project, trace_id), keys.ONLY, now_ns=now_ns)
        return keys.start_in_own_id(trace_id) if anchor is None else int(anchor["start_ms"])

    def _marked(self, place: Place, now_ns: int, changes: int) -> list[Item]:
        """That statistics of the trace's hour have to be made again."""
        expires_at = now_ns // 1_000_000_000 + MARKED_FOR_S
        return list(self.rollups.markers([place], Stamp(now_ns, expires_at)).values()) if changes else []

    def list_projects(self) -> list[str]:
        return [item.sk for item in TraceItem.query(keys.PROJECTS)]

    # -- how traces are listed ---------------------------------------------------------------------

    def _day_items(
        self, project: str, low: str, high: str, page_items: int, now_ns: int
    ) -> Iterator[TraceItem]:
        first_day, last_day = keys.day_of(int(low)), keys.day_of(int(high[:13]))
        listed = TraceItem.query(
            keys.days_partition(project),
            TraceItem.sk.between(first_day, last_day + "$"),
            scan_index_forward=False,
        )
        entries = [item.sk.split("#") for item in listed if is_live(item, now_ns)]
        for day, shards in groupby(entries, key=lambda entry: entry[0]):
            streams = [
                _newest_first(keys.day_partition(project, day, int(shard)), low, high, page_items)
                for _, shard in shards
            ]
            yield from (
                streams[0]
                if len(streams) == 1
                else heapq.merge(*streams, key=lambda item: item.sk, reverse=True)
            )


def _newest_first(partition: str, low: str, high: str, page_items: int) -> Iterator[TraceItem]:
    return iter(
        TraceItem.query(
            partition,
            TraceItem.sk.between(low, high),
            scan_index_forward=False,
            page_size=page_items,
        )
    )


def _fragments(items: Iterable[TraceItem], *, with_entries: bool = False) -> list[Fragment]:
    ordered = sorted(items, key=lambda item: item.at or 0)
    all_entries = with_entries or len(ordered) > 1
    return [unpack_fragment(item.body or b"", with_entries=all_entries) for item in ordered]
