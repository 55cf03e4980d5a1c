"""The body of a request, read in bounded pieces, inflated and parsed.

Django's own ``request.body`` is not used: under WSGI it is silently empty for a chunked request, and its
upload limit refuses normal batches.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.http import HttpRequest

from traces_app.api.problems import ProblemError
from traces_app.domain.json_text import repaired

__all__ = ["MAX_BODY_BYTES", "JsonBody", "parse_json", "read_body", "read_json"]

MAX_BODY_BYTES: Final = 64 * 2**20
"""After decompression. The OTLP specification recommends 64 MiB; a batch is held in memory whole."""

MAX_JSON_BYTES: Final = 24 * 2**20
"""Of a JSON batch. One span of the largest size fits; as objects hostile JSON takes 20 times its size."""

MAX_DISCARDED_BYTES: Final = 256 * 2**20
"""Of a body already refused. A client hears the answer only when the server has listened to the end."""

MAX_JSON_DEPTH: Final = 1024
"""Levels of nesting that orjson reads."""

MAX_LENGTH_DIGITS: Final = 18

_PIECE_BYTES: Final = 256 * 2**10
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
"""zlib tells gzip and deflate apart by the first bytes."""

_ENCODINGS: Final = {"": False, "identity": False, "gzip": True, "x-gzip": True, "deflate": True}


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A JSON object, and what had to be repaired to read it: one sentence each, usually none."""

    value: dict[str, Any]
    notices: list[str]


def read_json(request: HttpRequest) -> JsonBody:
    """The body as a JSON object. Raises a 400, 411, 413 or 415 problem that names the limit."""
    value, notices = parse_json(read_body(request, max_bytes=MAX_JSON_BYTES))
    if not isinstance(value, dict):
        raise ProblemError(400, "Not a JSON object", "The body must be a JSON object: {...}.", field="body")
    return JsonBody(value, notices)


