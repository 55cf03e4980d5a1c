"""A span: its own context manager, sync and async. When it ends it is one more element of a queue.

Everything given to a span is copied at once and made JSON later, by the sending thread (``_record``).
Ending it touches neither lock nor network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from llm_tracer import _clock
from llm_tracer._context import MAX_TAGS, Ambient, ambient
from llm_tracer._encode import Copy, Cuts, copy
from llm_tracer._errors import describe_exception, is_cancellation, message_of
from llm_tracer._foreign import ask, is_given, text_of
from llm_tracer._ids import new_span_id
from llm_tracer._state import Source, TraceState

if TYPE_CHECKING:
    from typing_extensions import Self

DEFAULT_TRACE_KIND: Final = "chain"
DEFAULT_SPAN_KIND: Final = "function"
SPAN_BYTES: Final = 600
"""About what a span takes in memory besides its contents."""
MAX_SCORES: Final = 100
_NS_PER_SECOND: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000

current_span: ContextVar[Span | None] = ContextVar("llm_tracer_span", default=None)


def innermost(*, source: Source | None = None, trace_state: TraceState | None = None) -> Span | None:
    """The innermost open span of this context that belongs to the client or to the trace given."""
    span = current_span.get()
    while (
        span is not None and span.shared_state is not trace_state and span.shared_state.source is not source
    ):
        span = span._outer
    return span


class Span:
    """One operation of a trace. Made by ``trace.span``, ``span.span`` or ``tracer.span``.

    Use it in ``with`` or ``async with``. No method raises, whatever it is given. Values set after the
    end are not kept.
    """

    __slots__ = (
        "_ambient",
        "_contents",
        "_end_ns",
        "_facts",
        "_input",
        "_kind",
        "_metadata",
        "_model",
        "_name",
        "_outer",
        "_output",
        "_start_ns",
        "_usage",
        "parent_span_id",
        "shared_state",
        "size_bytes",
        "span_id",
        "trace_id",
    )

    _ambient: Ambient | None
    _end_ns: int
    _contents: dict[str, Copy] | None
    _facts: dict[str, Any] | None
    _input: Copy | None
    _metadata: list[Copy] | None
    _model: str | None
    _outer: Span | None
    _output: Copy | None
    _usage: dict[str, int] | None

    def __init__(
        self,
        state: TraceState,
        parent_span_id: str | None,
        name: str,
        span_type: str,
        input_data: Any = None,
        metadata: Mapping[str, Any] | None = None,
        model: str | None = None,
        *,
        span_id: str | None = None,
    ) -> None:
        self.trace_id: str = state.trace_id
        self.span_id: str = span_id or new_span_id()
        self.parent_span_id = parent_span_id
        self.shared_state = state
        self._ambient = ambient.get()
        self._name = name if type(name) is str else text_of(name)
        self._kind = span_type if type(span_type) is str else text_of(span_type)
        self._model = model if type(model) is str or model is None else text_of(model)
        self._contents = self._facts = self._metadata = self._usage = self._output = None
        self._outer = _LEFT
        self.size_bytes = SPAN_BYTES
        self._end_ns = 0
        self._start_ns = _clock.monotonic_ns()
        self._input = None if input_data is None else self._copied("input", input_data)
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
        return Span(self.shared_state, self.span_id, name, span_type, input_data, metadata, model)

    # What a span says

    def set_input(self, input_data: Any) -> None:
        """Any value; it is copied now."""
        if not self._end_ns:
            self._input = self._copied("input", input_data)

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
        if self._end_ns:
            return
        if output_data is not None:
            self._output = self._copied("output", output_data)
        if type(tokens_input) is int and type(tokens_output) is int and self._usage is None:
            self._usage = {"input_tokens": tokens_input, "output_tokens": tokens_output}
        else:
            self._set_tokens("input_tokens", tokens_input)
            self._set_tokens("output_tokens", tokens_output)
        if cost_usd is not None:
            self._set_cost(cost_usd)
        if not (cache_read_tokens is cache_write_tokens is reasoning_tokens is None):
            self._set_tokens("cache_read_tokens", cache_read_tokens)
            self._set_tokens("cache_write_tokens", cache_write_tokens)
            self._set_tokens("reasoning_tokens", reasoning_tokens)

    def set_error(self, error: str | BaseException | None) -> None:
        """Marks the span as failed; ``None`` does nothing. Cancellation is no failure: ``cancelled``.

        Exceptions that leave the ``with`` block are recorded without this.
        """
        if error is None or self._end_ns:
            return
        facts = self._known_facts()
        if not isinstance(error, BaseException):
            facts["error"] = {**facts.get("error", {}), "message": message_of(error)}
        elif is_cancellation(error):
            facts["status"] = "cancelled"
        else:
            facts["error"] = {**describe_exception(error), **facts.get("error", {})}

    def set_model(
        self, model: str, *, provider: str | None = None, parameters: Mapping[str, Any] | None = None
    ) -> None:
        """The model that answered, who runs it, and the parameters of the call."""
        if self._end_ns:
            return
        self._model = text_of(model)
        if provider is not None:
            self._known_facts()["provider"] = text_of(provider)
        if parameters is not None:
            self._set_content("parameters", parameters)

    def set_metadata(self, metadata: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Adds to the metadata; a key set before is replaced."""
        if self._end_ns:
            return
        for given in (metadata, more):
            if is_given(given):
                known = self._metadata = self._metadata or []
                plain = given if isinstance(given, Mapping) else {"value": given}
                known.append(self._copied("metadata", plain))

    def add_tag(self, *tags: str) -> None:
        """Adds tags by which traces are found."""
        if self._end_ns:
            return
        known = self._known_facts().setdefault("tags", [])
        new = [tag for tag in dict.fromkeys(map(text_of, tags)) if tag and tag not in known]
        room = MAX_TAGS - len(known)
        known += new[:room]
        if len(new) > room:
            self._note_losses("tags", {"items": len(new) - room})

    def add_score(self, name: str, value: float | str, *, comment: str | None = None) -> None:
        """A judgement of this span: a number, true or false, or a word, in the respect named."""
        if self._end_ns:
            return
        scores = self._known_facts().setdefault("scores", [])
        if len(scores) < MAX_SCORES:
            scores.append(describe_score(name, value, comment))
        else:
            self._note_losses("scores", {"items": 1})

    def set_tool(self, name: str, *, call_id: str | None = None, definitions: Any = None) -> None:
        """The tool that was called, the model's id of the call, and the tools it could choose from."""
        tool = {"name": name, "call_id": call_id, "definitions": definitions}
        self._set_content("tool", {key: value for key, value in tool.items() if value is not None})

    def set_documents(self, documents: Iterable[Any]) -> None:
        """What a retrieval found."""
        self._set_content("documents", documents)

    def set_prompt(self, name: str, *, version: str | None = None, template: Any = None) -> None:
        """The named prompt that the input was made of."""
        prompt = {"name": name, "version": version, "template": template}
        self._set_content("prompt", {key: value for key, value in prompt.items() if value is not None})

    def mark_first_token(self, elapsed_ms: float | None = None) -> None:
        """Call when the first piece of a streamed answer comes; later calls change nothing.

        ``elapsed_ms`` (since the span began) says it for work that was timed elsewhere.
        """
        if self._end_ns:
            return
        given = None if elapsed_ms is None else ask(float, elapsed_ms, otherwise=None)
        elapsed_ms = (_clock.monotonic_ns() - self._start_ns) / _NS_PER_MS if given is None else given
        self._known_facts().setdefault("time_to_first_token_ms", elapsed_ms)

    def set_times(self, start_time_ns: int, end_time_ns: int) -> None:
        """Unix nanoseconds of work that was timed elsewhere, in place of those measured here."""
        if self._end_ns:
            return None
        start, end = ask(int, start_time_ns, otherwise=None), ask(int, end_time_ns, otherwise=None)
        if start is None or end is None:
            return self._note_losses("times", {"invalid": 1})
        self._known_facts().update(start_time_unix_nano=start, end_time_unix_nano=end)
        return None

    # Beginning and end

    def __enter__(self) -> Self:
        if self._outer is not _LEFT:
            return self  # entered already: it would become its own outer span
        self._outer = current_span.get()
        current_span.set(self)
        self._start_ns = _clock.monotonic_ns()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        end_ns = _clock.monotonic_ns()
        if exception is not None:
            self.set_error(exception)
        if current_span.get() is self:
            self._leave()  # else left out of order or elsewhere: whoever is still inside mends it
        if not self._end_ns:
            self._end_ns = end_ns
            self.shared_state.sink.put(self)

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
        self._end_ns = end_ns or _clock.monotonic_ns()
        self.shared_state.sink.put(self)

    # For the rest of the client

    def begin(self) -> None:
        """The span runs from now on, but is not open in this context: nothing becomes its child by itself."""
        self._start_ns = _clock.monotonic_ns()

    def note_cut(self, name: str, count: int, reason: str = "items") -> None:
        """So many items, or for another reason so much, were left out of a content."""
        self._note_losses(name, {reason: count})

    @property
    def is_running(self) -> bool:
        return not self._end_ns

    @property
    def is_failed(self) -> bool:
        return self._facts is not None and "error" in self._facts

    @property
    def duration_ns(self) -> int:
        """From the beginning to the end, or to now."""
        return (self._end_ns or _clock.monotonic_ns()) - self._start_ns

    def drop_contents(self, reason: str) -> None:
        """For want of room: keeps what the span is, not what it was given and what it answered."""
        self._input = self._output = self._metadata = self._contents = None
        self.size_bytes = SPAN_BYTES
        self._note_losses("contents", {reason: 1})

    # Inside

    def _leave(self) -> None:
        outer = self._outer
        while outer is not None and outer._end_ns and outer._outer is not _LEFT:  # left before us: go on
            outer = outer._outer
        current_span.set(outer)
        self._outer = _LEFT

    def _copied(self, name: str, value: Any) -> Copy:
        copied, size_bytes, cuts = copy(value)
        self.size_bytes += size_bytes
        if cuts is not None:
            self._note_losses(name, cuts)
        return copied

    def _set_content(self, name: str, value: Any) -> None:
        if self._end_ns:
            return
        self._contents = self._contents or {}
        self._contents[name] = self._copied(name, value)

    def _known_facts(self) -> dict[str, Any]:
        if self._facts is None:
            self._facts = {}
        return self._facts

    def _note_losses(self, name: str, losses: Cuts) -> None:
        noted = self._known_facts().setdefault("cuts", {})
        for reason, count in losses.items():
            key = f"{name}_{reason}"
            noted[key] = noted.get(key, 0) + count

    def _set_tokens(self, name: str, tokens: Any) -> None:
        if tokens is None:
            return None
        count = tokens if type(tokens) is int else ask(int, tokens, otherwise=None)
        if count is None:
            return self._note_losses(name, {"invalid": 1})
        self._usage = {**(self._usage or {}), name: count}
        return None

    def _set_cost(self, cost_usd: Any) -> None:
        cost = ask(float, cost_usd, otherwise=None)
        if cost is None:
            return self._note_losses("cost_usd", {"invalid": 1})
        self._known_facts()["cost_usd"] = cost
        return None


def describe_score(name: object, value: object, comment: object = None) -> dict[str, Any]:
    """``{name, value, comment}`` as it goes over the wire."""
    plain = value if isinstance(value, (bool, int, float)) else text_of(value)
    score = {"name": text_of(name, otherwise="score"), "value": plain}
    return score if comment is None else {**score, "comment": message_of(comment)}


_LEFT: Final = Span.__new__(Span)
"""What ``_outer`` is before a span is entered and after it was left in order: the end of every chain."""
_LEFT._outer = None
_LEFT._end_ns = 0
