"""Summary fragments as bytes: a JSON header with short names, a table of varints with one entry a span, and a
note of what the batch consumed.

A fragment of a trace with six spans takes some 400 bytes: well under the 1 KB of one write unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, Final

import orjson

from traces_app.domain.metering import pack_note, unpack_note
from traces_app.domain.summary import Facts, Fragment
from traces_app.domain.totals import Entry, Totals

FRAGMENT_VERSION: Final = 5
"""2 adds to an entry what a call took, and its model; 3 a note of what the batch consumed, behind the table;
4 is one whose spans were not kept; 5 names prompts. Tables of all versions read the same."""

THINNED_VERSION: Final = 4
PLAIN_VERSION: Final = 3
"""Of all others: what is sent again after an update has the same name as before."""

FIRST_NOTED_VERSION: Final = 3

HEADER_LENGTH_BYTES: Final = 4

_FACTS: Final = {
    "name": "n",
    "start_ns": "s",
    "end_ns": "e",
    "root_span_id": "r",
    "root_kind": "k",
    "root_status": "st",
    "root_is_remote": "rr",
    "models": "m",
    "user_id": "u",
    "session_id": "ss",
    "tags": "t",
    "environment": "v",
    "release": "rl",
    "input_preview": "i",
    "output_preview": "o",
    "dropped": "d",
    "first_token_ms": "ft",
    "scores": "sc",
    "prompts": "p",
    "raw_bytes": "b",
    "stored_bytes": "sb",
    "thinned": "th",
}
_TOTALS: Final = {
    "span_count": "n",
    "error_count": "e",
    "input_tokens": "i",
    "output_tokens": "o",
    "cache_read_tokens": "c",
    "reasoning_tokens": "r",
    "cost_nano_usd": "$",
    "unpriced_count": "u",
}
_FACTS_BACK: Final = {short: name for name, short in _FACTS.items()}
_TOTALS_BACK: Final = {short: name for name, short in _TOTALS.items()}
_ENTRY_COUNTS: Final = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "reasoning_tokens",
    "cost_nano_usd",
    "duration_ms",
    "first_token_ms",
)
_IS_ERROR, _COUNTS_USAGE = 1, 2
_FIRST_COUNT_BIT: Final = 4
_HAS_MODEL: Final = _FIRST_COUNT_BIT << len(_ENTRY_COUNTS)
"""Its place among the models of the facts follows the counts."""

_NO_PARENT, _FOREIGN_PARENT, _FIRST_PARENT = 0, 1, 2


def pack_fragment(fragment: Fragment) -> bytes:
    return pack_without_note(fragment) + pack_note(fragment.metered)


def pack_without_note(fragment: Fragment) -> bytes:
    """What names a fragment: the same for the same spans."""
    header = {
        "f": _known_by_short_name(fragment.facts, _FACTS),
        "t": _known_by_short_name(fragment.totals, _TOTALS),
    }
    text = orjson.dumps(header)
    start = bytes((_version(fragment.facts),)) + len(text).to_bytes(HEADER_LENGTH_BYTES, "big")
    return start + text + _pack_entries(fragment.entries, fragment.facts.models)


def _version(facts: Facts) -> int:
    if facts.prompts:
        return FRAGMENT_VERSION
    return PLAIN_VERSION if facts.thinned is None else THINNED_VERSION


def unpack_fragment(data: bytes, *, with_entries: bool) -> Fragment:
    """``with_entries`` false leaves the table packed: a trace of one fragment needs its totals only.

    Raises ValueError for a newer version.
    """
    if data[0] > FRAGMENT_VERSION:
        raise ValueError(f"Fragment of version {data[0]}: written by a newer version of LLM Tracer")
    start = 1 + HEADER_LENGTH_BYTES
    end = start + int.from_bytes(data[1:start], "big")
    header = orjson.loads(data[start:end])
    facts = Facts(**{_FACTS_BACK[short]: value for short, value in header["f"].items()})
    totals = Totals(**{_TOTALS_BACK[short]: value for short, value in header["t"].items()})
    metered = unpack_note(data) if data[0] >= FIRST_NOTED_VERSION else None
    entries = list(_unpack_entries(data[end:], facts.models)) if with_entries else []
    return Fragment(facts, totals, entries, metered)


def _known_by_short_name(record: Facts | Totals, names: dict[str, str]) -> dict[str, Any]:
    known = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if value not in (None, 0, [], {}) or (value == 0 and field.default is None):
            known[names[field.name]] = value
    return known


def _pack_entries(entries: Sequence[Entry], models: Sequence[str]) -> bytes:
    """Per span: 8 bytes of id, the parent (index in this table, or 8 bytes), flags, then what is known."""
    positions = {entry.span_id: position for position, entry in enumerate(entries)}
    out = bytearray(_varint(len(entries)))
    for entry in entries:
        out += bytes.fromhex(entry.span_id)
        out += _pack_parent(entry.parent_span_id, positions)
        counts = [getattr(entry, name) for name in _ENTRY_COUNTS]
        flags = (entry.is_error and _IS_ERROR) | (entry.counts_usage and _COUNTS_USAGE)
        for bit, count in enumerate(counts):
            flags |= (count is not None) * (_FIRST_COUNT_BIT << bit)
        if entry.model in models:
            flags |= _HAS_MODEL
            counts.append(models.index(entry.model))
        out += _varint(flags)
        for count in counts:
            if count is not None:
                out += _varint(count)
    return bytes(out)


def _pack_parent(parent: str | None, positions: dict[str, int]) -> bytes:
    if parent is None:
        return _varint(_NO_PARENT)
    position = positions.get(parent)
    if position is None:
        return _varint(_FOREIGN_PARENT) + bytes.fromhex(parent)
    return _varint(_FIRST_PARENT + position)


def _unpack_entries(table: bytes, models: Sequence[str]) -> Iterator[Entry]:
    size, at = _read_varint(table, 0)
    rows: list[tuple[str, int | str | None, int, list[Any]]] = []
    for _ in range(size):
        span_id, at = table[at : at + 8].hex(), at + 8
        parent, at = _unpack_parent(table, at)
        flags, at = _read_varint(table, at)
        counts: list[Any] = []
        for bit in range(len(_ENTRY_COUNTS) + 1):
            count = None
            if flags & (_FIRST_COUNT_BIT << bit):
                count, at = _read_varint(table, at)
            counts.append(count)
        rows.append((span_id, parent, flags, counts))
    for span_id, parent, flags, counts in rows:
        parent_id = rows[parent][0] if isinstance(parent, int) else parent
        if counts[-1] is not None:
            counts[-1] = models[counts[-1]]
        yield Entry(span_id, parent_id, bool(flags & _IS_ERROR), bool(flags & _COUNTS_USAGE), *counts)


def _unpack_parent(table: bytes, at: int) -> tuple[int | str | None, int]:
    code, at = _read_varint(table, at)
    if code == _NO_PARENT:
        return None, at
    if code == _FOREIGN_PARENT:
        return table[at : at + 8].hex(), at + 8
    return code - _FIRST_PARENT, at


def _varint(number: int) -> bytes:
    """Seven bits a byte, lowest first, as in protocol buffers."""
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _read_varint(table: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = table[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004
            return number, at
        shift += 7
