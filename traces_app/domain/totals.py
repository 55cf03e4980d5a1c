"""What the spans of a trace add up to, each counted once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from traces_app.domain.span import Span
from traces_app.domain.tree import counts_usage, rollups

NANO_USD: Final = 1_000_000_000


class Entry(NamedTuple):
    """What one finished span adds to its trace. ``None`` is unknown."""

    span_id: str
    parent_span_id: str | None
    is_error: bool
    counts_usage: bool
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    reasoning_tokens: int | None
    cost_nano_usd: int | None
    duration_ms: int | None = None
    """Of a call whose usage counts, as are its time to first token and its model."""
    first_token_ms: int | None = None
    model: str | None = None


@dataclass(slots=True)
class Totals:
    span_count: int = 0
    error_count: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_nano_usd: int | None = None
    unpriced_count: int = 0


def entry_of(span: Span) -> Entry:
    usage = span.usage
    cost = span.cost_usd
    counts = counts_usage(span)
    return Entry(
        span.span_id,
        span.parent_span_id,
        span.status == "error",
        counts,
        usage.input_tokens if usage else None,
        usage.output_tokens if usage else None,
        usage.cache_read_tokens if usage else None,
        usage.reasoning_tokens if usage else None,
        None if cost is None else round(cost * NANO_USD),
        None if span.duration_ns is None or not counts else span.duration_ns // 1_000_000,
        None
        if span.time_to_first_token_ms is None or not counts
        else max(0, int(span.time_to_first_token_ms)),
        span.model if counts else None,
    )


def distinct_entries(tables: Iterable[Iterable[Entry]]) -> list[Entry]:
    """One entry a span; of several the later known values stand, as when the trace is opened."""
    entries: dict[str, Entry] = {}
    for table in tables:
        for entry in table:
            known = entries.get(entry.span_id)
            entries[entry.span_id] = entry if known is None else _completed(entry, known)
    return list(entries.values())


def _completed(later: Entry, earlier: Entry) -> Entry:
    known = {name: value for name, value in later._asdict().items() if value is not None}
    known["counts_usage"] = later.counts_usage or earlier.counts_usage
    return earlier._replace(**known)


def total(entries: Sequence[Entry]) -> Totals:
    """Totals of a trace's spans: a usage or a cost that repeats its descendants' does not count again."""
    parents = {entry.span_id: entry.parent_span_id for entry in entries}
    repeats_usage = rollups(parents, (entry.span_id for entry in entries if entry.counts_usage))
    repeats_cost = rollups(parents, (entry.span_id for entry in entries if entry.cost_nano_usd is not None))
    totals = Totals(span_count=len(entries), error_count=sum(entry.is_error for entry in entries))
    for entry in entries:
        if entry.counts_usage and entry.span_id not in repeats_usage:
            _add_usage(totals, entry)
        if entry.cost_nano_usd is not None and entry.span_id not in repeats_cost:
            totals.cost_nano_usd = (totals.cost_nano_usd or 0) + entry.cost_nano_usd
    return totals


def _add_usage(totals: Totals, entry: Entry) -> None:
    totals.input_tokens = _plus(totals.input_tokens, entry.input_tokens)
    totals.output_tokens = _plus(totals.output_tokens, entry.output_tokens)
    totals.cache_read_tokens = _plus(totals.cache_read_tokens, entry.cache_read_tokens)
    totals.reasoning_tokens = _plus(totals.reasoning_tokens, entry.reasoning_tokens)
    totals.unpriced_count += entry.cost_nano_usd is None


def _plus(first: int | None, second: int | None) -> int | None:
    if first is None:
        return second
    return first if second is None else first + second
