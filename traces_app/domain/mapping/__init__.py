"""From what an instrumentation calls things to a span's own fields."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from traces_app.domain.conventions import SIGNS, VERSION
from traces_app.domain.json_text import decoded
from traces_app.domain.mapping.content import details_of, fill_content
from traces_app.domain.mapping.context import fill_context
from traces_app.domain.mapping.details import (
    FIRST_TOKEN_EVENTS,
    documents_of,
    error_of,
    first_token_ms,
    prompt_of,
    scores_of,
    tool_of,
)
from traces_app.domain.mapping.kinds import kind_of
from traces_app.domain.mapping.reader import Reader, number_of
from traces_app.domain.mapping.usage import usage_of
from traces_app.domain.mapping.vectors import take_vectors
from traces_app.domain.span import Span

__all__ = ["map_span", "speaks_a_convention", "unmapped"]

_AS_SENT: Final = (
    "trace_id",
    "span_id",
    "name",
    "parent_span_id",
    "parent_is_remote",
    "start_ns",
    "end_ns",
    "status",
    "attributes",
    "events",
    "dropped",
)
"""Of a span of OpenTelemetry's: what no mapping writes."""

_NOT_PARAMETERS: Final = frozenset(
    {"messages", "input", "tools", "functions", "system", "instructions", "model", "prompt", "contents", "id"}
)
_REQUEST_KEYS: Final = frozenset({"model", "model_name"})
_FRAMEWORKS: Final = frozenset(
    {"langchain", "langgraph", "autogen", "strands-agents", "microsoft.agent_framework", "crewai", "agno"}
)
_GENERIC_NAMES: Final = frozenset(
    {"running tool", "running tools", "ai.toolCall", "execute_tool", "agent run", "invoke_agent"}
)


def speaks_a_convention(span: Span) -> bool:
    return any(key.startswith(SIGNS) for key in span.attributes)


def map_span(span: Span) -> None:
    """Fill the fields of ``span`` that are empty from its attributes and events. Running it again is safe."""
    details = details_of(span.events) if span.events else {}
    reader = Reader(details | span.attributes if details else span.attributes)
    otel = span.attributes.get("otel")
    otel = otel if isinstance(otel, dict) else {}
    if span.kind == "other":
        span.kind = kind_of(reader.attributes, str((otel.get("scope") or {}).get("name") or ""))
    reader.keep_vectors(take_vectors(reader.attributes, is_embedding=span.kind == "embedding"))
    _fill_call(span, reader)
    fill_content(span, reader)
    _fill_details(span, reader)
    fill_context(span, reader)
    _fill_names(span, reader)
    if otel:
        otel["mapper"] = VERSION


def unmapped(span: Span) -> Span | None:
    """A stored span as it was before it was mapped; ``None`` when today's mapping has read it already.

    Of OpenTelemetry's spans everything but the identity was read from attributes and events. Of others what
    the sender said itself cannot be told apart: all they know stays.
    """
    otel = span.attributes.get("otel")
    if isinstance(otel, dict):
        is_current = span.is_partial or otel.get("mapper", 0) >= VERSION
        return None if is_current else Span(**{name: deepcopy(getattr(span, name)) for name in _AS_SENT})
    return _unpriced(deepcopy(span)) if speaks_a_convention(span) else None


def _unpriced(span: Span) -> Span:
    """A computed cost is computed again; a reported one is the sender's word."""
    if span.cost_source == "computed":
        span.cost_usd = span.cost_source = span.cost_detail = None
    return span


def _fill_call(span: Span, reader: Reader) -> None:
    requested = _model(reader.text("requested_model"))
    span.model = span.model or _model(reader.text("model")) or requested
    span.provider = span.provider or _provider(reader)
    if span.parameters is None:
        span.parameters = _parameters(span, reader, requested)
    if span.usage is None:
        span.usage = usage_of(reader)
    if span.cost_usd is None:
        span.cost_usd = _reported_cost(reader)
    if span.time_to_first_token_ms is None:
        span.time_to_first_token_ms = first_token_ms(span, reader)


def _model(name: str | None) -> str | None:
    return None if name is None or name.lower() == "unknown" else name


def _provider(reader: Reader) -> str | None:
    """In lower case. A framework is no provider, and Vercel's names say the API too: ``openai.chat``."""
    for told in reader.every("provider"):
        name = str(decoded(told)).strip().lower()
        if name and name not in _FRAMEWORKS:
            return name.partition(".")[0] if "ai.operationId" in reader.attributes else name
    return None


def _parameters(span: Span, reader: Reader, requested: str | None) -> dict[str, Any] | None:
    """What was asked for, the model among it; messages and tools have fields of their own."""
    found = decoded(reader.first("parameters"))
    told = found if isinstance(found, dict) else {}
    parameters = {
        name: value
        for name, value in (told or _request(span, reader)).items()
        if name not in _NOT_PARAMETERS and value is not None and value != ""
    }
    if requested is not None:
        parameters = {"model": requested, **parameters}
    if _is_stream(span, reader):
        parameters["stream"] = True
    return parameters or None


def _request(span: Span, reader: Reader) -> dict[str, Any]:
    """The whole request to a model, where an instrumentation keeps nothing smaller."""
    found = decoded(reader.first("request")) if span.kind == "llm" else None
    return found if isinstance(found, dict) and not _REQUEST_KEYS.isdisjoint(found) else {}


def _is_stream(span: Span, reader: Reader) -> bool:
    operation = str(reader.attributes.get("ai.operationId", ""))
    return (
        reader.first("stream") is True
        or "stream" in operation.lower()
        or any(event.get("name") in FIRST_TOKEN_EVENTS for event in span.events)
    )


def _reported_cost(reader: Reader) -> float | None:
    cost = reader.number("cost_usd")
    if cost is None:
        details = decoded(reader.first("cost_details"))
        parts = [number_of(value) for value in details.values()] if isinstance(details, dict) else []
        known = [part for part in parts if part is not None]
        cost = sum(known) if known else None
    return cost if cost is not None and cost >= 0 else None


def _fill_details(span: Span, reader: Reader) -> None:
    if span.status == "error" and span.error is None:
        span.error = error_of(span, reader)
    span.tool = span.tool or tool_of(span, reader)
    span.prompt = span.prompt or prompt_of(reader)
    span.documents = span.documents or documents_of(span, reader)
    span.scores = span.scores or scores_of(span, reader)


def _fill_names(span: Span, reader: Reader) -> None:
    if span.kind == "agent":
        span.agent_name = span.agent_name or reader.text("agent_name")
    if span.display_name is None:
        span.display_name = _display_name(span, reader)


def _display_name(span: Span, reader: Reader) -> str | None:
    message = reader.attributes.get("logfire.msg")
    if isinstance(message, str) and message:
        return message if message != span.name else None
    if span.name in _GENERIC_NAMES or reader.attributes.get("gen_ai.operation.name") == "invoke_agent":
        return span.agent_name or (span.tool or {}).get("name")
    return reader.text("display_name") if span.kind == "chain" else None
