"""Django's development server, reading chunked bodies: Node's exporters send nothing else.

Python's wsgiref ends a body at Content-Length, that is at once where there is none. Here the chunks are
undone, and the application is told by ``wsgi.input_terminated`` that it may read to the end.
"""

from __future__ import annotations

import io
from typing import Any, Final

from django.core.servers.basehttp import ServerHandler, WSGIRequestHandler, WSGIServer

__all__ = ["ChunkedServer", "ChunkedStream"]

MAX_LINE_BYTES: Final = 65_536
"""Of a request line or the size of a chunk, as http.server has it."""


class ChunkedStream(io.RawIOBase):
    """The body in a chunked stream. Raises ValueError for what is no chunk; reads nothing behind the end."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream
        self._left = 0
        self._is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._is_over or not len(buffer) or (not self._left and not self._open_chunk()):
            return 0
        piece = self._stream.read(min(len(buffer), self._left))
        if not piece:
            raise ValueError("The connection ended within a chunk.")
        buffer[: len(piece)] = piece
        self._left -= len(piece)
        if not self._left:
            self._stream.readline(MAX_LINE_BYTES)
        return len(piece)

    def _open_chunk(self) -> bool:
        """Whether there is another one; behind the last come trailers, up to an empty line."""
        size = self._stream.readline(MAX_LINE_BYTES).partition(b";")[0].strip()
        self._left = int(size, 16)
        if self._left < 0:
            raise ValueError("A chunk has no negative size.")
        if self._left:
            return True
        while self._stream.readline(MAX_LINE_BYTES).strip():
            pass
        self._is_over = True
        return False


class _Handler(ServerHandler):  # type: ignore[misc, unused-ignore]
    def __init__(self, stdin: Any, stdout: Any, stderr: Any, environ: dict[str, Any], **options: Any) -> None:
        super().__init__(stdin, stdout, stderr, environ, **options)
        if environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower() == "chunked":
            self.stdin = ChunkedStream(stdin)
            self.base_env["wsgi.input_terminated"] = True

    def close(self) -> None:
        try:
            super().close()
        except (ValueError, OverflowError):
            self.request_handler.close_connection = True  # a broken body: nothing behind it can be read


class _RequestHandler(WSGIRequestHandler):  # type: ignore[misc, unused-ignore]
    def handle_one_request(self) -> None:
        """As Django's, with the handler above."""
        self.raw_requestline = self.rfile.readline(MAX_LINE_BYTES + 1)
        if len(self.raw_requestline) > MAX_LINE_BYTES:
            self.requestline = self.request_version = self.command = ""
            self.send_error(414)
            return
        if not self.parse_request():
            return
        handler = _Handler(self.rfile, self.wfile, self.get_stderr(), self.get_environ())
        handler.request_handler = self
        handler.run(self.server.get_app())


class ChunkedServer(WSGIServer):  # type: ignore[misc, unused-ignore]
    """For ``runserver``, which names its request handler itself."""

    def __init__(self, address: Any, _: Any, **options: Any) -> None:
        super().__init__(address, _RequestHandler, **options)
