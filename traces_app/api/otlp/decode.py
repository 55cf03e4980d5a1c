"""Bodies of OTLP/HTTP as records, each walked once. Protobuf here, JSON in ``decode_json``."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.internal import api_implementation
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from traces_app.api.otlp.decode_json import read_logs_json, read_spans_json
from traces_app.api.otlp.records import MAX_VALUE_DEPTH, TOO_DEEP, Record, dropped_of, event_of, link_of
from traces_app.api.problems import ProblemError

__all__ = ["read_logs_json", "read_logs_protobuf", "read_spans_json", "read_spans_protobuf"]

if api_implementation.Type() != "upb":  # pragma: no cover - a broken installation
    raise ImportError(
        "protobuf runs without its C core (upb), ten times as slow: install protobuf from a wheel, and unset "
        "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION."
    )

_PLAIN: Final = frozenset({"string_value", "int_value", "double_value", "bool_value"})


def read_spans_protobuf(body: bytes) -> Iterator[Record]:
    """Raises a 400 problem for what is no such message."""
    for group in _parsed(ExportTraceServiceRequest(), body).resource_spans:
        resource = _attributes(group.resource.attributes)
        for scoped in group.scope_spans:
            scope = _scope(scoped.scope)
            for span in scoped.spans:
                yield _span_record(span, resource, scope)


def read_logs_protobuf(body: bytes) -> Iterator[Record]:
    for group in _parsed(ExportLogsServiceRequest(), body).resource_logs:
        resource = _attributes(group.resource.attributes)
        for scoped in group.scope_logs:
            scope = _scope(scoped.scope)
            for log in scoped.log_records:
                yield Record(
                    trace_id=log.trace_id.hex(),
                    span_id=log.span_id.hex(),
                    name=log.event_name,
                    start_ns=log.time_unix_nano or log.observed_time_unix_nano,
                    attributes=_attributes(log.attributes),
                    resource=resource,
                    scope=scope,
                    body=_value(log.body),
                )


def _parsed(message: Any, body: bytes) -> Any:
    try:
        message.ParseFromString(body)
    except DecodeError:
        raise ProblemError(
            400, "Not protobuf", "The body is not the protobuf message of this path.", field="body"
        ) from None
    return message


def _span_record(span: Any, resource: dict[str, Any], scope: dict[str, Any]) -> Record:
    record = Record(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        name=span.name,
        start_ns=span.start_time_unix_nano,
        attributes=_attributes(span.attributes),
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
        record.events = [
            event_of(event.name, event.time_unix_nano, _attributes(event.attributes)) for event in span.events
        ]
    if span.links:
        record.links = [
            link_of(link.trace_id.hex(), link.span_id.hex(), _attributes(link.attributes))
            for link in span.links
        ]
    if span.dropped_attributes_count or span.dropped_events_count or span.dropped_links_count:
        record.dropped = dropped_of(
            span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count
        )
    return record


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any, depth: int = 0) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    found = getattr(value, kind)
    return found if kind in _PLAIN else _compound(kind, found, depth)


def _compound(kind: str, found: Any, depth: int) -> Any:
    if kind == "bytes_value":
        return base64.b64encode(found).decode()
    if depth >= MAX_VALUE_DEPTH:
        return TOO_DEEP
    if kind == "array_value":
        return [_value(item, depth + 1) for item in found.values]
    if kind == "kvlist_value":
        return {pair.key: _value(pair.value, depth + 1) for pair in found.values}
    return None


def _scope(scope: Any) -> dict[str, Any]:
    told = {"name": scope.name, "version": scope.version, "attributes": _attributes(scope.attributes)}
    return {name: value for name, value in told.items() if value}
