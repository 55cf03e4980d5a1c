"""Items of one store copied into another as they are, byte for byte.

Nothing is noted down on the way. The destination itself tells how far a copy came: every run reads what is
there and writes only what is missing or different, so that one that was killed is simply run again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError

from traces_app.storage import keys
from traces_app.storage.dynamodb import BATCH_ITEMS, Client, batch_put_raw
from traces_app.storage.engine import Engine, EngineOptions
from traces_app.storage.errors import StoreUnavailable, StoreUnusable
from traces_app.storage.items import Place
from traces_app.storage.models import SpanItem, TraceItem
from traces_app.storage.records import Records
from traces_app.storage.rollups import Rollups
from traces_app.storage.selection import RawItem, Selection, trace_of

__all__ = ["Copied", "Copier", "Source"]

COMPARED_ITEMS: Final = 100
"""As many as one BatchGetItem takes."""

MAX_TRIES: Final = 8
MAX_PAUSE_S: Final = 30.0
"""Of one page, beyond the back-off of each request: two minutes of throttling are waited out."""

Answer = TypeVar("Answer")


@dataclass(slots=True)
class Copied:
    """What became of the items that were read."""

    read: int = 0
    new: int = 0
    replaced: int = 0
    """There was another item of this key: the source's stands now."""
    same: int = 0
    left: int = 0
    """Expired, of other projects or times, or of a kind that is not moved."""
    erased: int = 0
    """Of traces that the destination erased: they stay away."""
    write_units: float = 0.0
    expected: int | None = None
    """How many items there are to read, as far as the source knows."""

    def add(self, other: Copied) -> None:
        for name in ("read", "new", "replaced", "same", "left", "erased", "write_units"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class Source:
    """Where items come from: an engine that no model is bound to."""

    engine: Engine
    options: EngineOptions

    def pages(self, operation: str, table_name: str, **asked: Any) -> Iterator[list[RawItem]]:
        """All pages of a Query or Scan. Raises StoreUnusable where the table is missing."""
        start: dict[str, Any] = {}
        while True:
            answer = self._ask(operation, table_name, **asked, **start)
            yield answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def count(self) -> int:
        """Items of both tables; on DynamoDB as they were up to six hours ago."""
        return sum(map(self._count, (self.options.traces_table, self.options.spans_table)))

    def _count(self, table_name: str) -> int:
        if self.engine.name == "sqlite":
            return sum(len(page) for page in self.pages("Scan", table_name, ProjectionExpression="sk"))
        return int(self._ask("DescribeTable", table_name)["Table"]["ItemCount"])

    def _ask(self, operation: str, table_name: str, **asked: Any) -> dict[str, Any]:
        parameters = {"TableName": table_name, **asked}
        try:
            return _persistently(lambda: _call(self.engine.client, operation, parameters))
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise StoreUnusable(
                    f"There is no table {table_name}: name those to read, --tables."
                ) from error
            raise


@dataclass(slots=True)
class Copier:
    """Copies into ``destination``, whose models are bound. With ``is_rehearsal`` it only reads and counts."""

    source: Source
    destination: Engine
    selection: Selection
    now_ns: Callable[[], int]
    is_rehearsal: bool = False
    _erased: set[tuple[str, str]] = field(default_factory=set)
    """Project and id, as the destination calls them."""
    _rollups: Rollups = field(default_factory=lambda: Rollups(Records()))
    _sent: set[tuple[str, str]] = field(default_factory=set)
    """Dictionaries: they are met again among the rest."""

    def run(self) -> Iterator[Copied]:
        """The sum so far, after each page. Spans need their dictionaries, and lists tell of spans: so
        dictionaries come first, then spans, then the rest.
        """
        total = Copied()
        options = self.source.options
        selection = self.selection
        if not selection.with_erased:
            self._erased.update(self._erased_there(options.traces_table))
        if selection.is_of_a_time:
            selection.choose(self.source.pages, options.traces_table)
        else:
            total.expected = self.source.count() or None
        span_pages = selection.span_pages(self.source.pages, options.spans_table)
        trace_pages = self.source.pages("Scan", options.traces_table)
        dictionary_pages = selection.dictionary_pages(self.source.pages, options.traces_table)
        for table_name, pages in (
            (TraceItem.Meta.table_name, dictionary_pages),
            (SpanItem.Meta.table_name, span_pages),
            (TraceItem.Meta.table_name, trace_pages),
        ):
            for page in pages:
                left = [item for item in page if _key(item) not in self._sent]
                total.add(self._copy(table_name, left))
                if pages is dictionary_pages:
                    self._sent.update(map(_key, page))
                yield total

    def _copy(self, table_name: str, page: Sequence[RawItem]) -> Copied:
        now_ns = self.now_ns()
        chosen = [self.selection.renamed(item) for item in page if self.selection.takes(item, now_ns)]
        page_sum = Copied(read=len(page), left=len(page) - len(chosen))
        wanted = [item for item in chosen if not self._is_erased(item)]
        groups = [wanted[at : at + COMPARED_ITEMS] for at in range(0, len(wanted), COMPARED_ITEMS)]
        page_sum.erased = len(chosen) - len(wanted)
        with self.destination.one_commit():
            for done, written in self.destination.each(partial(self._settle, table_name), groups):
                page_sum.add(done)
                self._mark_hours(written, now_ns)
        return page_sum

    def _erased_there(self, source_table: str) -> Iterator[tuple[str, str]]:
        """What receipts of the destination name."""
        records, now_ns = Records(), self.now_ns()
        for name in self.selection.projects(self.source.pages, source_table):
            project = self.selection.as_project or name
            for erasure_id, _ in records.list_records(keys.erasures_partition(project), now_ns=now_ns):
                lines = records.list_records(keys.erased_partition(project, erasure_id), now_ns=now_ns)
                yield from ((project, keys.parse_fragment_sort(position + "#")[1]) for position, _ in lines)

    def _is_erased(self, item: RawItem) -> bool:
        kind, project, sort = _named(item)
        trace_id = trace_of(kind, item["pk"]["S"], sort)
        return trace_id is not None and (project, trace_id) in self._erased

    def _settle(self, table_name: str, items: Sequence[RawItem]) -> tuple[Copied, list[RawItem]]:
        """Write those of a group that are not there as they should be; which these were."""
        there = _persistently(lambda: _read(self.destination.client, table_name, items))
        done = Copied()
        missing: list[RawItem] = []
        for item in items:
            known = there.get(_key(item))
            wanted = item if known is None else self.selection.merged(item, known)
            if known is not None and _comparable(known) == _comparable(wanted):
                done.same += 1
            else:
                done.new, done.replaced = done.new + (known is None), done.replaced + (known is not None)
                missing.append(wanted)
        if not self.is_rehearsal:
            for at in range(0, len(missing), BATCH_ITEMS):  # what is written is not written again
                some = missing[at : at + BATCH_ITEMS]
                done.write_units += _persistently(partial(self._put, table_name, some))
        return done, missing

    def _put(self, table_name: str, items: Sequence[RawItem]) -> float:
        return batch_put_raw(self.destination.client, table_name, items)

    def _mark_hours(self, written: Iterable[RawItem], now_ns: int) -> None:
        """What statistics of the destination added up before these traces came is stale."""
        if self.is_rehearsal:
            return
        places = [
            Place(project, trace_id, start_ms, 1)
            for kind, project, sort in map(_named, written)
            if kind == keys.Kind.DAY
            for start_ms, trace_id in [keys.parse_fragment_sort(sort)]
        ]
        markers = self._rollups.markers(places, now_ns)
        _persistently(lambda: self.destination.batch_put(markers.values()))
        self._rollups.remember(markers, now_ns)


def _named(item: RawItem) -> tuple[str, str, str]:
    kind, project = keys.kind_and_project(item["pk"]["S"], item["sk"]["S"])
    return kind, project, item["sk"]["S"]


def _read(client: Client, table_name: str, items: Sequence[RawItem]) -> dict[tuple[str, str], RawItem]:
    """What the destination has under the keys of ``items``."""
    found: dict[tuple[str, str], RawItem] = {}
    asked: dict[str, Any] = {table_name: {"Keys": [{"pk": item["pk"], "sk": item["sk"]} for item in items]}}
    tries = 0
    while asked:
        answer = _call(client, "BatchGetItem", {"RequestItems": asked})
        rows = answer["Responses"].get(table_name, [])
        found.update((_key(row), row) for row in rows)
        asked = answer.get("UnprocessedKeys") or {}
        tries = 0 if rows else tries + 1
        if tries == MAX_TRIES:
            raise StoreUnavailable(f"DynamoDB left keys of {table_name} unread.")
        if asked and not rows:
            _pause(tries)
    return found


def _key(item: RawItem) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _comparable(item: RawItem) -> dict[str, Any]:
    """Sets have no order."""
    return {
        name: {kind: sorted(data) if kind in ("SS", "NS", "BS") else data for kind, data in value.items()}
        for name, value in item.items()
    }


def _persistently(ask: Callable[[], Answer]) -> Answer:
    """Again after a pause while the store is unavailable. Raises StoreUnavailable when it stays so."""
    for tried in range(1, MAX_TRIES):
        try:
            return ask()
        except StoreUnavailable:
            _pause(tried)
    return ask()


def _pause(tried: int) -> None:
    time.sleep(random.uniform(0, min(MAX_PAUSE_S, 0.5 * 2**tried)))  # noqa: S311 - spreads load


def _call(client: Client, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return client._make_api_call(operation, parameters)  # noqa: SLF001 - the seam
