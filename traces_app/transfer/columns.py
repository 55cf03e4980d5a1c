"""The tables that files hold: one row a span, or one a trace. docs/moving-data.md describes them.

A column's type says how CSV and Parquet write it: ``text``, ``integer`` (64 bits), ``number`` (a double),
``flag``, ``time`` (UTC nanoseconds), ``texts`` (a list), ``json`` (any value, as JSON text).
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final, NamedTuple

import orjson

from traces_app.domain.documents import span_json, summary_json
from traces_app.domain.durations import SECOND_NS
from traces_app.domain.span import SPAN_FIELDS, USAGE_FIELDS, Span
from traces_app.domain.summary import TraceSummary

__all__ = ["SPAN_COLUMNS", "TRACE_COLUMNS", "Record", "columns_of", "document_of", "json_text", "row_of"]


Record = Span | TraceSummary


class Column(NamedTuple):
    name: str
    type: str


_TIMES: Final = {
    "start_ns": "start_time",
    "end_ns": "end_time",
    "arrived_ns": "arrival_time",
    "expires_at": "expiry_time",
}
_FLAGS: Final = frozenset({"parent_is_remote", "is_pinned"})
_NUMBERS: Final = frozenset({"cost_usd", "time_to_first_token_ms", "duration_ms", "first_token_ms"})
_INTEGERS: Final = frozenset(
    {
        *USAGE_FIELDS,
        *("duration_ns", "span_count", "error_count", "unpriced_count", "raw_bytes", "stored_bytes"),
    }
)
_TEXTS: Final = frozenset({"tags", "notices", "models", "prompts"})
_JSON: Final = frozenset(
    {
        *("error", "input", "output", "parameters", "cost_detail", "tool", "documents", "prompt"),
        *("metadata", "scores", "attributes", "events", "dropped"),
    }
)


def _column(name: str) -> Column:
    if name in _TIMES:
        return Column(_TIMES[name], "time")
    types = (("number", _NUMBERS), ("integer", _INTEGERS), ("texts", _TEXTS), ("json", _JSON))
    found = next((type_ for type_, names in types if name in names), "text")
    return Column(name, "flag" if name in _FLAGS else found)


def _columns(names: tuple[str, ...]) -> dict[str, Column]:
    """By field."""
    return {name: _column(name) for name in names}


_SPAN_NAMES: Final = (
    "project",
    *(name for name in SPAN_FIELDS if name not in {"usage", *_JSON}),
    "duration_ns",
    *USAGE_FIELDS,
    *(name for name in SPAN_FIELDS if name in _JSON),
)
_TRACE_NAMES: Final = tuple(
    name
    for name in ("duration_ms", *(one.name for one in dataclasses.fields(TraceSummary)))
    if name != "metadata"
)
SPAN_COLUMNS: Final = _columns(_SPAN_NAMES)
TRACE_COLUMNS: Final = _columns(_TRACE_NAMES)


def columns_of(rows: str) -> list[Column]:
    """Of ``spans`` or ``traces``."""
    return list((SPAN_COLUMNS if rows == "spans" else TRACE_COLUMNS).values())


def document_of(project: str, record: Record) -> dict[str, Any]:
    """One line of JSON lines."""
    if isinstance(record, Span):
        return {"project": project, **span_json(record)}
    return summary_json(record)


def row_of(project: str, record: Record) -> dict[str, Any]:
    """One row, by the names of its columns: times in nanoseconds, JSON as text."""
    columns = SPAN_COLUMNS if isinstance(record, Span) else TRACE_COLUMNS
    usage = record.usage if isinstance(record, Span) else None
    row: dict[str, Any] = {}
    for name, column in columns.items():
        holder = usage if usage is not None and name in USAGE_FIELDS else record
        value = project if name == "project" else getattr(holder, name, None)
        if name == "expires_at" and value is not None:
            value *= SECOND_NS
        row[column.name] = _cell(value, column.type)
    return row


def json_text(value: Any) -> str:
    """JSON on one line, also of what orjson refuses (numbers of more than 64 bits)."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _cell(value: Any, type_: str) -> Any:
    """Nothing known is null."""
    if type_ == "json":
        return None if value is None or value in ({}, []) else json_text(value)
    return float(value) if type_ == "number" and value is not None else value
