"""A trace: its root span, and the rules by which a new span finds its parent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from llm_tracer._encode import encode
from llm_tracer._foreign import ask, text_of
from llm_tracer._queue import SpanQueue
from llm_tracer._span import DEFAULT_SPAN_KIND, DEFAULT_TRACE_KIND, Span, TraceState, innermost

if TYPE_CHECKING:
    from typing_extensions import Self


class Trace(Span):
    """The root span of a trace: carries its input, output, metadata and tags."""

    __slots__ = ()

    def span(
        self,
        name: str,
        span_type: str = DEFAULT_SPAN_KIND,
        input_data: Any = None,
        metadata: Mapping[str, Any] | None = None,
        model: str | None = None,
        *,
        parent: Span | str | None = None,
    ) -> Span:
        """A span of this trace: below ``parent`` (a span or its id), else below the span of this trace
        that is open here, else directly below the trace.
        """
        if isinstance(parent, Span):
            return parent.span(name, span_type, input_data, metadata, model)
        inner = innermost(trace_state=self._state)
        default_id = self.span_id if inner is None else inner.span_id
        parent_id = default_id if parent is None else text_of(parent, otherwise=default_id)
        return Span(self._state, parent_id, name, span_type, input_data, metadata, model)

    def set_output(
        self,
        output_data: Any = None,
        tokens_input: int | None = None,
        tokens_output: int | None = None,
        cost_usd: float | None = None,
        *,
        cache_read_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        output: Any = None,
    ) -> None:
        """The trace's result, usually a text. ``output`` is another name of ``output_data``."""
        super().set_output(
            output if output_data is None else output_data,
            tokens_input,
            tokens_output,
            cost_usd,
            cache_read_tokens=cache_read_tokens,
            cache_write_tokens=cache_write_tokens,
            reasoning_tokens=reasoning_tokens,
        )


class DisabledTrace(Trace):
    """Stands for every trace and span while tracing is off: same surface, does nothing, keeps nothing."""

    __slots__ = ()

    def __init__(self) -> None:
        self.trace_id = self.span_id = ""
        self.parent_span_id = None

    def span(self, *_: Any, **__: Any) -> Span:
        return self

    def _ignore(self, *_: Any, **__: Any) -> None:
        return None

    set_input = set_output = set_error = set_model = set_metadata = _ignore
    add_tag = set_tool = set_documents = set_prompt = mark_first_token = set_times = finish = _ignore

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


DISABLED: Final = DisabledTrace()


def start_trace(
    queue: SpanQueue,
    stamp: bytes,
    name: str,
    *,
    span_type: str = DEFAULT_TRACE_KIND,
    input_data: Any = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Iterable[str] | None = None,
    trace_id: str | None = None,
    start_time_ns: int | None = None,
    model: str | None = None,
) -> Trace:
    state = TraceState(queue, stamp, trace_id, start_time_ns)
    trace = Trace(state, None, name, span_type, input_data, metadata, model)
    if tags is not None:
        trace.add_tag(*([tags] if isinstance(tags, str) else ask(list, tags, otherwise=[])))
    return trace


def stamp_of(**members: object) -> bytes:
    """JSON members, each behind a comma, for every span of a trace; ``None`` is left out."""
    texts = {name: text_of(value) for name, value in members.items() if value is not None}
    return b"," + encode(texts)[0][1:-1] if texts else b""
