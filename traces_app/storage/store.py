"""The repository: what the other floors may ask of the store, in their own words."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, groupby
from typing import Final

from traces_app.domain.budget import Thinning
from traces_app.domain.durations import HOUR_S
from traces_app.domain.measures import Writing
from traces_app.domain.packing import PackedSpan
from traces_app.domain.retention import Retention, with_lifetime
from traces_app.domain.summary import Fragment, TraceSummary, merge
from traces_app.domain.totals import Entry, distinct_entries
from traces_app.storage import keys
from traces_app.storage.anchors import lists_of
from traces_app.storage.appending import Appender
from traces_app.storage.chunks import Chunk, read_chunks
from traces_app.storage.deleting import Weight, items_of_trace, weigh
from traces_app.storage.dictionaries import OwnDictionaries
from traces_app.storage.engine import Engine
from traces_app.storage.items import (
    Place,
    batches_in,
    fragments_in,
    in_list,
    is_live,
    is_pin,
    listed_fragments,
    thinned_share,
)
from traces_app.storage.lifetimes import Lifetimes
from traces_app.storage.models import SpanItem, TraceItem
from traces_app.storage.records import Records
from traces_app.storage.rewriting import Change, copies, is_being_written, rewrite
from traces_app.storage.rollups import Rollups
from traces_app.storage.stamp import Stamp

LISTED_PAGE_ITEMS: Final = 64


class Store(Records):
    """One open store. Thread-safe. ``now_ns`` and ``expires_at`` (epoch seconds) come from the caller.

    Every method raises StoreUnavailable when the store cannot answer now.
    """

    def __init__(self, engine: Engine, *, shards: int = 1) -> None:
        self.engine = engine
        self._shards = shards
        self.rollups = Rollups(self)
        self.dictionaries = OwnDictionaries(self)
        self.lifetimes = Lifetimes(engine, self.rollups, shards)
        self._appender = Appender(engine, self.rollups, self.dictionaries, self.lifetimes, shards)

    @property
    def name(self) -> str:
        return self.engine.name

    # -- traces ------------------------------------------------------------------------------------

    def append(
        self,
        project: str,
        traces: Mapping[str, Sequence[PackedSpan]],
        stamp: Stamp,
        retention: Retention | None = None,
        thinning: Thinning | None = None,
    ) -> float:
        """Write the spans of each trace and what lists show of them; durable when it returns the write units.

        Writing the same again changes nothing. A span may stand once in a trace's sequence. By ``retention``
        each trace expires whole, when its rules say; without it when ``stamp`` says. Of what ``thinning``
        drops only that is written that lists show.
        """
        return self._appender.append(project, traces, stamp, retention, thinning)

    def read_trace(
        self, project: str, trace_id: str, *, now_ns: int, consistent: bool = False
    ) -> list[Chunk]:
        """All chunks of a trace, oldest first; empty when there is no such trace in this project.

        ``consistent`` sees every acknowledged write, at twice the price of a read that may be some
        milliseconds behind.
        """
        partition = keys.spans_partition(project, trace_id)
        return read_chunks(
            partition, consistent=consistent, now_ns=now_ns, find=partial(self.dictionaries.find, project)
        )

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
            summary = merge(project, trace_id, fragments_in(items), now_ns=now_ns)
            yield prefix, _with_lifetime(summary, items)

    def iterate_calls(
        self, project: str, *, since_ms: int, until_ms: int, page_items: int, now_ns: int
    ) -> Iterator[tuple[int, TraceSummary, list[Entry]]]:
        """As ``iterate_traces``: the start that lists know, and what each of a trace's spans adds to it."""
        for listed_ms, trace_id, items in self._started(project, since_ms, until_ms, page_items, now_ns):
            fragments = fragments_in(items, with_entries=True)
            summary = _with_lifetime(merge(project, trace_id, fragments, now_ns=now_ns), items)
            yield listed_ms, summary, distinct_entries(one.entries for one in fragments)

    def iterate_writings(
        self, project: str, *, since_ms: int, until_ms: int, page_items: int, now_ns: int
    ) -> Iterator[tuple[int, TraceSummary, list[Writing]]]:
        """As ``iterate_calls``, with when each batch was written and what it noted."""
        for listed_ms, trace_id, items in self._started(project, since_ms, until_ms, page_items, now_ns):
            batches = batches_in(items)
            fragments = fragments_in(batches)
            summary = _with_lifetime(merge(project, trace_id, fragments, now_ns=now_ns), items)
            yield listed_ms, summary, list(map(_writing, batches, fragments))

    def read_listed(self, project: str, trace_id: str, *, now_ns: int) -> list[tuple[TraceItem, Fragment]]:
        """What batches left of one trace in the day's list, oldest first; nothing where it has none."""
        position = self.position_of(project, trace_id, now_ns=now_ns)
        if position is None:
            return []
        start_ms, _ = keys.parse_fragment_sort(position + "#")
        place = Place(project, trace_id, start_ms, self._shards)
        batches = batches_in(item for item in listed_fragments(place) if is_live(item, now_ns))
        return list(zip(batches, fragments_in(batches, with_entries=True), strict=True))

    def first_day_ms(self, project: str, *, now_ns: int) -> int | None:
        """When the first day begins of which there may be traces still."""
        for item in TraceItem.query(keys.days_partition(project)):
            if is_live(item, now_ns):
                return keys.day_start_ms(item.sk.partition("#")[0])
        return None

    def _started(
        self, project: str, since_ms: int, until_ms: int, page_items: int, now_ns: int
    ) -> Iterator[tuple[int, str, list[TraceItem]]]:
        bounds = (since_ms, until_ms, None)
        for prefix, items in self._listed(
            project, (None, None), bounds, page_items=page_items, now_ns=now_ns
        ):
            yield *keys.parse_fragment_sort(prefix + "#"), items

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
            found = list(group)
            if not all(map(is_pin, found)):
                yield prefix, found

    def rewrite_trace(self, project: str, position: str, change: Change, *, now_ns: int) -> int | None:
        """Change the stored spans of the trace that lists have at ``position``; how many were changed.

        ``None``: left alone, as a batch of it is just being written.
        """
        start_ms, trace_id = keys.parse_fragment_sort(position + "#")
        place = Place(project, trace_id, start_ms, self._shards)
        with self.engine.one_commit():
            everything = [item for item in listed_fragments(place) if is_live(item, now_ns)]
            place = place.as_found(everything)
            listed = [item for item in everything if not is_pin(item) and thinned_share(item) is None]
            lists = lists_of(self.engine, place)
            chunks = self.read_trace(project, trace_id, now_ns=now_ns, consistent=True)
            if is_being_written(listed, chunks, now_ns):
                return None
            dictionary = self.dictionaries.of(project, now_ns)
            result = rewrite(place, listed, chunks, lists, change, dictionary=dictionary)
            with self.rollups.marked(place, now_ns, changes=result.changed) as markers:
                self.engine.batch_put([*result.puts.values(), *markers])
            self.engine.batch_delete(result.deletes.values())
            self.engine.batch_put(copies(place, result, lists_of(self.engine, place)))
            pins = (in_list(item, result.lists) for item in everything if is_pin(item))
            self.engine.batch_put(chain.from_iterable(pins))
        return result.changed

    def delete_trace(self, project: str, trace_id: str, *, now_ns: int) -> bool:
        """Every span and every listing of the trace; false when there was none. Safe to repeat."""
        position = self.position_of(project, trace_id, with_expired=True, now_ns=now_ns)
        return position is not None and self.delete_trace_at(project, position, now_ns=now_ns) is not None

    def delete_trace_at(
        self,
        project: str,
        position: str,
        *,
        lists: frozenset[str] = frozenset(),
        note: Callable[[Weight], object] | None = None,
        now_ns: int,
    ) -> Weight | None:
        """As ``delete_trace``, from ``lists`` in any case; ``note`` is told what there was before it goes."""
        start_ms, trace_id = keys.parse_fragment_sort(position + "#")
        place = Place(project, trace_id, start_ms, self._shards)
        listed = list(listed_fragments(place))
        items = list(items_of_trace(place, lists_of(self.engine, place) | lists, listed))
        weight = weigh(place, listed, items, now_ns)
        if note is not None and weight.items:
            note(weight)
        with self.rollups.marked(place, now_ns, changes=len(listed)) as markers:
            self.engine.batch_put(markers)
        self.engine.batch_delete(items)
        return weight if weight.items else None

    def position_of(
        self, project: str, trace_id: str, *, with_expired: bool = False, now_ns: int
    ) -> str | None:
        """Where lists have the trace, if there is such: as its anchor says, or its own id.

        ``with_expired``: also as an anchor says that has expired and waits to be swept.
        """
        anchor_partition, live_ns = keys.anchor_partition(project, trace_id), 0 if with_expired else now_ns
        anchor = self.get_record(anchor_partition, keys.ONLY, now_ns=live_ns)
        start_ms = keys.start_in_own_id(trace_id) if anchor is None else int(anchor["start_ms"])
        return None if start_ms is None else keys.trace_prefix(start_ms, trace_id)

    def positions_in(self, partition: str) -> list[str]:
        """Of all traces in the list of a session or a user, expired ones too, oldest first."""
        found = TraceItem.query(partition, consistent_read=True, attributes_to_get=["pk", "sk"])
        return list(dict.fromkeys(item.sk[: item.sk.rindex("#")] for item in found))

    def is_stored(self, project: str, position: str) -> bool:
        """Whether there is anything of the trace, be it expired or half deleted."""
        start_ms, trace_id = keys.parse_fragment_sort(position + "#")
        place = Place(project, trace_id, start_ms, self._shards)
        spans = SpanItem.query(place.spans_partition, consistent_read=True, limit=1)
        return any(True for _ in chain(listed_fragments(place), spans))

    def list_projects(self) -> list[str]:
        return [item.sk for item in TraceItem.query(keys.Kind.PROJECTS)]

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
        entries = dict.fromkeys(keys.parse_day_sort(item.sk) for item in listed if is_live(item, now_ns))
        for day, shards in groupby(entries, key=lambda entry: entry[0]):
            streams = [
                _newest_first(keys.day_partition(project, day, shard), low, high, page_items)
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


def _with_lifetime(summary: TraceSummary, items: Sequence[TraceItem]) -> TraceSummary:
    batches = [((item.at or 0) * 1000, item.expires_at) for item in items if not is_pin(item)]
    return with_lifetime(summary, batches, is_pinned=any(map(is_pin, items)))


def _writing(item: TraceItem, fragment: Fragment) -> Writing:
    expires_hour = None if item.expires_at is None else -(-item.expires_at // HOUR_S)
    return Writing((item.at or 0) // (HOUR_S * 10**6), expires_hour, fragment.metered)
