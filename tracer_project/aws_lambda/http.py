"""HTTP events of a function URL (payload format 2.0) to Django's WSGI application and back.

apig-wsgi does the translation. Around it stands what it leaves open: events that are no requests, addresses
that a client can forge, text outside Latin-1, HEAD, and Lambda's limit of 6 MB in either direction.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from apig_wsgi import make_lambda_handler
from django.core.wsgi import get_wsgi_application

from tracer_project.aws_lambda import problems

__all__ = ["MAX_BODY_CHARACTERS", "answer", "is_http"]

MAX_PAYLOAD_BYTES: Final = 6 * 2**20
"""Of an event, and of an answer, as JSON: Lambda's limit for synchronous calls."""

MAX_BODY_CHARACTERS: Final = MAX_PAYLOAD_BYTES
"""Of a body in an event. AWS answers 413 itself before; this holds for events that came another way."""

MEASURED_FROM_CHARACTERS: Final = MAX_PAYLOAD_BYTES // 7
"""JSON writes one character as six at worst (\\u0001), so shorter bodies always fit beside their headers."""

_Environ = dict[str, Any]
_StartResponse = Callable[..., Any]
_application = get_wsgi_application()


def is_http(event: dict[str, Any]) -> bool:
    return "requestContext" in event or "rawPath" in event


def answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What the function URL sends to the client; a malformed event is answered with 400, never raised."""
    if not _is_well_formed(event):
        return problems.malformed(event)
    if len(event.get("body") or "") > MAX_BODY_CHARACTERS:
        return problems.body_too_large(event)
    try:
        response: dict[str, Any] = _serve(event, context)
    except (binascii.Error, UnicodeEncodeError):
        return problems.malformed(event)
    response["cookies"] = [cookie.strip() for cookie in response["cookies"]]  # Django writes " name=value"
    if event["requestContext"]["http"]["method"] == "HEAD":
        return {**response, "body": "", "isBase64Encoded": False}
    return _fitted(response, event)


def _is_well_formed(event: dict[str, Any]) -> bool:
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, dict) else None
    if event.get("version") != "2.0" or not isinstance(http, dict):
        return False
    texts = [http.get(name) for name in ("method", "protocol", "sourceIp")]
    texts += [event.get("rawPath"), event.get("rawQueryString"), event.get("body") or ""]
    headers, cookies = event.get("headers"), event.get("cookies", [])
    if not isinstance(headers, dict) or not isinstance(cookies, list):
        return False
    texts += [*headers, *headers.values(), *cookies]
    return all(isinstance(text, str) for text in texts) and event["rawPath"].startswith("/")


def _behind_function_url(environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
    """Django, told what is certain here: TLS ends at AWS, the body is whole, and nobody forwards for others.

    The client's address is the one AWS saw (``sourceIp``, which apig-wsgi took); what a client wrote into
    X-Forwarded-For is dropped, so that nothing behind can believe it.
    """
    for forged in ("FOR", "PROTO", "PORT", "HOST"):
        environ.pop(f"HTTP_X_FORWARDED_{forged}", None)
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    path = environ["apig_wsgi.full_event"]["rawPath"]
    environ |= {
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "SERVER_PORT": "443",
        "wsgi.url_scheme": "https",
        "wsgi.input_terminated": True,
    }
    for name, value in environ.items():
        if isinstance(value, str) and not value.isascii() and name != "PATH_INFO":
            environ[name] = value.encode().decode("latin-1")  # WSGI: bytes, as Latin-1
    result: Iterable[bytes] = _application(environ, start_response)
    return result


_serve: Final = make_lambda_handler(_behind_function_url)


def _fitted(response: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """The response if Lambda can carry it, compressed if only that fits, else a problem that says so."""
    if len(response["body"]) <= MEASURED_FROM_CHARACTERS or _json_bytes(response) <= MAX_PAYLOAD_BYTES:
        return response
    accepts_gzip = "gzip" in event["headers"].get("accept-encoding", "")
    if accepts_gzip and "content-encoding" not in response["headers"]:
        response = _compressed(response)
        if _json_bytes(response) <= MAX_PAYLOAD_BYTES:
            return response
    return problems.answer_too_large(event)


def _compressed(response: dict[str, Any]) -> dict[str, Any]:
    body = response["body"]
    raw = base64.b64decode(body) if response["isBase64Encoded"] else body.encode()
    headers = {**response["headers"], "content-encoding": "gzip"}
    headers["vary"] = ", ".join(filter(None, [headers.get("vary"), "accept-encoding"]))
    headers.pop("content-length", None)
    packed = base64.b64encode(gzip.compress(raw, 5)).decode("ascii")
    return {**response, "headers": headers, "body": packed, "isBase64Encoded": True}


def _json_bytes(response: dict[str, Any]) -> int:
    return len(json.dumps(response).encode())
