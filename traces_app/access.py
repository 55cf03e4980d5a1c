"""Who may do what: keys, projects, and the sessions of people who logged in.

A key is ``project-{id}`` or ``project-{id}.{secret}``. Without a secret it counts only when the setting
API_KEYS lists it; with one it is either listed or was made by ``create_key``. A stored key is kept as its
SHA-256 alone: the secret is 256 random bits, so there is nothing a slow password hash would make slower
to guess, and a stolen table gives no key away.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.conf import settings

from traces_app.storage import get_store, keys

__all__ = [
    "Access",
    "KeyRecord",
    "NewKey",
    "authenticate",
    "check_new_key",
    "count_listed_keys",
    "create_key",
    "delete_session",
    "forget_keys",
    "is_key_live",
    "list_keys",
    "list_projects",
    "load_session",
    "revoke_key",
    "save_session",
    "scope_of_key",
]

Scope = Literal["all", "ingest", "read"]

SCOPES: Final[tuple[str, ...]] = ("all", "ingest", "read")
MAX_PROJECT_CHARACTERS: Final = 64
PROJECT_ID: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{MAX_PROJECT_CHARACTERS - 1}}}")
SECRET_BYTES: Final = 32
"""256 bits: guessing is hopeless at any speed, so a fast hash keeps the secret well enough."""

MAX_LABEL_CHARACTERS: Final = 200
KEY_CACHE_SECONDS: Final = 30
"""How long another process may still accept a key after it was revoked; spares a read per request."""

MAX_CACHED_KEYS: Final = 4096
"""About 1 MB. Keys that exist and keys that do not are bounded apart: guesses push no real key out."""

_STORED_KEY: Final = re.compile(rf"project-({PROJECT_ID.pattern})\.([A-Za-z0-9_-]{{43}})")
_KEY_ID: Final = re.compile(rf"({PROJECT_ID.pattern}):([0-9a-f]{{16}})")
_SESSION_SORT_KEY: Final = "SESSION"
DEFAULT_PROJECT: Final = "dev"


@dataclass(frozen=True, slots=True)
class Access:
    """What the bearer of a key may do: in one project, to one extent. ``key_id`` is no secret."""

    project: str
    scope: Scope
    key_id: str

    @property
    def may_write(self) -> bool:
        return self.scope in ("all", "ingest")

    @property
    def may_read(self) -> bool:
        return self.scope in ("all", "read")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. ``key`` exists nowhere else: show it once."""

    key: str
    key_id: str


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is kept of a key. Times are UTC nanoseconds; ``revoked_at_ns`` is None while it works."""

    key_id: str
    project: str
    scope: Scope
    label: str
    created_at_ns: int
    revoked_at_ns: int | None


# -- keys ------------------------------------------------------------------------------------------
def authenticate(key: str | None, *, now_ns: int) -> Access | None:
    """What ``key`` opens; None when it opens nothing.

    Without a key the first listed project is open when API_KEY_REQUIRED is false; a wrong key never is.
    Raises StoreUnavailable when a stored key cannot be looked up now.
    """
    if not key:
        return None if settings.API_KEY_REQUIRED else _access_without_key()
    digest = _digest(key)
    return _listed_access(digest) or _stored_access(key, digest, now_ns)


def scope_of_key(key_id: str, project: str, *, now_ns: int) -> Scope | None:
    """What the key that once opened ``project`` may still do; a session of its bearer rests on it."""
    if not key_id.startswith(f"{project}:"):
        return None
    if key_id == _access_without_key().key_id:
        return None if settings.API_KEY_REQUIRED else "all"
    if any(_key_id(project, _digest(listed)) == key_id for listed in settings.API_KEYS):
        return "all"
    record = _working_record(key_id, now_ns) if _KEY_ID.fullmatch(key_id) else None
    return None if record is None else record["scope"]


def is_key_live(key_id: str, project: str, *, now_ns: int) -> bool:
    return scope_of_key(key_id, project, now_ns=now_ns) is not None


def create_key(project: str, scope: str = "all", *, label: str = "", now_ns: int) -> NewKey:
    """Make and store a key for ``project``. Raises ValueError naming what is wrong with an argument."""
    check_new_key(project, scope, label=label)
    key = f"project-{project}.{secrets.token_urlsafe(SECRET_BYTES)}"
    digest = _digest(key)
    record = {"sha256": digest, "scope": scope, "label": label, "created_at_ns": now_ns}
    store = get_store()
    store.put_record(keys.keys_partition(project), digest[:16], record, now_ns=now_ns)
    store.put_record(keys.Kind.PROJECTS, project, {}, now_ns=now_ns)
    return NewKey(key=key, key_id=_key_id(project, digest))


def check_new_key(project: str, scope: str = "all", *, label: str = "") -> None:
    """What ``create_key`` would raise of its arguments."""
    _check_project(project)
    if scope not in SCOPES:
        raise ValueError(f"scope: must be one of {', '.join(SCOPES)}.")
    if len(label) > MAX_LABEL_CHARACTERS:
        raise ValueError(f"label: at most {MAX_LABEL_CHARACTERS} characters.")


def revoke_key(key_id: str, *, now_ns: int) -> bool:
    """Stop a stored key: here at once, in other processes within KEY_CACHE_SECONDS. False: no such key."""
    match = _KEY_ID.fullmatch(key_id)
    if match is None:
        return False
    project, short_digest = match.groups()
    record = get_store().get_record(keys.keys_partition(project), short_digest, now_ns=now_ns)
    if record is None:
        return False
    revoked = {**record, "revoked_at_ns": record.get("revoked_at_ns") or now_ns}
    get_store().put_record(keys.keys_partition(project), short_digest, revoked, now_ns=now_ns)
    forget_keys()
    return True


def list_keys(project: str, *, now_ns: int) -> list[KeyRecord]:
    """The stored keys of ``project``, oldest first, revoked ones too. Keys in API_KEYS are not stored."""
    _check_project(project)
    stored = get_store().list_records(keys.keys_partition(project), now_ns=now_ns)
    return sorted((_record_of(project, record) for _, record in stored), key=lambda key: key.created_at_ns)


def list_projects() -> list[str]:
    """Every project that ever stored a trace or a key, or that API_KEYS names; sorted."""
    listed = (_project_of(key) for key in settings.API_KEYS)
    return sorted({*get_store().list_projects(), *listed})


def count_listed_keys(project: str) -> int:
    """Keys of ``project`` in the setting API_KEYS."""
    return sum(_project_of(key) == project for key in settings.API_KEYS)


def forget_keys() -> None:
    """Look every key up anew: after one was revoked, and between tests."""
    _working.clear()
    _refused.clear()


# -- sessions of people ----------------------------------------------------------------------------
def save_session(session_id: str, data: bytes, expires_at: int, *, must_create: bool, now_ns: int) -> bool:
    """Keep ``data`` until ``expires_at`` (epoch seconds).

    False, and nothing kept, when ``must_create`` and there is such a session, or not and there is none.
    """
    value = {"data": base64.b64encode(data).decode("ascii")}
    return get_store().put_record(
        _session_key(session_id),
        _SESSION_SORT_KEY,
        value,
        now_ns=now_ns,
        expires_at=expires_at,
        only_if_absent=must_create,
        only_if_present=not must_create,
    )


def load_session(session_id: str, *, now_ns: int) -> bytes | None:
    """What was saved; None when it never was, was deleted or has expired."""
    record = get_store().get_record(_session_key(session_id), _SESSION_SORT_KEY, now_ns=now_ns)
    if record is None:
        return None
    try:
        return base64.b64decode(record["data"], validate=True)
    except (KeyError, TypeError, binascii.Error):
        return None


def delete_session(session_id: str) -> None:
    get_store().delete_record(_session_key(session_id), _SESSION_SORT_KEY)


# -- how -------------------------------------------------------------------------------------------
def _access_without_key() -> Access:
    project = _project_of(settings.API_KEYS[0]) if settings.API_KEYS else DEFAULT_PROJECT
    return Access(project=project, scope="all", key_id=f"{project}:anonymous")


def _listed_access(digest: str) -> Access | None:
    found = None
    for listed_key in settings.API_KEYS:  # all of them, always: the time taken tells nothing
        if hmac.compare_digest(_digest(listed_key), digest):
            found = listed_key
    if found is None:
        return None
    project = _project_of(found)
    return Access(project=project, scope="all", key_id=_key_id(project, digest))


def _stored_access(key: str, digest: str, now_ns: int) -> Access | None:
    match = _STORED_KEY.fullmatch(key)
    if match is None:
        return None
    project = match[1]
    record = _working_record(_key_id(project, digest), now_ns)
    if record is None or not hmac.compare_digest(str(record["sha256"]), digest):
        return None
    return Access(project=project, scope=record["scope"], key_id=_key_id(project, digest))


def _working_record(key_id: str, now_ns: int) -> dict[str, Any] | None:
    """The record of a stored key that is not revoked, as of at most KEY_CACHE_SECONDS ago."""
    for recent in (_working, _refused):
        entry = recent.get(key_id, now_ns)
        if entry is not None:
            return entry or None
    project, _, short_digest = key_id.partition(":")
    record = get_store().get_record(keys.keys_partition(project), short_digest, now_ns=now_ns)
    if record is None or record.get("revoked_at_ns"):
        _refused.put(key_id, {}, now_ns)
        return None
    _working.put(key_id, record, now_ns)
    return record


class _RecentKeys:
    """The look-ups of the last KEY_CACHE_SECONDS, at most MAX_CACHED_KEYS, by key id."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, tuple[int, dict[str, Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key_id: str, now_ns: int) -> dict[str, Any] | None:
        entry = self._entries.get(key_id)
        if entry is None or not 0 <= now_ns - entry[0] < KEY_CACHE_SECONDS * 10**9:
            return None
        return entry[1]

    def put(self, key_id: str, record: dict[str, Any], now_ns: int) -> None:
        with self._lock:
            self._entries[key_id] = (now_ns, record)
            self._entries.move_to_end(key_id)
            if len(self._entries) > MAX_CACHED_KEYS:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


_working: Final = _RecentKeys()
_refused: Final = _RecentKeys()


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _key_id(project: str, digest: str) -> str:
    return f"{project}:{digest[:16]}"


def _session_key(session_id: str) -> str:
    # Hashed like a key: whoever reads the table cannot take over a session.
    return keys.login_partition(_digest(session_id))


def _project_of(key: str) -> str:
    return key.removeprefix("project-").partition(".")[0]


def _check_project(project: str) -> None:
    if not PROJECT_ID.fullmatch(project):
        raise ValueError(
            f"project: must be 1 to {MAX_PROJECT_CHARACTERS} letters, digits, '-' or '_', "
            "and begin with a letter or a digit."
        )


def _record_of(project: str, record: dict[str, Any]) -> KeyRecord:
    return KeyRecord(
        key_id=_key_id(project, record["sha256"]),
        project=project,
        scope=record["scope"],
        label=record["label"],
        created_at_ns=record["created_at_ns"],
        revoked_at_ns=record.get("revoked_at_ns"),
    )
