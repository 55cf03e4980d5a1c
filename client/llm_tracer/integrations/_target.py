"""Where the spans of an integration go."""

from __future__ import annotations

from functools import cache
from typing import Any

from llm_tracer._client import SyncTracerClient, Tracer
from llm_tracer._span import Span, _current
from llm_tracer._trace import DISABLED


def open_span(tracer: Tracer | None, name: str, kind: str, *, input_data: Any, model: str | None) -> Span:
    """A span below the one open here. Without ``tracer`` any client's open span will do, and where none is
    open the span is a trace of its own, of a client that is set by the environment.
    """
    if tracer is None:
        outer = _current.get()
        if outer is not None:
            return outer.span(name, kind, input_data, model=model)
        tracer = environment_tracer()
    return tracer.span(name, kind, input_data, model=model)


@cache
def environment_tracer() -> SyncTracerClient:
    """The client that ``TRACER_URL`` and ``TRACER_API_KEY`` describe, made when it is first needed."""
    return SyncTracerClient()


def is_off(span: Span) -> bool:
    """True if the span stands for tracing that is switched off."""
    return span is DISABLED
