"""Who is asking: the key of a request, what it may do, and whether it may do it now.

A key comes in a header, never in the address: addresses are logged. Keys themselves are never logged.
"""

from __future__ import annotations

import base64
import binascii
import time
from typing import Final, Literal
from urllib.parse import unquote

from django.http import HttpRequest

from traces_app import access
from traces_app.access import Access
from traces_app.api import throttle
from traces_app.api.problems import ProblemError
from traces_app.metering import attribute_request

__all__ = ["Call", "admit", "presented_key"]

Call = Literal["ingest", "read"]

_KEY_HEADERS: Final = ("HTTP_X_API_KEY", "HTTP_API_KEY")
"""``X-API-Key``, and ``api-key`` (WSGI servers drop names with underscores)."""


def admit(request: HttpRequest, call: Call, *, weight: float = 1.0) -> Access:
    """The access of a request that may make ``call`` now.

    Raises a 401 problem, a 403 problem for a key of the wrong scope, a 429 problem when the
    key has used up its requests, StoreUnavailable when the key cannot be looked up.
    """
    found = access.authenticate(presented_key(request), now_ns=time.time_ns())
    if found is None:
        raise ProblemError(
            401,
            "No valid key",
            "Send a key of this server as X-API-Key: project-NAME, or as Authorization: Bearer.",
            field="X-API-Key",
        )
    attribute_request(found.project)
    if not (found.may_write if call == "ingest" else found.may_read):
        raise ProblemError(
            403,
            "Key of another scope",
            f"This key has the scope {found.scope!r}; the call needs {call!r} or 'all'.",
            field="X-API-Key",
        )
    throttle.spend(found.key_id, call, weight=weight)
    return found


def presented_key(request: HttpRequest) -> str | None:
    """The key in the headers, whichever of the known ways it was sent; None without one."""
    for header in _KEY_HEADERS:
        if key := request.META.get(header, "").strip():
            return str(key)
    return _key_of_authorization(unquote(request.META.get("HTTP_AUTHORIZATION", "")).strip())


def _key_of_authorization(value: str) -> str | None:
    """Of a value already decoded: LangSmith and LiteLLM send ``Bearer%20KEY`` as the variable has it."""
    scheme, _, credentials = value.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip() or None
    if scheme.lower() == "basic":
        return _key_of_basic(credentials.strip())
    return value or None  # the bare key, as some exporters send it


def _key_of_basic(credentials: str) -> str | None:
    """The password, where one pair of public and secret key is sent; else the user name."""
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password or user or None
