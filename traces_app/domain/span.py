"""The one canonical span; every dialect ends in it and everything else starts from it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

Kind = Literal[
    "llm",
    "tool",
    "agent",
    "chain",
    "retrieval",
    "embedding",
    "function",
    "reranker",
    "guardrail",
    "evaluator",
    "other",
]
Status = Literal["ok", "error", "cancelled", "pending"]

KINDS: Final[tuple[str, ...]] = Kind.__args__  # type: ignore[attr-defined]
STATUSES: Final[tuple[str, ...]] = Status.__args__  # type: ignore[attr-defined]
COUNTING_KINDS: Final = frozenset({"llm", "embedding", "reranker"})
"""Kinds whose usage counts towards a trace; a wrapper's own numbers only repeat them."""


@dataclass(slots=True)
class Usage:
    """Tokens of one call. ``None`` is unknown, never 0.

    Input and output are inclusive: cache reads, cache writes and input audio are parts of
    ``input_tokens``; reasoning and output audio are parts of ``output_tokens``.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None


@dataclass(slots=True)
class Span:
    """One operation of a trace.

    Ids are lower-case hex (trace 32, span 16). Times are UTC nanoseconds of the client's clock;
    ``end_ns`` is ``None`` while the span runs. JSON-valued fields hold plain JSON values.
    """

    trace_id: str
    span_id: str
    name: str
    kind: Kind = "other"
    parent_span_id: str | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    status: Status = "ok"
    display_name: str | None = None
    """What to show where ``name`` is a template or the name of an operation."""
    agent_name: str | None = None
    parent_is_remote: bool = False
    """The parent ran in another process, and may never come: a root in practice."""
    error: dict[str, Any] | None = None
    """``{type, message, stacktrace, http_status, causes: [{type, message}]}``, each may be absent."""
    input: Any = None
    output: Any = None
    model: str | None = None
    provider: str | None = None
    parameters: dict[str, Any] | None = None
    usage: Usage | None = None
    cost_usd: float | None = None
    cost_source: Literal["reported", "computed"] | None = None
    cost_detail: dict[str, Any] | None = None
    """Of a computed cost: ``{prices_of, usd_per_million: {label: usd}}``; see pricing.worked_sum."""
    time_to_first_token_ms: float | None = None
    tool: dict[str, Any] | None = None
    """``{name, call_id, definitions: [...]}``, each may be absent."""
    documents: list[Any] | None = None
    prompt: dict[str, Any] | None = None
    """``{name, version, template, variables}``, each may be absent."""
    session_id: str | None = None
    user_id: str | None = None
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    environment: str | None = None
    release: str | None = None
    scores: list[dict[str, Any]] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    """Everything that came with the span and has no field of its own, as it came. Of OpenTelemetry's spans
    all attributes, also those that fields were read from, and under ``otel`` what is no attribute:
    ``{resource, scope, links, kind, flags, status_message, mapper: version of the mapping}``."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """What happened within: ``{name, time_ns, attributes, body}``; all but the name may be absent."""
    notices: list[str] = field(default_factory=list)
    """What was repaired or cut on the way in, one sentence each."""
    dropped: dict[str, int] = field(default_factory=dict)
    """What the sender said it lost, by reason."""

    @property
    def duration_ns(self) -> int | None:
        """Nanoseconds from start to end; ``None`` while running or when either is unknown."""
        if self.start_ns is None or self.end_ns is None:
            return None
        return max(0, self.end_ns - self.start_ns)

    @property
    def is_partial(self) -> bool:
        """A record of some events only, without a name: it adds to a span whose own record comes apart."""
        return self.status == "pending" and not self.name

    @property
    def is_pending(self) -> bool:
        return self.status == "pending"


SPAN_FIELDS: Final = tuple(f.name for f in fields(Span))
USAGE_FIELDS: Final = tuple(f.name for f in fields(Usage))
