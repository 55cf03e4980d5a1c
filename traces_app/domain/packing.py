"""Spans as bytes. A first byte names each layout; readers know every one ever released.

A chunk of spans is a ``head`` (columns of what tree and waterfall need) before a ``body`` (the rest of each
span, a line of JSON), each compressed for itself: drawing a trace never unpacks its payload, and opening one
span parses its line alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

import orjson
from backports import zstd

from traces_app.domain.compression import (
    FindDictionary,
    compress,
    decompress,
    no_dictionary,
    shipped_dictionary,
)
from traces_app.domain.limits import MAX_ERROR_PREVIEW_CHARACTERS, MAX_VALUE_DEPTH
from traces_app.domain.span import SPAN_FIELDS, USAGE_FIELDS, Span, Usage

CHUNK_VERSION: Final = 3
"""1 had ids in the head's columns, and a JSON array for a body; before 3 scores stood in the body alone."""

PLAIN_VERSION: Final = 2
"""Of chunks without scores: what is sent again after an update has the same name as before."""

HEAD_LENGTH_BYTES: Final = 4
COUNT_BYTES: Final = 4
SPAN_ID_BYTES: Final = 8
MAX_HEAD_SCORES: Final = 8
MAX_HEAD_SCORE_CHARACTERS: Final = 40
"""Of the name, the value and the source of a score: what a row shows. All of it stands in the body."""

_HEAD_FIELDS: Final = {
    "parent_span_id": "p",
    "name": "n",
    "display_name": "dn",
    "kind": "k",
    "start_ns": "s",
    "status": "st",
    "model": "m",
    "provider": "pr",
    "cost_usd": "c",
    "cost_source": "cs",
    "time_to_first_token_ms": "f",
    "session_id": "se",
    "user_id": "u",
    "environment": "e",
    "release": "r",
    "tags": "t",
    "dropped": "d",
    "parent_is_remote": "rp",
}
"""Fields that travel in the head under short names: they would take a tenth of a small chunk."""

_DERIVED: Final = {
    "duration_ns": "l",
    "usage": "us",
    "error_preview": "er",
    "tool_name": "to",
    "scores": "sc",
}
_COLUMNS_BACK: Final = {short: name for name, short in (_HEAD_FIELDS | _DERIVED | {"span_id": "i"}).items()}
_BODY_FIELDS: Final = tuple(
    name for name in SPAN_FIELDS if name not in {*_HEAD_FIELDS, "trace_id", "span_id", "end_ns", "usage"}
)
_SPAN_FIELD_SET: Final = frozenset(SPAN_FIELDS) - {"trace_id"}
_UNKNOWN: Final = frozenset({"metadata", "scores", "attributes", "events", "notices"})
"""Fields that are unknown when they are empty."""

_MANY: Final = 2**53
"""Whole numbers from here on are written as texts: floats change their digits, orjson takes 64 bits."""

_DEPTH_LEFT_OVER: Final = 254 - 1 - MAX_VALUE_DEPTH
"""orjson refuses more than 254 levels: wrapping the payload (and unwrapping it) moves that to our limit."""

_head_of: Final = attrgetter(*_HEAD_FIELDS)
_body_of: Final = attrgetter(*_BODY_FIELDS)


def content_key(*blobs: bytes) -> str:
    """12 hex characters, the same for the same bytes: what is written again overwrites only itself."""
    digest = hashlib.blake2b(digest_size=6)
    for blob in blobs:
        digest.update(blob)
    return digest.hexdigest()


@dataclass(slots=True, frozen=True)
class PackedSpan:
    """A span and the JSON of its payload (everything the head does not hold)."""

    span: Span
    payload: bytes


def pack_payload(span: Span) -> bytes:
    """JSON of what the head does not hold. Raises TypeError for what is not JSON or is nested too deep."""
    known: Any = _known(span)
    for _ in range(_DEPTH_LEFT_OVER):
        known = [known]
    return orjson.dumps(known)[_DEPTH_LEFT_OVER:-_DEPTH_LEFT_OVER]


def pack_chunk(packed: Sequence[PackedSpan], dictionary: zstd.ZstdDict | None = None) -> bytes:
    """The version of this layout, four bytes with the length of the head, the head, the body.

    Without a ``dictionary`` of one's own the newest that came with the program is used.
    """
    dictionary = dictionary or shipped_dictionary()
    head = pack_head([entry.span for entry in packed], dictionary)
    body = compress(b"\n".join(entry.payload for entry in packed), dictionary)
    version = CHUNK_VERSION if any(entry.span.scores for entry in packed) else PLAIN_VERSION
    return bytes((version,)) + len(head).to_bytes(HEAD_LENGTH_BYTES, "big") + head + body


