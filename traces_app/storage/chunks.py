"""The stored spans of a trace, read: parts joined to chunks, heads unpacked, payloads on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from traces_app.domain.compression import FindDictionary
from traces_app.domain.packing import Body, unpack_chunk
from traces_app.storage import keys
from traces_app.storage.items import is_live
from traces_app.storage.models import SpanItem


@dataclass(slots=True)
class Chunk:
    """Spans of one trace that arrived together. ``rows`` are the heads; the payload is unpacked on demand."""

    written_us: int
    expires_at: int | None
    sorts: list[str]
    """Sort keys of its parts."""
    rows: list[dict[str, Any]]
    stored_bytes: int
    _body: Body

    def payload(self, index: int) -> dict[str, Any]:
        return self._body.payload(index)

    def lines(self) -> list[bytes]:
        """The payload of each span as JSON."""
        return [self._body.line(index) for index in range(len(self.rows))]


def read_chunks(partition: str, *, consistent: bool, now_ns: int, find: FindDictionary) -> list[Chunk]:
    """Those that are whole, oldest first."""
    parts: dict[str, dict[int, SpanItem]] = {}
    whole: dict[str, int] = {}
    for item in SpanItem.query(partition, consistent_read=consistent):
        if is_live(item, now_ns):
            chunk, part, count = keys.parse_part_sort(item.sk)
            parts.setdefault(chunk, {})[part] = item
            whole[chunk] = count
    chunks = [_chunk(found, find) for name, found in parts.items() if len(found) == whole[name]]
    return sorted(chunks, key=lambda chunk: chunk.written_us)


def _chunk(parts: Mapping[int, SpanItem], find: FindDictionary) -> Chunk:
    blob = b"".join(parts[part].body or b"" for part in sorted(parts))
    rows, body = unpack_chunk(blob, find)
    sorts = [item.sk for item in parts.values()]
    return Chunk(int(parts[0].at or 0), parts[0].expires_at, sorts, rows, len(blob), body)
