"""The keys of every item, as pure functions. docs/data-model.md says what is asked of each."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from traces_app.domain.durations import DAY_MS

MAX_START_MS: Final = 9_999_999_999_999
"""13 digits, the year 2286: starts sort as text."""

OWN_ID_WINDOW_MS: Final = 30 * DAY_MS
"""A trace id is taken for one of ours when its UUIDv7 time lies this close to the first span. Of random
ids one in 64 has the right version and variant, and one in 3 million lies in the window as well."""

_START: Final = re.compile(r"[0-9]{13}")
_OWN_ID: Final = re.compile(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")


class Kind(StrEnum):
    """What the name of a partition begins with; its project follows, and what else names it."""

    SPANS = "T"
    """A trace: its chunks, in parts of at most 400 KB."""
    DAY = "P"
    """The traces of a day, by start; the next two list those of a session and of a user."""
    SESSION_LIST = "S"
    USER_LIST = "U"
    DAYS = "D"
    """Which days a project has, and how long each is listed."""
    ANCHOR = "A"
    """Where the start of a trace with a foreign id is agreed upon."""
    LOSSES = "L"
    ROLLUP = "R"
    """Hours of statistics."""
    VIEWS = "V"
    PRICES = "PRICES"
    RETENTION = "KEEP"
    BUDGET = "BUDGET"
    """Its amount, today's rate, alerts, and who was told of what."""
    DICTIONARIES = "DICTIONARIES"
    """Those trained from a project's traces, and under ``ONLY`` which one it packs with."""
    ERASED = "ERASED"
    """A record for each erasure; of one erasure, a line for each trace."""
    AUDIT = "AUDIT"
    ONCE = "ONCE"
    """Forms that were sent, so that none is done twice."""
    KEYS = "KEYS"
    SHARES = "SHARES"
    LOGIN = "SESSION"
    """Somebody who is logged in."""
    PROJECTS = "PROJECTS"
    WATCHED = "WATCHED"
    """Projects whose statistics somebody looked at. Of this and of ``PROJECTS`` projects are the sorts."""


NAMED_BY_STRANGERS: Final = frozenset({Kind.LOGIN, Kind.KEYS, Kind.SHARES})
"""Looked up before it is known who asks."""

PIN: Final = "pin"
"""In the place of a fragment's name: the trace is pinned."""

KEPT: Final = "kept"
"""In the place of the day until which a day is listed: for ever."""

ONLY: Final = "-"
"""Sort key of a partition with one item."""


def spans_partition(project: str, trace_id: str) -> str:
    return f"{Kind.SPANS}#{project}#{trace_id}"


def part_sort(chunk: str, part: int, parts: int) -> str:
    return f"{chunk}#{part:03d}/{parts:03d}"


def parse_part_sort(sort: str) -> tuple[str, int, int]:
    """Chunk, part and number of parts."""
    chunk, _, place = sort.partition("#")
    part, _, parts = place.partition("/")
    return chunk, int(part), int(parts)


def day_of(start_ms: int) -> str:
    return datetime.fromtimestamp(start_ms / 1000, UTC).strftime("%Y%m%d")


def day_start_ms(day: str) -> int:
    return int(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp()) * 1000


def day_partition(project: str, day: str, shard: int = 0) -> str:
    """``shard`` above 0 when a project writes more than one partition takes (1,000 units a second)."""
    return f"{Kind.DAY}#{project}#{day}" + (f"#{shard}" if shard else "")


def days_partition(project: str) -> str:
    """The list of a project's day partitions: a ``day_sort`` each; once it was ``{day}#{shard}``."""
    return f"{Kind.DAYS}#{project}"


def day_sort(start_ms: int, shard: int, until_s: int | None) -> str:
    """That a day has traces until then. Each end is an entry of its own, so that none is shortened."""
    return f"{day_of(start_ms)}#{shard}#{KEPT if until_s is None else day_of(until_s * 1000)}"


def parse_day_sort(sort: str) -> tuple[str, int]:
    """Day and shard; older entries name no end."""
    day, shard = sort.split("#")[:2]
    return day, int(shard)


def session_partition(project: str, session_id: str) -> str:
    return f"{Kind.SESSION_LIST}#{project}#{session_id}"


def user_partition(project: str, user_id: str) -> str:
    return f"{Kind.USER_LIST}#{project}#{user_id}"


