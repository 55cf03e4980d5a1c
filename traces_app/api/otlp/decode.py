"""Bodies of OTLP/HTTP as records, each walked once. Protobuf here, JSON in ``decode_json``."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any, Final

from google.protobuf.internal import api_implementation
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from traces_app.api.otlp import wire
from traces_app.api.otlp.allowance import EVENT, LINK, MAX_RECORD_BYTES, PAIR, Allowance, check_marks
from traces_app.api.otlp.decode_json import read_logs_json, read_spans_json
from traces_app.api.otlp.records import (
    MAX_VALUE_DEPTH,
    TOO_DEEP,
    BadRecord,
    Record,
    dropped_of,
    event_of,
    link_of,
)
from traces_app.api.problems import ProblemError

__all__ = ["read_logs_json", "read_logs_protobuf", "read_spans_json", "read_spans_protobuf"]

if api_implementation.Type() != "upb":  # pragma: no cover - a broken installation
    raise ImportError(
        "protobuf runs without its C core (upb), ten times as slow: install protobuf from a wheel, and unset "
        "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION."
    )

COUNTED_BYTES: Final = 2**20
"""A message as large as this is counted before it is parsed: in a smaller one no count is dangerous."""

_PLAIN: Final = frozenset({"string_value", "int_value", "double_value", "bool_value"})

_Read = Callable[[Any, dict[str, Any], dict[str, Any]], Record]


def read_spans_protobuf(body: bytes) -> Iterator[Record | BadRecord]:
    """Raises a 400 problem for what is no such message; a span that cannot be read comes as a BadRecord."""
    reader = _Reader()
    return reader.records(body, "span", Span, wire.SPAN, reader.span)


def read_logs_protobuf(body: bytes) -> Iterator[Record | BadRecord]:
    reader = _Reader()
    return reader.records(body, "log record", LogRecord, wire.LOG, reader.log)


class _Reader:
    """Walks the messages of one request, within its allowance."""

    def __init__(self) -> None:
        self._allowance = Allowance()

    def records(
        self, body: bytes, name: str, kind: Any, levels: wire.Levels, read: _Read
    ) -> Iterator[Record | BadRecord]:
        """When none of them can be read, the body is not what its path says."""
        check_marks(body)
        found = broken = 0
        for resource, scope, data in self._places(body):
            if len(data) > MAX_RECORD_BYTES:
                yield BadRecord(name, f"{len(data)} bytes; the limit is {MAX_RECORD_BYTES}")
                continue
            try:
                message, is_repaired = self._parsed(kind, data, levels)
            except (DecodeError, wire.Malformed):
                broken += 1
                yield BadRecord(name, "is no protobuf message of its kind, or holds a text that is not UTF-8")
            else:
                found += 1
                record = read(message, resource, scope)
                record.is_repaired = is_repaired
                yield record
        if broken and not found:
            raise _not_protobuf()

    def _places(self, body: bytes) -> Iterator[tuple[dict[str, Any], dict[str, Any], bytes]]:
        try:
            for context, scopes in wire.groups_of(body, self._allowance):
                message, _ = self._parsed(Resource, context, wire.RESOURCE)
                resource = self._attributes(message.attributes)
                for group in scopes:
                    scope, _ = self._parsed(InstrumentationScope, group.context, wire.SCOPE)
                    told = self._scope(scope)
                    for start, end in group.inner:
                        yield resource, told, body[start:end]
        except (DecodeError, wire.Malformed):
            raise _not_protobuf() from None

    def _parsed(self, kind: Any, data: bytes | bytearray, levels: wire.Levels) -> tuple[Any, bool]:
        """The message, and whether a text in it had to be repaired."""
        data = bytes(data)
        if len(data) >= COUNTED_BYTES:
            wire.spend_inner(data, levels, self._allowance)
        try:
            return kind.FromString(data), False
        except DecodeError:
            return kind.FromString(wire.without_surrogates(data, levels, self._allowance)), True

    def span(self, span: Any, resource: dict[str, Any], scope: dict[str, Any]) -> Record:
        record = Record(
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            name=span.name,
            start_ns=span.start_time_unix_nano,
            attributes=self._attributes(span.attributes),
            resource=resource,
            scope=scope,
            parent_span_id=span.parent_span_id.hex(),
            end_ns=span.end_time_unix_nano,
            kind=span.kind,
            flags=span.flags,
            status_code=span.status.code,
            status_message=span.status.message,
            trace_state=span.trace_state,
        )
        if span.events:
            record.events = self._events(span.events)
        if span.links:
            record.links = self._links(span.links)
        if span.dropped_attributes_count or span.dropped_events_count or span.dropped_links_count:
            record.dropped = dropped_of(
                span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count
            )
        return record

    def log(self, log: Any, resource: dict[str, Any], scope: dict[str, Any]) -> Record:
        return Record(
            trace_id=log.trace_id.hex(),
            span_id=log.span_id.hex(),
            name=log.event_name,
            start_ns=log.time_unix_nano or log.observed_time_unix_nano,
            attributes=self._attributes(log.attributes),
            resource=resource,
            scope=scope,
            body=self._value(log.body),
        )

    def _events(self, events: Any) -> list[dict[str, Any]]:
        self._allowance.spend(EVENT * len(events))
        return [
            event_of(event.name, event.time_unix_nano, self._attributes(event.attributes)) for event in events
        ]

    def _links(self, links: Any) -> list[dict[str, Any]]:
        self._allowance.spend(LINK * len(links))
        return [
            link_of(link.trace_id.hex(), link.span_id.hex(), self._attributes(link.attributes))
            for link in links
        ]

    def _attributes(self, pairs: Any) -> dict[str, Any]:
        self._allowance.spend(PAIR * len(pairs))
        return {pair.key: self._value(pair.value) for pair in pairs}

    def _value(self, value: Any, depth: int = 0) -> Any:
        kind = value.WhichOneof("value")
        if kind is None:
            return None
        found = getattr(value, kind)
        return found if kind in _PLAIN else self._compound(kind, found, depth)

    def _compound(self, kind: str, found: Any, depth: int) -> Any:
        if kind == "bytes_value":
            return base64.b64encode(found).decode()
        if depth >= MAX_VALUE_DEPTH:
            return TOO_DEEP
        if kind == "array_value":
            self._allowance.spend(len(found.values))
            return [self._value(item, depth + 1) for item in found.values]
        if kind == "kvlist_value":
            self._allowance.spend(PAIR * len(found.values))
            return {pair.key: self._value(pair.value, depth + 1) for pair in found.values}
        return None

    def _scope(self, scope: Any) -> dict[str, Any]:
        told = {
            "name": scope.name,
            "version": scope.version,
            "attributes": self._attributes(scope.attributes),
        }
        return {name: value for name, value in told.items() if value}


def _not_protobuf() -> ProblemError:
    return ProblemError(
        400, "Not protobuf", "The body is not the protobuf message of this path.", field="body"
    )
