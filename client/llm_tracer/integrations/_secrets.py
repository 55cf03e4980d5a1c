"""Values without what opens doors: keys and tokens that calls carry beside their content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MASK: Final = "[masked]"
MAX_DEPTH: Final = 12
"""Of tools, parameters and events; what is nested deeper is replaced whole."""

_NAMES: Final = frozenset(
    {
        "apikey",
        "xapikey",
        "authorization",
        "authorizationtoken",
        "proxyauthorization",
        "xamzsecuritytoken",
        "accesstoken",
        "refreshtoken",
        "idtoken",
        "bearertoken",
        "sessiontoken",
        "clientsecret",
        "secret",
        "secretkey",
        "secretaccesskey",
        "password",
        "passwd",
        "credentials",
        "cookie",
        "cookies",
        "setcookie",
    }
)
_SUFFIXES: Final = ("apikey", "secret", "password", "accesstoken", "authtoken")


def without_secrets(value: Any, depth: int = 0) -> Any:
    """A copy in which the value of every key that names a secret is ``[masked]``.

    Only mappings, lists and tuples are looked into; other values stay as they are.
    """
    if isinstance(value, Mapping):
        return MASK if depth >= MAX_DEPTH else {key: _kept(key, item, depth) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return MASK if depth >= MAX_DEPTH else [without_secrets(item, depth + 1) for item in value]
    return value


def tools_without_secrets(tools: list[Any]) -> list[Any]:
    """Tools on offer. Those on remote servers come with headers whose names say little: all are masked."""
    return [_without_headers(tool) for tool in without_secrets(tools)]


def is_secret(key: object) -> bool:
    """True for ``api_key``, ``Authorization``, ``X-Api-Key``, ``openai_api_key`` and their like."""
    if not isinstance(key, str):
        return False
    name = "".join(filter(str.isalnum, key)).lower()
    return name in _NAMES or name.endswith(_SUFFIXES)


def _kept(key: object, item: Any, depth: int) -> Any:
    if item is None or not is_secret(key) or _is_schema(item):
        return without_secrets(item, depth + 1)
    return MASK


def _is_schema(item: Any) -> bool:
    """A tool's parameter may be called ``password``: its JSON schema tells nothing."""
    return isinstance(item, Mapping) and any(
        word in item for word in ("type", "anyOf", "$ref", "description")
    )


def _without_headers(tool: Any) -> Any:
    if isinstance(tool, dict) and isinstance(tool.get("headers"), Mapping):
        return {**tool, "headers": dict.fromkeys(tool["headers"], MASK)}
    return tool
