"""What people change about stored traces: a tag or a score more, how long they are kept, or all gone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from traces_app import sharing
from traces_app.domain.ids import is_trace_id
from traces_app.domain.limits import MAX_TAG_CHARACTERS
from traces_app.domain.packing import PackedSpan, pack_payload, span_from
from traces_app.domain.retention import longest
from traces_app.domain.span import Span
from traces_app.domain.summary import Facts
from traces_app.retention import note_unsettled, read_retention
from traces_app.storage import LAST_NOTICE_S, Outcome, Stamp, clock_from, get_store

__all__ = [
    "apply_retention",
    "delete_trace",
    "pin_trace",
    "score_span",
    "tag_trace",
    "take_away",
    "unpin_trace",
]

MAX_SCORE_NAME_CHARACTERS: Final = 40
MAX_COMMENT_CHARACTERS: Final = 2000
BY_PEOPLE: Final = "human"
"""The source of scores given on a page: an evaluator's of the same name stays beside it."""


class Unpinned(NamedTuple):
    """When it expires now, epoch seconds; ``is_overdue``: sooner by its rule, so it was given a day."""

    expires_at: int | None
    is_overdue: bool


def tag_trace(project: str, trace_id: str, tag: str, *, now_ns: int) -> bool:
    """Add a tag; false when there is no such trace. It expires with the trace, or a rule keeps both longer.

    It comes as a record of the root that knows nothing else: everything that merges records sees it.
    """
    tag = " ".join(tag.split())[:MAX_TAG_CHARACTERS]
    return bool(tag) and _add_note(project, trace_id, None, now_ns=now_ns, tags=[tag])


def score_span(
    project: str, trace_id: str, span_id: str, *, name: str, value: str, comment: str, who: str, now_ns: int
) -> bool:
    """Judge a span: a number, else a word. Replaces what people said under that name; false for no such span.

    Raises ValueError naming what is wrong.
    """
    name, value = " ".join(name.split()), " ".join(value.split())
    if not name or len(name) > MAX_SCORE_NAME_CHARACTERS:
        raise ValueError(f"A score needs a name of at most {MAX_SCORE_NAME_CHARACTERS} characters.")
    if not value or len(value) > MAX_SCORE_NAME_CHARACTERS:
        raise ValueError(
            f"A score needs a number, or a word of at most {MAX_SCORE_NAME_CHARACTERS} characters."
        )
    if len(comment) > MAX_COMMENT_CHARACTERS:
        raise ValueError(f"A comment has at most {MAX_COMMENT_CHARACTERS} characters.")
    score: dict[str, Any] = {"name": name, "source": BY_PEOPLE, "by": who} | _judgement(value)
    if comment.strip():
        score["comment"] = comment.strip()
    return _add_note(project, trace_id, span_id, now_ns=now_ns, scores=[score])


def _judgement(value: str) -> dict[str, Any]:
    try:
        number = float(value)
    except ValueError:
        return {"label": value}
    if not value.isascii() or "_" in value:
        raise ValueError("A score's number is written in the digits 0 to 9.")
    if not math.isfinite(number):
        raise ValueError("A score is a finite number, or a word.")
    return {"value": number}


def pin_trace(project: str, trace_id: str, *, now_ns: int) -> bool:
    """Kept for ever, with all that comes of it later; false when there is no such trace. Safe to repeat."""
    store, position = get_store(), _position(project, trace_id, now_ns)
    if position is None:
        return False
    note_unsettled(project, now_ns=now_ns)
    return store.lifetimes.pin(project, position, now_ns=now_ns)


def unpin_trace(project: str, trace_id: str, *, now_ns: int) -> Unpinned | None:
    """The project's rules count again; ``None`` when there is no such trace. Safe to repeat."""
    position = _position(project, trace_id, now_ns)
    if position is None:
        return None
    retention = read_retention(project, now_ns=now_ns)
    lifetime = get_store().lifetimes.unpin(project, position, retention, now_ns=now_ns)
    if lifetime is None:
        return None
    last_s, (before, after) = now_ns // 10**9 + LAST_NOTICE_S, lifetime
    return Unpinned(after, is_overdue=after not in (None, before) and after <= last_s)


