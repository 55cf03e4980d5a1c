"""When the items of a stored trace expire: all of them in one moment, or none.

Whatever changes it goes by the fragments in the day's list and changes those last. So what stops half-way is
seen by whoever comes next and brought to its end; and an item is only changed where it still is as it was
read, so that nothing that was deleted comes back and no pin is overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Final, NamedTuple

from pynamodb.exceptions import UpdateError

from traces_app.domain.fragments import pack_fragment
from traces_app.domain.retention import Retention, expiry, longest
from traces_app.domain.summary import Facts, Fragment, merge
from traces_app.domain.totals import Totals
from traces_app.storage import keys
from traces_app.storage.anchors import lists_of, prolong
from traces_app.storage.deleting import items_of_trace
from traces_app.storage.engine import Engine
from traces_app.storage.errors import StoreUnavailable
from traces_app.storage.items import (
    Place,
    day_entry,
    fragments_in,
    in_list,
    is_live,
    is_pin,
    listed_fragments,
    make_item,
)
from traces_app.storage.models import Item, TraceItem
from traces_app.storage.rollups import Rollups
from traces_app.storage.stamp import LAST_NOTICE_S, Outcome, Stamp

MAX_TRIES: Final = 5
"""Each fails only where others changed the same trace in the same moment."""

Aim = Callable[[Sequence[TraceItem]], int | None]
"""From the fragments of a trace to the moment it shall expire."""


class Lifetime(NamedTuple):
    """When the first of it expired before, and all of it after; epoch seconds, ``None``: never."""

    before: int | None
    after: int | None


class Lifetimes:
    def __init__(self, engine: Engine, rollups: Rollups, shards: int) -> None:
        self._engine = engine
        self._rollups = rollups
        self._shards = shards

    def settle_at(self, project: str, position: str, retention: Retention, *, now_ns: int) -> None:
        with self._engine.one_commit():
            self.settle(self._place(project, position), retention, now_ns=now_ns)

    def settle(self, place: Place, retention: Retention, *, with_copies: bool = False, now_ns: int) -> None:
        """After a batch was written: all that is stored of its trace lives as long as the longest of it.

        ``with_copies``: look into its other lists too, though the day's list agrees.
        """

        def aim(listed: Sequence[TraceItem]) -> int | None:
            return longest(
                [_by_rules(place, retention, listed, now_ns), *(item.expires_at for item in listed)]
            )

        self._reach(place, aim, now_ns, with_copies=with_copies)

    def pin(self, project: str, position: str, *, now_ns: int) -> bool:
        """False when there is no such trace (any more)."""
        place = self._place(project, position)
        with self._engine.one_commit():
            if self._reach(place, lambda _: None, now_ns) is None:
                return False
            listed = list(listed_fragments(place))
            pin = _pin_of(place.as_found(listed), now_ns)
            self._engine.batch_put([*in_list(pin, self._lists(place, listed)), pin])
        return True

    def unpin(self, project: str, position: str, retention: Retention, *, now_ns: int) -> Lifetime | None:
        """Its rule counts again, but it stays for a day more; without a pin nothing changes.

        ``None`` when there is no such trace. The pin goes when all is as the rules say: what stops half-way
        is unpinned by asking again. A batch that came meanwhile may have gone by the pin, so look once more.
        """
        place = self._place(project, position)

        def as_it_is(listed: Sequence[TraceItem]) -> int | None:
            return longest(item.expires_at for item in listed)

        def aim(listed: Sequence[TraceItem]) -> int | None:
            by_rules = _by_rules(place, retention, listed, now_ns)
            return longest([by_rules, now_ns // 10**9 + LAST_NOTICE_S]) if by_rules is not None else None

        with self._engine.one_commit():
            listed = list(listed_fragments(place))
            pins = list(filter(is_pin, listed))
            if not pins:
                return self._reach(place, as_it_is, now_ns, change=False)
            lifetime = self._reach(place, aim, now_ns)
            lists = self._lists(place, listed)
            copies = chain.from_iterable(in_list(pin, lists) for pin in pins)
            self._engine.batch_delete([*copies, *pins])
            self._reach(place, aim, now_ns)
        return lifetime

    def apply(
        self, project: str, position: str, retention: Retention, *, change: bool, now_ns: int
    ) -> Outcome:
        """Go by the rules of today, even to a shorter life; without ``change`` only say what that means."""
        place = self._place(project, position)

        def aim(listed: Sequence[TraceItem]) -> int | None:
            return None if any(map(is_pin, listed)) else _by_rules(place, retention, listed, now_ns)

        with self._engine.one_commit():
            found = self._reach(place, aim, now_ns, change=change)
        if found is None or found.before == found.after:
            return "same"
        if found.after is not None and found.after <= now_ns // 10**9:
            return "ended"
        return "longer" if longest(found) == found.after else "shorter"

    def is_pinned(self, project: str, position: str) -> bool:
        return any(map(is_pin, listed_fragments(self._place(project, position))))

    def _place(self, project: str, position: str) -> Place:
        start_ms, trace_id = keys.parse_fragment_sort(position + "#")
        return Place(project, trace_id, start_ms, self._shards)

    def _lists(self, place: Place, listed: Iterable[TraceItem]) -> frozenset[str]:
        return lists_of(self._engine, place).union(*map(place.lists_in, listed))

    def _reach(
        self, place: Place, aim: Aim, now_ns: int, *, change: bool = True, with_copies: bool = False
    ) -> Lifetime | None:
        """Bring all items of the trace to what ``aim`` says of them; ``None`` when nothing is stored."""
        first: Lifetime | None = None
        for _ in range(MAX_TRIES):
            listed = [item for item in listed_fragments(place) if is_live(item, now_ns)]
            moments = {item.expires_at for item in listed if not is_pin(item)}
            if not moments:
                return first
            after = aim(listed)
            ends = min((moment for moment in moments if moment is not None), default=None)
            first = first or Lifetime(ends, after)
            if (moments == {after} and not with_copies) or not change:
                return first
            with_copies = not self._change(place, listed, after, now_ns)
        raise StoreUnavailable("The trace is just being changed by others.")

    def _change(self, place: Place, listed: Sequence[TraceItem], expires_at: int | None, now_ns: int) -> bool:
        """False where others changed some of it in the same moment."""
        lists = self._lists(place, listed)
        pins = chain.from_iterable(in_list(item, lists) for item in listed if is_pin(item))
        days = [day_entry(place, shard, expires_at, now_ns) for shard in place.shards_in(listed)]
        with self._rollups.marked(place, now_ns) as markers:
            self._engine.batch_put([*days, *pins, *markers])
        prolong(place, expires_at)
        items = items_of_trace(place, lists, listed)
        others: list[Item] = []
        last: list[Item] = []
        for item in items:
            has_own = item.pk == place.anchor_partition or is_pin(item)
            if item.expires_at != expires_at and is_live(item, now_ns) and not has_own:
                (last if item.pk in place.day_partitions else others).append(item)
        change = partial(_change_item, expires_at=expires_at)
        return all(self._engine.each(change, others)) and all(self._engine.each(change, last))


def _by_rules(place: Place, retention: Retention, listed: Sequence[TraceItem], now_ns: int) -> int | None:
    """As it is, where that follows from when some of the trace arrived; else from when the first did."""
    fragments = fragments_in(listed, with_entries=True)
    days = retention.rule_of(merge(place.project, place.trace_id, fragments, now_ns=now_ns)).days
    if days is None:
        return None
    batches = [item for item in listed if not is_pin(item)]
    moments = [expiry(days, place.start_ms, (item.at or 0) * 1000) for item in batches]
    now = longest(item.expires_at for item in batches)
    return now if now in moments else min(moment for moment in moments if moment is not None)


def _pin_of(place: Place, now_ns: int) -> TraceItem:
    """A fragment that adds nothing: a reader who knows of no pins takes it for one."""
    sort = keys.fragment_sort(place.start_ms, place.trace_id, keys.PIN)
    body = pack_fragment(Fragment(Facts(), Totals(), []))
    return make_item(TraceItem, place.day_partition, sort, Stamp(now_ns, None), body=body)


def _change_item(item: Item, *, expires_at: int | None) -> bool:
    """False where it is not any more as it was read."""
    expiry_of = type(item).expires_at
    action = expiry_of.remove() if expires_at is None else expiry_of.set(expires_at)
    if item.expires_at is None:
        as_read = type(item).pk.exists() & expiry_of.does_not_exist()
    else:
        as_read = expiry_of == item.expires_at
    table = type(item)._get_connection()  # noqa: SLF001 - the model's own update answers with the whole item
    try:
        table.update_item(item.pk, item.sk, actions=[action], condition=as_read)
    except UpdateError as error:
        if error.cause_response_code != "ConditionalCheckFailedException":
            raise
        return False
    return True
