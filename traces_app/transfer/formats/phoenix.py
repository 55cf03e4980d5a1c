"""Phoenix: rows of its data frame of spans (CSV, Parquet, JSON lines), and spans of its REST API.

Attributes are OpenInference's. A data frame has ``attributes.llm.input_messages`` as a list of objects, where
OpenTelemetry has ``llm.input_messages.0.message.role``: they are flattened again.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from typing import Any, Final

from traces_app.domain.span import Span
from traces_app.transfer.formats.values import (
    Made,
    NoRest,
    known,
    span_id_of,
    text_in,
    time_ns_of,
    trace_id_of,
    value_of,
)

__all__ = ["Phoenix"]

PREFIX: Final = "attributes."
WHOLE: Final = frozenset({"metadata", "llm.prompt_template.variables"})
"""Attributes that are objects themselves."""

MAX_LITERAL_CHARACTERS: Final = 10**6
MAX_DEPTH: Final = 20


class Phoenix(NoRest):
    def recognises(self, entry: dict[str, Any]) -> bool:
        context = entry.get("context")
        return "context.span_id" in entry or (isinstance(context, dict) and "span_id" in context)

    def spans(self, entry: dict[str, Any]) -> Made:
        context = entry.get("context") or {}
        parent = text_in(entry, "parent_id")
        start_ns = time_ns_of(entry.get("start_time"), "start_time")
        end_ns = time_ns_of(entry.get("end_time"), "end_time")
        status = (text_in(entry, "status_code") or "").upper()
        yield Span(
            trace_id=trace_id_of(entry.get("context.trace_id", context.get("trace_id")), "context.trace_id"),
            span_id=span_id_of(entry.get("context.span_id", context.get("span_id")), "context.span_id"),
            name=text_in(entry, "name") or "(unnamed)",
            parent_span_id=span_id_of(parent, "parent_id") if parent else None,
            start_ns=start_ns,
            end_ns=end_ns,
            status="error" if status == "ERROR" else "ok" if end_ns is not None else "pending",
            attributes=_attributes(entry),
            events=[_event(event) for event in _listed(entry.get("events"))],
        )


def _attributes(entry: dict[str, Any]) -> dict[str, Any]:
    given = entry.get("attributes")
    told = dict(given) if isinstance(given, dict) else {}
    told |= {name.removeprefix(PREFIX): value for name, value in entry.items() if name.startswith(PREFIX)}
    attributes: dict[str, Any] = {}
    for name, value in told.items():
        attributes.update(_flat(name, _plain(value), 0))
    kind = text_in(entry, "span_kind")
    if kind:
        attributes.setdefault("openinference.span.kind", kind.upper())
    about = {"scope": {"name": "phoenix-export"}, "status_message": text_in(entry, "status_message")}
    return attributes | {"otel": known(about) | {"mapper": 0}}


def _flat(name: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Objects and lists of objects by their places; lists of plain values stay."""
    if value is None:
        return
    if name in WHOLE or depth == MAX_DEPTH:
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner, depth + 1)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            yield from _flat(f"{name}.{number}", item, depth + 1)
    else:
        yield name, value


def _plain(value: Any) -> Any:
    """JSON stays a text, as instrumentations send it; a list or object written as Python does is read."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if (
        isinstance(value, str)
        and value.startswith(("[{'", "{'", "['"))
        and len(value) <= MAX_LITERAL_CHARACTERS
    ):
        try:
            return ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return value
    return value


def _listed(value: Any) -> list[dict[str, Any]]:
    value = value_of(_plain(value))
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _event(event: dict[str, Any]) -> dict[str, Any]:
    attributes = event.get("attributes")
    if not isinstance(attributes, dict):
        attributes = {
            name.removeprefix(PREFIX): value for name, value in event.items() if name.startswith(PREFIX)
        }
    time_ns = time_ns_of(event.get("timestamp"), "events.timestamp")
    return known(
        {"name": text_in(event, "name") or "event", "time_ns": time_ns, "attributes": known(attributes)}
    )
