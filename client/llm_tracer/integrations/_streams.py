"""Streams are followed in place: the package's own object stays, only its source of pieces is listened to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from llm_tracer.integrations._call import Call

_NEVER: Final = object()
_CALL: Final = "_llm_tracer_call"


def is_stream(answer: object) -> bool:
    """True for the packages' ``Stream`` and ``AsyncStream``."""
    kind = type(answer)
    return hasattr(answer, "response") and (hasattr(kind, "__next__") or hasattr(kind, "__anext__"))


def follow_stream(call: Call, stream: Any) -> None:
    """The call ends when the stream does, when it fails, or when its reader stops."""
    chunks = stream._iterator
    stream._iterator = FollowedAsync(chunks, call) if hasattr(chunks, "__anext__") else Followed(chunks, call)
    _listen(stream.response, _OpenResponse, call)


def follow_body(call: Call, response: Any) -> None:
    """For an answer that the reader has still to read: the call ends when it is read or closed."""
    _listen(response, _UnreadResponse, call)


class Followed:
    """In place of a stream's own iterator."""

    def __init__(self, chunks: Iterator[Any], call: Call) -> None:
        self._chunks = chunks
        self._call = call

    def __next__(self) -> Any:
        while True:
            chunk = self._read()
            if self._call.takes(chunk):
                return chunk

    def __iter__(self) -> Iterator[Any]:
        """A generator of its own for each loop: leaving the loop closes it, and so is noticed at once."""
        try:
            yield from iter(self.__next__, _NEVER)
        finally:
            self._call.stopped()

    def __del__(self) -> None:
        self._call.stopped()

    def _read(self) -> Any:
        self._call.is_reading = True
        try:
            return next(self._chunks)
        except StopIteration:
            self._call.ended()
            raise
        except BaseException as error:
            self._call.failed(error)
            raise
        finally:
            self._call.is_reading = False


class FollowedAsync:
    """As ``Followed``, awaited."""

    def __init__(self, chunks: AsyncIterator[Any], call: Call) -> None:
        self._chunks = chunks
        self._call = call

    async def __anext__(self) -> Any:
        while True:
            chunk = await self._read()
            if self._call.takes(chunk):
                return chunk

    async def __aiter__(self) -> AsyncIterator[Any]:
        try:
            while True:
                try:
                    chunk = await self.__anext__()
                except StopAsyncIteration:
                    return
                yield chunk
        finally:
            self._call.stopped()

    def __del__(self) -> None:
        self._call.stopped()

    async def _read(self) -> Any:
        self._call.is_reading = True
        try:
            return await self._chunks.__anext__()
        except StopAsyncIteration:
            self._call.ended()
            raise
        except BaseException as error:
            self._call.failed(error)
            raise
        finally:
            self._call.is_reading = False


class _OpenResponse:
    """Mixed into the class of one response until it is closed, by whichever object that holds it.

    A class, not functions set on the response: a response that refers to itself would keep its connection
    until the garbage collector comes by.
    """

    def close(self) -> None:
        _leave(self)
        self.close()

    async def aclose(self) -> None:
        _leave(self)
        await self.aclose()


class _UnreadResponse(_OpenResponse):
    """The same for a response whose body is the whole answer."""

    def read(self) -> bytes:
        with _reading(self) as call:
            content: bytes = super().read()  # type: ignore[misc]
            call.answered_bytes(content)
        return content

    async def aread(self) -> bytes:
        with _reading(self) as call:
            content: bytes = await super().aread()  # type: ignore[misc]
            call.answered_bytes(content)
        return content


@contextmanager
def _reading(response: object) -> Iterator[Call]:
    call: Call = vars(response)[_CALL]
    call.is_reading = True
    try:
        yield call
    except BaseException as error:
        call.failed(error)
        raise
    finally:
        call.is_reading = False


def _listen(response: Any, ear: type, call: Call) -> None:
    vars(response)[_CALL] = call
    kind: Any = type(response)
    response.__class__ = _mixed(ear, kind)


@cache
def _mixed(ear: Any, kind: Any) -> Any:
    return type(
        kind.__name__, (ear, kind), {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    )


def _leave(response: Any) -> None:
    """The response is what it was before, and the call knows if it was its reader who closed it."""
    response.__class__ = type(response).__bases__[1]
    call: Call = vars(response).pop(_CALL)
    if not call.is_reading:
        call.stopped()
