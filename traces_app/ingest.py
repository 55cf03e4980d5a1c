"""The one way in: whatever dialect spans came in, here they are normalised, limited, priced and saved."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings

from traces_app.access import Access
from traces_app.domain.limits import MAX_LOSS_REASONS, MAX_SPAN_BYTES, MAX_VALUE_DEPTH
from traces_app.domain.normalize import Refusal, normalize
from traces_app.domain.normalize import renormalize as normalize_again
from traces_app.domain.packing import PackedSpan, pack_payload
from traces_app.domain.span import Span
from traces_app.storage import Stamp, StoreUnavailable, get_store, keys

__all__ = ["Receipt", "Rejection", "StoreUnavailable", "note_losses", "receive", "renormalize"]

DAY_S: Final = 86_400
MAX_REASON_CHARACTERS: Final = 64
MAX_LOST: Final = 10**12


@dataclass(slots=True, frozen=True)
class Rejection:
    """A span that was not kept: its place in the batch, and which field broke which rule."""

    index: int
    span_id: str | None
    field: str
    reason: str


@dataclass(slots=True)
class Receipt:
    """What became of a batch. ``write_units`` are DynamoDB's (1 KB each)."""

    accepted: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    write_units: float = 0.0


def receive(
    access: Access, spans: Iterable[Span], *, now_ns: int, counters: Mapping[str, int] | None = None
) -> Receipt:
    """Keep ``spans`` in the project of ``access``; what is accepted is durable when this returns.

    A span that breaks a rule is rejected alone. ``counters`` are the sender's own losses by reason.
    Raises StoreUnavailable when the store cannot take the batch now: sending it again is safe.
    """
    receipt = Receipt()
    traces: dict[str, dict[str, PackedSpan]] = {}
    for index, span in enumerate(spans):
        refusal = _pack(span, traces, now_ns)
        if refusal is None:
            receipt.accepted += 1
        else:
            receipt.rejected.append(Rejection(index, span.span_id, refusal.field, refusal.reason))
    if traces:
        ordered = {trace_id: list(by_id.values()) for trace_id, by_id in traces.items()}
        receipt.write_units = get_store().append(access.project, ordered, Stamp(now_ns, _expiry(now_ns)))
    losses = Counter(counters or {})
    losses.update(f"refused: {rejection.field}" for rejection in receipt.rejected)
    identity = ",".join(span_id for by_id in traces.values() for span_id in by_id)
    note_losses(access, losses, identity or str(now_ns), now_ns)
    return receipt


def renormalize(project: str, *, now_ns: int) -> Iterator[int]:
    """Read what is stored by today's mapping: of each trace, newest first, how many spans changed.

    Safe to repeat, and while traces arrive; raises StoreUnavailable between two traces.
    """
    store = get_store()
    for position, _ in store.iterate_traces(project, now_ns=now_ns):
        yield store.rewrite_trace(
            project, position, lambda span: normalize_again(span, now_ns=now_ns), now_ns=now_ns
        )


def note_losses(access: Access, losses: Mapping[str, int], identity: str, now_ns: int) -> None:
    """Keep what was lost or refused, by reason, so that it is seen.

    The same losses of the same ``identity`` (a batch, or a stretch of time) count once.
    """
    known: Counter[str] = Counter()
    for reason, count in Counter(losses).most_common():
        named = len(known) < MAX_LOSS_REASONS
        known[reason[:MAX_REASON_CHARACTERS] if named else "other"] += max(0, min(count, MAX_LOST))
    if not known.total():
        return
    digest = hashlib.blake2b(f"{identity} {sorted(known.items())}".encode(), digest_size=6)
    sort = f"{keys.day_of(now_ns // 1_000_000)}#{digest.hexdigest()}"
    get_store().put_record(
        keys.losses_partition(access.project), sort, dict(+known), now_ns=now_ns, expires_at=_expiry(now_ns)
    )


def _pack(span: Span, traces: dict[str, dict[str, PackedSpan]], now_ns: int) -> Refusal | None:
    """Into ``traces``, unless refused. Of a span that comes twice the whole and later one stands."""
    refusal = normalize(span, now_ns=now_ns)
    if refusal is not None:
        return refusal
    try:
        payload = pack_payload(span)
    except TypeError as error:
        return Refusal("span", f"not JSON, or nested deeper than {MAX_VALUE_DEPTH} levels: {error}")
    if len(payload) > MAX_SPAN_BYTES:
        return Refusal("span", f"{len(payload)} bytes of JSON; the limit is {MAX_SPAN_BYTES} a span")
    by_id = traces.setdefault(span.trace_id, {})
    earlier = by_id.get(span.span_id)
    if earlier is None or earlier.span.is_pending or not span.is_pending:
        by_id[span.span_id] = PackedSpan(span, payload)
    return None


def _expiry(now_ns: int) -> int:
    days: int = settings.RETENTION_DAYS
    return now_ns // 1_000_000_000 + days * DAY_S
