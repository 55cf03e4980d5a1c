"""Langfuse: observations, traces and scores, as its pages, its API and its blob storage export write them.

What is known of a trace, and its scores, stand apart from its observations. A trace with one observation at
its top is that observation, and gets what is known of the trace; any other gets a root of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from traces_app.domain.span import Span
from traces_app.transfer.formats.values import (
    Made,
    Unreadable,
    known,
    number_in,
    span_id_of,
    text_in,
    texts_of,
    time_ns_of,
    trace_id_of,
    value_of,
)

__all__ = ["Langfuse"]

_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")
_OBSERVATION_SIGNS: Final = frozenset({"parent_observation_id", "start_time"})
_TRACE_SIGNS: Final = frozenset(
    {"session_id", "user_id", "bookmarked", "public", "release", "observations", "html_path"}
)
_SCORE_SIGNS: Final = frozenset({"data_type", "source", "string_value", "config_id", "observation_id"})


@dataclass(slots=True)
class _Known:
    """Of one trace, before its spans are made."""

    is_described: bool = False
    """There is an entry of the trace itself."""
    tops: list[str] = field(default_factory=list)
    """The first two observations without a parent."""
    start_ns: int | None = None
    end_ns: int | None = None


class Langfuse:
    def __init__(self) -> None:
        self._traces: dict[str, _Known] = {}
        self._scores: dict[tuple[str, str | None], list[dict[str, Any]]] = {}

    def recognises(self, entry: dict[str, Any]) -> bool:
        return _kind_of(_snake(entry)) is not None

    def look(self, entry: dict[str, Any]) -> None:
        try:
            self._look(_snake(entry))
        except Unreadable:
            return  # it is told when it is to become a span

    def spans(self, entry: dict[str, Any]) -> Made:
        entry = _snake(entry)
        kind = _kind_of(entry)
        if kind == "observation":
            yield self._observation(entry)
        elif kind == "trace":
            yield self._trace(entry)
            for inner in _inner(entry, "observations"):
                yield self._observation(inner)
        elif kind == "score":
            _trace_id(entry)
        else:
            raise Unreadable("neither a trace, an observation nor a score of Langfuse's")

    def rest(self) -> Made:
        """Scores of what did not come."""
        for (trace_id, span_id), scores in self._scores.items():
            at = span_id or self._root_of(trace_id)
            yield Span(trace_id, at, "", status="pending", scores=scores)
        self._scores = {}

    # -- looking -----------------------------------------------------------------------------------

    def _look(self, entry: dict[str, Any]) -> None:
        kind = _kind_of(entry)
        if kind == "score":
            self._add_score(entry, _trace_id(entry))
        elif kind == "observation":
            self._add_observation(entry)
        elif kind == "trace":
            trace_id = trace_id_of(entry.get("id"), "id")
            self._traces.setdefault(trace_id, _Known()).is_described = True
            for inner in _inner(entry, "observations"):
                self._add_observation(inner)
            for score in _inner(entry, "scores"):
                self._add_score(score, trace_id)

    def _add_observation(self, entry: dict[str, Any]) -> None:
        trace = self._traces.setdefault(_trace_id(entry), _Known())
        start_ns = time_ns_of(entry.get("start_time"), "start_time")
        end_ns = time_ns_of(entry.get("end_time"), "end_time") or start_ns
        if start_ns is not None:
            trace.start_ns = min(start_ns, trace.start_ns or start_ns)
            trace.end_ns = max(end_ns or 0, trace.end_ns or 0)
        top = span_id_of(entry.get("id"), "id")
        if not text_in(entry, "parent_observation_id") and top not in trace.tops:
            trace.tops = [*trace.tops, top][:2]

    def _add_score(self, entry: dict[str, Any], trace_id: str) -> None:
        observation = text_in(entry, "observation_id")
        value = number_in(entry, "value")
        label = text_in(entry, "string_value", "long_string_value") or (
            text_in(entry, "value") if value is None else None
        )
        told = {
            "name": text_in(entry, "name"),
            "value": value,
            "label": label,
            "comment": entry.get("comment"),
        }
        of = (trace_id, span_id_of(observation, "observation_id") if observation else None)
        self._scores.setdefault(of, []).append(known(told))

    # -- making ------------------------------------------------------------------------------------

    def _root_of(self, trace_id: str) -> str:
        """The span that stands for the trace."""
        tops = self._traces.get(trace_id, _Known()).tops
        return tops[0] if len(tops) == 1 else span_id_of(f"trace {trace_id}", "id")

    def _observation(self, entry: dict[str, Any]) -> Span:
        trace_id, span_id = _trace_id(entry), span_id_of(entry.get("id"), "id")
        parent = text_in(entry, "parent_observation_id")
        parent_id = span_id_of(parent, "parent_observation_id") if parent else None
        trace = self._traces.get(trace_id, _Known())
        if parent_id is None and trace.is_described and self._root_of(trace_id) != span_id:
            parent_id = self._root_of(trace_id)
        start_ns = time_ns_of(entry.get("start_time"), "start_time")
        end_ns = time_ns_of(entry.get("end_time"), "end_time")
        is_event = str(entry.get("type", "")).upper() == "EVENT"
        end_ns = start_ns if end_ns is None and is_event else end_ns
        is_error = entry.get("level") == "ERROR"
        scores = self._scores.pop((trace_id, span_id), [])
        if self._root_of(trace_id) == span_id and not trace.is_described:
            scores += self._scores.pop((trace_id, None), [])
        return Span(
            trace_id=trace_id,
            span_id=span_id,
            name=text_in(entry, "name") or "(unnamed)",
            parent_span_id=parent_id,
            start_ns=start_ns,
            end_ns=end_ns,
            status="error" if is_error else "ok" if end_ns is not None else "pending",
            scores=scores,
            attributes=_attributes(entry, _of_observation(entry)),
        )

    def _trace(self, entry: dict[str, Any]) -> Span:
        """A root, or what is known besides of the one observation at the top."""
        trace_id = trace_id_of(entry.get("id"), "id")
        trace, span_id = self._traces.get(trace_id, _Known()), self._root_of(trace_id)
        start_ns = trace.start_ns or time_ns_of(entry.get("timestamp"), "timestamp")
        scores = self._scores.pop((trace_id, None), [])
        context = _attributes(entry, {})
        if trace.tops == [span_id]:
            return _note(trace_id, span_id, start_ns, entry, scores)
        latency_s = number_in(entry, "latency")
        end_ns = trace.end_ns or (start_ns and start_ns + int((latency_s or 0) * 1e9))
        said = {
            "langfuse.trace.input": value_of(entry.get("input")),
            "langfuse.trace.output": value_of(entry.get("output")),
            "langfuse.observation.type": "chain",
        }
        return Span(
            trace_id=trace_id,
            span_id=span_id,
            name=text_in(entry, "name") or "trace",
            start_ns=start_ns,
            end_ns=end_ns,
            status="ok",
            scores=scores,
            attributes=context | known(said),
        )


def _note(
    trace_id: str, span_id: str, start_ns: int | None, entry: dict[str, Any], scores: list[dict[str, Any]]
) -> Span:
    """A record that adds to a span whose own comes apart: what that says itself goes before."""
    metadata = value_of(entry.get("metadata"))
    return Span(
        trace_id,
        span_id,
        "",
        start_ns=start_ns,
        status="pending",
        input=value_of(entry.get("input")),
        output=value_of(entry.get("output")),
        session_id=text_in(entry, "session_id"),
        user_id=text_in(entry, "user_id"),
        tags=texts_of(entry.get("tags")),
        metadata=metadata if isinstance(metadata, dict) else {},
        environment=text_in(entry, "environment"),
        release=text_in(entry, "release"),
        scores=scores,
    )


def _attributes(entry: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    metadata = "langfuse.observation.metadata" if own else "langfuse.trace.metadata"
    told = {
        "langfuse.id": text_in(entry, "id"),
        "langfuse.session.id": text_in(entry, "session_id"),
        "langfuse.user.id": text_in(entry, "user_id"),
        "langfuse.trace.tags": texts_of(entry.get("tags") or entry.get("trace_tags")),
        "langfuse.trace.name": text_in(entry, "trace_name"),
        "langfuse.environment": text_in(entry, "environment"),
        "langfuse.release": text_in(entry, "release"),
        metadata: value_of(entry.get("metadata")),
        **own,
    }
    return known(told) | {"otel": {"scope": {"name": "langfuse-export"}, "mapper": 0}}


def _of_observation(entry: dict[str, Any]) -> dict[str, Any]:
    told = {
        "type": str(entry.get("type") or "span").lower(),
        "input": value_of(entry.get("input")),
        "output": value_of(entry.get("output")),
        "model.name": text_in(entry, "provided_model_name", "model"),
        "model.parameters": value_of(entry.get("model_parameters")),
        "usage_details": _usage(entry),
        "cost_details": _cost(entry),
        "completion_start_time": entry.get("completion_start_time"),
        "level": entry.get("level"),
        "status_message": entry.get("status_message"),
        "prompt.name": entry.get("prompt_name"),
        "prompt.version": entry.get("prompt_version"),
    }
    return {f"langfuse.observation.{name}": value for name, value in told.items()}


def _usage(entry: dict[str, Any]) -> dict[str, Any]:
    """What Langfuse did not count it wrote as 0."""
    details = value_of(entry.get("usage_details")) or value_of(entry.get("usage"))
    told = details if isinstance(details, dict) else {}
    if not told:
        columns = (("input", "input_usage", "prompt_tokens"), ("output", "output_usage", "completion_tokens"))
        told = {name: number_in(entry, *names) for name, *names in columns}
    return {name: count for name, count in told.items() if number_in({"n": count}, "n")}


def _cost(entry: dict[str, Any]) -> dict[str, Any]:
    details = value_of(entry.get("cost_details"))
    told = {name: cost for name, cost in details.items() if cost} if isinstance(details, dict) else {}
    total = number_in(entry, "total_cost", "calculated_total_cost")
    return told or ({"total": total} if total else {})


def _kind_of(entry: dict[str, Any]) -> str | None:
    if "id" not in entry:
        return None
    if "trace_id" in entry:
        if not _OBSERVATION_SIGNS.isdisjoint(entry):
            return "observation"
        return "score" if "value" in entry or not _SCORE_SIGNS.isdisjoint(entry) else None
    return "trace" if "timestamp" in entry and not _TRACE_SIGNS.isdisjoint(entry) else None


def _inner(entry: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Whole objects; a list of traces has their ids alone."""
    listed = value_of(entry.get(name))
    return [_snake(item) for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _trace_id(entry: dict[str, Any]) -> str:
    return trace_id_of(entry.get("trace_id"), "trace_id")


def _snake(entry: dict[str, Any]) -> dict[str, Any]:
    """``traceId`` as ``trace_id``: the API writes one, the blob storage export the other."""
    return {_CAPITAL.sub(r"_\1", name).lower(): value for name, value in entry.items()}
