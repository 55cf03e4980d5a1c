"""A real HTTP server on loopback that answers each POST by the next line of its script."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

ACCEPTED = b'{"accepted": 1, "rejected": []}'


class ScriptedServer:
    """Answers ``script`` line by line, then 202. A line is (status, headers, body), "hang" or "nothing"."""

    def __init__(self, port: int = 0) -> None:
        self.script: list[Any] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.is_over = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        return self._http.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def batches(self) -> list[dict[str, Any]]:
        return [json.loads(gzip.decompress(b) if b[:2] == b"\x1f\x8b" else b) for b in self.bodies]

    @property
    def names(self) -> list[str]:
        return [span["name"] for batch in self.batches for span in batch["spans"]]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.paths.append(self.path)
                server.headers.append(dict(self.headers))
                server.bodies.append(body)
                line = server.script.pop(0) if server.script else (202, {}, ACCEPTED)
                if line == "hang":
                    server.is_over.wait(20)
                    self.close_connection = True
                    return
                if line == "nothing":
                    self.close_connection = True
                    return
                self._answer(*line)

            def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
                self.send_response(status)
                promised = {"Content-Length": str(len(content)), **headers}
                for name, value in promised.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                self.close_connection = int(promised["Content-Length"]) > len(content)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
