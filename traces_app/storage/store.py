"""The repository: what the other floors may ask of the store, in their own words."""

from __future__ import annotations

import heapq
import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, TypeVar

import orjson
from pynamodb.exceptions import PutError

from traces_app.domain.fragments import pack_fragment, unpack_fragment
from traces_app.domain.limits import OLDEST_START_NS
from traces_app.domain.packing import PackedSpan, content_key, pack_chunk, unpack_body, unpack_chunk
from traces_app.domain.summary import Fragment, TraceSummary, fragment_of, merge, owners_of
from traces_app.storage import keys
from traces_app.storage.engine import Engine
from traces_app.storage.models import Item, SpanItem, TraceItem
from traces_app.storage.stamp import Stamp

ITEM_VERSION: Final = 1
MAX_PART_BYTES: Final = 380_000
"""DynamoDB's limit is 400 KB an item, names and keys included."""

MAX_CHUNK_SPANS: Final = 256
MAX_CHUNK_PAYLOAD_BYTES: Final = 2**20
"""Opening one span unpacks its chunk: a few milliseconds at this size."""

MAX_REMEMBERED: Final = 20_000
"""Anchors and registered days kept in memory per process, some 4 MB."""

MAX_FRAGMENT_SPANS: Final = 4000
"""An entry takes 58 bytes at most: 232 KB of the 400 KB an item may have."""

LISTED_PAGE_ITEMS: Final = 64

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
Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(slots=True)
class Chunk:
    """Spans of one trace that arrived together. ``rows`` are the heads; the payload is unpacked on demand."""

    written_us: int
    rows: list[dict[str, Any]]
    stored_bytes: int
    _body: bytes
    _payloads: list[dict[str, Any]] | None = field(default=None)

    def payload(self, index: int) -> dict[str, Any]:
        if self._payloads is None:
            self._payloads = unpack_body(self._body)
        return self._payloads[index]


