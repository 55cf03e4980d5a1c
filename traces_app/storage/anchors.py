"""What the batches of a trace with a foreign id agree upon: where it is listed, and whose it is.

Only the first batch knows no other. Session and user often stand on the root alone, which ends and comes
last: whoever first names one brings the earlier batches into that list.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson

from traces_app.domain.summary import Owners
from traces_app.storage import keys
from traces_app.storage.items import Place, is_live, listed_fragments, make_item
from traces_app.storage.models import Item, TraceItem
from traces_app.storage.records import Records
from traces_app.storage.stamp import Stamp

MAX_REMEMBERED: Final = 20_000
"""Per process, some 4 MB."""

_OWNERS: Final = ("session_id", "user_id")

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(slots=True, frozen=True)
class Anchor:
    """``newly_named`` are the owners no earlier batch has named."""

    start_ms: int
    owners: Owners
    newly_named: Owners
    record: dict[str, Any]

    @property
    def is_news(self) -> bool:
        return any(self.newly_named)


class Anchors:
    """Those of the traces this process saw last."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._known: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def agree(self, partition: str, start_ms: int, owners: Owners, stamp: Stamp) -> Anchor:
        """The anchor with what this batch adds to it. Additions are kept by ``remember``, with the batch."""
        mine = {"start_ms": start_ms, **_named(owners)}
        agreed = self._known.get(partition)
        if agreed is None or not all(name in agreed for name in _OWNERS):
            agreed = self._read(partition, mine, stamp, may_be_first=agreed is None)
            remember(self._known, partition, agreed)
        news = {name: value for name, value in mine.items() if name not in agreed}
        both = news | agreed
        return Anchor(int(agreed["start_ms"]), _owners_in(both), _owners_in(news), both)

    def forget(self) -> None:
        """Ask the store again from now on."""
        self._known.clear()

    def _read(
        self, partition: str, mine: dict[str, Any], stamp: Stamp, *, may_be_first: bool
    ) -> dict[str, Any]:
        put = self._records.put_record
        if may_be_first and put(partition, keys.ONLY, mine, only_if_absent=True, **stamp._asdict()):
            return mine
        won = self._records.get_record(partition, keys.ONLY, now_ns=stamp.now_ns)
        if won is None:  # the one that was there has expired
            put(partition, keys.ONLY, mine, **stamp._asdict())
            return mine
        return won


def adopted(place: Place, anchor: Anchor, stamp: Stamp) -> Iterator[Item]:
    """The fragments that earlier batches left in the day's list, for the lists of the owners now named.

    With them the anchor that says so: when the batch fails and comes again, they are adopted again.
    """
    for fragment in listed_fragments(place):
        if is_live(fragment, stamp.now_ns):
            as_then = Stamp((fragment.at or 0) * 1000, fragment.expires_at)
            for partition in place.owned_partitions(anchor.newly_named):
                yield make_item(TraceItem, partition, fragment.sk, as_then, body=fragment.body or b"")
    pk = keys.anchor_partition(place.project, place.trace_id)
    yield make_item(TraceItem, pk, keys.ONLY, stamp, body=orjson.dumps(anchor.record))


def remember(memory: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    memory[key] = value
    while len(memory) > MAX_REMEMBERED:
        memory.popitem(last=False)


def _owners_in(record: dict[str, Any]) -> Owners:
    return Owners(record.get("user_id"), record.get("session_id"), None, None)


def _named(owners: Owners) -> dict[str, str]:
    return {name: value for name in _OWNERS if (value := getattr(owners, name))}
