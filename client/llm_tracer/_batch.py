"""A batch as it goes over the wire: built once, so that every attempt sends the same bytes."""

from __future__ import annotations

import zlib
from typing import Final, NamedTuple

from llm_tracer._encode import dumps
from llm_tracer._settings import Settings
from llm_tracer._version import __version__

_GZIP: Final = 31
"""zlib's window bits for a gzip header, which zlib writes without a time: same bytes for same spans."""


class Batch(NamedTuple):
    """Spans of one POST. ``announcements`` come first and are not finished spans."""

    body: bytes
    announcements: list[bytes]
    records: list[bytes]
    size_bytes: int
    """Of the records as they count in the queue."""
    lost: dict[str, int]
    """The client's losses up to this batch, which the server knows once it has answered."""


class BatchBuilder:
    """Joins finished spans; nothing is encoded again."""

    def __init__(self, settings: Settings) -> None:
        self._compresses = not settings.is_loopback
        resource = {"environment": settings.environment, "release": settings.release}
        self._head = {
            "client": {"name": "llm-tracer-python", "version": __version__},
            "resource": {key: value for key, value in resource.items() if value},
        }
        self._told: dict[str, int] = {}

    def build(self, announcements: list[bytes], records: list[bytes], lost: dict[str, int]) -> Batch:
        counters = {reason: count - self._told.get(reason, 0) for reason, count in lost.items()}
        counters = {reason: count for reason, count in counters.items() if count > 0}
        head = dumps({**self._head, "counters": counters})[:-1]
        body = b"".join((head, b',"spans":[', b",".join((*announcements, *records)), b"]}"))
        if self._compresses:
            compressor = zlib.compressobj(1, wbits=_GZIP)
            body = compressor.compress(body) + compressor.flush()
        return Batch(body, announcements, records, sum(map(len, records)), lost)

    def halves(self, batch: Batch) -> list[Batch]:
        """For a server that takes less: the same spans in two batches."""
        if batch.announcements and batch.records:
            parts = [(batch.announcements, []), ([], batch.records)]
        elif batch.records:
            middle = len(batch.records) // 2
            parts = [([], batch.records[:middle]), ([], batch.records[middle:])]
        else:
            middle = len(batch.announcements) // 2
            parts = [(batch.announcements[:middle], []), (batch.announcements[middle:], [])]
        return [self.build(announcements, records, batch.lost) for announcements, records in parts]

    def acknowledged(self, batch: Batch) -> None:
        """The server knows the losses that this batch told it."""
        self._told = batch.lost
