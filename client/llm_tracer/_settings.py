"""Where traces go and with which key: from arguments, else from the environment."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from llm_tracer._foreign import ask

DEFAULT_URL: Final = "http://localhost:8001"
_OFF: Final = frozenset({"false", "0", "no", "off"})
_ON: Final = frozenset({"", "true", "1", "yes", "on"})

DEFAULT_TIMEOUT_SECONDS: Final = 5.0
MAX_SECONDS: Final = 86_400.0

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
    spool: Path | None
    """The folder for batches that wait for the server; ``None``: they wait in memory only."""

    @property
    def shown_url(self) -> str:
        """The address without the name and password that may stand in it."""
        scheme, _, rest = self.base_url.partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"

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
    spool: bool | str | os.PathLike[str] | None,
    has_network: bool,
) -> Settings:
    """Arguments win over the environment's ``TRACER_…`` variables and ``TRACING_ENABLED``."""
    key = _chosen(api_key, "TRACER_API_KEY")
    own_project = project_of_key(key)
    project = _chosen(project_id, "TRACER_PROJECT_ID") or own_project
    url = with_scheme(_chosen(base_url, "TRACER_URL") or DEFAULT_URL).rstrip("/")
    is_enabled = (_is_wanted(key) if enabled is None else enabled) and _is_usable(url)
    if is_enabled and own_project and project != own_project:
        logger.warning("project %r is not the API key's: spans go to %r", project, own_project)
    return Settings(
        url,
        key,
        project,
        is_enabled,
        seconds_of(timeout_seconds, otherwise=DEFAULT_TIMEOUT_SECONDS) or DEFAULT_TIMEOUT_SECONDS,
        _chosen(environment, "TRACER_ENVIRONMENT"),
        _chosen(release, "TRACER_RELEASE"),
        spool_folder(spool, has_network=has_network),
    )


def spool_folder(
    wish: bool | str | os.PathLike[str] | None,  # noqa: FBT001 - the argument of the client as it was given
    *,
    has_network: bool,
) -> Path | None:
    """``wish`` is the argument: a folder, yes or no; ``None`` asks ``TRACER_SPOOL`` (the same in words)."""
    if wish is None:
        word = os.environ.get("TRACER_SPOOL", "").strip()
        wish = False if word.lower() in _OFF else has_network if word.lower() in _ON else word
    if isinstance(wish, bool):
        return _cache_folder() if wish else None
    folder = ask(Path, wish, otherwise=None)
    if folder is None or "\0" in str(folder):
        logger.warning("%r is no folder (TRACER_SPOOL): batches wait in memory only", wish)
        return None
    return folder


def seconds_of(value: object, *, otherwise: float) -> float:
    """A span of time as it was given, at most a day and never negative; ``otherwise`` if it is none."""
    seconds = ask(float, value, otherwise=otherwise)
    return min(MAX_SECONDS, max(0.0, seconds)) if seconds == seconds else otherwise  # noqa: PLR0124 - not a number


def _chosen(argument: object, variable: str) -> str | None:
    return _text_of_setting(argument) or os.environ.get(variable, "").strip() or None


def _text_of_setting(value: object) -> str:
    """Addresses and secrets come as objects of several packages, and keys as bytes."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode(errors="replace").strip()
    revealed = getattr(value, "get_secret_value", None)  # pydantic's SecretStr
    return ask(str, value if revealed is None else revealed(), otherwise="").strip()


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


def _cache_folder() -> Path | None:
    """The user's own place for such files; ``None`` for a user without one."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        folder = Path(base).expanduser() if base else None
    except RuntimeError:  # a user without a home
        return None
    return folder / "llm-tracer" / "spool" if folder and folder.is_absolute() else None
