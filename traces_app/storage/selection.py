"""Which items of a store are moved, and under which keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from traces_app.storage import keys

__all__ = ["RawItem", "Selection", "trace_of"]

RawItem = dict[str, dict[str, Any]]
"""As DynamoDB writes it: ``{"pk": {"S": "text"}, "body": {"B": b"bytes"}, ...}``."""

Pages = Callable[..., Iterator[list[RawItem]]]
"""``pages(operation, table name, **parameters)``."""

NEVER: Final = frozenset(
    {keys.Kind.LOGIN, keys.Kind.SHARES, keys.Kind.ONCE, keys.Kind.ROLLUP, keys.Kind.WATCHED}
)
"""Logins and forms are of one dashboard; links are revoked where they were made. Statistics are what a store
adds up of what is in it.
"""

ON_REQUEST: Final = frozenset({keys.Kind.KEYS, keys.Kind.AUDIT})
"""Who may come in, and who changed what, is a matter of each deployment."""

OF_TRACES: Final = frozenset({keys.Kind.DAY, keys.Kind.SESSION_LIST, keys.Kind.USER_LIST})

LIVING_TOGETHER: Final = OF_TRACES | {keys.Kind.SPANS, keys.Kind.ANCHOR}
"""What is stored of a trace expires in one moment."""


@dataclass(slots=True)
class Selection:
    """All that is given must hold. Times bound the start of traces, both inclusive."""

    project: str | None = None
    as_project: str | None = None
    """The name in the destination."""
    since_ms: int = 0
    until_ms: int = keys.MAX_START_MS
    with_keys: bool = False
    with_erased: bool = False
    """Also traces that the destination erased."""
    _chosen: set[tuple[str, str]] = field(default_factory=set)
    """Project and id of the traces of the time."""

    @property
    def is_of_a_time(self) -> bool:
        return (self.since_ms, self.until_ms) != (0, keys.MAX_START_MS)

    def takes(self, item: RawItem, now_ns: int) -> bool:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        kind, project = keys.kind_and_project(pk, sk)
        is_kind_moved = kind not in NEVER and (self.with_keys or kind not in ON_REQUEST)
        return (
            is_kind_moved
            and self.project in (None, project)
            and not _is_expired(item, now_ns)
            and (not self.is_of_a_time or self._is_of_the_time(kind, project, pk, sk))
        )

    def renamed(self, item: RawItem) -> RawItem:
        """As it is called in the destination."""
        if self.as_project is None:
            return item
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        new_pk, new_sk = keys.in_project(pk, sk, self.as_project)
        renamed = {**item, "pk": {"S": new_pk}, "sk": {"S": new_sk}}
        if "lists" in item:
            lists = [keys.in_project(name, "", self.as_project)[0] for name in item["lists"]["SS"]]
            renamed["lists"] = {"SS": lists}
        return renamed

    @staticmethod
    def merged(item: RawItem, known: RawItem) -> RawItem:
        """What is to stand where both stores have the item: the source's, for the longer of both lives.

        So nothing of a trace that was pinned, or prolonged, in either ends before the rest of it. Of an
        anchor all lists, at the start that the destination's batches agreed upon.
        """
        kind = keys.kind_and_project(item["pk"]["S"], "")[0]
        if kind in LIVING_TOGETHER:
            item = _lasting(item, known)
        if kind != keys.Kind.ANCHOR:
            return item
        lists = {*item.get("lists", {}).get("SS", ()), *known.get("lists", {}).get("SS", ())}
        return {**item, "body": known["body"], **({"lists": {"SS": sorted(lists)}} if lists else {})}

    # -- of a time ---------------------------------------------------------------------------------

    def choose(self, pages: Pages, table_name: str) -> None:
        """Read the lists of the days, before anything is taken: which traces are of the time."""
        for project in self.projects(pages, table_name):
            days = _sorts(pages, table_name, keys.days_partition(project), *self._days)
            for day, shard in set(map(keys.parse_day_sort, days)):
                partition = keys.day_partition(project, day, shard)
                bounds = f"{self.since_ms:013d}", f"{self.until_ms:013d}$"
                for sort in _sorts(pages, table_name, partition, *bounds):
                    self._chosen.add((project, keys.parse_fragment_sort(sort)[1]))

    def dictionary_pages(self, pages: Pages, table_name: str) -> Iterator[list[RawItem]]:
        """What spans may be packed with."""
        for project in self.projects(pages, table_name):
            yield from pages("Query", table_name, **_of_partition(keys.dictionaries_partition(project)))

    def span_pages(self, pages: Pages, table_name: str) -> Iterator[list[RawItem]]:
        """A look at the whole table, or a question for each trace of the time."""
        if not self.is_of_a_time:
            yield from pages("Scan", table_name)
            return
        for project, trace_id in sorted(self._chosen):
            yield from pages("Query", table_name, **_of_partition(keys.spans_partition(project, trace_id)))

    @property
    def _days(self) -> tuple[str, str]:
        return keys.day_of(self.since_ms), keys.day_of(self.until_ms) + "$"

    def projects(self, pages: Pages, table_name: str) -> list[str]:
        """As the source calls them."""
        return (
            [self.project] if self.project else list(_sorts(pages, table_name, keys.Kind.PROJECTS, "0", "~"))
        )

    def _is_of_the_time(self, kind: str, project: str, pk: str, sk: str) -> bool:
        trace_id = trace_of(kind, pk, sk)
        if trace_id is not None:
            return (project, trace_id) in self._chosen
        if kind in (keys.Kind.DAYS, keys.Kind.LOSSES):
            return self._days[0] <= sk <= self._days[1]
        return True


def _lasting(item: RawItem, known: RawItem) -> RawItem:
    """``item`` until the later of both ends; without an end it is kept for ever."""
    ends = [one.get("expires_at") for one in (item, known)]
    rest = {name: value for name, value in item.items() if name != "expires_at"}
    last = max(ends, key=lambda end: inf if end is None else int(end["N"]))
    return rest if last is None else {**rest, "expires_at": last}


def trace_of(kind: str, pk: str, sk: str) -> str | None:
    """Id of the trace that an item is of; ``None`` where it is of none."""
    if kind in OF_TRACES:
        return keys.parse_fragment_sort(sk)[1]
    return pk.rpartition("#")[2] if kind in (keys.Kind.SPANS, keys.Kind.ANCHOR) else None


def _is_expired(item: RawItem, now_ns: int) -> bool:
    expires_at = item.get("expires_at", {}).get("N")
    return expires_at is not None and int(expires_at) <= now_ns // 1_000_000_000


def _of_partition(partition: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": partition}},
    }


def _sorts(pages: Pages, table_name: str, partition: str, low: str, high: str) -> Iterator[str]:
    asked = {
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :low AND :high",
        "ExpressionAttributeValues": {":pk": {"S": partition}, ":low": {"S": low}, ":high": {"S": high}},
        "ProjectionExpression": "sk",
    }
    for page in pages("Query", table_name, **asked):
        yield from (item["sk"]["S"] for item in page)
