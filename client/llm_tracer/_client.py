"""The two clients: one surface, one pipeline below; they differ only in what is awaited."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

from llm_tracer._delivery.pipeline import DEFAULT_FLUSH_SECONDS, FlushResult
from llm_tracer._tracer import Tracer

if TYPE_CHECKING:
    from typing_extensions import Self

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")

NOTHING: Final = FlushResult(0, 0, 0)


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
        self.flush(self._delivery_seconds(timeout))
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
        await self.flush(self._delivery_seconds(timeout))
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
