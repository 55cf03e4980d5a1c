"""Everything of one trace, session or user, erased for good, with a receipt of what there was.

The receipt is begun before anything goes, and each trace is written into it before it goes: whatever stops
half-way is gone on with by asking for the same again, and nothing is counted twice. It holds ids of traces
and numbers, nothing of what they said; of a session or a user a digest of the id, so that who knows the id
finds the receipt, and who reads the receipt does not learn it.

A batch that comes later makes its trace anew, with what it holds: asking once more erases that too.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

from traces_app import audit, curation
from traces_app.domain.durations import DAY_S, HOUR_MS
from traces_app.domain.ids import is_trace_id
from traces_app.domain.limits import MAX_ID_CHARACTERS
from traces_app.storage import get_store, keys

__all__ = [
    "KINDS",
    "Erasure",
    "Kind",
    "Line",
    "count_traces",
    "erase",
    "get_erasure",
    "list_erasures",
    "list_lines",
]

Kind = Literal["trace", "session", "user"]
KINDS: Final[tuple[Kind, ...]] = ("trace", "session", "user")
MAX_LISTED: Final = 200
DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Erasure:
    """A receipt. ``subject`` is a trace's id, or the digest of a session's or a user's; ``ended_at_ns`` is
    ``None`` while some is left. ``size_bytes`` are those of the items' bodies, compressed as they were kept.
    """

    erasure_id: str
    kind: Kind
    subject: str
    who: str
    started_at_ns: int
    ended_at_ns: int | None = None
    traces: int = 0
    spans: int = 0
    items: int = 0
    size_bytes: int = 0
    links: int = 0
    """That showed one of them, and are revoked."""
    run: int = 0
    whole_run: int = -1
    """Each time it was begun or gone on with is a run. What was noted in a later one than the last that was
    not cut short may be there in part, and in no list any more that is looked into.
    """


@dataclass(frozen=True, slots=True)
class Line:
    """One trace of a receipt."""

    trace_id: str
    spans: int
    items: int
    size_bytes: int
    links: int = 0


def count_traces(project: str, kind: str, subject_id: str, *, now_ns: int) -> int:
    """How many are stored now. Raises ValueError naming the field that is wrong."""
    known_kind, subject_id = _subject(kind, subject_id)
    return len(_positions(project, known_kind, subject_id, now_ns))


def erase(
    project: str,
    kind: str,
    subject_id: str,
    *,
    who: str,
    is_time_up: Callable[[], bool] = bool,
    now_ns: int,
) -> Erasure:
    """Erase, or go on where that was stopped: by ``is_time_up``, or by anything. Raises ValueError."""
    known_kind, subject_id = _subject(kind, subject_id)
    erasure = _begun(project, known_kind, subject_id, who, now_ns)
    lists = frozenset(filter(None, [_list_of(project, known_kind, subject_id)]))
    lines = _lines(project, erasure.erasure_id, now_ns)
    begun = [position for position, line in lines.items() if line.get("run", 0) > erasure.whole_run]
    left = [*begun, *_positions(project, known_kind, subject_id, now_ns)]
    for number, position in enumerate(left, 1):
        _erase_one(project, erasure, position, lists=lists, lines=lines, now_ns=now_ns)
        if is_time_up():
            if number >= len(begun):
                erasure = replace(erasure, whole_run=erasure.run)
                _keep(project, erasure, now_ns)
            return _added_up(project, erasure, now_ns)
    hours = {_hour(line) for line in _lines(project, erasure.erasure_id, now_ns)}
    get_store().rollups.forget(project, hours)
    ended = replace(_added_up(project, erasure, now_ns), ended_at_ns=now_ns)
    _keep(project, ended, now_ns)
    audit.record(project, who=who, action=f"erase {kind}", detail=_detail(ended), now_ns=now_ns)
    return ended


def list_erasures(project: str, *, now_ns: int) -> list[Erasure]:
    """The newest 200, newest first; their sums only where they have ended."""
    found = get_store().list_records(keys.erasures_partition(project), newest=MAX_LISTED, now_ns=now_ns)
    return [Erasure(**value) for _, value in found]


def get_erasure(project: str, erasure_id: str, *, now_ns: int) -> Erasure | None:
    value = get_store().get_record(keys.erasures_partition(project), erasure_id, now_ns=now_ns)
    return None if value is None else _added_up(project, Erasure(**value), now_ns)


def list_lines(project: str, erasure_id: str, *, now_ns: int) -> list[Line]:
    return [
        Line(
            position.split("#")[1], value["spans"], value["items"], value["size_bytes"], value.get("links", 0)
        )
        for position, value in _lines(project, erasure_id, now_ns).items()
    ]


def _subject(kind: str, subject_id: str) -> tuple[Kind, str]:
    """As it is stored: ids of traces are read in either case."""
    found = next((one for one in KINDS if one == kind), None)
    if found is None:
        raise ValueError(f"kind: write one of {', '.join(KINDS)}.")
    if not subject_id or len(subject_id) > MAX_ID_CHARACTERS:
        raise ValueError(f"id: write the {kind}'s id, at most {MAX_ID_CHARACTERS} characters.")
    if found != "trace":
        return found, subject_id
    if not is_trace_id(subject_id.lower()):
        raise ValueError("id: a trace's id is 32 hexadecimal digits.")
    return found, subject_id.lower()


def _begun(project: str, kind: Kind, subject_id: str, who: str, now_ns: int) -> Erasure:
    """The one that was stopped, else a new one."""
    subject = subject_id if kind == "trace" else _digest(kind, subject_id)
    erasure = Erasure(f"{now_ns // 1_000_000:013d}-{secrets.token_hex(4)}", kind, subject, who, now_ns)
    for one in list_erasures(project, now_ns=now_ns):
        if one.ended_at_ns is None and (one.kind, one.subject) == (kind, subject):
            erasure = replace(one, run=one.run + 1)
    _keep(project, erasure, now_ns)
    return erasure


def _digest(kind: Kind, subject_id: str) -> str:
    return hashlib.blake2b(f"{kind}:{subject_id}".encode(), digest_size=DIGEST_BYTES).hexdigest()


def _positions(project: str, kind: Kind, subject_id: str, now_ns: int) -> list[str]:
    """What there is at one look, since what keeps coming would never end; expired traces too, that are only
    waiting to be swept.
    """
    store = get_store()
    partition = _list_of(project, kind, subject_id)
    if partition is not None:
        return store.positions_in(partition)
    position = store.position_of(project, subject_id, with_expired=True, now_ns=now_ns)
    return [position] if position is not None and store.is_stored(project, position) else []


def _list_of(project: str, kind: Kind, subject_id: str) -> str | None:
    if kind == "trace":
        return None
    partition_of = keys.session_partition if kind == "session" else keys.user_partition
    return partition_of(project, subject_id)


def _erase_one(
    project: str,
    erasure: Erasure,
    position: str,
    *,
    lists: frozenset[str],
    lines: dict[str, dict[str, int]],
    now_ns: int,
) -> None:
    """``lines`` are those noted so far: of what came again the first numbers stay, but it is of this run."""
    store = get_store()
    pk = keys.erased_partition(project, erasure.erasure_id)
    expires_at = _expiry(erasure)

    def note(found: dict[str, int]) -> None:
        lines[position] = {**found, **lines.get(position, {}), "run": erasure.run}
        store.put_record(pk, position, lines[position], now_ns=now_ns, expires_at=expires_at)

    curation.take_away(project, position, lists=lists, note=note, now_ns=now_ns)


def _lines(project: str, erasure_id: str, now_ns: int) -> dict[str, dict[str, int]]:
    return dict(get_store().list_records(keys.erased_partition(project, erasure_id), now_ns=now_ns))


def _hour(position: str) -> int:
    return int(position.partition("#")[0]) // HOUR_MS


def _added_up(project: str, erasure: Erasure, now_ns: int) -> Erasure:
    lines = list_lines(project, erasure.erasure_id, now_ns=now_ns)
    return replace(
        erasure,
        traces=len(lines),
        spans=sum(line.spans for line in lines),
        items=sum(line.items for line in lines),
        size_bytes=sum(line.size_bytes for line in lines),
        links=sum(line.links for line in lines),
    )


def _keep(project: str, erasure: Erasure, now_ns: int) -> None:
    pk = keys.erasures_partition(project)
    get_store().put_record(
        pk, erasure.erasure_id, asdict(erasure), now_ns=now_ns, expires_at=_expiry(erasure)
    )


def _expiry(erasure: Erasure) -> int:
    return erasure.started_at_ns // 10**9 + audit.KEPT_DAYS * DAY_S


def _detail(erasure: Erasure) -> str:
    return (
        f"{erasure.subject}: {erasure.traces} traces, {erasure.spans} spans, {erasure.items} items, "
        f"{erasure.size_bytes} bytes, {erasure.links} links; receipt {erasure.erasure_id}"
    )