def unpack_chunk(blob: bytes, find: FindDictionary = no_dictionary) -> tuple[list[dict[str, Any]], Body]:
    """The rows of the head, and the body still packed. ``find`` knows the dictionaries that were not shipped.

    Raises ValueError for a newer version.
    """
    version = blob[0]
    if not 1 <= version <= CHUNK_VERSION:
        raise ValueError(f"Chunk of version {version}: written by a newer version of LLM Tracer")
    start = 1 + HEAD_LENGTH_BYTES
    end = start + int.from_bytes(blob[1:start], "big")
    return unpack_head(blob[start:end], find, version), Body(blob[end:], find, version)


class Body:
    """The payloads of a chunk: unpacked when the first is asked for, each parsed alone."""

    def __init__(self, blob: bytes, find: FindDictionary, version: int) -> None:
        self._blob, self._find, self._version = blob, find, version
        self._lines: list[bytes] | None = None

    def line(self, index: int) -> bytes:
        if self._lines is None:
            self._lines = self._unpacked()
        return self._lines[index]

    def payload(self, index: int) -> dict[str, Any]:
        known: dict[str, Any] = orjson.loads(self.line(index))
        return known

    def _unpacked(self) -> list[bytes]:
        data = decompress(self._blob, self._find)
        return data.split(b"\n") if self._version > 1 else list(map(orjson.dumps, orjson.loads(data)))


def pack_head(spans: Sequence[Span], dictionary: zstd.ZstdDict | None = None) -> bytes:
    """How many, their ids, which nothing makes smaller, and the columns."""
    ids = b"".join(bytes.fromhex(span.span_id) for span in spans)
    columns = compress(orjson.dumps(_columns_of(spans)), dictionary)
    return len(spans).to_bytes(COUNT_BYTES, "big") + ids + columns


def unpack_head(
    blob: bytes, find: FindDictionary = no_dictionary, version: int = CHUNK_VERSION
) -> list[dict[str, Any]]:
    """One dict a span, only of what is known, with parents, times and usage restored."""
    ids, packed = _split_head(blob) if version > 1 else ([], blob)
    columns = orjson.loads(decompress(packed, find))
    rows: list[dict[str, Any]] = [{} for _ in range(columns.pop("#", len(ids)))]
    first_ns = columns.pop("0")
    for short, column in {**columns, **({"i": ids} if ids else {})}.items():
        values = [column["all"]] * len(rows) if isinstance(column, dict) else column
        name = _COLUMNS_BACK[short]
        for row, value in zip(rows, values, strict=True):
            if value is not None:
                row[name] = value
    for row in rows:
        _restore(row, first_ns, ids)
    return rows


def span_from(trace_id: str, known: dict[str, Any]) -> Span:
    """A Span of what is known about it: a head, or a head and its payload."""
    usage = known.get("usage")
    is_clean = known.keys() <= _SPAN_FIELD_SET  # a copy is cheaper than a filter, and heads are many
    values = (
        dict(known) if is_clean else {name: value for name, value in known.items() if name in _SPAN_FIELD_SET}
    )
    values["usage"] = Usage(*usage) if usage is not None else None
    values.setdefault("name", "(unnamed)")
    return Span(trace_id=trace_id, **values)


