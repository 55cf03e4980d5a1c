"""What the read API is asked and answers. Times are UTC; a null is unknown, never 0."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from ninja import Schema
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from traces_app.domain.span import Status
from traces_app.queries import TraceFilter

MAX_PAGE_TRACES: Final = 1_000
MAX_FILTER_CHARACTERS: Final = 1_000

_EPOCH_MS: Final = re.compile(r"\d{1,13}")


def _time_ns(value: Any) -> Any:
    """ISO 8601 (UTC unless it says otherwise), or milliseconds since 1970, in nanoseconds."""
    if not isinstance(value, str):
        return value
    if _EPOCH_MS.fullmatch(value):
        return int(value) * 1_000_000
    try:
        time = datetime.fromisoformat(value.replace(" ", "+"))  # a + of the zone, unescaped in an address
    except ValueError:
        raise PydanticCustomError(
            "time", "must be ISO 8601, as 2026-11-23T12:00:00Z, or milliseconds since 1970"
        ) from None
    in_utc = time.replace(tzinfo=time.tzinfo or UTC)
    return int(in_utc.timestamp()) * 1_000_000_000 + in_utc.microsecond * 1_000


Time = Annotated[int, BeforeValidator(_time_ns), Field(json_schema_extra={"type": "string"})]
Text = Annotated[str, Field(max_length=MAX_FILTER_CHARACTERS)]


# -- questions -------------------------------------------------------------------------------------
class RangeQuery(Schema):
    since: Time | None = Field(None, description="Start at or after: ISO 8601 or epoch milliseconds.")
    until: Time | None = Field(None, description="Start before: ISO 8601 or epoch milliseconds.")


class TraceQuery(RangeQuery):
    limit: int = Field(50, ge=1, le=MAX_PAGE_TRACES)
    cursor: Text | None = Field(None, description="next_cursor of the page before.")
    status: Status | None = None
    name: Text | None = Field(None, description="Any part of the name, in any case.")
    tags: Text | None = Field(None, description="Separated by commas; a trace must have them all.")
    user_id: Text | None = None
    session_id: Text | None = None
    environment: Text | None = None

    def filters(self) -> TraceFilter:
        return TraceFilter(
            status=self.status,
            name=self.name,
            tags=tuple(tag.strip() for tag in (self.tags or "").split(",") if tag.strip()),
            user_id=self.user_id,
            session_id=self.session_id,
            environment=self.environment,
            since_ns=self.since,
            until_ns=self.until,
        )


# -- answers ---------------------------------------------------------------------------------------
class UsageOut(TypedDict):
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    input_audio_tokens: int | None
    output_audio_tokens: int | None


class TraceOut(TypedDict):
    trace_id: str
    project: str
    name: str | None
    status: str
    start_time: str | None
    start_time_unix_nano: int | None
    end_time: str | None
    end_time_unix_nano: int | None
    duration_ms: float | None
    span_count: int
    error_count: int
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cache_read_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    unpriced_count: int
    models: list[str]
    user_id: str | None
    session_id: str | None
    tags: list[str]
    environment: str | None
    release: str | None
    metadata: dict[str, Any]
    root_span_id: str | None
    root_kind: str | None
    input_preview: str | None
    output_preview: str | None
    dropped: dict[str, int]
    raw_bytes: int | None
    stored_bytes: int
    expires_at: str | None
    """Null: it is kept for ever."""
    pinned: bool
    kept_by: str
    """The rule it is kept by, as ``errors: 180 days``; or ``pinned``."""
    thinned: float | None
    """The share of plain traces that was kept whole when this one was not; null: its content is kept."""


class PinOut(TypedDict):
    trace_id: str
    pinned: bool
    expires_at: str | None


class SpanHeadOut(TypedDict):
    """What a list of spans shows. ``error.message`` may be cut here; the whole span has it whole."""

    span_id: str
    trace_id: str
    parent_span_id: str | None
    name: str
    display_name: str | None
    """What to show where the name is a template; null where the name says it."""
    kind: str
    status: str
    start_time: str | None
    start_time_unix_nano: int | None
    end_time: str | None
    end_time_unix_nano: int | None
    duration_ms: float | None
    error: dict[str, Any] | None
    model: str | None
    provider: str | None
    usage: UsageOut | None
    cost_usd: float | None
    cost_source: str | None
    time_to_first_token_ms: float | None
    tool: dict[str, Any] | None
    user_id: str | None
    session_id: str | None


class PlaceOut(TypedDict):
    """Where a span stands in its tree."""

    depth: int
    child_count: int
    is_orphan: bool
    offset_ms: float | None
    self_ms: float | None
    descendant_error_count: int
    is_rollup: bool
    subtree_total_tokens: int | None
    subtree_cost_usd: float | None


class PayloadOut(TypedDict):
    input: Any
    output: Any
    parameters: dict[str, Any] | None
    documents: list[Any] | None
    prompt: dict[str, Any] | None
    cost_detail: dict[str, Any] | None
    tags: list[str]
    metadata: dict[str, Any]
    environment: str | None
    release: str | None
    scores: list[dict[str, Any]]
    attributes: dict[str, Any]
    events: list[dict[str, Any]]
    agent_name: str | None
    notices: list[str]
    dropped: dict[str, int]


class SpanOut(SpanHeadOut, PayloadOut):
    """A whole span."""


class RowOut(SpanHeadOut, PlaceOut):
    """A span in its tree."""


class WholeRowOut(SpanHeadOut, PlaceOut, PayloadOut):
    """A whole span in its tree."""


class TracePageOut(TypedDict):
    traces: list[TraceOut]
    next_cursor: str | None
    searched: int


class TraceRowsOut(TypedDict):
    """``spans`` in reading order; with ``payload=true`` each one whole."""

    trace: TraceOut
    spans: list[WholeRowOut] | list[RowOut]


class SpanBytesOut(TypedDict):
    span_id: str
    name: str
    raw_bytes: int


class ReceiptOut(TypedDict):
    """``kept_bytes`` are of all items, keys and lists included. Dollars are those of AWS, also where the
    store is a local file; null where the region's prices, or what the batches took, are not known.
    """

    trace_id: str
    raw_bytes: int
    stored_bytes: int
    kept_bytes: int | None
    batches: int
    write_units: int | None
    work_ms: float | None
    writing_usd: float | None
    lambda_usd: float | None
    keeping_usd_a_month: float | None
    expires_at: str | None
    biggest: list[SpanBytesOut]


class StatsOut(TypedDict):
    """``losses``: what senders said they lost, and what was refused here, by reason."""

    total_traces: int
    total_spans: int
    total_errors: int
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cost_usd: float | None
    unpriced_count: int
    losses: dict[str, int]


class ProjectOut(TypedDict):
    id: str
    scope: str


class ProjectsOut(TypedDict):
    projects: list[ProjectOut]
