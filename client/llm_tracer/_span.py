"""A span: its own context manager, sync and async; when it ends it is bytes in a queue.

Everything given to a span is made JSON at once. Ending it joins those bytes, appends them to the queue
and touches neither lock nor network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from time import perf_counter_ns, time_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from llm_tracer._encode import Cuts, encode
from llm_tracer._errors import describe_exception, is_cancellation, message_of
from llm_tracer._foreign import MAX_TEXT_CHARACTERS, ask, text_of
from llm_tracer._ids import new_span_id, new_trace_id
from llm_tracer._queue import SpanQueue

if TYPE_CHECKING:
    from typing_extensions import Self

KINDS: Final = frozenset(
    {
        "llm",
        "tool",
        "agent",
        "chain",
        "retrieval",
        "embedding",
        "function",
        "reranker",
        "guardrail",
        "evaluator",
        "other",
    }
)
DEFAULT_TRACE_KIND: Final = "chain"
DEFAULT_SPAN_KIND: Final = "function"
_NS_PER_SECOND: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000

_current: ContextVar[Span | None] = ContextVar("llm_tracer_span", default=None)


def innermost(*, queue: SpanQueue | None = None, trace_state: TraceState | None = None) -> Span | None:
    """The innermost open span of this context that belongs to the client's queue or to the trace given."""
    span = _current.get()
    while span is not None and span._state is not trace_state and span._state.queue is not queue:
        span = span._outer
    return span


