"""OTLP's JSON as records: ids are hex, enums numbers, numbers of 64 bits texts or numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from traces_app.api.body import parse_json
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

__all__ = ["read_logs_json", "read_spans_json"]

_INT64_BEYOND: Final = 2**63
_MAX_DIGITS: Final = 20


def read_spans_json(body: bytes) -> Iterator[Record | BadRecord]:
    """Raises a 400 problem for what is no such message; a span that cannot be read comes as a BadRecord."""
    for resource, scope, span in _json_records(body, "resourceSpans", "scopeSpans", "spans"):
        yield _read_one(_json_span, span, resource, scope)


def read_logs_json(body: bytes) -> Iterator[Record | BadRecord]:
    for resource, scope, log in _json_records(body, "resourceLogs", "scopeLogs", "logRecords"):
        yield _read_one(_json_log, log, resource, scope)


def _read_one(read: Any, record: Any, resource: dict[str, Any], scope: dict[str, Any]) -> Record | BadRecord:
    try:
        found: Record = read(record, resource, scope)
    except BadRecord as error:
        return error
    return found


def _json_records(
    body: bytes, groups: str, scoped: str, records: str
) -> Iterator[tuple[dict[str, Any], dict[str, Any], Any]]:
    request, _ = parse_json(body)
    if not isinstance(request, dict):
        raise _misshaped("The body", "an object")
    for group in _objects(request, groups):
        resource = _json_attributes((_object(group, "resource")).get("attributes"))
        for part in _objects(group, scoped):
            scope = _json_scope(_object(part, "scope"))
            for record in _list(part, records):
                yield resource, scope, record


def _objects(holder: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = _list(holder, name)
    if not all(isinstance(item, dict) for item in found):
        raise _misshaped(name, "a list of objects")
    return found


def _list(holder: dict[str, Any], name: str) -> list[Any]:
    found = holder.get(name)
    if found is not None and not isinstance(found, list):
        raise _misshaped(name, "a list")
    return found or []


def _object(holder: dict[str, Any], name: str) -> dict[str, Any]:
    found = holder.get(name)
    return found if isinstance(found, dict) else {}


def _misshaped(what: str, shape: str) -> ProblemError:
    return ProblemError(400, "Not OTLP", f"{what} must be {shape}.", field="body")


def _json_scope(scope: dict[str, Any]) -> dict[str, Any]:
    told = {name: _string(scope, name) for name in ("name", "version")}
    told_attributes = _json_attributes(scope.get("attributes"))
    return {name: value for name, value in {**told, "attributes": told_attributes}.items() if value}


def _json_span(span: Any, resource: dict[str, Any], scope: dict[str, Any]) -> Record:
    if not isinstance(span, dict):
        raise BadRecord("span", "must be an object")
    status = _object(span, "status")
    return Record(
        trace_id=_string(span, "traceId").lower(),
        span_id=_string(span, "spanId").lower(),
        name=_string(span, "name"),
        start_ns=_integer(span, "startTimeUnixNano"),
        attributes=_json_attributes(span.get("attributes")),
        resource=resource,
        scope=scope,
        parent_span_id=_string(span, "parentSpanId").lower(),
        end_ns=_integer(span, "endTimeUnixNano"),
        kind=_integer(span, "kind"),
        flags=_integer(span, "flags"),
        status_code=_integer(status, "code"),
        status_message=_string(status, "message"),
        trace_state=_string(span, "traceState"),
        events=[_json_event(event) for event in _all_objects(span.get("events"))],
        links=[_json_link(link) for link in _all_objects(span.get("links"))],
        dropped=dropped_of(
            _integer(span, "droppedAttributesCount"),
            _integer(span, "droppedEventsCount"),
            _integer(span, "droppedLinksCount"),
        ),
    )


def _json_log(log: Any, resource: dict[str, Any], scope: dict[str, Any]) -> Record:
    if not isinstance(log, dict):
        raise BadRecord("log record", "must be an object")
    return Record(
        trace_id=_string(log, "traceId").lower(),
        span_id=_string(log, "spanId").lower(),
        name=_string(log, "eventName"),
        start_ns=_integer(log, "timeUnixNano") or _integer(log, "observedTimeUnixNano"),
        attributes=_json_attributes(log.get("attributes")),
        resource=resource,
        scope=scope,
        body=_json_value(log.get("body")),
    )


def _json_event(event: dict[str, Any]) -> dict[str, Any]:
    attributes = _json_attributes(event.get("attributes"))
    return event_of(_string(event, "name"), _integer(event, "timeUnixNano"), attributes)


def _json_link(link: dict[str, Any]) -> dict[str, Any]:
    attributes = _json_attributes(link.get("attributes"))
    return link_of(_string(link, "traceId").lower(), _string(link, "spanId").lower(), attributes)


def _all_objects(found: Any) -> list[dict[str, Any]]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _string(holder: dict[str, Any], name: str) -> str:
    found = holder.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise BadRecord(name, "must be a text")
    return found


def _integer(holder: dict[str, Any], name: str) -> int:
    found = holder.get(name)
    if found is None or found == "":
        return 0
    number = _whole(found)
    if number is None or not 0 <= number < 2 * _INT64_BEYOND:
        raise BadRecord(name, "must be a whole number from 0, as a number or a text")
    return number


def _whole(found: Any) -> int | None:
    """A whole number, also from a text or from a float that is whole."""
    if isinstance(found, bool):
        return None
    if isinstance(found, int):
        return found
    if isinstance(found, float):
        return int(found) if found.is_integer() else None
    if (
        isinstance(found, str)
        and len(found) <= _MAX_DIGITS
        and found.lstrip("-").isdecimal()
        and found.isascii()
    ):
        return int(found) if found.rfind("-") <= 0 else None
    return None


def _json_attributes(pairs: Any) -> dict[str, Any]:
    return {
        pair["key"]: _json_value(pair.get("value"))
        for pair in _all_objects(pairs)
        if isinstance(pair.get("key"), str)
    }


def _json_value(value: Any, depth: int = 0) -> Any:
    """An AnyValue; ``None`` for one without a value, or with one of the wrong shape."""
    if not isinstance(value, dict) or not value:
        return None
    kind, found = next(iter(value.items()))
    if kind in ("arrayValue", "kvlistValue"):
        return TOO_DEEP if depth >= MAX_VALUE_DEPTH else _json_compound(kind, found, depth)
    if kind == "intValue":
        return _json_int(found)
    allowed = (int, float, str) if kind == "doubleValue" else (str, bool)
    return found if isinstance(found, allowed) else None


def _json_compound(kind: str, found: Any, depth: int) -> Any:
    inner = found.get("values") if isinstance(found, dict) else None
    if kind == "arrayValue":
        return [_json_value(item, depth + 1) for item in inner] if isinstance(inner, list) else []
    return {
        pair["key"]: _json_value(pair.get("value"), depth + 1)
        for pair in _all_objects(inner)
        if isinstance(pair.get("key"), str)
    }


def _json_int(found: Any) -> Any:
    number = _whole(found)
    if number is None or not -_INT64_BEYOND <= number < _INT64_BEYOND:
        return found if isinstance(found, str | float) else None
    return number
