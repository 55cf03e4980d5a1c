"""A trace as OTLP JSON, to be sent on to another collector (or back to this one)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from traces_app.domain.span import KINDS, Span
from traces_app.explorer.pages.content import pretty
from traces_app.queries import Trace

_STATUS_CODES: Final = {"ok": 1, "error": 2}
_OPERATIONS: Final = {
    "llm": "chat",
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "embedding": "embeddings",
}
INTERNAL: Final = 1


def otlp_json(trace: Trace) -> Iterator[bytes]:
    """One resource; what each span's own resource said stands among its attributes."""
    resource = _attributes({"service.name": trace.summary.name or "trace"})
    yield b'{"resourceSpans":[{"resource":{"attributes":' + orjson.dumps(resource)
    yield b'},"scopeSpans":[{"scope":{"name":"llm-tracer"},"spans":['
    for index, span in enumerate(trace.spans()):
        yield (b",\n" if index else b"\n") + _one_line(_span(span))
    yield b"\n]}]}]}\n"


def _one_line(value: Any) -> bytes:
    """JSON on one line, also of what orjson refuses."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return pretty(value).encode("utf-8", "backslashreplace")


def _span(span: Span) -> dict[str, Any]:
    own = {name: value for name, value in span.attributes.items() if name != "otel"}
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        **({"parentSpanId": span.parent_span_id} if span.parent_span_id else {}),
        "name": span.name,
        "kind": INTERNAL,
        "startTimeUnixNano": str(span.start_ns or 0),
        "endTimeUnixNano": str(span.end_ns or span.start_ns or 0),
        "status": {"code": _STATUS_CODES.get(span.status, 0), "message": _message(span)},
        "attributes": _attributes(_conventional(span) | own),
        "events": [_event(event) for event in span.events],
    }


def _conventional(span: Span) -> dict[str, Any]:
    """Our fields in the words of OpenTelemetry's GenAI convention; what came with the span goes over them."""
    usage = span.usage
    found = {
        "gen_ai.operation.name": _OPERATIONS.get(span.kind),
        "openinference.span.kind": span.kind.upper() if span.kind in KINDS else None,
        "gen_ai.request.model": span.model,
        "gen_ai.provider.name": span.provider,
        "gen_ai.usage.input_tokens": usage.input_tokens if usage else None,
        "gen_ai.usage.output_tokens": usage.output_tokens if usage else None,
        "gen_ai.tool.name": (span.tool or {}).get("name"),
        "gen_ai.tool.call.id": (span.tool or {}).get("call_id"),
        "input.value": span.input,
        "output.value": span.output,
        "session.id": span.session_id,
        "user.id": span.user_id,
        "error.type": (span.error or {}).get("type"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _message(span: Span) -> str:
    return str((span.error or {}).get("message") or "")


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": str(event.get("name") or ""),
        "timeUnixNano": str(event.get("time_ns") or 0),
        "attributes": _attributes(event.get("attributes") or {}),
    }


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": str(name), "value": _any_value(value)} for name, value in values.items()]


def _any_value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value if isinstance(value, str) else _one_line(value).decode()}