def anchor_partition(project: str, trace_id: str) -> str:
    return f"{Kind.ANCHOR}#{project}#{trace_id}"


def losses_partition(project: str) -> str:
    return f"{Kind.LOSSES}#{project}"


def rollup_partition(project: str, section: str) -> str:
    return f"{Kind.ROLLUP}#{project}#{section}"


def late_partition(project: str) -> str:
    """Hours that something was written into after they were closed."""
    return f"{Kind.ROLLUP}#{project}#late"


def hour_sort(hour: int) -> str:
    return f"{hour:07d}"


def views_partition(project: str) -> str:
    return f"{Kind.VIEWS}#{project}"


def keys_partition(project: str) -> str:
    return f"{Kind.KEYS}#{project}"


def login_partition(digest: str) -> str:
    """Of a login, by the SHA-256 of its cookie."""
    return f"{Kind.LOGIN}#{digest}"


def shares_partition(project: str) -> str:
    return f"{Kind.SHARES}#{project}"


def audit_partition(project: str) -> str:
    return f"{Kind.AUDIT}#{project}"


def once_partition(project: str) -> str:
    return f"{Kind.ONCE}#{project}"


def prices_partition(project: str) -> str:
    return f"{Kind.PRICES}#{project}"


def dictionaries_partition(project: str) -> str:
    return f"{Kind.DICTIONARIES}#{project}"


def dictionary_sort(number: int) -> str:
    return f"{number:010d}"


def retention_partition(project: str) -> str:
    return f"{Kind.RETENTION}#{project}"


def budget_partition(project: str) -> str:
    return f"{Kind.BUDGET}#{project}"


def erasures_partition(project: str) -> str:
    """One record for each erasure."""
    return f"{Kind.ERASED}#{project}"


def erased_partition(project: str, erasure_id: str) -> str:
    """What one erasure took: a line for each trace."""
    return f"{Kind.ERASED}#{project}#{erasure_id}"


def trace_prefix(start_ms: int, trace_id: str) -> str:
    return f"{start_ms:013d}#{trace_id}"


def fragment_sort(start_ms: int, trace_id: str, fragment: str) -> str:
    return f"{trace_prefix(start_ms, trace_id)}#{fragment}"


def parse_fragment_sort(sort: str) -> tuple[int, str]:
    """Start in milliseconds, and trace id."""
    start, trace_id, _ = sort.split("#", 2)
    return int(start), trace_id


def kind_and_project(pk: str, sk: str) -> tuple[str, str]:
    """Of any item: the project stands behind the partition's kind or, of lists of projects, in the sort."""
    kind, _, rest = pk.partition("#")
    return kind, (rest or sk).partition("#")[0]


def project_of(partition: str) -> str:
    """Whose partition it is; empty for those of none, and where it is a stranger who named the project."""
    kind, project = kind_and_project(partition, "")
    return "" if kind in NAMED_BY_STRANGERS else project


def in_project(pk: str, sk: str, project: str) -> tuple[str, str]:
    """The same item's key in another project."""
    if "#" not in pk:
        return pk, project
    kind, _, rest = pk.partition("#")
    _, mark, last = rest.partition("#")
    return f"{kind}#{project}{mark}{last}", sk


def is_start(text: str) -> bool:
    return _START.fullmatch(text) is not None


def start_in_own_id(trace_id: str) -> int | None:
    """What stands where our client writes the start; of foreign ids nothing, or some number."""
    return int(trace_id[:12], 16) if _OWN_ID.fullmatch(trace_id) else None


def own_start_ms(trace_id: str, first_start_ms: int) -> int | None:
    """The start in a trace id made by our client; ``None`` for foreign ids, which are opaque."""
    start_ms = start_in_own_id(trace_id)
    if start_ms is None or abs(start_ms - first_start_ms) > OWN_ID_WINDOW_MS:
        return None
    return start_ms


def shard_of(trace_id: str, shards: int) -> int:
    return int(trace_id[-4:], 16) % shards if shards > 1 else 0


def shards_of(trace_id: str, shards: int) -> list[int]:
    """Where a trace may be listed whose batches came while the number of shards was doubled, once or more."""
    return sorted({shard_of(trace_id, number) for number in shard_numbers(shards)})


def shard_numbers(shards: int) -> list[int]:
    """How many there may have been, from today's number down to one."""
    numbers = [shards]
    while numbers[-1] > 1:
        numbers.append(numbers[-1] // 2)
    return numbers
