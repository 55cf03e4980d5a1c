"""Forms that are done once: whoever sends one claims its name first, and a second one finds it claimed."""

from __future__ import annotations

from typing import Final

from traces_app.domain.durations import DAY_S
from traces_app.storage import get_store, keys

MAX_NAME_CHARACTERS: Final = 64


def claim(project: str, form: str, *, now_ns: int) -> bool:
    """Whether this form is sent for the first time: a button is pressed twice, a page sent once more."""
    pk, expires_at = keys.once_partition(project), now_ns // 10**9 + DAY_S
    name = form[:MAX_NAME_CHARACTERS]
    return get_store().put_record(pk, name, {}, now_ns=now_ns, expires_at=expires_at, only_if_absent=True)


def release(project: str, form: str) -> None:
    """It did nothing: it may be sent again."""
    get_store().delete_record(keys.once_partition(project), form[:MAX_NAME_CHARACTERS])
