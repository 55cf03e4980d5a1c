"""Events as a function URL makes them (payload format 2.0), and what it would send to the client."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

HOST = "abcdefghij.lambda-url.us-east-1.on.aws"
CLIENT_ADDRESS = "198.51.100.7"
FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:llm-tracer-dev"


class Context:
    """As much of Lambda's context object as is read."""

    aws_request_id = "00000000-0000-4000-8000-000000000000"
    invoked_function_arn = FUNCTION_ARN


def http_event(
    path: str = "/health",
    *,
    method: str = "GET",
    query: str = "",
    headers: dict[str, str] | None = None,
    body: bytes | str | None = None,
    cookies: list[str] | None = None,
) -> dict[str, Any]:
    """``bytes`` travel as base64, as AWS does with every type it does not know for text."""
    sent = {"host": HOST, "x-forwarded-for": CLIENT_ADDRESS, "x-forwarded-proto": "https"} | (headers or {})
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": CLIENT_ADDRESS}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": sent,
        "requestContext": {"http": http, "stage": "$default", "domainName": HOST, "accountId": "anonymous"},
        "isBase64Encoded": isinstance(body, bytes),
    }
    if body is not None:
        event["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    if cookies is not None:
        event["cookies"] = cookies
    return event


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def answer_of(response: dict[str, Any]) -> Answer:
    json.dumps(response)  # what Lambda does with it
    body = response["body"]
    raw = base64.b64decode(body) if response["isBase64Encoded"] else body.encode()
    return Answer(response["statusCode"], response["headers"], response["cookies"], raw)
