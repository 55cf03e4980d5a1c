"""Where raced clients send to: it takes everything, and counts the spans when it is asked."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sink:
    """The server, in a process of its own."""

    def __init__(self, port: int) -> None:
        self._url = ("127.0.0.1", port)
        self._process = subprocess.Popen([sys.executable, __file__, str(port)])
        while True:
            try:
                socket.create_connection(self._url, 0.2).close()
            except OSError:
                time.sleep(0.02)
            else:
                return

    def count(self) -> int:
        import http.client

        connection = http.client.HTTPConnection(*self._url, timeout=60)
        connection.request("GET", "/")
        bodies: int = json.loads(connection.getresponse().read())
        self._process.terminate()
        return bodies


def serve(port: int) -> None:
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(b'{"accepted": 1, "rejected": []}')

        def do_GET(self) -> None:
            self._answer(json.dumps(len(set().union(*map(span_ids, bodies)))).encode())

        def _answer(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)


def span_ids(body: bytes) -> set[bytes]:
    """Distinct spans: of ours by their ids, of OTLP by what stands before a span's id in the protobuf."""
    plain = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    if plain[:1] == b"{":
        spans = json.loads(plain)["spans"]
        return {span["span_id"].encode() for span in spans if span["status"] != "pending"}
    return set(re.findall(rb"\n\x10.{16}\x12\x08(.{8})", plain, re.DOTALL))


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    serve(int(sys.argv[1]))
