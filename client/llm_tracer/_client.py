"""The two clients: one surface, one pipeline below; they differ only in what is awaited."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

from llm_tracer._manual import ManualSpans
from llm_tracer._pipeline import DEFAULT_FLUSH_SECONDS, FlushResult, Pipeline
from llm_tracer._settings import read_settings
from llm_tracer._span import DEFAULT_SPAN_KIND, DEFAULT_TRACE_KIND, Span, innermost
from llm_tracer._trace import DISABLED, Trace, stamp_of, start_trace

if TYPE_CHECKING:
    import httpx
    from typing_extensions import Self

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")

NOTHING: Final = FlushResult(0, 0, 0)


class Tracer:
    """What both clients can do. Nothing here waits for the network, and nothing raises into the host."""

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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Arguments that are not given come from ``TRACER_URL``, ``TRACER_API_KEY``,
        ``TRACER_PROJECT_ID`` and ``TRACING_ENABLED``.

        ``timeout`` is in seconds, for one exchange with the server in the background. ``environment``
        and ``release`` are stamped on every span. ``transport`` replaces the network, for tests
        (``llm_tracer.testing``, ``httpx.WSGITransport``, ``httpx.MockTransport``).
        """
        settings = read_settings(
            base_url=base_url,
            api_key=api_key,
            project_id=project_id,
            enabled=enabled,
            timeout_seconds=timeout,
            environment=environment,
            release=release,
        )
        self.base_url = settings.base_url
        self.api_key = settings.api_key
        self.project_id = settings.project_id
        self.enabled = settings.is_enabled
        self._own_stamp = {"environment": environment, "release": release}
        self._stamp = stamp_of(**self._own_stamp)
        self._pipeline = Pipeline(settings, transport) if self.enabled else None
        self._manual = ManualSpans(self._pipeline.queue, self._stamp) if self._pipeline else None

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
    ) -> Trace:
        """A new trace, for ``with`` or ``async with``; it runs from entering to leaving.

        ``user_id`` and ``session_id`` hold for all its spans. Ids are known at once. ``start_time_ns``
        (Unix) tells of work that began earlier; ``set_times`` then says how long each span took.
        """
        if self._pipeline is None:
            return DISABLED
        stamp = self._stamp_for(user_id, session_id)
        return start_trace(
            self._pipeline.queue,
            stamp,
            name,
            span_type=span_type,
            input_data=input,
            metadata=metadata,
            tags=tags,
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

        A new thread has no open span: give ``parent`` there.
        """
        if self._pipeline is None:
            return DISABLED
        queue = self._pipeline.queue
        above = parent if isinstance(parent, Span) else innermost(queue=queue)
        if above is not None:
            return Span(above.shared_state, above.span_id, name, span_type, input_data, metadata, model)
        return start_trace(
            queue,
            self._stamp,
            name,
            span_type=span_type,
            input_data=input_data,
            metadata=metadata,
            model=model,
        )

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
        if self._manual is None:
            return ""
        return self._manual.start_trace(self._stamp_for(user_id, session_id), name, metadata, tags)

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
        if self._manual is None:
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
        span = self._manual.end_span(span_id) if self._manual else None
        if span is None:
            return
        span.set_output(output_data, tokens_input, tokens_output, cost_usd)
        if error is not None:
            span.set_error(error)
        span.finish()

    def _complete_trace(self, trace_id: str, output: Any = None) -> None:
        """Ends a trace of ``create_trace``."""
        trace = self._manual.end_trace(trace_id) if self._manual else None
        if trace is not None:
            trace.set_output(output)
            trace.finish()

    def _stamp_for(self, user_id: object, session_id: object) -> bytes:
        if user_id is None and session_id is None:
            return self._stamp
        return stamp_of(**self._own_stamp, user_id=user_id, session_id=session_id)

    def _refuse_more(self) -> None:
        if self._manual is not None:
            self._manual.give_up()
        if self._pipeline is not None:
            self._pipeline.refuse_more()

    def _stop(self) -> None:
        if self._pipeline is not None:
            self._pipeline.stop()


class SyncTracerClient(Tracer):
    """The client for scripts, notebooks and threads; works inside a running event loop too.

    It may be shared by all threads. ``close`` it at the end, or use it in ``with``; a program that
    forgets is flushed when it exits.
    """

    create_trace = Tracer._create_trace
    create_span = Tracer._create_span
    complete_span = Tracer._complete_span
    complete_trace = Tracer._complete_trace

    def flush(self, timeout: float = DEFAULT_FLUSH_SECONDS) -> FlushResult:
        """Waits until what was finished so far is delivered, at most ``timeout`` seconds."""
        return self._pipeline.flush(timeout) if self._pipeline else NOTHING

    def close(self, timeout: float = DEFAULT_FLUSH_SECONDS) -> FlushResult:
        """Flushes, then ends the background thread. Spans finished later are counted as dropped."""
        self._refuse_more()
        self.flush(timeout)
        self._stop()
        return self.flush(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _awaited(
    function: Callable[Concatenate[Tracer, Parameters], Returned],
) -> Callable[Concatenate[Any, Parameters], Coroutine[Any, Any, Returned]]:
    """The same method for callers that await it; it does not wait for anything."""

    @wraps(function)
    async def call(tracer: Tracer, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        return function(tracer, *args, **kwargs)

    return call


class TracerClient(Tracer):
    """The client for asyncio. Opening and ending spans does not wait, only ``flush`` and ``close`` do."""

    create_trace = _awaited(Tracer._create_trace)
    create_span = _awaited(Tracer._create_span)
    complete_span = _awaited(Tracer._complete_span)
    complete_trace = _awaited(Tracer._complete_trace)

    async def flush(self, timeout: float = DEFAULT_FLUSH_SECONDS) -> FlushResult:
        """As ``SyncTracerClient.flush``, while the event loop goes on."""
        return await self._pipeline.flush_without_blocking(timeout) if self._pipeline else NOTHING

    async def close(self, timeout: float = DEFAULT_FLUSH_SECONDS) -> FlushResult:
        """As ``SyncTracerClient.close``, while the event loop goes on."""
        self._refuse_more()
        await self.flush(timeout)
        self._stop()
        return await self.flush(0)

    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
