"""A project's retention rules: what is kept longer, or shorter, than RETENTION_DAYS."""

from __future__ import annotations

from functools import partial
from typing import Final

from django.conf import settings

from traces_app.domain.durations import DAY_S
from traces_app.domain.retention import Retention, Rule, days_text, read_condition, read_days
from traces_app.storage import get_store, keys
from traces_app.storage.remembered import Remembered

__all__ = [
    "note_unsettled",
    "read_retention",
    "read_rule",
    "remove_rule",
    "retention_of",
    "set_rest",
    "set_rule",
]

REMEMBERED_NS: Final = 30 * 10**9
"""How long another process still goes by the rules of before."""

MAX_RULES: Final = 20
"""Each is held against every trace that comes in."""

UNSETTLED_S: Final = 2 * DAY_S
_RULE, _REST, _UNSETTLED = "rule#", "rest", "unsettled"
_PINNED = "pins"
"""What stood in the place of ``_UNSETTLED`` when only pins were noted."""

_remembered: Final = Remembered[Retention](REMEMBERED_NS)


def retention_of(project: str, *, now_ns: int) -> Retention:
    """As of at most half a minute ago."""
    return _remembered.of(project, partial(read_retention, project, now_ns=now_ns), now_ns=now_ns)


def read_retention(project: str, *, now_ns: int) -> Retention:
    """As it is now. Without a rule of its own a project keeps what the setting says."""
    found = dict(get_store().list_records(keys.retention_partition(project), now_ns=now_ns))
    rules = tuple(
        Rule(sort.removeprefix(_RULE), value["days"])
        for sort, value in found.items()
        if sort.startswith(_RULE)
    )
    rest = found.get(_REST)
    is_unsettled = _UNSETTLED in found or _PINNED in found
    return Retention(settings.RETENTION_DAYS if rest is None else rest["days"], rules, is_unsettled)


def set_rule(project: str, *, condition: str, days: str, now_ns: int) -> Rule:
    """For what comes from now on. ``days`` is a number or ``forever``. Raises ValueError naming the field."""
    rule = read_rule(project, condition=condition, days=days, now_ns=now_ns)
    _put(project, _RULE + rule.condition, {"days": rule.days}, now_ns)
    return rule


def read_rule(project: str, *, condition: str, days: str, now_ns: int) -> Rule:
    """One that can be set. Raises ValueError naming the field."""
    rule = Rule(read_condition(condition), read_days(days))
    known = read_retention(project, now_ns=now_ns).rules
    if len(known) >= MAX_RULES and rule.condition not in {one.condition for one in known}:
        raise ValueError(f"condition: a project has at most {MAX_RULES} rules: remove one first.")
    return rule


def remove_rule(project: str, *, condition: str, now_ns: int) -> bool:
    """False when there was no such rule."""
    pk, sk = keys.retention_partition(project), _RULE + condition
    was_there = bool(condition) and get_store().get_record(pk, sk, now_ns=now_ns) is not None
    if was_there:
        _delete(project, sk, now_ns)
    return was_there


def set_rest(project: str, *, days: str, now_ns: int) -> str:
    """What no rule holds for; empty ``days`` go back to the setting. Raises ValueError."""
    if days.strip():
        chosen = read_days(days)
        _put(project, _REST, {"days": chosen}, now_ns)
        return days_text(chosen)
    _delete(project, _REST, now_ns)
    return f"{days_text(settings.RETENTION_DAYS)}, as the setting says"


def note_unsettled(project: str, *, now_ns: int) -> None:
    """From now on (elsewhere within half a minute) batches look how long what is there of their trace lives:
    it may be pinned, or have come by the rules of before.

    For two days: what comes more than a day after its trace began looks in any case.
    """
    pk, expires_at = keys.retention_partition(project), now_ns // 10**9 + UNSETTLED_S
    get_store().put_record(pk, _UNSETTLED, {}, now_ns=now_ns, expires_at=expires_at)
    _remembered.forget()


def _put(project: str, sk: str, value: dict[str, int | None], now_ns: int) -> None:
    note_unsettled(project, now_ns=now_ns)
    get_store().put_record(keys.retention_partition(project), sk, value, now_ns=now_ns)
    _remembered.forget()


def _delete(project: str, sk: str, now_ns: int) -> None:
    note_unsettled(project, now_ns=now_ns)
    get_store().delete_record(keys.retention_partition(project), sk)
    _remembered.forget()
