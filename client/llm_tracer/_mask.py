"""Secrets, and whatever else the host wants hidden, are taken out of contents before they leave the process.

Nearly no content holds a secret, so the question is first answered on its bytes, by searches that cost a
microsecond each. Only what looks suspicious is decoded, walked through and encoded again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from llm_tracer._encode import Copy, encode, loads

MASKED: Final = "[masked]"
HOOK_FAILED: Final = "masked: hook failed"
MAX_KNOWN_KEYS: Final = 4_096
MAX_KEY_BYTES: Final = 64
_CONTAINERS: Final = frozenset({dict, list})

Hook = Callable[[Any], Any]

_TELLING_ENDS: Final = tuple(
    f"{end}{plural}"
    for plural in ("", "s")
    for end in (
        *("password", "passwd", "passphrase", "secret", "credential", "cookie", "authorization"),
        *("api_key", "api-key", "apikey", "access_key", "access-key", "accesskey", "secret_key", "secretkey"),
        *("private_key", "private-key", "privatekey", "auth_token", "auth-token", "authtoken"),
        *("access_token", "access-token", "accesstoken", "refresh_token", "refreshtoken", "id_token"),
        *("session_token", "session-token", "sessiontoken", "bearer_token", "api_token", "csrf_token"),
    )
)
_TELLING_ENDS_BYTES: Final = tuple(end.encode() for end in _TELLING_ENDS)

_SECRETS: Final = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL),
        MASKED,
    ),
    (
        re.compile(
            r"(?<![A-Za-z0-9])(?:"
            r"sk-[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic and many that followed
            r"|[srp]k_(?:live|test)_[A-Za-z0-9]{16,}"  # Stripe
            r"|(?:AKIA|ASIA)[A-Z0-9]{16}"  # AWS
            r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
            r"|xox[abeprs]-[A-Za-z0-9-]{10,}"  # Slack
            r"|AIza[A-Za-z0-9_-]{30,}"  # Google
            r"|hf_[A-Za-z0-9]{20,}"  # Hugging Face
            r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"  # a signed JSON token
            r"|project-[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{16,}"  # LLM Tracer
            r")"
        ),
        MASKED,
    ),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE), rf"\1 {MASKED}"),
    (re.compile(r"(://[^\s/:@]{1,200}:)[^\s/@]{1,200}@"), rf"\1{MASKED}@"),
)
_ASSIGNED: Final = re.compile(
    r"""(?<![\w-])([\w-]{3,64})(=["']?|\\*["']\s*:\s*\\*["'])([^\s"'\\&;,]+)""",
)
"""``password=hunter2``, and JSON inside a text; whether the name tells of a secret is asked for each."""

_traces: Final = tuple(
    re.compile(trace).search
    for trace in (
        rb"-(?:----BEGIN|(?:(?<=sk-)|(?<=xox[abeprs]-)|(?<=project-))[A-Za-z0-9_-]{5})",
        rb"A(?:KIA[A-Z0-9]{16}|SIA[A-Z0-9]{16}|Iza[A-Za-z0-9_-]{30})",
        rb"J(?<=eyJ)[A-Za-z0-9_-]{8}",
        rb"B(?:earer|EARER|asic|ASIC) +[A-Za-z0-9._~+/=-]{16}",
    )
)
"""What each secret cannot be without. They begin with one character, for which alone the regular expression
engine runs through a text; what is before and behind it is looked at only there."""
_trace_with_underscore: Final = re.compile(
    rb"_(?:(?<=gh[pousr]_)|(?<=hf_)|(?<=k_live_)|(?<=k_test_)|(?<=_pat_))\w"
).search


class Mask:
    """What one client hides."""

    def __init__(self, hook: Hook | None = None, *, hides_secrets: bool = True) -> None:
        self._hook = hook
        self._hides_secrets = hides_secrets
        self._harmless_keys: set[object] = set()

    def changes(self, data: bytes, copies: Iterable[Copy]) -> bool:
        """False if there is nothing to hide in these bytes, the joined JSON of the copies."""
        if self._hook is not None or not self._hides_secrets:
            return self._hook is not None
        for copied in copies:
            if (
                self._tells(copied)
                if type(copied) in _CONTAINERS
                else type(copied) is bytes and _has_telling_key(data)
            ):
                return True
        return _holds_secret(data)

    def content(self, data: bytes) -> bytes:
        """The JSON of a content without what is to be hidden."""
        if self._hook is not None:
            data = _hooked(self._hook, data)
        return encode(without_secrets(loads(data)))[0] if self._hides_secrets else data

    def error(self, error: dict[str, Any]) -> dict[str, Any]:
        """The same of an exception: its message quotes what the host was working with."""
        plain = loads(self.content(encode(error)[0]))
        return {"message": str(plain["value"])} if "value" in plain else dict(plain)

    def _tells(self, copied: Copy) -> bool:
        """True if a secret may stand under one of the keys in a list or dict."""
        items = copied
        if type(copied) is dict:
            harmless = self._harmless_keys
            for key in copied:
                if key not in harmless and self._is_telling(key):
                    return True
            items = copied.values()
        return any(type(item) in _CONTAINERS and self._tells(item) for item in items)

    def _is_telling(self, key: object) -> bool:
        if is_telling(str(key)):
            return True
        if len(self._harmless_keys) < MAX_KNOWN_KEYS:
            self._harmless_keys.add(key)
        return False


def is_telling(name: str) -> bool:
    """True if what stands under this name is a secret, whatever it looks like."""
    lowered = name.lower()
    return lowered.endswith(_TELLING_ENDS) or lowered == "token"


def without_secrets(value: Any) -> Any:
    """Plain JSON values with ``[masked]`` in place of secrets."""
    if isinstance(value, str):
        return _text_without_secrets(value)
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    if isinstance(value, dict):
        return {key: _member_without_secrets(key, item) for key, item in value.items()}
    return value


def _member_without_secrets(key: str, value: Any) -> Any:
    # Numbers, true, false and null are settings, not secrets.
    if isinstance(value, (str, list, dict)) and value and is_telling(key):
        return MASKED
    return without_secrets(value)


def _text_without_secrets(text: str) -> str:
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return _ASSIGNED.sub(_assigned_without_secret, text)


def _assigned_without_secret(found: re.Match[str]) -> str:
    name, between, _ = found.groups()
    return f"{name}{between}{MASKED}" if is_telling(name) else found.group()


def _assigns_secret(data: bytes) -> bool:
    return any(
        before[-MAX_KEY_BYTES:].lower().endswith(_TELLING_ENDS_BYTES) for before in data.split(b"=")[:-1]
    )


def _holds_secret(data: bytes) -> bool:
    """True if a secret may stand in a text, whatever the key above it."""
    for trace in _traces:
        if trace(data) is not None:
            return True
    return (
        (b"\\" in data and b'\\":' in data and _has_telling_key(data))
        or (b"_" in data and _trace_with_underscore(data) is not None)
        or (b"=" in data and _assigns_secret(data))
        or (b"@" in data and b"://" in data)
    )


def _has_telling_key(data: bytes) -> bool:
    """The same of JSON, and of JSON inside its texts."""
    pieces = data.split(b'":')
    keys = {before[before.rfind(b'"') + 1 :][-MAX_KEY_BYTES:].rstrip(b"\\") for before in pieces}
    return any(is_telling(key.decode(errors="replace")) for key in keys)


def _hooked(hook: Hook, data: bytes) -> bytes:
    before = loads(data)
    try:
        after = hook(before)
    except Exception:  # noqa: BLE001 - the host's own function; what it could not mask must not leave
        after = HOOK_FAILED
    return encode(_in_the_shape_of(loads(data), after))[0]


def _in_the_shape_of(before: Any, after: Any) -> Any:
    """A hook may return anything; where the server expects a mapping or a list it must get one."""
    if isinstance(before, dict) and not isinstance(after, dict):
        return {"value": after}
    if isinstance(before, list) and not isinstance(after, list):
        return [after]
    return after
