"""Where traces go and with which key: from arguments, else from the environment."""

from __future__ import annotations

import logging
import os
from typing import Final, NamedTuple
from urllib.parse import urlsplit

DEFAULT_URL: Final = "http://localhost:8001"
_OFF: Final = frozenset({"false", "0", "no", "off"})

logger = logging.getLogger("llm_tracer")


class Settings(NamedTuple):
    """What one client was set to."""

    base_url: str
    api_key: str | None
    project_id: str | None
    is_enabled: bool
    timeout_seconds: float
    environment: str | None
    release: str | None

    @property
    def is_loopback(self) -> bool:
        """The server is on this machine: nothing to win by compressing or by a proxy."""
        host = urlsplit(self.base_url).hostname or ""
        return host in {"localhost", "::1"} or host.startswith("127.")


def read_settings(
    *,
    base_url: str | None,
    api_key: str | None,
    project_id: str | None,
    enabled: bool | None,
    timeout_seconds: float,
    environment: str | None,
    release: str | None,
) -> Settings:
    """Arguments win over ``TRACER_URL``, ``TRACER_API_KEY``, ``TRACER_PROJECT_ID``, ``TRACING_ENABLED``."""
    key = (api_key or os.environ.get("TRACER_API_KEY") or "").strip() or None
    own_project = project_of_key(key)
    project = project_id or os.environ.get("TRACER_PROJECT_ID") or own_project
    url = with_scheme((base_url or os.environ.get("TRACER_URL") or DEFAULT_URL).strip()).rstrip("/")
    is_enabled = (_is_wanted(key) if enabled is None else enabled) and _is_usable(url)
    if is_enabled and own_project and project != own_project:
        logger.warning("project %r is not the API key's: spans go to %r", project, own_project)
    return Settings(url, key, project, is_enabled, timeout_seconds, environment, release)


def project_of_key(api_key: str | None) -> str | None:
    """``project-shop`` and ``project-shop.secret`` are keys of the project ``shop``."""
    if not api_key or not api_key.startswith("project-"):
        return None
    return api_key.removeprefix("project-").partition(".")[0] or None


def with_scheme(url: str) -> str:
    """``localhost:8001`` is what people write; http is what they mean."""
    return url if "://" in url else f"http://{url}"


def _is_usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an IPv6 address, a port that is no number
        is_usable = False
    if not is_usable:
        logger.warning("tracing is off: %r is not the address of a server (TRACER_URL)", url)
    return is_usable


def _is_wanted(api_key: str | None) -> bool:
    """Without a key tracing is off, unless it was asked for in so many words (a server without keys)."""
    wish = os.environ.get("TRACING_ENABLED", "").strip().lower()
    if wish in _OFF:
        return False
    if api_key is None and not wish:
        logger.warning("tracing is off: set TRACER_API_KEY (or TRACING_ENABLED=true to send without a key)")
        return False
    return True
