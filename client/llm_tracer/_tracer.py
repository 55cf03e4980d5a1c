"""What the synchronous and the asynchronous client can both do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from contextlib import AbstractContextManager
from operator import setitem
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, overload

from llm_tracer import _context
from llm_tracer._delivery.pipeline import Pipeline
from llm_tracer._foreign import ask, is_given, text_of
from llm_tracer._manual import ManualSpans
from llm_tracer._mask import Hook, Mask
from llm_tracer._propagation import HEADER, remote_parent, traceparent_of
from llm_tracer._record import Recorder
from llm_tracer._sampling import sampling_of
from llm_tracer._settings import read_settings
from llm_tracer._span import DEFAULT_SPAN_KIND, DEFAULT_TRACE_KIND, Span, current_span, innermost
from llm_tracer._state import Source, TraceState
from llm_tracer._trace import DISABLED, Trace, start_trace

if TYPE_CHECKING:
    import httpx

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")
Function = TypeVar("Function", bound=Callable[..., Any])
Headers = TypeVar("Headers", bound=MutableMapping[str, str])

EVALUATOR: Final = "evaluator"


class Tracer:
    """What both clients can do. Nothing here waits for the network, and nothing raises into the host.

    Arguments that are not given come from ``TRACER_URL``, ``TRACER_API_KEY``, ``TRACER_PROJECT_ID``,
    ``TRACING_ENABLED``, ``TRACER_ENVIRONMENT``, ``TRACER_RELEASE`` and ``TRACER_SPOOL``.

    ``timeout``: seconds, for one exchange with the server in the background.
    ``mask``: called in the background with each input, output, metadata and the like as plain JSON; what
    it returns is sent in their place. If it raises, nothing of the value is sent.
    ``mask_secrets``: passwords, API keys and tokens are replaced by ``[masked]``.
    ``sample_rate``: the share of traces that is sent, 0 to 1; of the others ``keep_errors`` sends those in
    which something failed and ``keep_slower_than`` (seconds) those whose root took as long.
    ``spool``: where batches wait on disk while the server is away: a folder, or yes or no.
    ``transport`` replaces the network, for tests (``llm_tracer.testing``, ``httpx.MockTransport``).
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        project_id: str | None = None,
        timeout: float = 5.0,
        *,
        enabled: bool | None = None,
        environment: str | None = None,
        release: str | None = None,
        mask: Hook | None = None,
        mask_secrets: bool = True,
        sample_rate: float = 1.0,
        keep_errors: bool = False,
        keep_slower_than: float | None = None,
        spool: bool | str | os.PathLike[str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        settings = read_settings(
            base_url=base_url,
            api_key=api_key,
            project_id=project_id,
            enabled=enabled,
            timeout_seconds=timeout,
            environment=environment,
            release=release,
            spool=spool,
            has_network=transport is None,
        )
        self.base_url = settings.base_url
        self.api_key = settings.api_key
        self.project_id = settings.project_id
        self.enabled = settings.is_enabled
        self._pipeline: Pipeline | None = None
        if self.enabled:
            recorder = Recorder(Mask(mask, hides_secrets=mask_secrets))
            self._pipeline = Pipeline(settings, transport, recorder)
            sampling = sampling_of(sample_rate, keep_errors=keep_errors, keep_slower_than=keep_slower_than)
            self._source = Source(self._pipeline.queue, f"{settings.shown_url}/dashboard/t/", sampling)
            self._manual = ManualSpans(self._source)

    # Spans

    def trace(
        self,
        name: str,
        metadata: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        *,
        input: Any = None,  # noqa: A002 - the name users know
        span_type: str = DEFAULT_TRACE_KIND,
        start_time_ns: int | None = None,
        parent: Mapping[str, str] | str | None = None,
    ) -> Trace:
        """A new trace, for ``with`` or ``async with``; it runs from entering to leaving.

        ``user_id`` and ``session_id`` hold for all its spans. Ids are known at once. ``start_time_ns``
        (Unix) tells of work that began earlier; ``set_times`` then says how long each span took. ``parent``
        are the headers of a request (or its ``traceparent``): the trace goes on where its sender's was.
        """
        if self._pipeline is None:
            return DISABLED
        return start_trace(
            self._source,
            _context.stamp_of(user_id=user_id, session_id=session_id),
            name,
            span_type=span_type,
            input_data=input,
            metadata=metadata,
            tags=tags,
            parent=None if parent is None else remote_parent(parent),
            start_time_ns=start_time_ns,
        )

    def span(
        self,
        name: str,
        span_type: str = DEFAULT_SPAN_KIND,
        input_data: Any = None,
        metadata: Mapping[str, Any] | None = None,
        model: str | None = None,
        *,
        parent: Span | None = None,
    ) -> Span:
        """A span below ``parent``, else below the span open in this context, else a trace of its own.

        A new thread has no open span: give ``parent`` there, or ``wrap`` the function that it runs.
        """
        if self._pipeline is None:
            return DISABLED
        if parent is None:
            above = current_span.get()
            if above is not None and above.shared_state.source is not self._source:
                above = innermost(source=self._source)
        else:
            above = parent if isinstance(parent, Span) else innermost(source=self._source)
        if above is not None:
            return Span(above.shared_state, above.span_id, name, span_type, input_data, metadata, model)
        return start_trace(
            self._source,
            _context.NO_STAMP,
            name,
            span_type=span_type,
            input_data=input_data,
            metadata=metadata,
            model=model,
        )

    def current_span(self) -> Span:
        """The innermost open span of this context; without one a stand-in that does nothing and is false."""
        found = None if self._pipeline is None else innermost(source=self._source)
        return DISABLED if found is None else found

    @overload
    def observe(self, name: Function, /) -> Function: ...

    @overload
    def observe(
        self,
        name: str | None = None,
        kind: str = DEFAULT_SPAN_KIND,
        *,
        capture_input: bool = True,
        capture_output: bool = True,
        ignore_args: Iterable[str] = (),
    ) -> Callable[[Function], Function]: ...

    def observe(
        self,
        name: Any = None,
        kind: str = DEFAULT_SPAN_KIND,
        *,
        capture_input: bool = True,
        capture_output: bool = True,
        ignore_args: Iterable[str] = (),
    ) -> Any:
        """A decorator, with or without parentheses: a span round each call of a function or coroutine
        function, round the whole run of a generator or asynchronous generator.

        ``name`` is by default the function's, ``kind`` one of those of spans. The input are the arguments by
        name, less those of ``ignore_args``; the output is what is returned, of a generator what it yielded.
        """
        if self._pipeline is None:
            return name if callable(name) else lambda function: function
        from llm_tracer._observe import Observation, ignored_arguments, observed  # noqa: PLC0415 - inspect is slow

        ignored = ignored_arguments(ignore_args)
        given_name = None if callable(name) else name
        observation = Observation(self, given_name, kind, capture_input, capture_output, ignored)
        if callable(name):
            return observed(name, observation)
        return lambda function: observed(function, observation)

    # Context

    def context(
        self,
        *,
        user_id: str | None = None,
        session_id: str | None = None,
        tags: Iterable[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> AbstractContextManager[None]:
        """Spans begun inside ``with tracer.context(...)`` carry these, whoever begins them."""
        return _context.within(user_id=user_id, session_id=session_id, tags=tags, metadata=metadata)

    def wrap(self, function: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
        """``function`` for a thread pool: its spans become children of the span that is open now."""
        return _context.carried(function)

    def inject(self, headers: Headers) -> Headers:
        """Adds ``traceparent`` to the headers of a request, so that who answers it can go on with the trace.

        Without an open span they stay as they are. Returns the same mapping.
        """
        span = self.current_span()
        if span:
            is_sampled = span.shared_state.is_sampled
            header = traceparent_of(span.trace_id, span.span_id, is_sampled=is_sampled)
            ask(setitem, headers, HEADER, header, otherwise=None)
        return headers

    def trace_url(self, trace: Span | str | None = None) -> str:
        """Where people look at a trace (or its id; default: the one open here); "" without one."""
        if self._pipeline is None:
            return ""
        given = self.current_span() if trace is None else trace
        trace_id = given.trace_id if isinstance(given, Span) else text_of(given)
        return f"{self._source.traces_url}{trace_id}" if trace_id else ""

    def score(
        self,
        name: str,
        value: float | str,
        *,
        trace_id: str | None = None,
        span_id: str | None = None,
        comment: str | None = None,
    ) -> None:
        """A judgement of the span open here or, with ``trace_id``, of a trace (of its span ``span_id``) that
        ended earlier or elsewhere; that becomes a span of kind evaluator below what it judges.
        """
        if self._pipeline is None:
            return
        if trace_id is None:
            self.current_span().add_score(name, value, comment=comment)
            return
        state = TraceState(self._source, {}, text_of(trace_id))
        span = Span(state, text_of(span_id) if is_given(span_id) else state.root_id, name, EVALUATOR)
        span.add_score(name, value, comment=comment)
        span.finish()

    # Below: what SyncTracerClient calls and TracerClient awaits.

    def _create_trace(
        self,
        name: str,
        project_id: str | None = None,  # noqa: ARG002 - the key decides; kept for callers that name it
        metadata: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
    ) -> str:
        """Begins a trace that ``complete_trace`` ends; returns its id ("" while tracing is off)."""
        if self._pipeline is None:
            return ""
        stamp = _context.stamp_of(user_id=user_id, session_id=session_id)
        return self._manual.start_trace(stamp, name, metadata, tags)

    def _create_span(
        self,
        trace_id: str,
        name: str,
        span_type: str = DEFAULT_SPAN_KIND,
        input_data: Any = None,
        metadata: Mapping[str, Any] | None = None,
        model: str | None = None,
        parent_span_id: str | None = None,
    ) -> str:
        """Begins a span that ``complete_span`` ends; returns its id ("" while tracing is off)."""
        if self._pipeline is None:
            return ""
        return self._manual.start_span(trace_id, name, span_type, input_data, metadata, model, parent_span_id)

    def _complete_span(
        self,
        span_id: str,
        output_data: Any = None,
        error: str | BaseException | None = None,
        tokens_input: int | None = None,
        tokens_output: int | None = None,
        cost_usd: float | None = None,
    ) -> None:
        """Ends a span of ``create_span``."""
        span = self._manual.end_span(span_id) if self._pipeline else None
        if span is None:
            return
        span.set_output(output_data, tokens_input, tokens_output, cost_usd)
        if error is not None:
            span.set_error(error)
        span.finish()

    def _complete_trace(self, trace_id: str, output: Any = None) -> None:
        """Ends a trace of ``create_trace``."""
        trace = self._manual.end_trace(trace_id) if self._pipeline else None
        if trace is not None:
            trace.set_output(output)
            trace.finish()

    def _refuse_more(self) -> None:
        if self._pipeline is not None:
            self._manual.give_up()
            self._pipeline.refuse_more()

    def _delivery_seconds(self, timeout: float) -> float:
        return self._pipeline.delivery_seconds(timeout) if self._pipeline is not None else 0.0

    def _stop(self) -> None:
        if self._pipeline is not None:
            self._pipeline.stop()
