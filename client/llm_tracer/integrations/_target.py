"""Where the spans of an integration go."""

from __future__ import annotations

from functools import cache
from typing import Any

from llm_tracer._client import SyncTracerClient
from llm_tracer._span import Span, current_span
from llm_tracer._tracer import Tracer


def open_span(tracer: Tracer | None, name: str, kind: str, *, input_data: Any) -> Span:
    """A span below the one open here. Without ``tracer`` any client's open span will do, and where none is
    open the span is a trace of its own, of a client that is set by the environment.
    """
    outer = current_span.get() if tracer is None else None
    return (outer or tracer or environment_tracer()).span(name, kind, input_data)


def open_run(tracer: Tracer | None, name: str, kind: str, *, input_data: Any, **of_a_trace: Any) -> Span:
    """As ``open_span``; if it is a trace of its own, it has tags, metadata, user and session."""
    span = open_span(tracer, name, kind, input_data=input_data)
    if is_off(span) or span.parent_span_id is not None:
        return span
    # What was made is not a part of anything until it ends, so it may as well be forgotten.
    return (tracer or environment_tracer()).trace(name, input=input_data, span_type=kind, **of_a_trace)


def is_off(span: Span) -> bool:
    """True if the span stands for tracing that is switched off."""
    return not span.trace_id


def offer_tools(span: Span, definitions: list[Any]) -> None:
    """The tools that a model could choose from."""
    span.set_tool(None, definitions=definitions)  # type: ignore[arg-type]  # none was called here


@cache
def environment_tracer() -> SyncTracerClient:
    """The client that ``TRACER_URL`` and ``TRACER_API_KEY`` describe, made when it is first needed."""
    return SyncTracerClient()
