"""A function URL: HTTP in, an event of payload format 2.0 to the function, its answer back, 6 MB each way."""

from __future__ import annotations

import base64
import json
import time
import uuid
from http.server import BaseHTTPRequestHandler
from typing import Any

from fake_aws import gaps
from moto.awslambda.models import lambda_backends

MAX_PAYLOAD_BYTES = 6 * 2**20
CLIENT_ADDRESS = "198.51.100.7"
TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")
NO_BODY = (204, 304)
REGION = "us-east-1"


class Gateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    endpoint_url = ""

    def serve(self) -> None:
        name, _, rest = self.path.lstrip("/").partition("/")
        body = self._body()
        if name == "_permissions":
            return self._send(200, [], json.dumps(gaps.permissions).encode())
        if name == "_code":
            return self._send(200, [], _code_of(rest))
        try:
            function = lambda_backends[gaps.ACCOUNT][REGION].get_function(name)
        except Exception:  # noqa: BLE001 - moto's own for a function that is not there
            return self._send(403, [], b'{"Message":"Forbidden"}')
        payload = json.dumps(self._event(name, f"/{rest}", body)).encode()
        if len(payload) > MAX_PAYLOAD_BYTES:
            return self._send(413, [], b'{"Message":"Request Entity Too Large"}')
        said, failed, _ = gaps.invoke(function, payload, self.endpoint_url)
        if failed or len(said) > MAX_PAYLOAD_BYTES:
            return self._send(502, [], b"Internal Server Error")
        return self._relay(json.loads(said))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = serve

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _event(self, name: str, address: str, body: bytes) -> dict[str, Any]:
        path, _, query = address.partition("?")
        headers: dict[str, str] = {}
        for key, value in self.headers.items():
            headers[key.lower()] = f"{headers[key.lower()]},{value}" if key.lower() in headers else value
        cookies = headers.pop("cookie", "")
        seen = headers.get("x-forwarded-for")
        host = f"{name.replace('-', '')}.lambda-url.{REGION}.on.aws"
        headers |= {
            "host": host,
            "x-forwarded-for": f"{seen}, {CLIENT_ADDRESS}" if seen else CLIENT_ADDRESS,
            "x-forwarded-proto": "https",
            "x-forwarded-port": "443",
        }
        is_text = headers.get("content-type", "").startswith(TEXT_TYPES) and "content-encoding" not in headers
        http = {
            "method": self.command,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": CLIENT_ADDRESS,
            "userAgent": headers.get("user-agent", ""),
        }
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "accountId": "anonymous",
                "apiId": name,
                "domainName": host,
                "http": http,
                "requestId": str(uuid.uuid4()),
                "routeKey": "$default",
                "stage": "$default",
                "timeEpoch": int(time.time() * 1000),
            },
            "isBase64Encoded": bool(body) and not is_text,
        }
        if body:
            event["body"] = body.decode() if is_text else base64.b64encode(body).decode()
        if cookies:
            event["cookies"] = cookies.split("; ")
        return event

    def _relay(self, answer: dict[str, Any]) -> None:
        body = answer.get("body") or ""
        raw = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        headers = [(key, value) for key, value in answer["headers"].items() if key != "content-length"]
        self._send(answer["statusCode"], headers + [("set-cookie", it) for it in answer["cookies"]], raw)

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, str(value))
        if status not in NO_BODY:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in NO_BODY:
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _code_of(address: str) -> bytes:
    name, _, version = address.partition("/")
    qualifier = None if version in ("", "None", "$LATEST") else version
    code: bytes = lambda_backends[gaps.ACCOUNT][REGION].get_function(name, qualifier).code_bytes
    return code
