"""A span as it came becomes a span as it is kept: cleaned, limited, priced. Nothing is changed silently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from traces_app.domain.limits import (
    MAX_CLOCK_AHEAD_NS,
    MAX_COST_USD,
    MAX_ID_CHARACTERS,
    MAX_LOSS_REASONS,
    MAX_NAME_CHARACTERS,
    MAX_TAG_CHARACTERS,
    MAX_TAGS,
    MAX_TOKENS,
    OLDEST_START_NS,
)
from traces_app.domain.mapping import map_span, speaks_a_convention, unmapped
from traces_app.domain.pricing import OwnPrice, price
from traces_app.domain.span import COUNTING_KINDS, SPAN_FIELDS, USAGE_FIELDS, Span, Usage


@dataclass(slots=True, frozen=True)
class Refusal:
    """Why a span cannot be kept: the field and what it may hold."""

    field: str
    reason: str


OwnPrices = Callable[[], Sequence[OwnPrice]]
"""The project's own prices; asked for only where something is to be priced."""


def normalize(span: Span, *, now_ns: int, own_prices: OwnPrices = tuple) -> Refusal | None:
    """Clean, limit and price ``span`` in place; a Refusal when it cannot be kept.

    Each repair leaves a sentence in ``span.notices``.
    """
    is_foreign = "otel" in span.attributes
    if is_foreign:
        _disbelieve_times(span, now_ns)
    if span.attributes and not span.is_partial and (is_foreign or speaks_a_convention(span)):
        map_span(span)
    if is_foreign:
        _disbelieve_numbers(span)
    refusal = _check_times(span, now_ns) or _check_numbers(span)
    if refusal is not None:
        return refusal
    _limit_texts(span)
    _limit_tags(span)
    if span.dropped:
        span.dropped = {
            why[:MAX_TAG_CHARACTERS]: n for why, n in list(span.dropped.items())[:MAX_LOSS_REASONS]
        }
    if span.parent_span_id == span.span_id:
        span.parent_span_id = None
        span.notices.append("parent_span_id named the span itself: shown as a root")
    _price(span, now_ns, own_prices)
    return None


def renormalize(span: Span, *, now_ns: int, own_prices: OwnPrices = tuple) -> Span | None:
    """A stored span as today's mapping reads it; ``None`` when that is how it is stored.

    Fields are read anew from what came with the span. What is found no more stays as it was.
    """
    fresh = unmapped(span)
    if fresh is None or normalize(fresh, now_ns=now_ns, own_prices=own_prices) is not None:
        return None
    for name in SPAN_FIELDS:
        if getattr(fresh, name) in (None, [], {}):
            setattr(fresh, name, getattr(span, name))
    fresh.notices = list(dict.fromkeys([*span.notices, *fresh.notices]))
    return None if fresh == span else fresh


def _disbelieve_times(span: Span, now_ns: int) -> None:
    """No exporter mends what it is told: a span of OpenTelemetry's is kept without what cannot be."""
    for name in ("start_ns", "end_ns"):
        value = getattr(span, name)
        if value is not None and not OLDEST_START_NS <= value <= now_ns + MAX_CLOCK_AHEAD_NS:
            setattr(span, name, None)
            span.notices.append(f"{name} {value} is not from 2000 to tomorrow: not believed")


def _disbelieve_numbers(span: Span) -> None:
    refusal = _check_numbers(span)
    while refusal is not None:
        holder, _, name = refusal.field.rpartition(".")
        setattr(span.usage if holder else span, name, None)
        span.notices.append(f"{refusal.field} is {refusal.reason}: not believed")
        refusal = _check_numbers(span)


def _check_times(span: Span, now_ns: int) -> Refusal | None:
    for field in ("start_ns", "end_ns"):
        value = getattr(span, field)
        if value is not None and value > now_ns + MAX_CLOCK_AHEAD_NS:
            return Refusal(field, "more than 24 hours in the future: nanoseconds since 1970 are expected")
    if span.start_ns is not None and span.start_ns < OLDEST_START_NS:
        span.notices.append("start_ns is before the year 2000: nanoseconds since 1970 are expected")
    if span.end_ns is not None and span.start_ns is not None and span.end_ns < span.start_ns:
        span.notices.append("end_ns is before start_ns: the duration is shown as 0")
    return None


def _check_numbers(span: Span) -> Refusal | None:
    if span.cost_usd is not None and not 0 <= span.cost_usd <= MAX_COST_USD:
        return Refusal("cost_usd", f"{span.cost_usd:g}: from 0 to {MAX_COST_USD:g} dollars a span")
    if span.usage is not None:
        for field in USAGE_FIELDS:
            count = getattr(span.usage, field)
            if count is not None and not 0 <= count <= MAX_TOKENS:
                return Refusal(f"usage.{field}", f"{count}: from 0 to {MAX_TOKENS} tokens a span")
    return None


def _limit_texts(span: Span) -> None:
    if not span.is_partial:
        span.name = _limited(span, "name", span.name, MAX_NAME_CHARACTERS) or "(unnamed)"
    if span.display_name is not None:
        span.display_name = _limited(span, "display_name", span.display_name, MAX_NAME_CHARACTERS)
    for field in ("session_id", "user_id", "environment", "release", "model", "provider", "agent_name"):
        value = getattr(span, field)
        if value is not None:
            setattr(span, field, _limited(span, field, value, MAX_ID_CHARACTERS) or None)


def _limited(span: Span, field: str, text: str, limit: int) -> str:
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
        span.notices.append(f"{field} held NUL characters: replaced")
    if len(text) > limit:
        span.notices.append(f"{field} had {len(text)} characters: cut at {limit}")
        text = text[:limit]
    return text


def _limit_tags(span: Span) -> None:
    if not span.tags:
        return
    tags = list(dict.fromkeys(tag[:MAX_TAG_CHARACTERS] for tag in span.tags if tag))
    if any(len(tag) > MAX_TAG_CHARACTERS for tag in span.tags):
        span.notices.append(f"tags of more than {MAX_TAG_CHARACTERS} characters are cut")
    if len(tags) > MAX_TAGS:
        span.notices.append(f"{len(tags)} tags: the first {MAX_TAGS} are kept")
    span.tags = tags[:MAX_TAGS]


def _price(span: Span, now_ns: int, own_prices: OwnPrices) -> None:
    if span.cost_usd is not None:
        span.cost_source = span.cost_source or "reported"  # of a span that is imported it is told
        return
    if span.usage == Usage():
        span.usage = None
    if span.usage is None or span.kind not in COUNTING_KINDS:
        return
    requested = (span.parameters or {}).get("model")
    cost = price(
        span.usage,
        model=span.model,
        provider=span.provider,
        requested_model=requested if isinstance(requested, str) else None,
        at_ns=span.start_ns or now_ns,
        own=own_prices(),
    )
    if cost is not None:
        span.cost_usd, span.cost_source, span.cost_detail = cost.usd, "computed", cost.detail
