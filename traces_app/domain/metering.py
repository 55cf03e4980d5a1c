"""What AWS charges by use, and how a summary fragment notes it at its end.

The note has a fixed length, so that what a fragment costs does not depend on the figures in it, and it is no
part of the bytes a fragment is named after: the same batch again has the same name, however long it took.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

MAX_NOTED: Final = 2**32 - 1

_OWN: Final = struct.Struct(">IIIB")
_CARRIED: Final = struct.Struct(">IIII")
_HAS_REQUEST, _HAS_CARRIED, _IS_UNKNOWN = 1, 2, 4


class Consumed(NamedTuple):
    """Read units count by halves: an eventually consistent read of 4 KB is one half."""

    write_units: int = 0
    read_halves: int = 0
    requests: int = 0
    work_us: int = 0

    def plus(self, other: Consumed) -> Consumed:
        return Consumed(*(mine + others for mine, others in zip(self, other, strict=True)))

    def minus(self, other: Consumed) -> Consumed:
        return Consumed(*(mine - others for mine, others in zip(self, other, strict=True)))


NOTHING: Final = Consumed()


class Metered(NamedTuple):
    """What one batch consumed for one trace (``own``), and what its items take of the store for as long
    as they live; ``carried`` is what else the same process consumed for the project since the batch before.
    """

    own: Consumed = NOTHING
    kept_bytes: int = 0
    carried: Consumed = NOTHING

    @property
    def all_together(self) -> Consumed:
        return self.own.plus(self.carried)

    def plus(self, other: Metered) -> Metered:
        own, kept_bytes = self.own.plus(other.own), self.kept_bytes + other.kept_bytes
        return Metered(own, kept_bytes, self.carried.plus(other.carried))


def pack_note(metered: Metered | None) -> bytes:
    """``None``: not known. Reads belong to no batch: there are none among ``own``."""
    if metered is None:
        return _OWN.pack(0, 0, 0, _IS_UNKNOWN)
    own, kept_bytes, carried = metered
    has_carried = carried != NOTHING
    flags = bool(own.requests) * _HAS_REQUEST | has_carried * _HAS_CARRIED
    figures = (min(value, MAX_NOTED) for value in (own.write_units, kept_bytes, own.work_us))
    more = _CARRIED.pack(*(min(value, MAX_NOTED) for value in carried)) if has_carried else b""
    return more + _OWN.pack(*figures, flags)


def unpack_note(data: bytes) -> Metered | None:
    """Of a fragment whose last bytes are a note."""
    write_units, kept_bytes, work_us, flags = _OWN.unpack(data[-_OWN.size :])
    if flags & _IS_UNKNOWN:
        return None
    own = Consumed(write_units, requests=flags & _HAS_REQUEST, work_us=work_us)
    if not flags & _HAS_CARRIED:
        return Metered(own, kept_bytes)
    end = len(data) - _OWN.size
    return Metered(own, kept_bytes, Consumed(*_CARRIED.unpack(data[end - _CARRIED.size : end])))
