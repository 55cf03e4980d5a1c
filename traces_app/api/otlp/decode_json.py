"""OTLP's JSON as records: ids are hex, enums numbers, numbers of 64 bits texts or numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson

from traces_app.api.body import parse_json
from traces_app.api.otlp.allowance import Allowance, check_marks
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
_KEPT_AS: Final = {
    "traceId": "trace_id",
    "spanId": "span_id",
    "parentSpanId": "parent_span_id",
    "traceState": "trace_state",
    "eventName": "name",
    "startTimeUnixNano": "start_ns",
    "endTimeUnixNano": "end_ns",
    "timeUnixNano": "start_ns",
    "observedTimeUnixNano": "start_ns",
    "droppedAttributesCount": "dropped",
    "droppedEventsCount": "dropped",
    "droppedLinksCount": "dropped",
    "code": "status",
    "message": "status",
}
"""Whatever the dialect, a field is refused by its name in a span as it is kept."""

_BOOLEANS: Final = {"true": True, "false": False}
_NO_NUMBERS: Final = frozenset({"NaN", "Infinity", "-Infinity"})


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
    check_marks(body)
    request, _ = parse_json(body)
    if not isinstance(request, dict):
        raise _misshaped("The body", "an object")
    allowance = Allowance()
    found = []
    for group in _objects(request, groups):
        resource = _json_attributes(_object(group, "resource").get("attributes"))
        for part in _objects(group, scoped):
            scope, listed = _json_scope(_object(part, "scope")), _list(part, records)
            allowance.spend_records(len(listed))
            allowance.share(len(orjson.dumps((resource, scope))), len(listed))
            found.append((resource, scope, listed))
    for resource, scope, listed in found:
        for record in listed:
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
    told = {name: _json_text(scope.get(name), 0) for name in ("name", "version")}
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
        raise BadRecord(_KEPT_AS.get(name, name), "must be a text")
    return found


def _integer(holder: dict[str, Any], name: str) -> int:
    found = holder.get(name)
    if found is None or found == "":
        return 0
    number = _whole(found)
    if number is None or not 0 <= number < 2 * _INT64_BEYOND:
        raise BadRecord(_KEPT_AS.get(name, name), "must be a whole number from 0, as a number or a text")
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


def _json_attributes(pairs: Any, depth: int = 0) -> dict[str, Any]:
    return {
        pair["key"]: _json_value(pair.get("value"), depth)
        for pair in _all_objects(pairs)
        if isinstance(pair.get("key"), str)
    }


def _json_value(value: Any, depth: int = 0) -> Any:
    """An AnyValue; ``None`` for one without a value, or with one of the wrong shape.

    "Unknown fields are ignored, and null is the same as a field that is not there."
    """
    if not isinstance(value, dict):
        return None
    for kind, found in value.items():
        if found is not None and kind in _KINDS:
            return _KINDS[kind](found, depth)
    return None


def _json_text(found: Any, _: int) -> Any:
    """Of bytes their base64."""
    return found if isinstance(found, str) else None


def _json_bool(found: Any, _: int) -> Any:
    return found if isinstance(found, bool) else _BOOLEANS.get(found) if isinstance(found, str) else None


def _json_int(found: Any, _: int) -> Any:
    """A number of 64 bits; a larger one as it came."""
    number = _whole(found)
    if number is None or not -_INT64_BEYOND <= number < _INT64_BEYOND:
        return found if isinstance(found, str | float) else None
    return number


def _json_double(found: Any, _: int) -> Any:
    """A number, or the text of one: "NaN" and "Infinity" stay texts, which JSON can hold."""
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    return found if not isinstance(found, str) or found in _NO_NUMBERS else _number(found)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _json_array(found: Any, depth: int) -> Any:
    if depth >= MAX_VALUE_DEPTH:
        return TOO_DEEP
    inner = found.get("values") if isinstance(found, dict) else None
    return [_json_value(item, depth + 1) for item in inner] if isinstance(inner, list) else []


def _json_map(found: Any, depth: int) -> Any:
    if depth >= MAX_VALUE_DEPTH:
        return TOO_DEEP
    return _json_attributes(found.get("values") if isinstance(found, dict) else None, depth + 1)


_KINDS: Final[dict[str, Callable[[Any, int], Any]]] = {
    "stringValue": _json_text,
    "boolValue": _json_bool,
    "intValue": _json_int,
    "doubleValue": _json_double,
    "arrayValue": _json_array,
    "kvlistValue": _json_map,
    "bytesValue": _json_text,
}
