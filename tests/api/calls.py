"""Short ways to call the API in tests, over Django's client and over bare WSGI."""

from __future__ import annotations

import functools
import io
import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.test import Client

PROBLEM = "application/problem+json"


@functools.cache
def browser() -> Client:
    """One client for all tests: each new one would load the middleware anew, static files and all."""
    return Client()


@functools.cache
def _application() -> Any:
    return get_wsgi_application()


@dataclass
class Api:
    client: Client
    key: str

    def get(self, path: str, **parameters: Any) -> Any:
        return self.client.get(path, parameters, headers={"X-API-Key": self.key})

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any) -> Any:
        return self.send("PATCH", path, body)

    def send(self, method: str, path: str, body: Any, **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.generic(
            method, path, data, content_type="application/json", headers={"X-API-Key": self.key, **headers}
        )

    def ingest(self, *spans: Any, **envelope: Any) -> Any:
        return self.post("/api/ingest", {"spans": list(spans), **envelope})


def span_in(**fields: Any) -> dict[str, Any]:
    """A valid finished span of a new trace, as our client would send it now."""
    now_ns = time.time_ns()
    return {
        "trace_id": new_trace_id(now_ns),
        "span_id": secrets.token_hex(8),
        "name": "chat",
        "kind": "llm",
        "start_time_unix_nano": now_ns - 1_000_000_000,
        "end_time_unix_nano": now_ns,
    } | fields


def new_trace_id(now_ns: int) -> str:
    return f"{now_ns // 1_000_000:012x}7{secrets.token_hex(8)[:3]}b{secrets.token_hex(8)[:15]}"


@dataclass
class WsgiAnswer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Zeros(io.RawIOBase):
    """A connection that would deliver ``size`` bytes; counts those that were taken."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        amount = self.size - self.taken if size < 0 else min(size, self.size - self.taken)
        self.taken += amount
        return bytes(amount)


def call_wsgi(path: str, stream: Any, *, method: str = "POST", **environ: Any) -> WsgiAnswer:
    """One request as a WSGI server hands it over; ``stream`` is wsgi.input."""
    found: dict[str, Any] = {}

    def start_response(status: str, headers: Iterable[tuple[str, str]], _error: Any = None) -> None:
        found["status"], found["headers"] = int(status.split(maxsplit=1)[0]), dict(headers)

    everything = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8001",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": "application/json",
        "HTTP_X_API_KEY": "project-dev",
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
        "wsgi.input": stream,
    } | environ
    answer = _application()(everything, start_response)
    body = b"".join(answer)
    answer.close()
    return WsgiAnswer(found["status"], found["headers"], body)