class Store:
    """One open store. Thread-safe. ``now_ns`` and ``expires_at`` (epoch seconds) come from the caller.

    Every method raises StoreUnavailable when the store cannot answer now.
    """

    def __init__(self, engine: Engine, *, shards: int = 1) -> None:
        self.engine = engine
        self._shards = shards
        self._anchors: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._registered: OrderedDict[tuple[str, str], None] = OrderedDict()

    @property
    def name(self) -> str:
        return self.engine.name

    # -- traces ------------------------------------------------------------------------------------

    def append(self, project: str, traces: Mapping[str, Sequence[PackedSpan]], stamp: Stamp) -> float:
        """Write the spans of each trace and what lists show of them; durable when it returns the write units.

        Writing the same again changes nothing. A span may stand once in a trace's sequence.
        """
        items: list[Item] = []
        registrations: dict[tuple[str, str], Item] = {}
        blobs = _packed_in_parallel(traces)
        for trace_id, packed in traces.items():
            chunks = blobs[trace_id]
            items += _chunk_items(keys.spans_partition(project, trace_id), chunks, stamp)
            place = _Place(project, trace_id, self._start_ms(project, trace_id, packed, stamp), self._shards)
            items += _fragment_items(place, packed, chunks, stamp)
            registrations |= self._registrations(place, stamp)
        units = self.engine.batch_put([*items, *registrations.values()])
        for name in registrations:
            _remember(self._registered, name, None)
        return units

    def read_trace(
        self, project: str, trace_id: str, *, now_ns: int, consistent: bool = False
    ) -> list[Chunk]:
        """All chunks of a trace, oldest first; empty when there is no such trace in this project.

        ``consistent`` sees every acknowledged write, at twice the price of a read that may be some
        milliseconds behind.
        """
        items = SpanItem.query(keys.spans_partition(project, trace_id), consistent_read=consistent)
        parts: dict[str, dict[int, SpanItem]] = {}
        whole: dict[str, int] = {}
        for item in items:
            if _is_live(item, now_ns):
                chunk, part, count = keys.parse_part_sort(item.sk)
                parts.setdefault(chunk, {})[part] = item
                whole[chunk] = count
        chunks = [_chunk(found) for chunk, found in parts.items() if len(found) == whole[chunk]]
        return sorted(chunks, key=lambda chunk: chunk.written_us)

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
        live = (item for item in items if _is_live(item, now_ns))
        for prefix, group in groupby(live, key=lambda item: item.sk[: item.sk.rindex("#")]):
            _, trace_id = keys.parse_fragment_sort(prefix + "#")
            yield prefix, merge(project, trace_id, _fragments(list(group)), now_ns=now_ns)

    def list_projects(self) -> list[str]:
        return [item.sk for item in TraceItem.query(keys.PROJECTS)]

    # -- small records: keys, sessions, losses -----------------------------------------------------

    def put_record(
        self,
        pk: str,
        sk: str,
        value: dict[str, Any],
        *,
        now_ns: int,
        expires_at: int | None = None,
        only_if_absent: bool = False,
        only_if_present: bool = False,
    ) -> bool:
        """Write one record; false when a condition was given and does not hold."""
        item = _item(TraceItem, pk, sk, Stamp(now_ns, expires_at), body=orjson.dumps(value))
        condition = TraceItem.pk.exists() if only_if_present else None
        try:
            item.save(condition=TraceItem.pk.does_not_exist() if only_if_absent else condition)
        except PutError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def get_record(self, pk: str, sk: str, *, now_ns: int) -> dict[str, Any] | None:
        try:
            item = TraceItem.get(pk, sk, consistent_read=True)
        except TraceItem.DoesNotExist:
            return None
        return orjson.loads(item.body) if _is_live(item, now_ns) else None

    def delete_record(self, pk: str, sk: str) -> None:
        TraceItem(pk, sk).delete()

    def list_records(
        self, pk: str, *, sk_prefix: str = "", newest: int | None = None, now_ns: int
    ) -> list[tuple[str, dict[str, Any]]]:
        """Records by sort key; with ``newest`` the last so many of them, last first."""
        condition = TraceItem.sk.startswith(sk_prefix) if sk_prefix else None
        forward = newest is None
        found = TraceItem.query(pk, condition, consistent_read=True, scan_index_forward=forward, limit=newest)
        return [(item.sk, orjson.loads(item.body)) for item in found if _is_live(item, now_ns)]

    # -- how traces are written --------------------------------------------------------------------

    def _start_ms(self, project: str, trace_id: str, packed: Sequence[PackedSpan], stamp: Stamp) -> int:
        """Where the trace is listed: the time in our own ids; for foreign ids what the first batch said."""
        starts = [start for entry in packed if (start := entry.span.start_ns or 0) >= OLDEST_START_NS]
        first_ms = min(max(0, min(starts, default=stamp.now_ns) // 1_000_000), keys.MAX_START_MS)
        own = keys.own_start_ms(trace_id, first_ms)
        if own is not None:
            return own
        anchor = self._anchors.get((project, trace_id))
        if anchor is None:
            anchor = self._anchor(keys.anchor_partition(project, trace_id), first_ms, stamp)
            _remember(self._anchors, (project, trace_id), anchor)
        return anchor

    def _anchor(self, partition: str, first_ms: int, stamp: Stamp) -> int:
        value = {"start_ms": first_ms}
        if self.put_record(partition, keys.ONLY, value, only_if_absent=True, **stamp._asdict()):
            return first_ms
        won = self.get_record(partition, keys.ONLY, now_ns=stamp.now_ns)
        if won is None:  # the one that is there has expired
            self.put_record(partition, keys.ONLY, value, **stamp._asdict())
            return first_ms
        return int(won["start_ms"])

    def _registrations(self, place: _Place, stamp: Stamp) -> dict[tuple[str, str], Item]:
        """The project and its day partition, noted once a day and process: lists need not guess days."""
        today = keys.day_of(stamp.now_ns // 1_000_000)
        days = keys.days_partition(place.project)
        after_its_traces = None if stamp.expires_at is None else stamp.expires_at + keys.DAY_MS // 1000
        items: dict[tuple[str, str], Item] = {}
        for partition, sort, expires_at in (
            (keys.PROJECTS, place.project, None),
            (days, f"{keys.day_of(place.start_ms)}#{place.shard}", after_its_traces),
        ):
            name = (partition, f"{sort}@{today}")
            if name not in self._registered:
                items[name] = _item(TraceItem, partition, sort, Stamp(stamp.now_ns, expires_at), body=b"{}")
        return items

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
        entries = [item.sk.split("#") for item in listed if _is_live(item, now_ns)]
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


@dataclass(slots=True, frozen=True)
class _Place:
    """Where a trace is listed."""

    project: str
    trace_id: str
    start_ms: int
    shards: int

    @property
    def shard(self) -> int:
        return keys.shard_of(self.trace_id, self.shards)


def _fragment_items(
    place: _Place, packed: Sequence[PackedSpan], chunks: Sequence[NamedBlob], stamp: Stamp
) -> Iterator[Item]:
    """The batch's fragments, once for each list it belongs to: the day's, its session's, its user's."""
    partitions = [keys.day_partition(place.project, keys.day_of(place.start_ms), place.shard)]
    spans = [entry.span for entry in packed]
    owners = owners_of(spans)
    if owners.session_id:
        partitions.append(keys.session_partition(place.project, owners.session_id))
    if owners.user_id:
        partitions.append(keys.user_partition(place.project, owners.user_id))
    stored_bytes = sum(len(blob) for _, blob in chunks)
    chunk_names = [name.encode() for name, _ in chunks]
    for start in range(0, len(packed), MAX_FRAGMENT_SPANS):
        some = spans[start : start + MAX_FRAGMENT_SPANS]
        raw_bytes = sum(len(entry.payload) for entry in packed[start : start + MAX_FRAGMENT_SPANS])
        body = pack_fragment(
            fragment_of(some, raw_bytes=raw_bytes, stored_bytes=0 if start else stored_bytes)
        )
        sort = keys.fragment_sort(place.start_ms, place.trace_id, content_key(body, *chunk_names))
        for partition in partitions:
            yield _item(TraceItem, partition, sort, stamp, body=body)


def _packed_in_parallel(traces: Mapping[str, Sequence[PackedSpan]]) -> dict[str, list[NamedBlob]]:
    """Name and blob of each chunk by trace. Compression, half of what a batch costs, runs without the GIL."""
    groups = [(trace_id, group) for trace_id, packed in traces.items() for group in _chunk_groups(packed)]
    pack = map if len(groups) == 1 else _packers.map
    blobs = pack(pack_chunk, [group for _, group in groups])
    found: dict[str, list[NamedBlob]] = {}
    for (trace_id, _), blob in zip(groups, blobs, strict=True):
        found.setdefault(trace_id, []).append((content_key(blob), blob))
    return found


def _chunk_items(partition: str, chunks: Iterable[NamedBlob], stamp: Stamp) -> Iterator[Item]:
    for name, blob in chunks:
        starts = range(0, len(blob), MAX_PART_BYTES)
        for part, start in enumerate(starts):
            sort = keys.part_sort(name, part, len(starts))
            yield _item(SpanItem, partition, sort, stamp, body=blob[start : start + MAX_PART_BYTES])


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


def _chunk(parts: Mapping[int, SpanItem]) -> Chunk:
    blob = b"".join(parts[part].body or b"" for part in sorted(parts))
    rows, body = unpack_chunk(blob)
    return Chunk(int(parts[0].at or 0), rows, len(blob), body)


def _fragments(items: Iterable[TraceItem]) -> list[Fragment]:
    ordered = sorted(items, key=lambda item: item.at or 0)
    return [unpack_fragment(item.body or b"", with_entries=len(ordered) > 1) for item in ordered]


def _item(
    model: type[AnyItem],
    pk: str,
    sk: str,
    stamp: Stamp,
    *,
    body: bytes,
) -> AnyItem:
    at_us = stamp.now_ns // 1000
    return model(pk, sk, v=ITEM_VERSION, at=at_us, expires_at=stamp.expires_at, body=body)


def _is_live(item: Item, now_ns: int) -> bool:
    """DynamoDB deletes expired items up to two days late, so readers look themselves."""
    return item.expires_at is None or item.expires_at > now_ns // 1_000_000_000


def _remember(memory: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    memory[key] = value
    while len(memory) > MAX_REMEMBERED:
        memory.popitem(last=False)
