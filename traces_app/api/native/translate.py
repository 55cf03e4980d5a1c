"""From the native batch to spans, and from ingest's receipt to the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from pydantic_core import ValidationError

from traces_app.api.body import JsonBody
from traces_app.api.native.schemas import (
    MAX_SPANS_PER_BATCH,
    SPAN_FIELD_NAMES,
    batch_validator,
    span_validator,
)
from traces_app.api.problems import ProblemError
from traces_app.api.validation import field_path
from traces_app.domain.cuts import cut_notice
from traces_app.domain.ids import SPAN_ID_DIGITS, TRACE_ID_DIGITS
from traces_app.domain.limits import MAX_SHARED_BYTES, MAX_VALUE_DEPTH
from traces_app.domain.span import SPAN_FIELDS, Span, Usage
from traces_app.ingest import Receipt, Rejection

__all__ = ["Batch", "answer_of", "batch_of"]

MAX_REASON_CHARACTERS: Final = 300

_SAME_NAME: Final = SPAN_FIELD_NAMES.intersection(SPAN_FIELDS) - {"usage", "attributes"}
_ID_RULES: Final = {
    "trace_id": f"must be {TRACE_ID_DIGITS} hex digits, not all of them 0",
    "span_id": f"must be {SPAN_ID_DIGITS} hex digits, not all of them 0",
    "parent_span_id": f"must be {SPAN_ID_DIGITS} hex digits, not all of them 0, or null",
}

_SENT_AS: Final = {"start_ns": "start_time_unix_nano", "end_ns": "end_time_unix_nano"}
_KEPT_AS: Final = {sent: kept for kept, sent in _SENT_AS.items()}


@dataclass(slots=True)
class Batch:
    """The good spans of a batch with their places in it, and why the others are not among them."""

    spans: list[Span] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    """What the sender lost and what is refused here, by reason."""

    def reject(self, rejection: Rejection) -> None:
        self.rejected.append(rejection)
        reason = f"refused: {_KEPT_AS.get(rejection.field, rejection.field)}"
        self.counters[reason] = self.counters.get(reason, 0) + 1


def batch_of(body: JsonBody) -> Batch:
    """Validate each span on its own.

    Raises pydantic_core's ValidationError for an envelope of the wrong shape, a 413 problem for too many
    spans, or for a resource too large for their number.
    """
    envelope = batch_validator.validate_python(body.value)
    spans, resource = envelope["spans"], envelope.get("resource") or {}
    if len(spans) > MAX_SPANS_PER_BATCH:
        raise _too_many(len(spans))
    _check_resource(resource, len(spans))
    stamp = _Stamp(resource, body.notices)
    batch = Batch(counters=envelope.get("counters") or {})
    for index, raw in enumerate(spans):
        try:
            fields = span_validator.validate_python(raw)
        except ValidationError as error:
            batch.reject(_rejection(index, raw, error))
        else:
            batch.spans.append(stamp.span_of(fields))
            batch.indexes.append(index)
    return batch


def _check_resource(resource: dict[str, Any], span_count: int) -> None:
    try:
        resource_bytes = len(orjson.dumps(resource))
    except TypeError:
        detail = f"resource: nested deeper than {MAX_VALUE_DEPTH} levels"
        raise ProblemError(422, "Invalid value", detail, field="resource") from None
    if resource_bytes * span_count > MAX_SHARED_BYTES:
        raise _too_large_resource()


def answer_of(batch: Batch, receipt: Receipt) -> dict[str, Any]:
    """The receipt in the sender's own count: ingest numbered only the spans it was given."""
    refused = [
        Rejection(
            batch.indexes[found.index], found.span_id, _SENT_AS.get(found.field, found.field), found.reason
        )
        for found in receipt.rejected
    ]
    rejected = sorted(batch.rejected + refused, key=lambda rejection: rejection.index)
    return {"accepted": receipt.accepted, "rejected": rejected} | _budget(receipt)


def _budget(receipt: Receipt) -> dict[str, Any]:
    """Only while plain traces are thinned: the sender may then spare what would not be kept."""
    if receipt.thinning is None:
        return {}
    told = {"keep_rate": receipt.thinning.keep_rate, "keep_slower_than_ms": receipt.thinning.slow_ms}
    return {"budget": told}


class _Stamp:
    """What the whole batch says about each of its spans."""

    def __init__(self, resource: dict[str, Any], notices: list[str]) -> None:
        self._environment: str | None = resource.pop("environment", None)
        self._release: str | None = resource.pop("release", None)
        self._resource = {name: value for name, value in resource.items() if value is not None}
        self._notices = notices

    def span_of(self, fields: dict[str, Any]) -> Span:
        span = _span_of(fields)
        span.environment = span.environment or self._environment
        span.release = span.release or self._release
        if self._resource:
            span.attributes.setdefault("resource", self._resource)
        if self._notices:
            span.notices.extend(self._notices)
        return span


def _span_of(fields: dict[str, Any]) -> Span:
    start_ns = fields.pop("start_time_unix_nano", None)
    end_ns = fields.pop("end_time_unix_nano", None)
    usage = fields.pop("usage", None)
    attributes = fields.pop("attributes", None) or {}
    cuts = fields.pop("cuts", None) or {}
    if not fields.keys() <= _SAME_NAME:
        for unknown in fields.keys() - _SAME_NAME:
            attributes.setdefault(unknown, fields.pop(unknown))
    if "otel" in attributes:  # marks what came by OpenTelemetry
        attributes["otel (attribute)"] = attributes.pop("otel")
    return Span(
        start_ns=start_ns,
        end_ns=end_ns,
        usage=Usage(**usage) if usage else None,
        attributes=attributes,
        notices=[cut_notice(what, count) for what, count in cuts.items()],
        **{name: value for name, value in fields.items() if value is not None},
    )


def _rejection(index: int, raw: Any, error: ValidationError) -> Rejection:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    span_id = raw.get("span_id") if isinstance(raw, dict) else None
    place = field_path(first["loc"])
    rule = _ID_RULES.get(place) if first["type"].startswith("string") else None
    return Rejection(
        index,
        span_id[:64] if isinstance(span_id, str) else None,
        place[:MAX_REASON_CHARACTERS] or "span",
        rule or first["msg"][:MAX_REASON_CHARACTERS],
    )


def _too_many(count: int) -> ProblemError:
    return ProblemError(
        413,
        "Too many spans",
        f"The batch holds {count} spans. Send fewer at a time.",
        field="spans",
        limit=f"{MAX_SPANS_PER_BATCH} spans a batch",
    )


def _too_large_resource() -> ProblemError:
    return ProblemError(
        413,
        "Resource too large",
        "The resource is kept with each span. Send fewer spans at a time, or a smaller resource.",
        field="resource",
        limit=f"{MAX_SHARED_BYTES // 2**20} MiB for the resource, times the spans of the batch",
    )
