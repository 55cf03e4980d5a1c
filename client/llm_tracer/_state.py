"""What the spans of one client, and the spans of one trace, have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from llm_tracer import _clock
from llm_tracer._context import ambient
from llm_tracer._ids import new_span_id, new_trace_id

if TYPE_CHECKING:
    from llm_tracer._delivery.queue import SpanQueue
    from llm_tracer._sampling import Sampling
    from llm_tracer._span import Span

_NS_PER_MS: Final = 1_000_000


class Sink(Protocol):
    """Where finished spans go: the queue, or a place where they wait for the end of their trace."""

    def put(self, span: Span) -> None: ...


class Source(NamedTuple):
    """What all traces of one client share."""

    queue: SpanQueue
    traces_url: str
    """Before the id of a trace, where people look at it."""
    sampling: Sampling | None = None
    """``None``: every trace is sent."""


class TraceState:
    """What all spans of one trace share."""

    __slots__ = (
        "ambient",
        "anchor_ns",
        "is_sampled",
        "lost",
        "root_head",
        "root_id",
        "seen_at",
        "sink",
        "source",
        "stamp",
        "trace_id",
    )

    def __init__(
        self,
        source: Source,
        stamp: Mapping[str, str],
        trace_id: str | None = None,
        start_time_ns: int | None = None,
        *,
        is_root_elsewhere: bool = False,
    ) -> None:
        now_ns = start_time_ns if type(start_time_ns) is int else _clock.wall_ns()
        self.source = source
        self.sink: Sink = source.queue
        self.is_sampled = True
        self.ambient = ambient.get()
        self.stamp = stamp if self.ambient is None else {**self.ambient.stamp, **stamp}
        """Members that every span of the trace carries: session and user, as far as they are known."""
        self.anchor_ns = now_ns - _clock.monotonic_ns()
        """The wall clock is read once a trace; times within it come from the monotonic clock."""
        self.trace_id = trace_id or new_trace_id(now_ns // _NS_PER_MS)
        self.root_id = new_span_id() if is_root_elsewhere else self.trace_id[16:]
        """Of the trace's root in this process: half the trace id, so whoever knows that finds the root."""
        self.lost: dict[str, int] | None = None
        """Spans of this trace that will never arrive, by reason."""
        self.root_head: dict[str, Any] | None = None
        """What the root's record began with, once it has one: later records of it begin alike."""
        self.seen_at: float | None = None
        """When the sending thread first saw it, in its own seconds: the trace's age is counted from here."""
