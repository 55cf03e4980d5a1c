"""Runs of LangChain and LangGraph as spans.

from llm_tracer.integrations.langchain import TracerCallbackHandler

chain.invoke(question, config={"callbacks": [TracerCallbackHandler(tracer)]})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Final, TypeVar
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult

from llm_tracer._span import Span
from llm_tracer._tracer import Tracer
from llm_tracer.integrations import _langchain_values as values
from llm_tracer.integrations._call import tell
from llm_tracer.integrations._endpoint import listed, mapped
from llm_tracer.integrations._guard import note_fault
from llm_tracer.integrations._secrets import tools_without_secrets, without_secrets
from llm_tracer.integrations._target import is_off, offer_tools, open_run

__all__ = ["TracerCallbackHandler"]

Method = TypeVar("Method", bound=Callable[..., None])

_HIDDEN: Final = "langsmith:hidden"
"""LangGraph's tag for its own bookkeeping. Such chains are not shown; models and tools inherit it and are."""

_INNER_TAGS: Final = ("seq:", "map:", "graph:", "langsmith:", "branch:", "condition:")
_INNER_METADATA: Final = ("ls_", "lc_", "langgraph_", "checkpoint", "__")
_INTERRUPTION: Final = "GraphBubbleUp"
"""The base of what LangGraph raises to pause or to hand over: no failure."""


