"""Which traces are sent: a share of all, and of the others those that failed or took long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llm_tracer._foreign import ask

if TYPE_CHECKING:
    from llm_tracer._span import Span
    from llm_tracer._state import Sink

_RANDOM_DIGITS: Final = 14
"""W3C Trace Context, level 2: the last 7 bytes of a trace id are random, in ours as in OpenTelemetry's."""
_RANDOM_RANGE: Final = 16**_RANDOM_DIGITS
_NS_PER_SECOND: Final = 1_000_000_000


class Sampling(NamedTuple):
    """A rate below 1 and what is kept in spite of it."""

    rate: float
    keeps_errors: bool
    slow_ns: float | None

    def takes(self, trace_id: str) -> bool:
        """By the id alone, so all processes that share a trace and a rate decide alike."""
        value = ask(int, trace_id[-_RANDOM_DIGITS:], 16, otherwise=0)
        return value >= (1 - self.rate) * _RANDOM_RANGE

    def sink_for(self, queue: Sink) -> Sink:
        """Where the spans of a trace go that is not taken."""
        is_decided_late = self.keeps_errors or self.slow_ns is not None
        return HeldTrace(self, queue) if is_decided_late else NOWHERE

    def keeps(self, root: Span, *, has_error: bool) -> bool:
        """The decision at the end of a trace that was not taken."""
        is_slow = self.slow_ns is not None and root.duration_ns >= self.slow_ns
        return is_slow or (self.keeps_errors and has_error)


def sampling_of(rate: float, *, keep_errors: bool, keep_slower_than: float | None) -> Sampling | None:
    """``None`` if every trace is sent. ``keep_slower_than`` is in seconds."""
    share = ask(float, rate, otherwise=1.0)
    if not share < 1:  # a rate that is no number, too: rather too much than nothing
        return None
    seconds = None if keep_slower_than is None else ask(float, keep_slower_than, otherwise=None)
    return Sampling(max(0.0, share), bool(keep_errors), None if seconds is None else seconds * _NS_PER_SECOND)


def thinning_of(budget: object) -> Sampling | None:
    """What the server's answer says of its budget; ``None`` while it keeps everything, or says nonsense."""
    if not isinstance(budget, dict):
        return None
    share, slow_ms = (ask(float, budget.get(name), otherwise=-1.0) for name in _BUDGET)
    is_known = 0 <= share < 1 and slow_ms >= 0
    return Sampling(share, True, slow_ms * _NS_PER_SECOND / 1000) if is_known else None


_BUDGET: Final = ("keep_rate", "keep_slower_than_ms")


class Nowhere:
    """Takes the spans of a trace that nobody wants."""

    def put(self, span: Span) -> None:
        """Forgets the span."""


NOWHERE: Final = Nowhere()


class HeldTrace:
    """The spans of one trace until its root ends. They go with the trace if that is forgotten."""

    MAX_SPANS: Final = 1_000
    MAX_BYTES: Final = 4_000_000
    """What does not fit counts as lost if the trace is kept."""

    def __init__(self, sampling: Sampling, queue: Sink) -> None:
        self._sampling = sampling
        self._queue = queue
        self._spans: list[Span] = []
        self._bytes = 0
        self._has_error = False

    def put(self, span: Span) -> None:
        self._has_error = self._has_error or span.is_failed
        state = span.shared_state
        if span.span_id == state.root_id:
            self._decide(span)
        elif len(self._spans) >= self.MAX_SPANS or self._bytes + span.size_bytes > self.MAX_BYTES:
            state.lost = {"held_full": (state.lost or {}).get("held_full", 0) + 1}
        else:
            self._spans.append(span)
            self._bytes += span.size_bytes

    def _decide(self, root: Span) -> None:
        state = root.shared_state
        is_kept = self._sampling.keeps(root, has_error=self._has_error)
        state.is_sampled = is_kept
        state.sink = self._queue if is_kept else NOWHERE
        spans, self._spans = self._spans, []
        for span in (*spans, root):
            state.sink.put(span)