def _columns_of(spans: Sequence[Span]) -> dict[str, Any]:
    """One value a span; starts as nanoseconds after the earliest, a parent in the same chunk as its place."""
    first_ns = min((span.start_ns for span in spans if span.start_ns is not None), default=0)
    columns = dict(
        zip(_HEAD_FIELDS.values(), map(list, zip(*map(_head_of, spans), strict=True)), strict=True)
    )
    columns[_HEAD_FIELDS["start_ns"]] = [_after(span.start_ns, first_ns) for span in spans]
    columns[_HEAD_FIELDS["name"]] = [span.name or None for span in spans]
    columns[_HEAD_FIELDS["parent_is_remote"]] = [span.parent_is_remote or None for span in spans]
    columns[_HEAD_FIELDS["tags"]] = [span.tags or None for span in spans]
    columns[_HEAD_FIELDS["dropped"]] = [span.dropped or None for span in spans]
    columns[_DERIVED["duration_ns"]] = [_after(span.end_ns, span.start_ns or 0) for span in spans]
    columns[_DERIVED["usage"]] = [_usage_list(span.usage) for span in spans]
    columns[_DERIVED["error_preview"]] = [_error_preview(span.error) for span in spans]
    columns[_DERIVED["tool_name"]] = [(span.tool or {}).get("name") for span in spans]
    columns[_DERIVED["scores"]] = [_head_scores(span.scores) for span in spans]
    places = {span.span_id: place for place, span in enumerate(spans)}
    columns[_HEAD_FIELDS["parent_span_id"]] = [
        places.get(span.parent_span_id or "", span.parent_span_id) for span in spans
    ]
    known = {short: column for short, values in columns.items() if (column := _column(values)) is not None}
    return {"0": first_ns, **known}


def _split_head(blob: bytes) -> tuple[list[str], bytes]:
    """The ids, and the columns still packed."""
    end = COUNT_BYTES + SPAN_ID_BYTES * int.from_bytes(blob[:COUNT_BYTES], "big")
    starts = range(COUNT_BYTES, end, SPAN_ID_BYTES)
    return [blob[start : start + SPAN_ID_BYTES].hex() for start in starts], blob[end:]


def _known(span: Span) -> dict[str, Any]:
    return {
        name: value
        for name, value in zip(_BODY_FIELDS, _body_of(span), strict=True)
        if value is not None and not (name in _UNKNOWN and not value)
    }


def _column(values: list[Any]) -> Any:
    """A list; ``{"all": value}`` when every span has the same; ``None`` when nobody has any."""
    first = values[0]
    is_same = values.count(first) == len(values)
    if is_same and isinstance(first, list):
        is_same = len(set(map(repr, values))) == 1  # to Python 1, 1.0 and True are the same
    if is_same:
        return None if first is None else {"all": first}
    return values


def _after(time_ns: int | None, earlier_ns: int) -> int | None:
    return None if time_ns is None else time_ns - earlier_ns


def _usage_list(usage: Usage | None) -> list[int | None] | None:
    if usage is None:
        return None
    counts = [getattr(usage, name) for name in USAGE_FIELDS]
    while counts and counts[-1] is None:
        counts.pop()
    return counts


def _error_preview(error: dict[str, Any] | None) -> list[str] | None:
    if not error:
        return None
    return [str(error.get("type") or ""), str(error.get("message") or "")[:MAX_ERROR_PREVIEW_CHARACTERS]]


def _head_scores(scores: Sequence[dict[str, Any]]) -> list[list[Any]] | None:
    """Name, number or word, source; as little as a row of the tree needs."""
    return [
        [_brief(score.get("name")), _brief(judgement_of(score)), _brief(score.get("source"))]
        for score in scores[:MAX_HEAD_SCORES]
    ] or None


def judgement_of(score: dict[str, Any]) -> Any:
    """The number, or the word where there is none."""
    return score.get("label") if score.get("value") is None else score["value"]


def _brief(value: Any) -> Any:
    if isinstance(value, bool | float | None) or (isinstance(value, int) and abs(value) < _MANY):
        return value
    return str(value)[:MAX_HEAD_SCORE_CHARACTERS]


def _score_told(name: Any, value: Any, source: Any) -> dict[str, Any]:
    judgement = {"label" if isinstance(value, str) else "value": value}
    return {"name": name, **judgement} | ({} if source is None else {"source": source})


def _restore(row: dict[str, Any], first_ns: int, ids: Sequence[str]) -> None:
    parent = row.get("parent_span_id")
    if isinstance(parent, int):
        row["parent_span_id"] = ids[parent]
    if "start_ns" in row:
        row["start_ns"] += first_ns
    duration_ns = row.pop("duration_ns", None)
    if duration_ns is not None:
        row["end_ns"] = row.get("start_ns", 0) + duration_ns
    error = row.pop("error_preview", None)
    if error is not None:
        row["error"] = {key: text for key, text in zip(("type", "message"), error, strict=True) if text}
    if "scores" in row:
        row["scores"] = [_score_told(*score) for score in row["scores"]]
    tool_name = row.pop("tool_name", None)
    if tool_name is not None:
        row["tool"] = {"name": tool_name}
