"""What an hour of traces adds up to, by name, model, tag and so on; hours add up to days.

Durations are kept as counts in buckets that grow by a twentieth each: any percentile of any sum of hours is
then right to 2.5 %, in a few dozen numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, NamedTuple

import orjson

from traces_app.domain.compression import compress, decompress
from traces_app.domain.durations import HOUR_NS, HOUR_S
from traces_app.domain.metering import Metered
from traces_app.domain.summary import TraceSummary
from traces_app.domain.totals import NANO_USD, Entry, total

MEASURES_VERSION: Final = 1
GROWTH: Final = 1.05
SMALLEST_MS: Final = 0.1
_LOG_GROWTH: Final = math.log(GROWTH)

Section = Literal["main", "users", "sessions", "bill"]
SECTIONS: Final[dict[Section, tuple[str, ...]]] = {
    "main": ("all", "name", "model", "tag", "env"),
    "users": ("user",),
    "sessions": ("session",),
    "bill": ("all", "written", "added up"),
}
"""What is kept together: a page reads one of them."""

MAX_VALUES: Final = {"user": 1000, "session": 2000, "all": 100_000, "written": 100_000}
MAX_VALUES_OF_OTHERS: Final = 100
"""Different values an hour keeps apart; what is rarer is added up as ``OTHERS``."""

OTHERS: Final = "\N{HORIZONTAL ELLIPSIS}"
EVERYTHING: Final = "all"

Histogram = dict[int, int]
"""How many durations fell into each bucket."""


@dataclass(slots=True)
class Measures:
    """Sums over traces, or over calls of a model. Unknown tokens and costs are ``None``, never 0."""

    count: int = 0
    spans: int = 0
    errors: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_nano_usd: int | None = None
    unpriced: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    latency: Histogram = field(default_factory=dict)
    first_token: Histogram = field(default_factory=dict)
    words: str | None = None
    """Of a session: what its last trace was asked."""
    owner: str | None = None
    """Of a session: its user."""
    write_units: int = 0
    read_halves: int = 0
    requests: int = 0
    work_us: int = 0
    kept_bytes: int = 0
    """What batches noted: of the bill alone."""
    thinned: int = 0
    """Traces without their contents: of the bill alone."""

    @property
    def cost_usd(self) -> float | None:
        return None if self.cost_nano_usd is None else self.cost_nano_usd / NANO_USD

    def add(self, other: Measures) -> None:
        if (other.last_ms or 0) >= (self.last_ms or 0):
            self.words, self.owner = other.words or self.words, other.owner or self.owner
        for name in _SUMS:
            setattr(self, name, _plus(getattr(self, name), getattr(other, name)))
        self.first_ms = min(_known(self.first_ms, other.first_ms), default=None)
        self.last_ms = max(_known(self.last_ms, other.last_ms), default=None)
        for bucket, count in other.latency.items():
            self.latency[bucket] = self.latency.get(bucket, 0) + count
        for bucket, count in other.first_token.items():
            self.first_token[bucket] = self.first_token.get(bucket, 0) + count


_CONSUMED: Final = ("write_units", "read_halves", "requests", "work_us", "kept_bytes")
_SUMS: Final = (
    *("count", "spans", "errors", "input_tokens", "output_tokens", "cost_nano_usd", "unpriced"),
    *_CONSUMED,
    "thinned",
)

Rollup = dict[str, dict[str, Measures]]
"""Measures by dimension and value."""


def measure(rollup: Rollup, section: Section, trace: TraceSummary, calls: Sequence[Entry]) -> None:
    """Add one trace to a rollup. ``calls`` are its entries, for what is counted by model."""
    whole = _of_trace(trace)
    if section == "sessions":
        whole.words, whole.owner = trace.input_preview, trace.user_id
    for dimension, values in _values_of(section, trace).items():
        for value in values:
            _at(rollup, dimension, value).add(whole)
    if section == "main":
        for model, of_model in _by_model(trace, calls):
            _at(rollup, "model", model).add(of_model)


class Writing(NamedTuple):
    """When a batch of a trace was written and is expired, in hours since 1970, and what it noted."""

    hour: int
    expires_hour: int | None
    metered: Metered | None


def measure_writings(rollup: Rollup, trace: TraceSummary, writings: Iterable[Writing]) -> None:
    """Add one trace to a rollup of the section ``bill``: in it calls count as unpriced that are in ``all``,
    and batches that noted nothing in ``written``.

    Values end with the hour in which what they stand for expires: it is never added up again after that.
    """
    spent = Measures(count=1, spans=trace.span_count, unpriced=trace.unpriced_count)
    spent.thinned = int(trace.thinned is not None)
    spent.cost_nano_usd = None if trace.cost_usd is None else round(trace.cost_usd * NANO_USD)
    _at(rollup, EVERYTHING, _ending("", _hour_after(trace.expires_at))).add(spent)
    for hour, expires_hour, metered in writings:
        known = metered or Metered()
        batch = Measures(1, unpriced=int(metered is None), kept_bytes=known.kept_bytes)
        for name, value in known.all_together._asdict().items():
            setattr(batch, name, value)
        _at(rollup, "written", _ending(str(hour), expires_hour)).add(batch)


def note_adding_up(rollup: Rollup, now_ns: int, before: Rollup) -> None:
    """Of the section ``bill``: when its hour was added up first, and what has expired of it ``before``."""
    add_rollup(rollup, {"added up": before.get("added up") or {str(now_ns // HOUR_NS): Measures()}})
    for dimension in (EVERYTHING, "written"):
        for value, measures in before.get(dimension, {}).items():
            expires_hour = ending_of(value)
            if expires_hour is not None and expires_hour <= now_ns // HOUR_NS:
                _at(rollup, dimension, value).add(measures)


def added_up_hour(rollup: Rollup) -> int | None:
    return min(map(int, rollup.get("added up", {})), default=None)


def ending_of(value: str) -> int | None:
    """The hour at whose begin what is added up under ``value`` expires; ``None``: never."""
    _, _, expires_hour = value.rpartition("-")
    return int(expires_hour) if expires_hour.isdecimal() else None


def _ending(value: str, expires_hour: int | None) -> str:
    return f"{value}-{'' if expires_hour is None else expires_hour}"


def _hour_after(expires_at: int | None) -> int | None:
    return None if expires_at is None else -(-expires_at // HOUR_S)


def add_rollup(total_of: Rollup, more: Rollup) -> None:
    for dimension, values in more.items():
        for value, measures in values.items():
            _at(total_of, dimension, value).add(measures)


def percentile_ms(histogram: Histogram, share: float) -> float | None:
    """The duration that ``share`` of all do not exceed."""
    count = sum(histogram.values())
    rank, seen = math.ceil(share * count), 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= rank:
            return 0.0 if bucket < 0 else SMALLEST_MS * GROWTH ** (bucket + 0.5)
    return None


def bucket_of(duration_ms: float) -> int:
    return -1 if duration_ms < SMALLEST_MS else int(math.log(duration_ms / SMALLEST_MS) / _LOG_GROWTH)


def pack_rollup(rollup: Rollup) -> bytes:
    """A byte for the version, then compressed JSON with as many values as an hour keeps apart."""
    kept = {
        dimension: {value: _row(one) for value, one in _limited(dimension, values).items()}
        for dimension, values in rollup.items()
    }
    return bytes((MEASURES_VERSION,)) + compress(orjson.dumps(kept))


def unpack_rollup(blob: bytes) -> Rollup:
    """Raises ValueError for a newer version."""
    if blob[0] > MEASURES_VERSION:
        raise ValueError(f"Rollup of version {blob[0]}: written by a newer version of LLM Tracer")
    found = orjson.loads(decompress(blob[1:]))
    return {
        dimension: {value: _measures(row) for value, row in values.items()}
        for dimension, values in found.items()
    }


def _of_trace(trace: TraceSummary) -> Measures:
    start_ms = None if trace.start_ns is None else trace.start_ns // 1_000_000
    return Measures(
        count=1,
        spans=trace.span_count,
        errors=int(trace.has_failed_span),
        input_tokens=trace.input_tokens,
        output_tokens=trace.output_tokens,
        cost_nano_usd=None if trace.cost_usd is None else round(trace.cost_usd * NANO_USD),
        unpriced=trace.unpriced_count,
        first_ms=start_ms,
        last_ms=start_ms,
        latency=_histogram(trace.duration_ms),
        first_token=_histogram(trace.first_token_ms),
    )


def _values_of(section: Section, trace: TraceSummary) -> dict[str, Iterable[str]]:
    if section == "users":
        return {"user": _known(trace.user_id)}
    if section == "sessions":
        return {"session": _known(trace.session_id)}
    return {
        EVERYTHING: (EVERYTHING,),
        "name": _known(trace.name),
        "tag": trace.tags,
        "env": _known(trace.environment),
    }


def _by_model(trace: TraceSummary, calls: Sequence[Entry]) -> Iterable[tuple[str, Measures]]:
    """One a call that has a model."""
    at_ms = None if trace.start_ns is None else trace.start_ns // 1_000_000
    for call in calls:
        if call.model is None or not call.counts_usage:
            continue
        totals = total([call])
        yield (
            call.model,
            Measures(
                count=1,
                spans=1,
                errors=int(call.is_error),
                input_tokens=totals.input_tokens,
                output_tokens=totals.output_tokens,
                cost_nano_usd=totals.cost_nano_usd,
                unpriced=totals.unpriced_count,
                first_ms=at_ms,
                last_ms=at_ms,
                latency=_histogram(call.duration_ms),
                first_token=_histogram(call.first_token_ms),
            ),
        )


def _at(rollup: Rollup, dimension: str, value: str) -> Measures:
    return rollup.setdefault(dimension, {}).setdefault(value, Measures())


def _histogram(duration_ms: float | None) -> Histogram:
    return {} if duration_ms is None else {bucket_of(duration_ms): 1}


def _limited(dimension: str, values: dict[str, Measures]) -> dict[str, Measures]:
    limit = MAX_VALUES.get(dimension, MAX_VALUES_OF_OTHERS)
    if len(values) <= limit:
        return values
    ordered = sorted(values.items(), key=lambda item: (item[0] != OTHERS, item[1].count), reverse=True)
    kept, rest = dict(ordered[:limit]), Measures()
    for _, measures in ordered[limit:]:
        rest.add(measures)
    return {**kept, OTHERS: rest}


def _row(measures: Measures) -> dict[str, Any]:
    """What is not as it is by default, under the place of its field."""
    row: dict[str, Any] = {}
    for place, one in enumerate(fields(Measures)):
        value = getattr(measures, one.name)
        if isinstance(value, dict):
            value = [number for pair in sorted(value.items()) for number in pair]
        if value not in (None, [], "") and not (value == 0 and one.default == 0):
            row[str(place)] = value
    return row


def _measures(row: dict[str, Any]) -> Measures:
    measures = Measures()
    for place, one in enumerate(fields(Measures)):
        value = row.get(str(place))
        if value is not None:
            if isinstance(value, list):
                value = dict(zip(value[::2], value[1::2], strict=True))
            setattr(measures, one.name, value)
    return measures


def _plus(first: int | None, second: int | None) -> int | None:
    if first is None:
        return second
    return first if second is None else first + second


def _known(*values: Any) -> list[Any]:
    return [value for value in values if value is not None]
