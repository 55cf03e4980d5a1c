"""Secrets, and whatever else the host wants hidden, are taken out of contents before they leave the process.

Nearly no content holds a secret, so the question is first answered on its bytes, by one search that takes
some microseconds. Only what looks suspicious is decoded, walked through and encoded again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from llm_tracer._encode import encode, loads

MASKED: Final = "[masked]"
HOOK_FAILED: Final = "masked: hook failed"
MAX_KEY_BYTES: Final = 64
START_BYTES: Final = 8

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
_whole_token: Final = re.compile(rb"(?<![\w-])token").fullmatch

_SECRETS: Final = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL),
        MASKED,
    ),
    (
        re.compile(
            r"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt]))(?:"  # in JSON inside a text a new line ends in a letter
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
    (
        re.compile(
            r"(?:\b|(?<=\\[bfnrt]))(bearer|basic)(?:\s|\\+[nt])+[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE
        ),
        rf"\1 {MASKED}",
    ),
    (re.compile(r"(://[^\s/:@]{1,200}:)[^\s/@]{1,200}@"), rf"\1{MASKED}@"),
)
_ASSIGNED: Final = re.compile(
    rf"(?<![\w-])([\w-]{{0,48}}(?:{'|'.join(_TELLING_ENDS)})|token)"
    r"""(=["']?|\\*["']\s*:\s*\\*["'])[^\s"'\\&;,]+""",
    re.IGNORECASE,
)
"""``password=hunter2``, and JSON inside a text."""

_ANCHORS: Final = (b"_", b"A", b"B", b"J", b":")
"""Every secret has one of these in it, or a ``-``, as which all are read: replacing bytes is quick, and so is
a regular expression that begins with one certain byte, while one that begins with any of several is not."""


def _after(start: bytes, more: int) -> bytes:
    """``start``, which begins a word, is behind eight bytes of a secret that has so many ``more``."""
    start += rb".{%d}" % (START_BYTES - start[::-1].index(b"-"))
    bound = rb"(?:(?<=[^A-Za-z0-9]%b)|(?<=\\[bfnrt]%b)|(?<=\\u00[01].%b))" % (start, start, start)
    return rb"(?<=%b)%b[A-Za-z0-9.-]{%d}" % (start, bound, more)


def _any_of(*patterns: bytes) -> bytes:
    return rb"(?:%b)" % rb"|".join(patterns)


_LAST_TWO: Final = rb"(?:[RWrw][Dd]|[Ss][Ee]|[Ee][NTYnty]|[-al][Ll]|[Ii][Ee]|[Oo][Nn]|[DELNTYdelnty][Ss])"
_KEY_IN_JSON: Final = rb"""(?<=[DELNSTYdelnsty]["']-)(?<=%b["']-)""" % _LAST_TWO
_KEY_IN_TEXT: Final = rb"""(?<=\\"-)(?:(?<=%b\\"-)|(?<=\\\\"-))""" % _LAST_TWO
_suspicions: Final = re.compile(
    rb"-"
    + _any_of(
        rb"(?:earer|E-RER|asic|-SIC)(?:\s|\\+[nt])+[A-Za-z0-9._~+/=-]{16}",
        rb"[A-Za-z0-9.-]{%d}" % START_BYTES
        + _any_of(
            rb"(?<=[a-zI]-.{8})"
            + _any_of(
                _after(rb"sk-", 8),
                _after(rb"[srp]k-(?:live|test)-", 8),
                _after(rb"-[KS]I-", 8),
                _after(rb"gh[pousr]-", 12),
                _after(rb"github-pat-", 12),
                _after(rb"xox[abeprs]-", 2),
                _after(rb"hf-", 12),
                _after(rb"ey-", 9),
                _after(rb"project-", 10),
            ),
            _after(rb"-Iza", 25),
            rb"(?<=------EGI)",
        ),
        rb"""(?P<key>(?<=["']-)%b)""" % _any_of(_KEY_IN_JSON, _KEY_IN_TEXT),
    )
).finditer
"""Where a secret may stand, in bytes whose anchors were replaced. Only of keys it says too much."""
_login_in_url: Final = re.compile(rb"://[^\s/:@]{1,800}:[^\s/@]{1,800}@").search


class Mask:
    """What one client hides."""

    def __init__(self, hook: Hook | None = None, *, hides_secrets: bool = True) -> None:
        self._hook = hook
        self._hides_secrets = hides_secrets

    def changes(self, data: bytes) -> bool:
        """False if there is nothing to hide in these bytes, which are JSON."""
        return self._hook is not None or (self._hides_secrets and _may_hold_secret(data))

    def content(self, data: bytes) -> bytes:
        """The JSON of a content without what is to be hidden."""
        if self._hook is not None:
            data = _hooked(self._hook, data)
        if self._hides_secrets and _may_hold_secret(data):
            data = encode(without_secrets(loads(data)))[0]
        return data

    def error(self, error: dict[str, Any]) -> dict[str, Any]:
        """The same of an exception: its message quotes what the host was working with."""
        plain = loads(self.content(encode(error)[0]))
        return {"message": str(plain["value"])} if "value" in plain else dict(plain)


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
    if not _may_hold_secret(b" %b" % text.encode(errors="surrogatepass")):
        return text
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return _ASSIGNED.sub(rf"\1\2{MASKED}", text)


def _may_hold_secret(data: bytes) -> bool:
    """False if there is surely none in a JSON document or in a text behind a space."""
    if (b"=" in data and _assigns_secret(data)) or (b"@" in data and _login_in_url(data) is not None):
        return True
    read = data
    for anchor in _ANCHORS:
        read = read.replace(anchor, b"-")
    return any(found.lastgroup is None or _is_told_before(data, found.start()) for found in _suspicions(read))


def _assigns_secret(data: bytes) -> bool:
    at = data.find(b"=")
    while at >= 0:
        if _is_told_before(data, at):
            return True
        at = data.find(b"=", at + 1)
    return False


def _is_told_before(data: bytes, end: int) -> bool:
    """True if the name that ends there, but for quotation marks, tells of a secret."""
    name = data[max(0, end - MAX_KEY_BYTES) : end].rstrip(b"\\\"'").lower()
    return name.endswith(_TELLING_ENDS_BYTES) or _whole_token(name, len(name) - len(b"token")) is not None


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
