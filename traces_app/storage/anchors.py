"""What the batches of a trace with a foreign id agree upon: where it is listed, and in whose lists.

One item a trace, changed by one atomic update that keeps the first start, adds the lists of the owners a
batch names and answers with what holds now. Sets only grow, so that no process overwrites another's.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple, TypeVar

import orjson
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.update import Action

from traces_app.domain.durations import DAY_S
from traces_app.storage import keys
from traces_app.storage.accounting import kept_bytes, units_of
from traces_app.storage.engine import Engine
from traces_app.storage.items import ITEM_VERSION, Place
from traces_app.storage.models import AnchorItem
from traces_app.storage.stamp import Stamp

MAX_REMEMBERED: Final = 20_000
"""Per process, some 4 MB."""

NEVER: Final = 9_999_999_999
"""Epoch seconds, in the year 2286: an anchor without an expiry would be given one by the next batch."""

MAX_LISTS: Final = 32
"""Of one trace. A trace of more sessions than that is whole in the day's list, and in pieces in theirs."""

Key = TypeVar("Key")
Value = TypeVar("Value")


class Anchor(NamedTuple):
    """``lists`` are the partitions of sessions and users that any batch has named."""

    start_ms: int
    lists: frozenset[str]
    settled: frozenset[str] = frozenset()
    """Of ``lists`` those that this process announced, and has filled with what came earlier."""
    is_new: bool = False
    """This batch is the first of its trace."""
    write_units: int = 0
    new_bytes: int = 0
    """What agreeing took just now, and what the store keeps since."""


class Anchors:
    """Those of the traces this process saw last."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Anchor] = OrderedDict()

    def known(self, partition: str) -> Anchor | None:
        return self._known.get(partition)

    def keep(self, partition: str, anchor: Anchor) -> None:
        """Once a batch is written whole, with all that it adopted."""
        remember(self._known, partition, anchor)

    def forget(self, partition: str) -> None:
        """It was deleted meanwhile."""
        self._known.pop(partition, None)

    def agree(self, partition: str, start_ms: int, lists: frozenset[str], stamp: Stamp) -> Anchor:
        """The trace's anchor, after ``lists`` have been announced in it."""
        known = self.known(partition)
        if known is not None and (lists <= known.settled or len(known.lists) >= MAX_LISTS):
            return known
        mine, at_us = orjson.dumps({"start_ms": start_ms}), stamp.now_ns // 1000
        anchor = AnchorItem(partition, keys.ONLY)
        actions: list[Action] = [
            AnchorItem.body.set(AnchorItem.body | mine),
            AnchorItem.at.set(AnchorItem.at | at_us),
            AnchorItem.v.set(ITEM_VERSION),
        ]
        if stamp.expires_at is not None:  # the first batch's stands, until something prolongs it
            actions.append(AnchorItem.expires_at.set(AnchorItem.expires_at | stamp.expires_at))
        if lists:
            actions.append(AnchorItem.lists.add(lists))
        anchor.update(actions)
        is_new = (anchor.body, anchor.at) == (mine, at_us)
        return _read(anchor)._replace(
            settled=known.settled if known else frozenset(),
            is_new=is_new,
            write_units=units_of(anchor),
            new_bytes=kept_bytes(anchor) if is_new else 0,
        )


def read_anchors(engine: Engine, partitions: Iterable[str]) -> dict[str, Anchor]:
    """As they are now, a hundred to a request; traces with ids of our own have none."""
    names = ((partition, keys.ONLY) for partition in partitions)
    return {item.pk: _read(item) for item in engine.batch_get(AnchorItem, names)}


def lists_of(engine: Engine, place: Place) -> frozenset[str]:
    """The lists in which a trace is known to stand, besides the day's."""
    found = read_anchors(engine, [place.anchor_partition])
    return found[place.anchor_partition].lists if found else frozenset()


def prolong(place: Place, expires_at: int | None) -> None:
    """The trace's anchor, where it has one, outlives the trace. It never becomes shorter."""
    until = NEVER if expires_at is None else expires_at + DAY_S
    try:
        AnchorItem(place.anchor_partition, keys.ONLY).update(
            [AnchorItem.expires_at.set(until)],
            condition=AnchorItem.pk.exists() & (AnchorItem.expires_at < until),
        )
    except UpdateError as error:
        if error.cause_response_code != "ConditionalCheckFailedException":
            raise


def _read(item: AnchorItem) -> Anchor:
    start_ms = orjson.loads(item.body or b"{}")["start_ms"]
    return Anchor(int(start_ms), frozenset(item.lists or ()))


def remember(memory: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    memory[key] = value
    while len(memory) > MAX_REMEMBERED:
        memory.popitem(last=False)
