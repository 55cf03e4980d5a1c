"""From OTLP records to spans, and from ingest's receipt to OTLP's answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from traces_app.api.otlp.records import BadRecord, Record
from traces_app.domain.conventions import SIGNS, otel_genai, pydantic_ai
from traces_app.domain.ids import is_span_id, is_trace_id
from traces_app.domain.limits import MAX_SPAN_BYTES
from traces_app.domain.problems import NOTE_PREFIX
from traces_app.domain.span import Span
from traces_app.ingest import Receipt

__all__ = ["Export", "export_of_logs", "export_of_spans"]

MAX_TOLD_REASONS: Final = 5
"""In the answer. Exporters show none of them; the page of problems counts them all."""

MAX_EVENTS: Final = 10_000
"""Of one span, its own or logs: a stream's chunks are each an event."""

SPACE_AROUND_EVENTS: Final = 4096
"""Bytes of a partial span besides its events and its resource: ids, times and names of fields."""

_MODEL_WORD: Final = re.compile(r"(?:^|[._])(?:llm|prompt|completion|prompt_tokens|input_tokens)(?:[._]|$)")
_REMOTE_KNOWN, _REMOTE = 0x100, 0x200
_STATUS_ERROR: Final = 2
_SPAN_KINDS: Final = {2: "server", 3: "client", 4: "producer", 5: "consumer"}
_KEPT_EVENTS: Final = frozenset(
    (
        *otel_genai.MESSAGE_EVENTS,
        otel_genai.DETAILS_EVENT,
        otel_genai.EVALUATION_EVENT,
        *otel_genai.EXCEPTION_EVENTS,
    )
)
"""Of log records: those that tell something about a span of a model."""


@dataclass(slots=True)
class Export:
    """What a request held: spans to keep, and how many were refused for which reason."""

    spans: list[Span] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    counters: Counter[str] = field(default_factory=Counter)
    """Losses by reason, for the page of problems: refusals, and what the sender dropped."""
    records: dict[int, int] = field(default_factory=dict)
    """How many log records the span at a place was made of; a span itself is one record."""

    def refuse(self, problem: BadRecord) -> None:
        self.refused[f"{problem.field}: {problem.reason}"] += 1
        self.counters[f"refused: {problem.field}"] += 1

    def add_refusals(self, receipt: Receipt) -> None:
        """What ingest refused counts in the answer too; it has noted the losses itself."""
        for found in receipt.rejected:
            self.refused[f"{found.field}: {found.reason}"] += self.records.get(found.index, 1)

    def partial_success(self) -> tuple[int, str]:
        """How many were refused, and why, in one sentence; ``(0, "")`` when all were kept."""
        reasons = [f"{reason} ({count})" for reason, count in self.refused.most_common(MAX_TOLD_REASONS)]
        return self.refused.total(), "; ".join(reasons)


def export_of_spans(records: Iterable[Record | BadRecord]) -> Export:
    export = Export()
    for record in records:
        problem = record if isinstance(record, BadRecord) else _bad_ids(record)
        if problem is not None:
            export.refuse(problem)
        elif isinstance(record, Record) and not _is_placeholder(record):
            _limit_events(record)
            export.spans.append(_span(record))
            export.counters.update(record.dropped)
            if _is_unknown_speech(record):
                export.counters[
                    f"{NOTE_PREFIX}unknown convention of {record.scope.get('name', 'no scope')}"
                ] += 1
    return export


def export_of_logs(records: Iterable[Record | BadRecord]) -> Export:
    """Events of spans of models, as partial records of those spans; other logs are dropped."""
    export = Export()
    partial: dict[tuple[str, str], _PartialSpan] = {}
    for record in records:
        if isinstance(record, BadRecord):
            export.refuse(record)
            continue
        name = record.name or str(record.attributes.get("event.name") or "")
        if name in _KEPT_EVENTS and _bad_ids(record) is None:
            ids = (record.trace_id, record.span_id)
            if ids not in partial:
                partial[ids] = _PartialSpan(record)
            problem = partial[ids].add(_event_of_log(name, record))
            if problem is not None:
                export.refuse(problem)
    for gathered in partial.values():
        if not gathered.span.events:
            continue
        export.records[len(export.spans)] = len(gathered.span.events)
        export.spans.append(gathered.span)
    return export