def _quiet(method: Method) -> Method:
    """A callback that never raises: the run goes on, and the fault is logged."""

    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> None:
        try:
            method(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the run is the host's
            note_fault(method.__qualname__, error)

    return call  # type: ignore[return-value]


class TracerCallbackHandler(BaseCallbackHandler):
    """Give it in ``config={"callbacks": [...]}``. One handler serves any number of runs, threads and tasks.

    A run without a parent is a span below the one that is open where it starts, else a trace of its own,
    whose ``user_id`` and ``session_id`` (or ``thread_id``) are those of the config's metadata. Spans that a
    tool opens itself are below the tool's. Nothing here raises. Models need no wrapping besides: that would
    tell each call twice.
    """

    run_inline = True
    """In the thread and the context of the run, in order: a callback takes microseconds."""

    MAX_OPEN_RUNS: Final = 10_000
    """Runs whose end never came (abandoned streams): beyond it the oldest are ended."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        """Without ``tracer``: as with ``wrap_openai``."""
        self._tracer = tracer
        self._runs: dict[UUID, Span] = {}
        self._hidden: dict[UUID, Span] = {}
        """Runs without a span of their own, and the span above them."""

    # Beginnings

    @_quiet
    def on_chain_start(self, serialized: Any, inputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        name = _name(serialized, kwargs)
        kind = "agent" if "agent" in name.lower() or name == "LangGraph" else "chain"
        self._begin(run_id, name, kind, values.readable(inputs), kwargs)

    @_quiet
    def on_chat_model_start(
        self, serialized: Any, messages: list[list[BaseMessage]], *, run_id: UUID, **kwargs: Any
    ) -> None:
        asked = [values.message(one) for batch in messages for one in batch]
        self._begin_model(run_id, "chat", serialized, asked, kwargs)

    @_quiet
    def on_llm_start(self, serialized: Any, prompts: list[str], *, run_id: UUID, **kwargs: Any) -> None:
        asked = prompts[0] if len(prompts) == 1 else prompts
        self._begin_model(run_id, "complete", serialized, asked, kwargs)

    @_quiet
    def on_tool_start(self, serialized: Any, input_str: str, *, run_id: UUID, **kwargs: Any) -> None:
        name = _name(serialized, kwargs)
        asked = kwargs.get("inputs") or input_str
        span = self._begin(run_id, name, "tool", values.readable(asked), kwargs)
        if span is not None:
            span.set_tool(name, call_id=kwargs.get("tool_call_id"))
            span.__enter__()

    @_quiet
    def on_retriever_start(self, serialized: Any, query: str, *, run_id: UUID, **kwargs: Any) -> None:
        self._begin(run_id, _name(serialized, kwargs), "retrieval", query, kwargs)

    # In the middle

    @_quiet
    def on_llm_new_token(self, token: Any, *, chunk: Any = None, run_id: UUID, **_: Any) -> None:
        span = self._runs.get(run_id)
        if span is not None and (token or getattr(getattr(chunk, "message", None), "tool_call_chunks", None)):
            span.mark_first_token()

    # Ends

    @_quiet
    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        span = self._ended(run_id)
        if span is None:
            return
        if kwargs.get("inputs"):  # of a stream, whose input was not known when it began
            span.set_input(values.readable(kwargs["inputs"]))
        span.set_output(values.readable(outputs))
        span.finish()

    @_quiet
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        span = self._ended(run_id)
        if span is not None:
            tell(span, values.answer(response))
            span.finish()

    @_quiet
    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        span = self._ended(run_id)
        if span is None:
            return
        call_id, name = getattr(output, "tool_call_id", None), getattr(output, "name", None)
        if call_id and name:  # earlier versions say it only here
            span.set_tool(name, call_id=call_id)
        if getattr(output, "status", None) == "error":
            span.set_error(str(output.content))
        span.set_output(values.readable(getattr(output, "content", output)))
        span.__exit__(None, None, None)

    @_quiet
    def on_retriever_end(self, documents: Sequence[Document], *, run_id: UUID, **_: Any) -> None:
        span = self._ended(run_id)
        if span is not None:
            span.set_documents([values.document(found) for found in documents])
            span.finish()

    @_quiet
    def on_chain_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        self._fail(run_id, error)

    @_quiet
    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        self._fail(run_id, error)

    @_quiet
    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        self._fail(run_id, error)

    @_quiet
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        span = self._runs.get(run_id)
        partial = kwargs.get("response")
        if span is not None and isinstance(partial, LLMResult):
            tell(span, values.answer(partial))
        self._fail(run_id, error)

    # Inside

    def _begin(self, run_id: UUID, name: str, kind: str, asked: Any, run: Mapping[str, Any]) -> Span | None:
        above = self._above(run.get("parent_run_id"))
        if above is not None and kind == "chain" and _HIDDEN in listed(run.get("tags")):
            self._hidden[run_id] = above
            return None
        span = (
            above.span(name, kind, asked) if above is not None else self._begin_root(name, kind, asked, run)
        )
        if is_off(span):
            return None
        if len(self._runs) >= self.MAX_OPEN_RUNS:
            self._runs.pop(next(iter(self._runs))).finish()
        if len(self._hidden) >= self.MAX_OPEN_RUNS:
            self._hidden.pop(next(iter(self._hidden)))
        self._runs[run_id] = span
        return span

    def _above(self, run_id: UUID | None) -> Span | None:
        if run_id is None:
            return None
        return self._runs.get(run_id) or self._hidden.get(run_id)

    def _ended(self, run_id: UUID) -> Span | None:
        """The span of the run, if it has one of its own; the run is forgotten."""
        self._hidden.pop(run_id, None)
        return self._runs.pop(run_id, None)

    def _begin_root(self, name: str, kind: str, asked: Any, run: Mapping[str, Any]) -> Span:
        told = mapped(run.get("metadata"))
        return open_run(
            self._tracer,
            name,
            kind,
            input_data=asked,
            metadata=without_secrets(
                {key: item for key, item in told.items() if not key.startswith(_INNER_METADATA)}
            ),
            tags=[tag for tag in listed(run.get("tags")) if not str(tag).startswith(_INNER_TAGS)],
            user_id=told.get("user_id"),
            session_id=told.get("session_id") or told.get("thread_id"),
        )

    def _begin_model(
        self, run_id: UUID, operation: str, serialized: Any, asked: Any, run: Mapping[str, Any]
    ) -> None:
        invocation, told = mapped(run.get("invocation_params")), mapped(run.get("metadata"))
        model = invocation.get("model") or invocation.get("model_name") or told.get("ls_model_name")
        span = self._begin(run_id, f"{operation} {model or _name(serialized, run)}", "llm", asked, run)
        if span is None:
            return
        parameters = {"model": model, **without_secrets(values.parameters(invocation))}
        span.set_model(str(model or ""), provider=told.get("ls_provider"), parameters=parameters)
        offered = values.tools(invocation)
        if offered:
            offer_tools(span, tools_without_secrets(offered))

    def _fail(self, run_id: UUID, error: BaseException) -> None:
        span = self._ended(run_id)
        if span is None:
            return
        if any(base.__name__ == _INTERRUPTION for base in type(error).__mro__):
            span.set_metadata({"interrupted": type(error).__name__})
            span.__exit__(None, None, None)
        else:
            span.__exit__(type(error), error, None)


def _name(serialized: Any, run: Mapping[str, Any]) -> str:
    """As the run is called, else its class."""
    told = mapped(serialized)
    path = listed(told.get("id"))
    return str(run.get("name") or told.get("name") or (path[-1] if path else "run"))
