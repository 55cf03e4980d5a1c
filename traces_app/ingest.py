"""The one way in: whatever dialect spans came in, here they are normalised, limited, priced and saved."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from django.conf import settings

from traces_app.access import Access
from traces_app.budget import budget_of
from traces_app.domain.budget import Thinning
from traces_app.domain.durations import DAY_NS, DAY_S
from traces_app.domain.limits import MAX_BATCH_BYTES, MAX_LOSS_REASONS, MAX_SPAN_BYTES, MAX_VALUE_DEPTH
from traces_app.domain.normalize import Refusal, normalize
from traces_app.domain.normalize import renormalize as normalize_again
from traces_app.domain.packing import PackedSpan, pack_payload
from traces_app.domain.span import Span
from traces_app.prices import own_prices
from traces_app.retention import retention_of
from traces_app.storage import Stamp, StoreUnavailable, clock_from, get_store, keys

__all__ = ["Receipt", "Rejection", "StoreUnavailable", "note_losses", "receive", "renormalize"]

MAX_REASON_CHARACTERS: Final = 64
MAX_LOST: Final = 10**12
MAX_DELAY_NS: Final = DAY_NS
"""Older batches count as of a day ago: problems are listed by time, the newest first."""


BATCH_TOO_LARGE: Final = Refusal(
    "batch", f"more than {MAX_BATCH_BYTES} bytes of JSON before this span: send fewer, or a smaller resource"
)


@dataclass(slots=True, frozen=True)
class Rejection:
    """A span that was not kept: its place in the batch, and which field broke which rule."""

    index: int
    span_id: str | None
    field: str
    reason: str


@dataclass(slots=True)
class Receipt:
    """What became of a batch. ``write_units`` are DynamoDB's, ``thinning`` is what the budget asks now."""

    accepted: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    write_units: float = 0.0
    thinning: Thinning | None = None


def receive(
    access: Access, spans: Iterable[Span], *, now_ns: int, counters: Mapping[str, int] | None = None
) -> Receipt:
    """Keep ``spans`` in the project of ``access``; what is accepted is durable when this returns.

    A span that breaks a rule is rejected alone. ``counters`` are the sender's own losses by reason.
    Raises StoreUnavailable when the store cannot take the batch now: sending it again is safe.
    """
    receipt = Receipt()
    traces: dict[str, dict[str, PackedSpan]] = {}
    packed_bytes = 0
    own = partial(own_prices, access.project, now_ns=now_ns)
    for index, span in enumerate(spans):
        packed: PackedSpan | Refusal = BATCH_TOO_LARGE
        if packed_bytes <= MAX_BATCH_BYTES:
            packed = normalize(span, now_ns=now_ns, own_prices=own) or _packed(span)
        if isinstance(packed, Refusal):
            receipt.rejected.append(Rejection(index, span.span_id, packed.field, packed.reason))
        else:
            receipt.accepted += 1
            packed_bytes += len(packed.payload)
            _add(traces, packed)
    if traces:
        ordered = {trace_id: list(by_id.values()) for trace_id, by_id in traces.items()}
        stamp, retention = Stamp(now_ns, _expiry(now_ns)), retention_of(access.project, now_ns=now_ns)
        receipt.thinning = budget_of(access.project, now_ns=now_ns).thinning
        receipt.write_units = get_store().append(access.project, ordered, stamp, retention, receipt.thinning)
    losses = Counter(counters or {})
    losses.update(f"refused: {rejection.field}" for rejection in receipt.rejected)
    if losses:
        batch = [entry.span for by_id in traces.values() for entry in by_id.values()]
        identity = ",".join(span.span_id for span in batch) or str(now_ns)
        note_losses(access, losses, identity, at_ns=_latest_ns(batch, now_ns), now_ns=now_ns)
    return receipt


def renormalize(project: str, *, now_ns: int) -> Iterator[int | None]:
    """Read what is stored by today's mapping: of each trace, newest first, how many spans changed.

    ``None`` for a trace that is just being written and was left alone. Safe to repeat, and while traces
    arrive; raises StoreUnavailable between two traces.
    """
    store = get_store()
    again = partial(normalize_again, now_ns=now_ns, own_prices=partial(own_prices, project, now_ns=now_ns))
    clock_ns = clock_from(now_ns)
    for position, _ in store.iterate_traces(project, now_ns=now_ns):
        yield store.rewrite_trace(project, position, again, now_ns=clock_ns())


def note_losses(access: Access, losses: Mapping[str, int], identity: str, *, at_ns: int, now_ns: int) -> None:
    """Keep what was lost or refused at ``at_ns``, by reason, so that it is seen.

    The same losses of the same ``identity`` and time (a batch, or a stretch of time) count once.
    """
    known: Counter[str] = Counter()
    for reason, count in Counter(losses).most_common():
        named = len(known) < MAX_LOSS_REASONS
        known[reason[:MAX_REASON_CHARACTERS] if named else "other"] += max(0, min(count, MAX_LOST))
    if not known.total():
        return
    digest = hashlib.blake2b(f"{identity} {sorted(known.items())}".encode(), digest_size=6)
    sort = f"{keys.day_of(at_ns // 1_000_000)}#{at_ns // 1_000_000:013d}#{digest.hexdigest()}"
    get_store().put_record(
        keys.losses_partition(access.project), sort, dict(+known), now_ns=now_ns, expires_at=_expiry(now_ns)
    )


def _latest_ns(batch: Sequence[Span], now_ns: int) -> int:
    """The start of its last span: the same when the batch comes again."""
    latest_ns = max((span.start_ns for span in batch if span.start_ns is not None), default=now_ns)
    return min(max(latest_ns, now_ns - MAX_DELAY_NS), now_ns)


def _packed(span: Span) -> PackedSpan | Refusal:
    try:
        payload = pack_payload(span)
    except TypeError:
        return Refusal("span", f"not JSON, or nested deeper than {MAX_VALUE_DEPTH} levels")
    if len(payload) > MAX_SPAN_BYTES:
        return Refusal("span", f"{len(payload)} bytes of JSON; the limit is {MAX_SPAN_BYTES} a span")
    return PackedSpan(span, payload)


def _add(traces: dict[str, dict[str, PackedSpan]], packed: PackedSpan) -> None:
    """Of a span that comes twice the whole and later one stands."""
    by_id = traces.setdefault(packed.span.trace_id, {})
    earlier = by_id.get(packed.span.span_id)
    if earlier is None or earlier.span.is_pending or not packed.span.is_pending:
        by_id[packed.span.span_id] = packed


def _expiry(now_ns: int) -> int:
    days: int = settings.RETENTION_DAYS
    return now_ns // 1_000_000_000 + days * DAY_S