class TraceState:
    """What all spans of one trace share."""

    __slots__ = ("anchor_ns", "queue", "stamp", "trace_id")

    def __init__(
        self,
        queue: SpanQueue,
        stamp: bytes,
        trace_id: str | None = None,
        start_time_ns: int | None = None,
    ) -> None:
        now_ns = start_time_ns if type(start_time_ns) is int else time_ns()
        self.queue = queue
        self.stamp = stamp
        """JSON members that every span of the trace carries: session, user, environment, release."""
        self.anchor_ns = now_ns - perf_counter_ns()
        """The wall clock is read once a trace; times within it come from the monotonic clock."""
        self.trace_id = trace_id or new_trace_id(now_ns // _NS_PER_MS)


class Span:
    """One operation of a trace. Made by ``trace.span``, ``span.span`` or ``tracer.span``.

    Use it in ``with`` or ``async with``. No method raises, whatever it is given. Values set after the
    end are not kept.
    """

    __slots__ = (
        "_end_ns",
        "_fields",
        "_head",
        "_input",
        "_metadata",
        "_outer",
        "_output",
        "_start_ns",
        "_state",
        "parent_span_id",
        "span_id",
        "trace_id",
    )

    def __init__(
        self,
        state: TraceState,
        parent_span_id: str | None,
        name: str,
        span_type: str,
        input_data: Any = None,
        metadata: Mapping[str, Any] | None = None,
        model: str | None = None,
    ) -> None:
        self.trace_id: str = state.trace_id
        self.span_id: str = new_span_id()
        self.parent_span_id = parent_span_id
        self._state = state
        self._input = self._output = b""
        self._fields: dict[str, bytes] | None = None
        self._metadata: dict[bytes, bytes] | None = None
        self._outer: Span | None = _LEFT
        self._end_ns = 0
        self._start_ns = perf_counter_ns()
        if type(name) is not str or not 0 < len(name) <= MAX_TEXT_CHARACTERS:
            name = text_of(name, otherwise="unnamed")
        if type(span_type) is not str or span_type not in KINDS:
            span_type = self._known_kind(span_type)
        self._head: dict[str, Any] = {
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "parent_span_id": parent_span_id,
            "name": name,
            "kind": span_type,
        }
        if model is not None:
            self._head["model"] = model if type(model) is str else text_of(model)
        if input_data is not None:
            self.set_input(input_data)
        if metadata is not None:
            self.set_metadata(metadata)

    # Children

    def span(
        self,
        name: str,
        span_type: str = DEFAULT_SPAN_KIND,
        input_data: Any = None,
        metadata: Mapping[str, Any] | None = None,
        model: str | None = None,
    ) -> Span:
        """A child of this span, wherever and in whichever thread it is opened."""
        return Span(self._state, self.span_id, name, span_type, input_data, metadata, model)

    # What a span says

    def set_input(self, input_data: Any) -> None:
        """Any value; it is copied now."""
        data, cuts = encode(input_data)
        self._input = b',"input":' + data
        if cuts:
            self._note_losses("input", cuts)

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
    ) -> None:
        """Output (copied now), tokens and cost. ``None`` leaves what was set before.

        ``tokens_input`` includes tokens read from or written to a cache, ``tokens_output`` includes
        reasoning. Without ``cost_usd`` the server computes the cost from the model and the tokens.
        """
        if output_data is not None:
            data, cuts = encode(output_data)
            self._output = b',"output":' + data
            if cuts:
                self._note_losses("output", cuts)
        if tokens_input is not None or tokens_output is not None:
            self._set_usage(input_tokens=tokens_input, output_tokens=tokens_output)
        if cost_usd is not None:
            self._set_cost(cost_usd)
        if not (cache_read_tokens is cache_write_tokens is reasoning_tokens is None):
            self._set_usage(
                cache_read_tokens=cache_read_tokens,
                cache_write_tokens=cache_write_tokens,
                reasoning_tokens=reasoning_tokens,
            )

    def set_error(self, error: str | BaseException | None) -> None:
        """Marks the span as failed; ``None`` does nothing.

        Exceptions that leave the ``with`` block are recorded without this.
        """
        if error is None:
            return
        if not isinstance(error, BaseException):
            self._head["error"] = {**self._head.get("error", {}), "message": message_of(error)}
        elif is_cancellation(error):
            self._head["status"] = "cancelled"
        else:
            self._head["error"] = {**describe_exception(error), **self._head.get("error", {})}

    def set_model(
        self, model: str, *, provider: str | None = None, parameters: Mapping[str, Any] | None = None
    ) -> None:
        """The model that answered, who runs it, and the parameters of the call."""
        self._head["model"] = text_of(model)
        if provider is not None:
            self._head["provider"] = text_of(provider)
        if parameters is not None:
            self._set_field("parameters", parameters)

    def set_metadata(self, metadata: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Adds to the metadata; a key set before is replaced."""
        known = self._metadata = self._metadata or {}
        if metadata is not None:
            given = ask(_pairs, metadata, otherwise=[("value", metadata)])
            more = {**{text_of(key): value for key, value in given}, **more}
        for key, value in more.items():
            known[encode(key)[0]] = self._encode("metadata", value)
        if not known:
            return
        members = b",".join(b"%b:%b" % item for item in known.items())
        self._fields = self._fields or {}
        self._fields["metadata"] = b',"metadata":{' + members + b"}"

    def add_tag(self, *tags: str) -> None:
        """Adds tags by which traces are found."""
        known = self._head.setdefault("tags", [])
        known.extend(tag for tag in map(text_of, tags) if tag and tag not in known)

    def set_tool(self, name: str, *, call_id: str | None = None, definitions: Any = None) -> None:
        """The tool that was called, the model's id of the call, and the tools it could choose from."""
        tool = {"name": name, "call_id": call_id, "definitions": definitions}
        self._set_field("tool", {key: value for key, value in tool.items() if value is not None})

    def set_documents(self, documents: Iterable[Any]) -> None:
        """What a retrieval found."""
        self._set_field("documents", documents)

    def set_prompt(self, name: str, *, version: str | None = None, template: Any = None) -> None:
        """The named prompt that the input was made of."""
        prompt = {"name": name, "version": version, "template": template}
        self._set_field("prompt", {key: value for key, value in prompt.items() if value is not None})

    def mark_first_token(self, elapsed_ms: float | None = None) -> None:
        """Call when the first piece of a streamed answer comes; later calls change nothing.

        ``elapsed_ms`` (since the span began) says it for work that was timed elsewhere.
        """
        given = None if elapsed_ms is None else ask(float, elapsed_ms, otherwise=None)
        elapsed_ms = (perf_counter_ns() - self._start_ns) / _NS_PER_MS if given is None else given
        self._head.setdefault("time_to_first_token_ms", elapsed_ms)

    def set_times(self, start_time_ns: int, end_time_ns: int) -> None:
        """Unix nanoseconds of work that was timed elsewhere, in place of those measured here."""
        start, end = ask(int, start_time_ns, otherwise=None), ask(int, end_time_ns, otherwise=None)
        if start is None or end is None:
            return self._note_losses("times", {"invalid": 1})
        self._head["start_time_unix_nano"], self._head["end_time_unix_nano"] = start, end
        return None

    # Beginning and end

    def __enter__(self) -> Self:
        if self._outer is not _LEFT:
            return self  # entered already: it would become its own outer span
        self._outer = _current.get()
        _current.set(self)
        if self.parent_span_id is None:
            self._state.queue.opened(self)
        self._start_ns = perf_counter_ns()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        end_ns = perf_counter_ns()
        if exception is not None:
            self.set_error(exception)
        self._leave()
        self.finish(end_ns)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(exception_type, exception, traceback)

    def finish(self, end_ns: int | None = None) -> None:
        """Ends the span (``perf_counter_ns``, default: now) and queues it. A second call changes nothing."""
        if self._end_ns:
            return
        self._end_ns = end_ns = end_ns or perf_counter_ns()
        head = self._head
        head["status"] = "error" if "error" in head else head.get("status", "ok")
        self._state.queue.put(self._record(head, end_ns), is_root=self.parent_span_id is None)
        self._input = self._output = b""
        self._fields = None

    # For the rest of the client

    @property
    def shared_state(self) -> TraceState:
        return self._state

    @property
    def is_running(self) -> bool:
        return not self._end_ns

    @property
    def age_seconds(self) -> float:
        return (perf_counter_ns() - self._start_ns) / _NS_PER_SECOND

    def announcement(self) -> bytes | None:
        """What is known of a span that still runs, as a record; ``None`` if it has ended."""
        record = self._record({**self._head, "status": "pending"}, None)
        return record if self.is_running else None

    # Inside

    def _record(self, head: dict[str, Any], end_ns: int | None) -> bytes:
        state = self._state
        if "end_time_unix_nano" not in head:
            head["start_time_unix_nano"] = state.anchor_ns + self._start_ns
            head["end_time_unix_nano"] = None if end_ns is None else state.anchor_ns + end_ns
        more = b"".join(self._fields.values()) if self._fields else b""
        return b"%b%b%b%b%b}" % (encode(head)[0][:-1], self._input, self._output, more, state.stamp)

    def _leave(self) -> None:
        if _current.get() is not self:
            return  # left out of order, or in another context: whoever is still inside puts it right
        outer = self._outer
        while outer is not None and outer._end_ns and outer._outer is not _LEFT:
            outer = outer._outer
        _current.set(outer)
        self._outer = _LEFT

    def _set_field(self, name: str, value: Any) -> None:
        self._fields = self._fields or {}
        self._fields[name] = b',"%b":%b' % (name.encode(), self._encode(name, value))

    def _encode(self, name: str, value: Any) -> bytes:
        data, cuts = encode(value)
        if cuts:
            self._note_losses(name, cuts)
        return data

    def _note_losses(self, name: str, losses: Cuts) -> None:
        noted = self._head.setdefault("cuts", {})
        for reason, count in losses.items():
            key = f"{name}_{reason}"
            noted[key] = noted.get(key, 0) + count

    def _set_usage(self, **tokens_by_name: Any) -> None:
        usage = self._head.setdefault("usage", {})
        for name, tokens in tokens_by_name.items():
            count = tokens if type(tokens) is int else ask(int, tokens, otherwise=None)
            if count is not None:
                usage[name] = count
            elif tokens is not None:
                self._note_losses(name, {"invalid": 1})

    def _set_cost(self, cost_usd: Any) -> None:
        cost = ask(float, cost_usd, otherwise=None)
        if cost is None:
            return self._note_losses("cost_usd", {"invalid": 1})
        self._head["cost_usd"] = cost
        return None

    def _known_kind(self, span_type: object) -> str:
        kind = text_of(span_type).lower()
        if kind in KINDS:
            return kind
        self.set_metadata({"llm_tracer.span_type": text_of(span_type)})
        return "other"


def _pairs(metadata: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    return list(metadata.items())


_LEFT: Final = Span.__new__(Span)
"""What ``_outer`` is before a span is entered and after it was left in order: the end of every chain."""
_LEFT._outer = None
_LEFT._state = TraceState(SpanQueue(lambda: None), b"", "")
