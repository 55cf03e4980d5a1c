"""What a batch costs by DynamoDB's published rule, and where it is written down: in its own fragments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from traces_app.domain.metering import NOTHING, Consumed, Metered, pack_note
from traces_app.storage.embedded.capacity import write_units
from traces_app.storage.embedded.items import text_size
from traces_app.storage.embedded.numbers import measured_number
from traces_app.storage.metering import METER, work_until_now
from traces_app.storage.models import AnchorItem, Item, TraceItem

ITEM_OVERHEAD_BYTES: Final = 100
"""DynamoDB adds so much to each item it keeps, and to none that it writes."""

_TEXTS: Final = ("pk", "sk")
_NUMBERS: Final = ("v", "at", "expires_at")


def item_size(item: Item) -> int:
    """Names and values, as DynamoDB counts them."""
    size = sum(len(name) + text_size(getattr(item, name)) for name in _TEXTS)
    for name in _NUMBERS:
        value = getattr(item, name)
        if value is not None:
            size += len(name) + measured_number(str(value))[1]
    if item.body is not None:
        size += len("body") + len(item.body)
    if isinstance(item, AnchorItem) and item.lists:
        size += len("lists") + sum(map(text_size, item.lists))
    return size


def units_of_size(size: int) -> int:
    """Of a write that replaces nothing larger."""
    return int(write_units(size))


def units_of(item: Item) -> int:
    return units_of_size(item_size(item))


def kept_bytes(item: Item) -> int:
    return item_size(item) + ITEM_OVERHEAD_BYTES


@dataclass(slots=True)
class Written:
    """What is to be written of one trace, and what its anchor took before."""

    items: Sequence[Item]
    anchor_units: int = 0
    anchor_bytes: int = 0


class Account:
    """Of one batch, while it is written. ``spent_units`` its anchors took already."""

    def __init__(self, project: str, spent_units: int) -> None:
        self._project = project
        self._claimed = Consumed(write_units=spent_units)
        METER.claim(project, self._claimed)
        self._work = work_until_now()
        self.carried = METER.take(project)

    def settle(self, written: Sequence[Written], others: Sequence[Item]) -> None:
        """Note in each trace's first fragment what its items take; ``others`` go with the first trace."""
        measured = [[item_size(item) for item in one.items] for one in written]
        sizes = [
            sum(found) + len(found) * ITEM_OVERHEAD_BYTES + one.anchor_bytes
            for found, one in zip(measured, written, strict=True)
        ]
        units = [
            sum(map(units_of_size, found)) + one.anchor_units
            for found, one in zip(measured, written, strict=True)
        ]
        units[0] += sum(map(units_of, others))
        shares = [self._work.work_us * size // sum(sizes) for size in sizes]
        shares[0] += self._work.work_us - sum(shares)
        for place, one in enumerate(written):
            own = Consumed(units[place], 0, 0 if place else self._work.requests, shares[place])
            _note(one.items, Metered(own, sizes[place], NOTHING if place else self.carried))
        total = Consumed(write_units=sum(units))
        METER.claim(self._project, total.minus(self._claimed))
        self._claimed = total

    def give_back(self) -> None:
        """Nothing was noted: the next batch shall."""
        METER.note(self._project, self.carried.plus(self._work).plus(self._claimed))


@contextmanager
def account_of(project: str, spent_units: int) -> Iterator[Account]:
    account = Account(project, spent_units)
    try:
        yield account
    except BaseException:
        account.give_back()
        raise


def _note(items: Sequence[Item], metered: Metered) -> None:
    """In place of the empty note of the first fragment, in every list. It is as long."""
    fragments = [item for item in items if isinstance(item, TraceItem)]
    note = pack_note(metered)
    for item in fragments:
        if item.sk == fragments[0].sk:
            item.body = (item.body or b"")[: -len(note)] + note
