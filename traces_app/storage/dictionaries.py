"""Dictionaries trained from a project's own traces: kept with what is packed with them, never deleted."""

from __future__ import annotations

from functools import partial
from typing import Final

import orjson
from backports.zstd import ZstdDict

from traces_app.storage import keys
from traces_app.storage.items import make_item
from traces_app.storage.models import TraceItem
from traces_app.storage.records import Records
from traces_app.storage.remembered import Remembered
from traces_app.storage.stamp import Stamp

REMEMBERED_NS: Final = 300 * 10**9
"""How long a process packs with the dictionary of before."""

MAX_REMEMBERED: Final = 20
"""Dictionaries in memory: up to two megabytes each, made ready for packing."""


class OwnDictionaries:
    """A dictionary's number follows from its bytes, so that it is the same in every store."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._found: dict[int, ZstdDict] = {}
        self._of = Remembered[int](REMEMBERED_NS)

    def of(self, project: str, now_ns: int) -> ZstdDict | None:
        """What the project's spans are packed with, as of some minutes ago; ``None`` for the shipped one."""
        number = self._of.of(project, partial(_number_of, project), now_ns=now_ns)
        return self.find(project, number) if number else None

    def find(self, project: str, number: int) -> ZstdDict | None:
        """By the number in the header of what was packed with it."""
        known = self._found.get(number)
        if known is None:
            content = _read(project, keys.dictionary_sort(number))
            if content is None:
                return None
            if len(self._found) >= MAX_REMEMBERED:
                self._found.clear()
            known = self._found[number] = ZstdDict(content)
        return known

    def keep(self, project: str, dictionary: ZstdDict, *, now_ns: int) -> None:
        """Pack the project's spans with it from now on. Raises ValueError when another one has its number."""
        number, content = dictionary.dict_id, dictionary.dict_content
        partition, sort = keys.dictionaries_partition(project), keys.dictionary_sort(number)
        if (_read(project, sort) or content) != content:
            raise ValueError(f"Another dictionary has the number {number}: train from other traces.")
        make_item(TraceItem, partition, sort, Stamp(now_ns, None), body=content).save()
        self._records.put_record(partition, keys.ONLY, {"dictionary": number}, now_ns=now_ns)
        self._of.forget()


def _number_of(project: str) -> int:
    body = _read(project, keys.ONLY, consistent=False)
    return int(orjson.loads(body)["dictionary"]) if body else 0


def _read(project: str, sort: str, *, consistent: bool = True) -> bytes | None:
    partition = keys.dictionaries_partition(project)
    try:
        return TraceItem.get(partition, sort, consistent_read=consistent).body
    except TraceItem.DoesNotExist:
        return None
