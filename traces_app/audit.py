"""The log of what people changed: who, what, when. Nothing here can be changed or deleted from a page."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from traces_app.domain.durations import DAY_S, MILLISECOND_NS
from traces_app.storage import get_store, keys

__all__ = ["MAX_LISTED", "Entry", "list_entries", "record"]

KEPT_DAYS: Final = 400
MAX_LISTED: Final = 200
MAX_ENTRY_ID_CHARACTERS: Final = 22
"""Milliseconds, ``#``, and eight digits of chance."""

MAX_DETAIL_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """``who`` is the id of the key somebody was logged in with; ``at_ns`` UTC nanoseconds. ``entry_id`` is
    where to go on with older ones.
    """

    entry_id: str
    at_ns: int
    who: str
    action: str
    detail: str


def record(project: str, *, who: str, action: str, detail: str, now_ns: int) -> None:
    """Two actions in the same millisecond are two entries."""
    get_store().put_record(
        keys.audit_partition(project),
        f"{now_ns // 1_000_000:013d}#{secrets.token_hex(4)}",
        {"who": who, "action": action, "detail": detail[:MAX_DETAIL_CHARACTERS]},
        now_ns=now_ns,
        expires_at=now_ns // 10**9 + KEPT_DAYS * DAY_S,
    )


def list_entries(project: str, *, before: str = "", now_ns: int) -> list[Entry]:
    """The newest 200, newest first; ``before`` the entry of that id, those that came before it."""
    pk = keys.audit_partition(project)
    found = get_store().list_records(
        pk, newest=MAX_LISTED, below=before[:MAX_ENTRY_ID_CHARACTERS], now_ns=now_ns
    )
    return [
        Entry(sort, int(sort[:13]) * MILLISECOND_NS, value["who"], value["action"], value["detail"])
        for sort, value in found
    ]