def read_body(request: HttpRequest, *, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """The bytes of the body, inflated; at most ``max_bytes``."""
    is_compressed = _is_compressed(request)
    pieces = _raw_pieces(request, max_bytes)
    if _declared_bytes(request) > max_bytes:
        _discard(pieces)
        raise _too_large(max_bytes)
    try:
        return _joined(_inflated(pieces) if is_compressed else pieces, max_bytes)
    except ProblemError:
        _discard(pieces)
        raise


def parse_json(body: bytes) -> tuple[Any, list[str]]:
    """Any JSON value. What JavaScript and Python write that is not JSON is repaired, with a notice:
    lone surrogates and raw bytes that are no UTF-8 become U+FFFD, NaN and Infinity null.
    """
    try:
        return orjson.loads(body), []
    except orjson.JSONDecodeError as error:
        problem = str(error)
    try:
        value = orjson.loads(repaired(body))
    except (ValueError, RecursionError) as error:
        raise _not_json(problem, too_deep=isinstance(error, RecursionError)) from None
    reason = problem.partition(":")[0]
    return value, [f"the request was not valid JSON ({reason}); broken text became U+FFFD and NaN null"]


def _is_compressed(request: HttpRequest) -> bool:
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise ProblemError(
            415,
            "Unknown encoding",
            f"Content-Encoding {encoding[:40]!r} is not read here.",
            field="Content-Encoding",
            limit="identity, gzip or deflate",
        )
    return _ENCODINGS[encoding]


def _declared_bytes(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    if not (text.isdecimal() and len(text) <= MAX_LENGTH_DIGITS):
        raise ProblemError(
            400, "Wrong length", "Content-Length is no number of bytes.", field="Content-Length"
        )
    return int(text)


def _raw_pieces(request: HttpRequest, max_bytes: int) -> Iterator[bytes]:
    """The body as it comes from the connection. Raises a 400 problem when it ends early.

    Packed bytes are bounded too: members of gzip that hold nothing would go on for ever.
    """
    is_chunked = _is_chunked(request)
    declared_bytes = 0 if is_chunked else _declared_bytes(request)
    stream = _chunked_stream(request) if is_chunked else request
    received_bytes = 0
    while piece := _read_piece(stream):
        received_bytes += len(piece)
        if is_chunked and received_bytes > max_bytes:
            raise _too_large(max_bytes)
        yield piece
    if received_bytes < declared_bytes:
        raise _cut_short()


def _is_chunked(request: HttpRequest) -> bool:
    encoding = request.META.get("HTTP_TRANSFER_ENCODING", "").strip().lower()
    if encoding not in ("", "identity", "chunked"):
        raise ProblemError(
            501,
            "Unknown transfer encoding",
            f"Transfer-Encoding {encoding[:40]!r} is not read here.",
            field="Transfer-Encoding",
            limit="identity or chunked",
        )
    return bool(encoding == "chunked")


def _read_piece(stream: Any) -> bytes:
    try:
        return bytes(stream.read(_PIECE_BYTES))
    except Exception:  # noqa: BLE001 - each WSGI server has errors of its own for a bad chunk or connection
        raise _cut_short() from None


def _chunked_stream(request: HttpRequest) -> Any:
    """What a chunked body is read from: Django's own stream ends at Content-Length, that is at once.

    "A server that knows where the input ends sets wsgi.input_terminated" (gunicorn does, wsgiref does not);
    without it a read could wait for ever. ASGI has no such variable and a stream that ends.
    """
    if "wsgi.input" not in request.META:
        return request
    if request.META.get("wsgi.input_terminated"):
        return request.META["wsgi.input"]
    raise ProblemError(
        411,
        "Length required",
        "This server cannot read a chunked body. Send Content-Length, or run it under gunicorn.",
        field="Transfer-Encoding",
    )


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Inflate gzip (several members too) or zlib, a bounded piece at a time."""
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    is_open = False
    for compressed in pieces:
        rest = compressed
        while rest:
            is_open = True
            yield _inflated_piece(inflater, rest)
            rest = inflater.unconsumed_tail
            if inflater.eof:
                rest, is_open = inflater.unused_data, False
                inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    yield inflater.flush()
    if is_open and not inflater.eof:
        raise _cut_short()


def _inflated_piece(inflater: Any, compressed: bytes) -> bytes:
    try:
        return bytes(inflater.decompress(compressed, _PIECE_BYTES))
    except zlib.error:
        raise ProblemError(
            400,
            "Broken compression",
            "The body is not what Content-Encoding says.",
            field="Content-Encoding",
        ) from None


def _joined(pieces: Iterable[bytes], max_bytes: int) -> bytes:
    total_bytes = 0
    kept: list[bytes] = []
    for piece in pieces:
        total_bytes += len(piece)
        if total_bytes > max_bytes:
            raise _too_large(max_bytes)
        kept.append(piece)
    return b"".join(kept)


def _discard(pieces: Iterator[bytes]) -> None:
    discarded_bytes = 0
    try:
        for piece in pieces:
            discarded_bytes += len(piece)
            if discarded_bytes > MAX_DISCARDED_BYTES:
                return
    except ProblemError:
        return  # the connection is gone, and with it whoever would read why


def _not_json(problem: str, *, too_deep: bool) -> ProblemError:
    if too_deep or "depth" in problem or "ecursion" in problem:
        limit = f"{MAX_JSON_DEPTH} levels"
        return ProblemError(
            400, "JSON too deep", f"The body nests deeper than {limit}.", field="body", limit=limit
        )
    return ProblemError(400, "Not JSON", f"The body is not JSON: {problem[:200]}.", field="body")


def _too_large(max_bytes: int) -> ProblemError:
    return ProblemError(
        413,
        "Body too large",
        "The body is too large. Send fewer spans at a time.",
        field="body",
        limit=f"{max_bytes // 2**20} MiB ({max_bytes} bytes) after decompression",
    )


def _cut_short() -> ProblemError:
    return ProblemError(
        400, "Body cut short", "The body ended before its length or its compression did.", field="body"
    )
