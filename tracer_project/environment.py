"""Environment variables, read once and checked: a wrong one stops the start and says what to write."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
API_KEY_PATTERN: Final = re.compile(r"project-[A-Za-z0-9][A-Za-z0-9_-]{0,63}(\.[A-Za-z0-9_-]{16,128})?")
ORIGIN_PATTERN: Final = re.compile(r"https?://[A-Za-z0-9.*-]+(:[0-9]{1,5})?")
TABLE_PATTERN: Final = re.compile(r"[A-Za-z0-9_.-]{3,255}")
"""DynamoDB's rule for names of tables."""

MIN_SECRET_KEY_CHARACTERS: Final = 32
"""Django's own check (security.W009) asks for 50; 32 random characters already hold 190 bits."""


class Environment:
    """Typed reading of variables: each method takes the name, the default and returns a checked value.

    Raises ImproperlyConfigured naming the variable, what it holds and what it may hold.
    """

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables

    def text(self, name: str, default: str = "") -> str:
        return self._variables.get(name, "").strip() or default

    def flag(self, name: str, *, default: bool) -> bool:
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        return self._parsed(name, str(default), lambda text: words[text.lower()], "true or false")

    def number(self, name: str, default: int, *, at_least: int, at_most: int) -> int:
        def parse(text: str) -> int:
            value = int(text)
            if not at_least <= value <= at_most:
                raise ValueError
            return value

        return self._parsed(name, str(default), parse, f"a whole number from {at_least} to {at_most}")

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        def parse(text: str) -> str:
            return {word.lower(): word for word in allowed}[text.lower()]

        return self._parsed(name, default, parse, "one of " + ", ".join(allowed))

    def words(self, name: str, default: str) -> list[str]:
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]

    def origins(self, name: str, default: str, *, words: tuple[str, ...] = ()) -> list[str]:
        """Origins like https://app.example.com, without a path; ``words`` may stand in their place."""
        found = self.words(name, default)
        wrong = [word for word in found if word not in words and not ORIGIN_PATTERN.fullmatch(word)]
        if wrong:
            allowed = " or ".join(["origins like https://app.example.com, comma-separated", *words])
            raise ImproperlyConfigured(f"{name}: {wrong[0]!r} is none; write {allowed}.")
        return found

    def table(self, name: str) -> str:
        text = self.text(name)
        if text and not TABLE_PATTERN.fullmatch(text):
            raise ImproperlyConfigured(f"{name}={text!r}: write 3 to 255 letters, digits, '_', '-' or '.'.")
        return text

    def api_keys(self, name: str, default: str) -> list[str]:
        keys = self.words(name, default)
        if not keys or not all(API_KEY_PATTERN.fullmatch(key) for key in keys):
            raise ImproperlyConfigured(
                f"{name} must be a comma-separated list of keys like project-dev or "
                "project-shop.SECRET (at least 16 characters of secret). The value is not shown here."
            )
        return keys

    def storage_url(self, name: str, default: str) -> str:
        url = self.text(name, default)
        if url != "dynamodb" and not (url.startswith("sqlite:///") and len(url) > len("sqlite:///")):
            raise ImproperlyConfigured(
                f"{name}={url!r}: write sqlite:///path/to/file.sqlite3 (a relative path starts at the "
                "checkout; sqlite:////srv/x is absolute) or dynamodb."
            )
        return url

    def _parsed(self, name: str, default: str, parse: Callable[[str], T], allowed: str) -> T:
        text = self.text(name, default)
        try:
            return parse(text)
        except (ValueError, KeyError):
            raise ImproperlyConfigured(f"{name}={text!r}: write {allowed}.") from None


def refuse_unsafe_production(
    *,
    secret_key: str,
    debug: bool,
    api_keys: list[str],
    api_key_required: bool,
    cors_origins: list[str],
    hosts: list[str],
) -> None:
    """Stop a production start that would be open to strangers, naming every setting to change."""
    bare_keys = [key for key in api_keys if "." not in key]
    problems = [
        (
            len(secret_key) < MIN_SECRET_KEY_CHARACTERS,
            f"SECRET_KEY must be set to at least {MIN_SECRET_KEY_CHARACTERS} random characters: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
        ),
        (
            bool(bare_keys),
            f"API_KEYS holds {len(bare_keys)} key(s) without a secret (project-dev is the default): write "
            "project-NAME.SECRET, or set API_KEYS=none and make keys with manage.py create_key",
        ),
        (debug, "DEBUG=true shows settings and code to strangers: remove it"),
        (not api_key_required, "API_KEY_REQUIRED=false lets everyone read every trace: remove it"),
        ("*" in cors_origins, "CORS_ORIGINS=* lets any web page call the API: name the origins, or none"),
        (
            not hosts or "*" in hosts,
            "ALLOWED_HOSTS must name the hosts of your URL, like traces.example.com",
        ),
    ]
    wrong = [hint for unsafe, hint in problems if unsafe]
    if wrong:
        raise ImproperlyConfigured("Unsafe for ENVIRONMENT=production:\n- " + "\n- ".join(wrong))
