"""One call of a provider, told by one span, whether it is answered at once, piece by piece or never."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from llm_tracer._span import Span
from llm_tracer.integrations._endpoint import Answer, Chunks, Document, Endpoint, mapped
from llm_tracer.integrations._guard import guarded, note_fault


class Call:
    """The methods are what may happen to a call. None raises, and after the first end nothing changes."""

    def __init__(
        self, span: Span, endpoint: Endpoint, *, is_hidden: Callable[[Document], bool] | None = None
    ) -> None:
        self.span = span
        self.is_reading = False
        """The package is at work inside: a response that closes now was not closed by the reader."""
        self._endpoint = endpoint
        self._is_hidden = is_hidden
        self._chunks: Chunks | None = None

    def answered(self, answer: object) -> None:
        """The whole answer, as the package's object or as JSON."""
        guarded(lambda: self._tell(plain(answer)), otherwise=None, span=self.span)
        self.span.finish()

    def answered_bytes(self, content: bytes) -> None:
        """The whole answer, as it came over the wire."""
        guarded(lambda: self._tell(mapped(json.loads(content))), otherwise=None, span=self.span)
        self.span.finish()

    def unseen(self) -> None:
        """The answer went to the reader in a way that cannot be followed."""
        self.span.set_metadata({"llm_tracer.output": "not seen: the response was read as bytes"})
        self.span.finish()

    def failed(self, error: BaseException) -> None:
        """The package raised, at once or in the middle of a stream; what had come is kept."""
        if self.span.is_running:
            self._tell_chunks()
            self.span.set_error(error)
            self.span.finish()

    def takes(self, chunk: object) -> bool:
        """Keeps a piece of the stream; False if only we asked for it and the reader must not see it."""
        if not self.span.is_running:
            return True
        return guarded(self._take, chunk, otherwise=True, span=self.span)

    def ended(self) -> None:
        """The stream came to its end."""
        if self.span.is_running:
            self._tell_chunks()
            self.span.finish()

    def stopped(self) -> None:
        """The reader wants no more of the stream."""
        if self._chunks is not None:
            self.failed(GeneratorExit())
        elif self.span.is_running:
            self.unseen()

    def broke(self, error: Exception) -> None:
        """We cannot follow this call any further; the span says so and ends."""
        note_fault("a call", error, self.span)
        self.span.finish()

    def _take(self, piece: object) -> bool:
        chunk = plain(piece)
        if self._chunks is None and self._endpoint.chunks is not None:
            self._chunks = self._endpoint.chunks()
        if self._chunks is not None and self._chunks.add(chunk):
            self.span.mark_first_token()
        return not (self._is_hidden is not None and self._is_hidden(chunk))

    def _tell_chunks(self) -> None:
        chunks = self._chunks
        if chunks is not None:
            guarded(lambda: self._tell(chunks.document()), otherwise=None, span=self.span)

    def _tell(self, document: Document) -> None:
        tell(self.span, self._endpoint.answer(document))


def tell(span: Span, answer: Answer) -> None:
    """Sets on the span what the answer says."""
    if answer.model:
        span.set_model(answer.model)
    usage = answer.usage
    span.set_output(
        answer.output,
        usage.get("input_tokens"),
        usage.get("output_tokens"),
        cache_read_tokens=usage.get("cache_read_tokens"),
        cache_write_tokens=usage.get("cache_write_tokens"),
        reasoning_tokens=usage.get("reasoning_tokens"),
    )
    audio = {name: count for name, count in usage.items() if "audio" in name and count}
    if answer.metadata or audio:
        span.set_metadata({**answer.metadata, **audio})
    if answer.error:
        span.set_error(answer.error)


def plain(value: Any) -> Document:
    """JSON of a package's object (pydantic 2 or 1), or of what is JSON already."""
    if hasattr(value, "model_dump"):
        return mapped(value.model_dump(by_alias=True, exclude_none=True, warnings=False))
    if hasattr(value, "__fields_set__"):
        return mapped(value.dict(by_alias=True, exclude_none=True))
    return mapped(value)
