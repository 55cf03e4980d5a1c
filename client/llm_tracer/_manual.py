"""Traces and spans that are begun and ended by their ids, for callers that cannot use ``with``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from llm_tracer._foreign import is_given, text_of
from llm_tracer._span import Span, innermost
from llm_tracer._state import Source, TraceState
from llm_tracer._trace import Trace, start_trace

AnySpan = TypeVar("AnySpan", bound=Span)


class ManualSpans:
    """The open ones of one client, by id."""

    MAX_OPEN: Final = 10_000
    """Begun and never completed: beyond it the oldest are sent as still running, and forgotten."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._traces: dict[str, Trace] = {}
        self._spans: dict[str, Span] = {}

    def start_trace(
        self,
        stamp: Mapping[str, str],
        name: str,
        metadata: Mapping[str, Any] | None,
        tags: Iterable[str] | None,
    ) -> str:
        trace = start_trace(self._source, stamp, name, metadata=metadata, tags=tags)
        if trace.shared_state.is_sampled:
            self._source.queue.opened(trace)
        self._remember(self._traces, trace.trace_id, trace)
        return trace.trace_id

    def start_span(
        self,
        trace_id: str,
        name: str,
        span_type: str,
        input_data: Any,
        metadata: Mapping[str, Any] | None,
        model: str | None,
        parent_span_id: str | None,
    ) -> str:
        trace_id = text_of(trace_id, otherwise="unknown")
        state, default_parent_id = self._place_of(trace_id)
        parent_id = text_of(parent_span_id) if is_given(parent_span_id) else default_parent_id
        span = Span(state, parent_id, name, span_type, input_data, metadata, model)
        self._remember(self._spans, span.span_id, span)
        return span.span_id

    def end_span(self, span_id: str) -> Span | None:
        """The span, no longer remembered; ``None``, and counted, if nobody began it here."""
        return self._forget(self._spans, span_id)

    def end_trace(self, trace_id: str) -> Trace | None:
        """As ``end_span``."""
        return self._forget(self._traces, trace_id)

    def give_up(self) -> None:
        """Sends what was begun and not completed, as still running."""
        for spans in (self._traces, self._spans):
            for span in list(spans.values()):
                self._send_running(span)
            spans.clear()

    def _place_of(self, trace_id: str) -> tuple[TraceState, str | None]:
        """The trace's shared state, and the parent of spans that name none."""
        inside: Span | None = self._traces.get(trace_id) or innermost(source=self._source)
        if inside is None or inside.trace_id != trace_id:
            return TraceState(self._source, {}, trace_id), None  # begun in another process
        return inside.shared_state, inside.span_id

    def _remember(self, known: dict[str, AnySpan], key: str, span: AnySpan) -> None:
        if len(known) >= self.MAX_OPEN:
            self._send_running(known.pop(next(iter(known))))
        known[key] = span

    def _forget(self, known: dict[str, AnySpan], key: object) -> AnySpan | None:
        span = known.pop(text_of(key), None)
        if span is None:
            self._source.queue.lose("unknown_id")
        return span

    def _send_running(self, span: Span) -> None:
        if span.is_running:
            span.shared_state.sink.put(span)
