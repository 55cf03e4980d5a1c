"""Invocations of an AWS Lambda function as traces.

from llm_tracer.integrations.aws_lambda import lambda_handler

tracer = SyncTracerClient()

@lambda_handler(tracer)
def handler(event, context): ...
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from llm_tracer._client import SyncTracerClient, TracerClient
from llm_tracer._trace import Trace
from llm_tracer.integrations._endpoint import known
from llm_tracer.integrations._guard import guarded
from llm_tracer.integrations._secrets import without_secrets

__all__ = ["lambda_handler"]

Handler = Callable[..., Any]

DEFAULT_FLUSH_SECONDS: Final = 2.0
RESERVE_SECONDS: Final = 0.2
"""Of the time left, what the runtime itself needs to hand the result over."""

_cold: list[bool] = [True]
"""Emptied by the first invocation of this process."""


def lambda_handler(
    tracer: SyncTracerClient | TracerClient,
    *,
    name: str | None = None,
    capture_input: bool = True,
    capture_output: bool = True,
    flush_seconds: float = DEFAULT_FLUSH_SECONDS,
) -> Callable[[Handler], Handler]:
    """Makes each invocation one trace, delivered before the function returns: afterwards Lambda freezes it.

    The trace is named after the function (or ``name``), holds event and result, request id and whether
    the start was cold; keys that name secrets (``Authorization``, ``Cookie`` ...) are masked. Delivery takes
    at most ``flush_seconds``, and never more than ``context.get_remaining_time_in_millis()`` leaves; what is
    not delivered by then goes with the next invocation. Result and exceptions of the function are unchanged.
    """

    def decorate(function: Handler) -> Handler:
        @wraps(function)
        def handler(event: Any, context: Any) -> Any:
            asked = event if capture_input else None
            trace = guarded(_open, tracer, name or function.__name__, asked, context, otherwise=None)
            if trace is None:
                return function(event, context)
            try:
                with trace:
                    result = function(event, context)
                    if capture_output:
                        guarded(lambda: trace.set_output(without_secrets(result)), otherwise=None)
                    return result
            finally:
                guarded(_deliver, tracer, context, flush_seconds, otherwise=None)

        return handler

    return decorate


def _open(tracer: SyncTracerClient | TracerClient, name: str, event: Any, context: Any) -> Trace:
    is_cold = bool(_cold)
    _cold.clear()
    told = known(
        request_id=getattr(context, "aws_request_id", None),
        function_name=getattr(context, "function_name", None),
        function_version=getattr(context, "function_version", None),
        memory_limit_in_mb=getattr(context, "memory_limit_in_mb", None),
        log_stream_name=getattr(context, "log_stream_name", None),
    )
    tags = ["cold-start"] if is_cold else None
    return tracer.trace(
        name, metadata={**told, "cold_start": is_cold}, tags=tags, input=without_secrets(event)
    )


def _deliver(tracer: SyncTracerClient | TracerClient, context: Any, flush_seconds: float) -> None:
    flushing = tracer.flush(min(flush_seconds, _seconds_left(context)))
    if inspect.iscoroutine(flushing):
        asyncio.run(flushing)


def _seconds_left(context: Any) -> float:
    left = getattr(context, "get_remaining_time_in_millis", None)
    return float("inf") if left is None else max(0.0, left() / 1000 - RESERVE_SECONDS)
