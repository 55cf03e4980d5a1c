"""The development server: real chunked requests over a real connection, as Node's exporters send them."""

from __future__ import annotations

import http.client
import io

import pytest
from django.core.servers.basehttp import WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from tests.otlp import facts
from tests.otlp.exports import CAPTURES, expected_of
from tests.servers import serving
from traces_app.management.chunked import ChunkedServer, ChunkedStream


def test_chunked_requests_are_read_one_after_the_other_on_one_connection() -> None:
    server = ChunkedServer(("127.0.0.1", 0), WSGIRequestHandler)
    server.set_app(get_wsgi_application())
    body = (CAPTURES / "vercel-ai-v6" / "body-1.json").read_bytes()
    headers = {"Content-Type": "application/json", "Authorization": "Bearer project-dev"}
    with serving(server):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        for size in (7_000, 100_000):
            pieces = [body[at : at + size] for at in range(0, len(body), size)]
            chunked = {**headers, "Transfer-Encoding": "chunked"}
            connection.request("POST", "/v1/traces", iter(pieces), chunked, encode_chunked=True)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"{}")
        connection.close()
    assert facts.check(expected_of("vercel-ai-v6")).differences == []


def test_a_chunked_stream_ends_where_its_body_does() -> None:
    connection = io.BytesIO(b"5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nTrailer: 1\r\n\r\nGET / HTTP/1.1")
    stream = ChunkedStream(connection)
    assert stream.read(3) == b"hel"
    assert stream.read() == b"lo, world"
    assert stream.read(9) == b""
    assert connection.read() == b"GET / HTTP/1.1"


@pytest.mark.parametrize("broken", [b"zz\r\n", b"5\r\nhel", b"-1\r\n"])
def test_a_broken_chunk_is_an_error(broken: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        ChunkedStream(io.BytesIO(broken)).read()
