"""``@tracer.observe``: a span round each call of a function, a generator, or their asynchronous forms."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from llm_tracer._foreign import ask
from llm_tracer._span import Span, current_span

if TYPE_CHECKING:
    from llm_tracer._tracer import Tracer

Function = TypeVar("Function", bound=Callable[..., Any])

MAX_YIELDED: Final = 10_000
"""Of the items of a generator so many become its output; the others are counted."""
_OWN_ARGUMENTS: Final = frozenset({"self", "cls"})


class Observation(NamedTuple):
    """What the decorator was told."""

    tracer: Tracer
    name: str | None
    kind: str
    captures_input: bool
    captures_output: bool
    ignored: frozenset[str]


def observed(function: Function, observation: Observation) -> Function:
    """The same function with a span round each of its calls; of a generator round its whole run."""
    if inspect.isasyncgenfunction(function):
        wrapper: Callable[..., Any] = _of_async_generator(function, observation)
    elif inspect.isgeneratorfunction(function):
        wrapper = _of_generator(function, observation)
    elif inspect.iscoroutinefunction(function):
        wrapper = _of_coroutine(function, observation)
    else:
        wrapper = _of_function(function, observation)
    return wraps(function)(wrapper)  # type: ignore[return-value]


def _of_function(function: Callable[..., Any], observation: Observation) -> Callable[..., Any]:
    begin = _Beginning(function, observation)

    def call(*args: Any, **kwargs: Any) -> Any:
        with begin(args, kwargs) as span:
            result = function(*args, **kwargs)
            if observation.captures_output:
                span.set_output(result)
        return result

    return call


def _of_coroutine(
    function: Callable[..., Coroutine[Any, Any, Any]], observation: Observation
) -> Callable[..., Any]:
    begin = _Beginning(function, observation)

    async def call(*args: Any, **kwargs: Any) -> Any:
        with begin(args, kwargs) as span:
            result = await function(*args, **kwargs)
            if observation.captures_output:
                span.set_output(result)
        return result

    return call


def _of_generator(
    function: Callable[..., Generator[Any, Any, Any]], observation: Observation
) -> Callable[..., Any]:
    begin = _Beginning(function, observation)

    def run(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        run = _Run(begin(args, kwargs), captures_output=observation.captures_output)
        with run:
            steps = function(*args, **kwargs)
            action: Callable[..., Any] = steps.send
            argument: Any = None
            while True:
                try:
                    item = run.step(action, argument)
                except StopIteration as stop:
                    return stop.value
                run.yielded(item)
                try:
                    action, argument = steps.send, (yield item)
                except GeneratorExit:
                    run.step(steps.close)
                    raise
                except BaseException as error:  # noqa: BLE001 - the consumer's; the generator handles it
                    action, argument = steps.throw, error

    return run


def _of_async_generator(
    function: Callable[..., AsyncGenerator[Any, Any]], observation: Observation
) -> Callable[..., Any]:
    begin = _Beginning(function, observation)

    async def run(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        run = _Run(begin(args, kwargs), captures_output=observation.captures_output)
        with run:
            steps = function(*args, **kwargs)
            action: Callable[..., Any] = steps.asend
            argument: Any = None
            while True:
                try:
                    item = await run.async_step(action(argument))
                except StopAsyncIteration:
                    return
                run.yielded(item)
                try:
                    action, argument = steps.asend, (yield item)
                except GeneratorExit:
                    await run.async_step(steps.aclose())
                    raise
                except BaseException as error:  # noqa: BLE001 - as in _of_generator
                    action, argument = steps.athrow, error

    return run


class _Beginning:
    """Makes the span of a call, with the arguments by their names as its input."""

    def __init__(self, function: Callable[..., Any], observation: Observation) -> None:
        self._observation = observation
        self._name = observation.name or getattr(function, "__qualname__", "") or type(function).__name__
        self._signature = ask(inspect.signature, function, otherwise=None)
        captured = {"input": observation.captures_input, "output": observation.captures_output}
        self._uncaptured = tuple(name for name, is_captured in captured.items() if not is_captured)

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Span:
        observation = self._observation
        given = ask(self._named, args, kwargs, otherwise=None) if observation.captures_input else None
        span = observation.tracer.span(self._name, observation.kind, given)
        for name in self._uncaptured:  # a page can say why there is nothing
            span.note_cut(name, 1, "not_captured")
        return span

    def _named(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        if self._signature is None:
            return {"args": args, "kwargs": kwargs}
        bound = self._signature.bind(*args, **kwargs)
        hidden = self._observation.ignored | _OWN_ARGUMENTS
        return {name: value for name, value in bound.arguments.items() if name not in hidden}


class _Run:
    """The span of a generator: open here only while the generator itself runs, not its consumer."""

    def __init__(self, span: Span, *, captures_output: bool) -> None:
        self._span = span
        self._inside: Span | None = span
        """The innermost open span as the generator left it when it yielded."""
        self._items: list[Any] = []
        self._captures_output = captures_output
        self._uncaptured = 0

    def __enter__(self) -> None:
        self._span.begin()

    def __exit__(self, _type: object, exception: BaseException | None, _traceback: object) -> None:
        if exception is not None:
            self._span.set_error(exception)
        if self._captures_output:
            self._span.set_output(_joined(self._items))
        if self._uncaptured:
            self._span.note_cut("output", self._uncaptured)
        self._span.finish()

    def step(self, action: Callable[..., Any], *arguments: Any) -> Any:
        outside = current_span.get()
        current_span.set(self._inside)
        try:
            return action(*arguments)
        finally:
            self._inside = current_span.get()
            current_span.set(outside)

    async def async_step(self, awaitable: Awaitable[Any]) -> Any:
        outside = current_span.get()
        current_span.set(self._inside)
        try:
            return await awaitable
        finally:
            self._inside = current_span.get()
            current_span.set(outside)

    def yielded(self, item: Any) -> None:
        if len(self._items) < MAX_YIELDED:
            self._items.append(item)
        else:
            self._uncaptured += 1


def _joined(items: list[Any]) -> Any:
    """Pieces of a text are one text."""
    is_text = bool(items) and all(isinstance(item, str) for item in items)
    return "".join(items) if is_text else items


def ignored_arguments(names: Iterable[str] | str) -> frozenset[str]:
    return frozenset([names] if isinstance(names, str) else ask(list, names, otherwise=[]))
