"""A client of openai or anthropic whose calls are traced: its ``request`` method is replaced on the instance.

Both packages come from the same generator: every method of every resource (create, parse, stream, raw and
streaming responses, sync and async) ends in ``client.request(cast_to, options, stream=, stream_cls=)``.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Final, TypeVar

from llm_tracer._settings import logger
from llm_tracer._tracer import Tracer
from llm_tracer.integrations._call import Call
from llm_tracer.integrations._endpoint import Document, Endpoint, mapped
from llm_tracer.integrations._guard import guarded
from llm_tracer.integrations._providers import provider_of
from llm_tracer.integrations._secrets import tools_without_secrets, without_secrets
from llm_tracer.integrations._streams import follow_body, follow_stream, is_stream
from llm_tracer.integrations._target import is_off, offer_tools, open_span

Client = TypeVar("Client")

_MARK: Final = "_llm_tracer_replaced"
_COPYING: Final = ("copy", "with_options")
_REFUSED: Final = frozenset({400, 422})
"""Statuses of a provider that does not know ``stream_options``."""


@dataclass
class Wrapping:
    """What one wrapped client needs to know."""

    endpoints: Mapping[str, Endpoint]
    """By the path of the request, without its query."""
    tracer: Tracer | None
    provider: str | None = None
    asks_for_usage: bool = True


@dataclass
class Begun:
    """A call whose request is to be made with ``options``."""

    call: Call
    options: Any
    wrapping: Wrapping
    options_without_usage: Any = None
    """Set if the usage of the stream was asked for in the caller's stead."""

    def yields_to(self, error: BaseException) -> bool:
        """True if the provider refused only what we added: the request is to be made again, without it."""
        if self.options_without_usage is None or getattr(error, "status_code", None) not in _REFUSED:
            return False
        if not any(word in str(error) for word in ("stream_options", "include_usage")):
            return False
        self.wrapping.asks_for_usage = False
        self.options, self.options_without_usage = self.options_without_usage, None
        return True


def wrap(client: Client, wrapping: Wrapping) -> Client:
    """The same client, traced. One that is traced already is traced anew; what is no client is left alone."""
    unwrap(client)
    original = getattr(client, "request", None)
    if not callable(original) or not hasattr(client, "base_url"):
        logger.warning("%s is no client whose calls could be traced: left as it is", type(client).__name__)
        return client
    wrapping.provider = guarded(provider_of, client.base_url, otherwise=None)
    make = _async_request if inspect.iscoroutinefunction(original) else _request
    replaced = {"request": make(original, wrapping)}
    for name in filter(client.__class__.__dict__.__contains__, _COPYING):
        replaced[name] = _copying(getattr(client, name), wrapping)
    members = vars(client)
    members[_MARK] = {name: members.get(name) for name in replaced}
    members.update(replaced)
    return client


def unwrap(client: Client) -> Client:
    """The same client as before it was wrapped. Copies of it that were made meanwhile stay traced."""
    members: dict[str, Any] = getattr(client, "__dict__", {})
    for name, value in members.pop(_MARK, {}).items():
        members.pop(name, None)
        if value is not None:
            members[name] = value
    return client


def _request(original: Callable[..., Any], wrapping: Wrapping) -> Callable[..., Any]:
    @wraps(original)
    def request(cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        begun = guarded(_begin, wrapping, options, otherwise=None)
        if begun is None:
            return original(cast_to, options, *args, **kwargs)
        while True:
            try:
                answer = original(cast_to, begun.options, *args, **kwargs)
            except BaseException as error:
                if begun.yields_to(error):
                    continue
                begun.call.failed(error)
                raise
            try:
                _follow(begun.call, answer, _streamed(answer, kwargs))
            except Exception as error:  # noqa: BLE001 - the answer is the host's, whatever we make of it
                begun.call.broke(error)
            return answer

    return request


def _async_request(original: Callable[..., Any], wrapping: Wrapping) -> Callable[..., Any]:
    @wraps(original)
    async def request(cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        begun = guarded(_begin, wrapping, options, otherwise=None)
        if begun is None:
            return await original(cast_to, options, *args, **kwargs)
        while True:
            try:
                answer = await original(cast_to, begun.options, *args, **kwargs)
            except BaseException as error:
                if begun.yields_to(error):
                    continue
                begun.call.failed(error)
                raise
            try:
                stream = _streamed(answer, kwargs)
                _follow(begun.call, answer, await stream if inspect.isawaitable(stream) else stream)
            except Exception as error:  # noqa: BLE001 - as above
                begun.call.broke(error)
            return answer

    return request


def _copying(original: Callable[..., Any], wrapping: Wrapping) -> Callable[..., Any]:
    """``client.with_options(timeout=5)`` is another client; its calls are traced as well."""

    @wraps(original)
    def copy_of_client(*args: Any, **kwargs: Any) -> Any:
        return wrap(original(*args, **kwargs), replace(wrapping))

    return copy_of_client


def _begin(wrapping: Wrapping, options: Any) -> Begun | None:
    """The call that these options make, if it is one that is traced."""
    endpoint = wrapping.endpoints.get(str(options.url).partition("?")[0])
    if endpoint is None or options.method.lower() != "post":
        return None
    body = {**mapped(options.json_data), **mapped(getattr(options, "extra_json", None))}
    model = body.get("model")
    question = endpoint.question(body)
    name = f"{endpoint.operation} {model}" if model else endpoint.operation
    span = open_span(wrapping.tracer, name, endpoint.kind, input_data=question.input)
    if is_off(span):
        return None
    parameters = {"model": model, **without_secrets(question.parameters)}
    span.set_model(model or "", provider=wrapping.provider, parameters=parameters)
    if question.tools:
        offer_tools(span, tools_without_secrets(question.tools))
    asking = _asking_for_usage(wrapping, endpoint, body, options)
    if asking is None:
        return Begun(Call(span, endpoint), options, wrapping)
    return Begun(Call(span, endpoint, is_hidden=_is_usage_alone), asking, wrapping, options)


def _asking_for_usage(wrapping: Wrapping, endpoint: Endpoint, body: Document, options: Any) -> Any:
    """The options with a wish for the usage of the stream; ``None`` if it is not needed or not wanted."""
    wishes = mapped(body.get("stream_options"))
    if not (endpoint.asks_for_usage and wrapping.asks_for_usage and body.get("stream")):
        return None
    if "include_usage" in wishes:
        return None
    asking = copy.copy(options)
    asking.json_data = {**options.json_data, "stream_options": {**wishes, "include_usage": True}}
    return asking


def _is_usage_alone(chunk: Document) -> bool:
    """The last chunk of a stream whose usage was asked for: it has no choices."""
    return not chunk.get("choices") and chunk.get("usage") is not None


def _streamed(answer: Any, kwargs: Mapping[str, Any]) -> Any:
    """The stream in an answer, if there is one; of the raw responses of some packages it is awaited."""
    if is_stream(answer):
        return answer
    return answer.parse() if kwargs.get("stream") and hasattr(answer, "http_response") else None


def _follow(call: Call, answer: Any, stream: Any) -> None:
    response = getattr(answer, "http_response", answer)
    if stream is not None:
        follow_stream(call, stream)
    elif not hasattr(response, "iter_bytes"):
        call.answered(answer)
    elif response.is_closed:
        call.answered_bytes(response.content)
    else:
        follow_body(call, response)
