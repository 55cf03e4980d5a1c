"""How ninja's operations ask for a key."""

from __future__ import annotations

from typing import Any, Protocol

from django.http import HttpRequest
from ninja.security import APIKeyHeader

from traces_app.access import Access
from traces_app.api.admission import Call, admit

__all__ = ["KeyedRequest", "RequireKey"]


class KeyedRequest(Protocol):
    """A Django request that ``RequireKey`` let in."""

    auth: Access
    META: dict[str, Any]


class RequireKey(APIKeyHeader):
    """Lets a request in whose key may make this call; ``weight`` is its share of one request."""

    param_name = "X-API-Key"

    def __init__(self, call: Call, *, weight: float = 1.0) -> None:
        self.call: Call = call
        self.weight = weight
        super().__init__()

    def __call__(self, request: HttpRequest) -> Access:
        return admit(request, self.call, weight=self.weight)

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        raise NotImplementedError  # the base class asks for it; __call__ does all