def apply_retention(project: str, *, change: bool, now_ns: int) -> Iterator[Outcome]:
    """Bring stored traces to the rules of today, newest first; without ``change`` only say what would be.

    Safe to repeat and to interrupt: what is as it should be is only read.
    """
    store, retention = get_store(), read_retention(project, now_ns=now_ns)
    clock_ns = clock_from(now_ns)
    for position, _ in store.iterate_traces(project, now_ns=now_ns):
        yield store.lifetimes.apply(project, position, retention, change=change, now_ns=clock_ns())


def _position(project: str, trace_id: str, now_ns: int) -> str | None:
    return get_store().position_of(project, trace_id, now_ns=now_ns) if is_trace_id(trace_id) else None


def delete_trace(project: str, trace_id: str, *, now_ns: int) -> bool:
    """Nothing of it is left when this returns; false when there was nothing. Safe to repeat."""
    position = _position(project, trace_id, now_ns)
    return position is not None and take_away(project, position, now_ns=now_ns)


def take_away(
    project: str,
    position: str,
    *,
    lists: frozenset[str] = frozenset(),
    note: Callable[[dict[str, int]], None] | None = None,
    now_ns: int,
) -> bool:
    """The one way out of the store: with it go the links that show it, so that nothing which comes late is
    public. ``note`` is told what there was before it goes; its hour's statistics are stale.
    """

    def tell(found: Any) -> None:
        links = sharing.revoke_shares(project, position.split("#")[1], now_ns=now_ns)
        if note is not None:
            note({**found._asdict(), "links": links})

    return get_store().delete_trace_at(project, position, lists=lists, note=tell, now_ns=now_ns) is not None


def _add_note(project: str, trace_id: str, span_id: str | None, *, now_ns: int, **said: Any) -> bool:
    """A record of the span (of the first one) that says this and nothing else; it expires with the trace."""
    if not is_trace_id(trace_id):
        return False
    store = get_store()
    chunks = store.read_trace(project, trace_id, now_ns=now_ns, consistent=True)
    spans = [span_from(trace_id, {"name": "", **row}) for chunk in chunks for row in chunk.rows]
    ends = [chunk.expires_at for chunk in chunks]
    if not any(span.name for span in spans):  # its contents were not kept
        listed = store.read_listed(project, trace_id, now_ns=now_ns)
        spans += [_root_told(trace_id, one.facts) for _, one in listed if one.facts.root_span_id]
        ends += [item.expires_at for item, _ in listed]
    judged = [span for span in spans if span_id in (None, span.span_id)]
    if not judged:
        return False
    first = min(judged, key=lambda span: (span.parent_span_id is not None, span.start_ns or 0))
    note = Span(trace_id, first.span_id, "", parent_span_id=first.parent_span_id, status="pending", **said)
    note.start_ns = min((span.start_ns for span in spans if span.start_ns is not None), default=None)
    stamp = Stamp(now_ns, longest(ends))
    store.append(project, {trace_id: [PackedSpan(note, pack_payload(note))]}, stamp)
    _settle(project, trace_id, now_ns)
    return True


def _root_told(trace_id: str, facts: Facts) -> Span:
    """The root as far as lists know it."""
    return Span(trace_id, facts.root_span_id or "", facts.name or "", start_ns=facts.start_ns)


def _settle(project: str, trace_id: str, now_ns: int) -> None:
    """What was said may make a longer rule hold."""
    retention = read_retention(project, now_ns=now_ns)
    position = _position(project, trace_id, now_ns)
    if position is not None and retention.varies:
        get_store().lifetimes.settle_at(project, position, retention, now_ns=now_ns)
