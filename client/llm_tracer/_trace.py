"""A trace: the root span, and the rules by which a new span finds its parent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from llm_tracer._context import texts_of
from llm_tracer._foreign import text_of
from llm_tracer._propagation import RemoteParent
from llm_tracer._span import DEFAULT_SPAN_KIND, DEFAULT_TRACE_KIND, Span, innermost
from llm_tracer._state import Source, TraceState

if TYPE_CHECKING:
    from typing_extensions import Self


class Trace(Span):
    """The root span of a trace: carries its input, output, metadata and tags."""

    __slots__ = ()

    @property
    def url(self) -> str:
        """Where people look at it."""
        return self.shared_state.source.traces_url + self.trace_id

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
        inner = innermost(trace_state=self.shared_state)
        default_id = self.span_id if inner is None else inner.span_id
        parent_id = default_id if parent is None else text_of(parent, otherwise=default_id)
        return Span(self.shared_state, parent_id, name, span_type, input_data, metadata, model)

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

    def __enter__(self) -> Self:
        state = self.shared_state
        if state.sink is state.source.queue:  # else nobody knows yet whether anyone will see it
            state.source.queue.opened(self)
        return super().__enter__()


class DisabledTrace(Trace):
    """Stands for every trace and span while tracing is off: same surface, does nothing, keeps nothing.

    It is false, so ``if span := tracer.current_span()`` asks whether there is a real one.
    """

    __slots__ = ()

    def __init__(self) -> None:
        self.trace_id = self.span_id = ""
        self.parent_span_id = None

    def __bool__(self) -> bool:
        return False

    @property
    def url(self) -> str:
        return ""

    def span(self, *_: Any, **__: Any) -> Span:
        return self

    def _ignore(self, *_: Any, **__: Any) -> None:
        return None

    set_input = set_output = set_error = set_model = set_metadata = add_score = begin = _ignore
    add_tag = set_tool = set_documents = set_prompt = mark_first_token = set_times = finish = note_cut = (
        drop_contents
    ) = _ignore

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
    source: Source,
    stamp: Mapping[str, str],
    name: str,
    *,
    span_type: str = DEFAULT_TRACE_KIND,
    input_data: Any = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Iterable[str] | None = None,
    parent: RemoteParent | None = None,
    start_time_ns: int | None = None,
    model: str | None = None,
) -> Trace:
    """A trace of its own or, with ``parent``, the part of another process's trace that runs in this one."""
    trace_id = None if parent is None else parent.trace_id
    state = TraceState(source, stamp, trace_id, start_time_ns, is_root_elsewhere=parent is not None)
    if source.sampling is not None and not source.sampling.takes(state.trace_id):
        state.is_sampled = False
        state.sink = source.sampling.sink_for(source.queue)
    parent_id = None if parent is None else parent.span_id
    trace = Trace(state, parent_id, name, span_type, input_data, metadata, model, span_id=state.root_id)
    if tags is not None:
        trace.add_tag(*texts_of(tags))
    return trace
