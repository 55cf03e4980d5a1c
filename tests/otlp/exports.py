"""Posts captured requests as they were sent: headers, encoding, chunked where the exporter did."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from tests.api.calls import WsgiAnswer, call_wsgi

CAPTURES = Path(__file__).parent / "captures"
CASES = sorted(folder.name for folder in CAPTURES.iterdir())
PROTOBUF = "application/x-protobuf"


def requests_of(case: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((CAPTURES / case / "headers.json").read_text())
    return found


def expected_of(case: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CAPTURES / case / "expected.json").read_text())
    return found


def send(case: str, request: dict[str, Any]) -> WsgiAnswer:
    headers = {name.lower(): value for name, value in request["headers"]}
    body = (CAPTURES / case / request["file"]).read_bytes()
    environ: dict[str, Any] = {"CONTENT_TYPE": headers.get("content-type", "")}
    if "content-encoding" in headers:
        environ["HTTP_CONTENT_ENCODING"] = headers["content-encoding"]
    if "chunked" in headers.get("transfer-encoding", ""):
        environ |= {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    else:
        environ["CONTENT_LENGTH"] = str(len(body))
    return call_wsgi(request["path"], io.BytesIO(body), **environ)


def post(path: str, body: bytes, content_type: str = PROTOBUF, **environ: Any) -> WsgiAnswer:
    everything = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body)), **environ}
    return call_wsgi(path, io.BytesIO(body), **everything)


def post_json(body: Any, path: str = "/v1/traces", **environ: Any) -> WsgiAnswer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return post(path, data, "application/json", **environ)