class _PartialSpan:
    """What the logs of a request tell about one span; a log beyond the limits of a span is refused alone."""

    def __init__(self, record: Record) -> None:
        self.span = Span(
            trace_id=record.trace_id,
            span_id=record.span_id,
            name="",
            start_ns=record.start_ns or None,
            status="pending",
            attributes={"otel": {"resource": record.resource, "mapper": 0}},
        )
        self._bytes_left = MAX_SPAN_BYTES - SPACE_AROUND_EVENTS - len(orjson.dumps(record.resource))

    def add(self, event: dict[str, Any]) -> BadRecord | None:
        size = len(orjson.dumps(event)) + 1
        if size > self._bytes_left:
            return BadRecord("log record", f"the logs of one span exceed its {MAX_SPAN_BYTES} bytes")
        if len(self.span.events) == MAX_EVENTS:
            return BadRecord("log record", f"the logs of one span exceed its {MAX_EVENTS} events")
        self._bytes_left -= size
        self.span.events.append(event)
        return None


def _bad_ids(record: Record) -> BadRecord | None:
    if not is_trace_id(record.trace_id):
        return BadRecord("trace_id", "must be 16 bytes (32 hex digits), not all of them 0")
    if not is_span_id(record.span_id):
        return BadRecord("span_id", "must be 8 bytes (16 hex digits), not all of them 0")
    return None


def _limit_events(record: Record) -> None:
    beyond = len(record.events) - MAX_EVENTS
    if beyond > 0:
        del record.events[MAX_EVENTS:]
        record.dropped[f"events beyond the first {MAX_EVENTS} of a span"] = beyond


def _is_unknown_speech(record: Record) -> bool:
    """Words of models in no name that is known here: somebody should hear of it."""
    keys = record.attributes
    return not any(key.startswith(SIGNS) for key in keys) and any(map(_MODEL_WORD.search, keys))


def _is_placeholder(record: Record) -> bool:
    return record.attributes.get(pydantic_ai.SPAN_TYPE) == pydantic_ai.PLACEHOLDER


def _span(record: Record) -> Span:
    parent = record.parent_span_id
    has_parent = is_span_id(parent)
    is_error = record.status_code == _STATUS_ERROR
    span = Span(
        trace_id=record.trace_id,
        span_id=record.span_id,
        name=record.name or "(unnamed)",
        parent_span_id=parent if has_parent else None,
        start_ns=record.start_ns or None,
        end_ns=record.end_ns or None,
        status="error" if is_error else "ok" if record.end_ns else "pending",
        attributes=_kept_attributes(record),
        events=record.events,
        dropped=record.dropped,
        parent_is_remote=has_parent and record.flags & _REMOTE_KNOWN > 0 and record.flags & _REMOTE > 0,
    )
    if parent and not has_parent and parent.strip("0"):
        span.notices.append("parent_span_id was no 8 bytes: shown as a root")
    if record.is_repaired:
        span.notices.append("texts cut inside a character: U+FFFD stands for its half")
    return span


def _kept_attributes(record: Record) -> dict[str, Any]:
    """All attributes, and under ``otel`` what a span has besides."""
    attributes = record.attributes
    if "otel" in attributes:
        attributes["otel (attribute)"] = attributes.pop("otel")
    about = {
        "resource": record.resource,
        "scope": record.scope,
        "links": record.links,
        "kind": _SPAN_KINDS.get(record.kind),
        "flags": record.flags & ~0x3FF,  # W3C's and the remote bits are understood, the rest is not
        "trace_state": record.trace_state,
        "status_message": record.status_message,
    }
    attributes["otel"] = {name: value for name, value in about.items() if value} | {"mapper": 0}
    return attributes


def _event_of_log(name: str, record: Record) -> dict[str, Any]:
    told = {"time_ns": record.start_ns, "attributes": record.attributes, "body": record.body}
    return {"name": name, **{key: value for key, value in told.items() if value}}
