"""The wire shapes of the original LLM Tracer: a promise to clients out there, so do not improve them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from ninja import Schema
from pydantic import BaseModel, Field
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from traces_app.domain.span import Kind

MAX_TAGS: Final = 50
MAX_NAME_CHARACTERS: Final = 255
MAX_PAGE_TRACES: Final = 1_000
MAX_TOKENS: Final = 2**53
"""What every JSON reader takes for a whole number."""

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS)]
Tokens = Annotated[int, Field(ge=0, le=MAX_TOKENS)]
Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class TraceIn(BaseModel):
    name: Name
    project_id: str | None = None
    """Must be the key's own project when it is sent."""
    metadata: dict[str, Any] | None = None
    tags: Annotated[list[str], Field(max_length=MAX_TAGS)] | None = None
    user_id: str | None = None
    session_id: str | None = None


class SpanIn(BaseModel):
    name: Name
    span_type: Kind = "other"
    parent_span_id: str | None = None
    input_data: Any = None
    output_data: Any = None
    metadata: dict[str, Any] | None = None
    model: str | None = None
    tokens_input: Tokens | None = None
    tokens_output: Tokens | None = None
    cost_usd: Cost | None = None
    error: str | None = None


class SpanCompletion(BaseModel):
    output_data: Any = None
    error: str | None = None
    tokens_input: Tokens | None = None
    tokens_output: Tokens | None = None
    cost_usd: Cost | None = None


class TraceCompletion(BaseModel):
    output: Any = None


class TraceQuery(Schema):
    limit: int = Field(50, ge=1, le=MAX_PAGE_TRACES)
    cursor: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    tags: str | None = Field(None, description="Separated by commas; a trace must have them all.")


class TraceMark(TypedDict):
    trace_id: str
    status: Literal["created", "completed"]


class SpanMark(TypedDict):
    span_id: str
    status: Literal["created", "completed"]


class TraceOut(TypedDict):
    """``status`` is running, completed or failed. Tokens and cost are 0 where nothing is known, as ever."""

    trace_id: str
    project_id: str
    name: str
    status: str
    start_time: str | None
    end_time: str | None
    duration_ms: float | None
    created_at: str | None
    updated_at: str | None
    metadata: dict[str, Any]
    tags: list[str]
    user_id: str | None
    session_id: str | None
    total_tokens: int
    total_cost: float
    span_count: int


class SpanOut(TypedDict):
    span_id: str
    trace_id: str
    parent_span_id: str | None
    name: str
    span_type: str
    status: str
    start_time: str | None
    end_time: str | None
    duration_ms: float | None
    input_data: Any
    output_data: Any
    model: str | None
    tokens_input: int | None
    tokens_output: int | None
    cost_usd: float | None
    error: str | None
    metadata: dict[str, Any]


class TracePageOut(TypedDict):
    traces: list[TraceOut]
    next_cursor: str | None
    has_more: bool
    count: int


class WholeTraceOut(TypedDict):
    trace: TraceOut
    spans: list[SpanOut]
    span_count: int


class StatsOut(TypedDict):
    total_traces: int
    total_spans: int
    total_tokens: int
    total_cost: float
