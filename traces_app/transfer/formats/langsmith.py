"""LangSmith: runs, as ``Client.list_runs`` and the bulk export write them.

``session_id`` is LangSmith's project. The conversation stands in the metadata, where the mapping reads it.
"""

from __future__ import annotations

from typing import Any, Final

from traces_app.domain.span import Span, Usage
from traces_app.transfer.formats.values import (
    Made,
    NoRest,
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

__all__ = ["LangSmith"]

_NOT_PARAMETERS: Final = frozenset({"messages", "tools", "functions", "_type"})
MAX_DEPTH: Final = 100


class LangSmith(NoRest):
    def recognises(self, entry: dict[str, Any]) -> bool:
        return "run_type" in entry and ("dotted_order" in entry or "trace_id" in entry or "inputs" in entry)

    def spans(self, entry: dict[str, Any], depth: int = 0) -> Made:
        yield _span(entry)
        children = value_of(entry.get("child_runs"))
        if depth == MAX_DEPTH and children:
            raise Unreadable(f"child_runs: nested deeper than {MAX_DEPTH} levels")
        for child in children if isinstance(children, list) else []:
            if not isinstance(child, dict):
                raise Unreadable("child_runs: each must be an object")
            yield from self.spans(child, depth + 1)


def _span(run: dict[str, Any]) -> Span:
    parent = text_in(run, "parent_run_id")
    start_ns = time_ns_of(run.get("start_time"), "start_time")
    end_ns = time_ns_of(run.get("end_time"), "end_time")
    error, extra = text_in(run, "error"), _object(run.get("extra"))
    is_error = error is not None or run.get("status") == "error"
    return Span(
        trace_id=trace_id_of(run.get("trace_id") or _root_in(run) or run.get("id"), "trace_id"),
        span_id=span_id_of(run.get("id"), "id"),
        name=text_in(run, "name") or "(unnamed)",
        parent_span_id=span_id_of(parent, "parent_run_id") if parent else None,
        start_ns=start_ns,
        end_ns=end_ns,
        status="error" if is_error else "ok" if end_ns is not None else "pending",
        error={"message": error} if error else None,
        parameters=_parameters(extra),
        usage=_usage(run),
        cost_usd=number_in(run, "total_cost"),
        time_to_first_token_ms=_first_token_ms(run, start_ns),
        scores=_scores(run),
        attributes=_attributes(run, extra),
    )


def _root_in(run: dict[str, Any]) -> str | None:
    """``{time}{root id}.{time}{id}``; a UUID has 36 characters."""
    first = (text_in(run, "dotted_order") or "").partition(".")[0]
    return first[-36:] or None


def _attributes(run: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    metadata = _object(run.get("metadata")) | _object(extra.get("metadata"))
    told = {
        "langsmith.span.kind": text_in(run, "run_type"),
        "langsmith.span.tags": texts_of(run.get("tags")),
        "langsmith.run_id": text_in(run, "id"),
        "langsmith.project_id": text_in(run, "session_id"),
        "gen_ai.prompt": value_of(run.get("inputs")),
        "gen_ai.completion": value_of(run.get("outputs")),
        **{f"langsmith.metadata.{name}": value for name, value in metadata.items()},
    }
    return known(told) | {"otel": {"scope": {"name": "langsmith-export"}, "mapper": 0}}


def _parameters(extra: dict[str, Any]) -> dict[str, Any] | None:
    told = _object(extra.get("invocation_params"))
    return {name: value for name, value in known(told).items() if name not in _NOT_PARAMETERS} or None


def _usage(run: dict[str, Any]) -> Usage | None:
    """Prompt and completion are inclusive; their details are parts of them."""
    asked, said = _object(run.get("prompt_token_details")), _object(run.get("completion_token_details"))
    found = Usage(
        input_tokens=_count(run, "prompt_tokens"),
        output_tokens=_count(run, "completion_tokens"),
        cache_read_tokens=_count(asked, "cache_read"),
        cache_write_tokens=_count(asked, "cache_creation"),
        reasoning_tokens=_count(said, "reasoning"),
        input_audio_tokens=_count(asked, "audio"),
        output_audio_tokens=_count(said, "audio"),
    )
    is_empty = not (found.input_tokens or found.output_tokens)  # LangSmith writes 0 for unknown
    return None if is_empty else found


def _count(holder: dict[str, Any], name: str) -> int | None:
    number = number_in(holder, name)
    return None if number is None else int(number)


def _first_token_ms(run: dict[str, Any], start_ns: int | None) -> float | None:
    first_ns = time_ns_of(run.get("first_token_time"), "first_token_time")
    return None if first_ns is None or start_ns is None else max(0, first_ns - start_ns) / 1e6


def _scores(run: dict[str, Any]) -> list[dict[str, Any]]:
    stats = _object(run.get("feedback_stats"))
    return [
        {"name": name, "value": average}
        for name, told in stats.items()
        if isinstance(told, dict) and (average := number_in(told, "avg")) is not None
    ]


def _object(value: Any) -> dict[str, Any]:
    value = value_of(value)
    return value if isinstance(value, dict) else {}
