"""Traces of LLM applications, sent to a self-hosted LLM Tracer in the background.

from llm_tracer import SyncTracerClient

with SyncTracerClient(api_key="project-dev") as tracer, tracer.trace("question") as trace:
    with trace.span("call", "llm", model="gpt-4o") as span:
        span.set_output({"text": "..."}, tokens_input=12, tokens_output=3)
    trace.set_output("...")
"""

from llm_tracer._client import SyncTracerClient, TracerClient
from llm_tracer._delivery.pipeline import FlushResult
from llm_tracer._span import Span
from llm_tracer._trace import Trace
from llm_tracer._version import __version__

SpanContext = Span
TraceContext = Trace
"""Names under which earlier versions knew them, for annotations."""

__all__ = [
    "FlushResult",
    "Span",
    "SpanContext",
    "SyncTracerClient",
    "Trace",
    "TraceContext",
    "TracerClient",
    "__version__",
]
