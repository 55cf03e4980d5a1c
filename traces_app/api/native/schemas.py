"""The native batch: what our client sends, and what it is told."""

from __future__ import annotations

from typing import Annotated, Any, Final, Required

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from traces_app.domain.ids import HEX_NOT_ALL_ZERO, SPAN_ID_DIGITS, TRACE_ID_DIGITS
from traces_app.domain.span import Kind, Status

MAX_SPANS_PER_BATCH: Final = 10_000
"""A client that sends more at once has lost count; the answer to so many would be late."""

MAX_NAME_CHARACTERS: Final = 1_000
MAX_LABEL_CHARACTERS: Final = 1_000
"""Of models, users, sessions, releases and the like: names, not texts."""

MAX_LIST_ITEMS: Final = 1_000
MAX_COUNT: Final = 2**53
"""Of tokens and losses: what every JSON reader takes for a whole number."""

MAX_TIME_UNIX_NANO: Final = 2**63 - 1
"""The year 2262."""


Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_CHARACTERS)]
Label = Annotated[str, StringConstraints(max_length=MAX_LABEL_CHARACTERS)]
TraceId = Annotated[
    str,
    StringConstraints(
        pattern=HEX_NOT_ALL_ZERO, min_length=TRACE_ID_DIGITS, max_length=TRACE_ID_DIGITS, to_lower=True
    ),
]
SpanId = Annotated[
    str,
    StringConstraints(
        pattern=HEX_NOT_ALL_ZERO, min_length=SPAN_ID_DIGITS, max_length=SPAN_ID_DIGITS, to_lower=True
    ),
]
TimeUnixNano = Annotated[int, Field(ge=0, le=MAX_TIME_UNIX_NANO)]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
JsonObject = dict[str, Any]


class CauseIn(TypedDict, total=False):
    type: str | None
    message: str | None


class ErrorIn(TypedDict, total=False):
    type: str | None
    message: str | None
    stacktrace: str | None
    causes: list[CauseIn]


class UsageIn(TypedDict, total=False):
    """Input and output are inclusive: the others are parts of them."""

    input_tokens: Count | None
    output_tokens: Count | None
    cache_read_tokens: Count | None
    cache_write_tokens: Count | None
    reasoning_tokens: Count | None
    input_audio_tokens: Count | None
    output_audio_tokens: Count | None


class ToolIn(TypedDict, total=False):
    name: str | None
    call_id: str | None
    definitions: list[Any] | None


class PromptIn(TypedDict, total=False):
    name: str | None
    version: str | int | None
    template: Any
    variables: Any


class SpanIn(TypedDict, total=False):
    """One span; its ids and its name are required. Fields not named here are kept as attributes."""

    __pydantic_config__ = ConfigDict(strict=True, extra="allow")  # type: ignore[misc]

    trace_id: Required[TraceId]
    span_id: Required[SpanId]
    name: Required[Name]
    kind: Kind | None
    parent_span_id: SpanId | None
    start_time_unix_nano: TimeUnixNano | None
    end_time_unix_nano: TimeUnixNano | None
    status: Status | None
    error: ErrorIn | None
    input: Any
    output: Any
    model: Label | None
    provider: Label | None
    parameters: JsonObject | None
    usage: UsageIn | None
    cost_usd: Amount | None
    time_to_first_token_ms: Amount | None
    tool: ToolIn | None
    documents: list[Any] | None
    prompt: PromptIn | None
    session_id: Label | None
    user_id: Label | None
    tags: Annotated[list[Label], Field(max_length=MAX_LIST_ITEMS)] | None
    metadata: JsonObject | None
    environment: Label | None
    release: Label | None
    scores: Annotated[list[JsonObject], Field(max_length=MAX_LIST_ITEMS)] | None
    attributes: JsonObject | None
    dropped: dict[str, Count] | None
    cuts: dict[str, Count] | None


class ResourceIn(TypedDict, total=False):
    """What is true of the whole sending process; more fields may stand beside these."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    environment: Label | None
    release: Label | None
    service_name: Label | None


class BatchIn(BaseModel):
    """A batch. Its spans are validated one by one, so that a bad one hurts no other."""

    model_config = ConfigDict(strict=True)

    spans: list[Any]
    resource: ResourceIn | None = None
    counters: dict[str, Count] | None = None
    """Spans the sender lost since the last acknowledged batch, by reason."""
    client: dict[str, Any] | None = None
