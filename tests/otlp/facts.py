"""Compares what is stored with the hand-written facts of a capture; each difference is one sentence."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from traces_app import queries
from traces_app.domain.span import Span, Usage
from traces_app.domain.summary import TraceSummary
from traces_app.queries import Trace, TraceFilter

USAGE = ("input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens")


@dataclass
class Report:
    facts: int = 0
    differences: list[str] = field(default_factory=list)

    def note(self, place: str, fact: str, expected: Any, found: Any, *, holds: bool) -> None:
        self.facts += 1
        if not holds:
            self.differences.append(f"{place} {fact}: expected {expected!r:.300}, found {found!r:.300}")

    def same(self, place: str, fact: str, expected: Any, found: Any) -> None:
        self.note(place, fact, expected, found, holds=expected == found)


def check(expected: dict[str, Any], project: str = "dev") -> Report:
    report = Report()
    now_ns = time.time_ns()
    listed = queries.list_traces(project, TraceFilter(), limit=500, now_ns=now_ns).traces
    report.same("store", "traces_count", expected["traces_count"], len(listed))
    traces = [queries.get_trace(project, summary.trace_id, now_ns=now_ns) for summary in listed]
    spans = {span.span_id: (trace, span) for trace in traces for span in trace.spans()}
    report.same("store", "spans_unique", expected["spans_unique"], len(spans))
    by_id = {trace.summary.trace_id: trace for trace in traces}
    in_list = {summary.trace_id: summary for summary in listed}
    for fact in expected.get("traces", []):
        if fact["trace_id"] not in by_id:
            report.note(fact["trace_id"], "trace", "stored", None, holds=False)
            continue
        _check_trace(report, fact, by_id[fact["trace_id"]], in_list[fact["trace_id"]])
    for fact in expected.get("spans", []):
        if fact["span_id"] not in spans:
            report.note(fact["span_id"], "span", "stored", None, holds=False)
            continue
        _check_span(report, fact, spans[fact["span_id"]][1])
    _check_fields(report, expected.get("trace_fields") or {}, traces, [span for _, span in spans.values()])
    return report


def _check_trace(report: Report, fact: dict[str, Any], trace: Trace, listed: TraceSummary) -> None:
    place = f"trace {fact['trace_id'][:8]}"
    for name, summary in (("opened", trace.summary), ("listed", listed)):
        where = f"{place} {name}"
        report.same(where, "spans", fact["spans"], summary.span_count)
        report.same(where, "error_spans", fact["error_spans"], summary.error_count)
        for total in (*USAGE, "total_tokens"):
            if total in fact:
                report.same(where, total, fact[total] or 0, getattr(summary, total) or 0)
        if fact.get("root_received"):
            report.same(where, "root", fact["root"], summary.name)
            report.same(where, "root_error", fact.get("root_error", False), summary.status == "error")
    reported = _reported_cost(trace)
    wanted = fact.get("cost_usd_reported")
    report.note(place, "cost_usd_reported", wanted, reported, holds=_close(wanted, reported))
    here = {row.span.span_id for row in trace.rows}
    missing = sorted({row.span.parent_span_id for row in trace.rows if row.span.parent_span_id} - here)
    report.same(place, "missing_parents", sorted(fact["missing_parents"]), missing)
    if isinstance(fact.get("tree"), list) and all(isinstance(node, dict) for node in fact["tree"]):
        report.same(place, "tree", _plain(fact["tree"]), _plain(_tree(trace)))


def _reported_cost(trace: Trace) -> float | None:
    """Of what counts: a cost that repeats its children's is shown, not added."""
    rows = [row for row in trace.rows if row.span.cost_source == "reported"]
    counted = [row.span.cost_usd for row in rows if not _repeats(row, rows)]
    return sum(cost for cost in counted if cost is not None) if counted else None


def _repeats(row: Any, rows: list[Any]) -> bool:
    return any(other.span.parent_span_id == row.span.span_id for other in rows)


def _close(wanted: float | None, found: float | None) -> bool:
    if wanted is None or found is None:
        return wanted is found or (wanted == 0 and not found)
    return abs(wanted - found) < 1e-9


def _tree(trace: Trace) -> list[dict[str, Any]]:
    top: list[dict[str, Any]] = []
    path = [top]
    for row in trace.rows:
        del path[row.depth + 1 :]
        node = {"name": row.span.name, "kind": row.span.kind, "span_id": row.span.span_id, "children": []}
        path[-1].append(node)
        path.append(node["children"])
    return top


def _plain(tree: list[dict[str, Any]]) -> list[Any]:
    return sorted(
        [node["span_id"], node["name"], node["kind"], _plain(node.get("children", []))] for node in tree
    )


def _check_fields(report: Report, facts: dict[str, Any], traces: list[Trace], spans: list[Span]) -> None:
    for name in ("session_id", "user_id", "environment", "release"):
        if name in facts:
            found = {getattr(trace.summary, name) for trace in traces}
            report.note("trace", name, facts[name], found, holds=facts[name] in found)
    if "tags" in facts:
        found_tags = {tag for trace in traces for tag in trace.summary.tags}
        report.note("trace", "tags", facts["tags"], found_tags, holds=set(facts["tags"]) <= found_tags)
    if "metadata" in facts:
        found_all = [trace.summary.metadata for trace in traces]
        holds = any(facts["metadata"].items() <= metadata.items() for metadata in found_all)
        report.note("trace", "metadata", facts["metadata"], found_all, holds=holds)
    if "service" in facts:
        services = {span.attributes["otel"].get("resource", {}).get("service.name") for span in spans}
        report.note("trace", "service", facts["service"], services, holds=facts["service"] in services)
    if "version" in facts:
        versions = {span.attributes.get("langfuse.version") for span in spans}
        report.note("trace", "version", facts["version"], versions, holds=facts["version"] in versions)


def _check_span(report: Report, fact: dict[str, Any], span: Span) -> None:
    place = f"span {fact['span_id'][:6]} {fact['name'][:40]!r}"
    for name, wanted in fact.items():
        if name in ("notes", "rollup"):
            continue
        CHECKS.get(name, _same_attribute(name))(report, place, wanted, span)
    if fact.get("kind") in ("llm", "embedding"):
        for name in ("input_tokens", "output_tokens"):
            if name not in fact:
                report.same(place, name, None, getattr(span.usage or Usage(), name))


Check = Callable[[Report, str, Any, Span], None]


def _same_attribute(name: str) -> Check:
    return lambda report, place, wanted, span: report.same(place, name, wanted, getattr(span, name))


def _of(name: str, read: Callable[[Span], Any]) -> Check:
    return lambda report, place, wanted, span: report.same(place, name, wanted, read(span))


def _where(name: str, read: Callable[[Span], Any], holds: Callable[[Any, Any], bool]) -> Check:
    def look(report: Report, place: str, wanted: Any, span: Span) -> None:
        found = read(span)
        report.note(place, name, wanted, found, holds=holds(wanted, found))

    return look


def messages(value: Any) -> list[dict[str, Any]]:
    is_chat = isinstance(value, list) and all(isinstance(item, dict) and "parts" in item for item in value)
    return value if is_chat else []


def message_text(message: dict[str, Any]) -> str:
    return "".join(_part_texts(message))


def _part_texts(message: dict[str, Any]) -> Iterator[str]:
    for part in message["parts"]:
        if part["type"] == "text":
            yield part["content"]
        elif part["type"] == "tool_result":
            yield part["content"] if isinstance(part["content"], str) else json.dumps(part["content"])


def _message_at(field_name: str, index: int) -> Callable[[Span], Any]:
    def read(span: Span) -> Any:
        found = messages(getattr(span, field_name))
        return {"role": found[index]["role"], "text": message_text(found[index])} if found else None

    return read


def _whole_text(value: Any) -> str:
    if messages(value):
        return "\n".join(map(message_text, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text_equals(wanted: str, value: Any) -> bool:
    return wanted in {_whole_text(value), _whole_text(value[-1:]) if messages(value) else None}


def _tool_calls(span: Span) -> list[dict[str, Any]]:
    parts = [part for message in messages(span.output)[-1:] for part in message["parts"]]
    return [
        {"name": part["name"], "arguments": part["arguments"]}
        for part in parts
        if part["type"] == "tool_call"
    ]


def _has_image(span: Span) -> bool:
    parts = [part for message in messages(span.input) for part in message["parts"]]
    return any(part["type"] == "media" and part.get("uri", part.get("data")) for part in parts)


def _subset(wanted: dict[str, Any], found: Any) -> bool:
    return isinstance(found, dict) and all(found.get(name) == value for name, value in wanted.items())


def _error(wanted: dict[str, Any] | None, found: dict[str, Any] | None) -> bool:
    if wanted is None:
        return found is None
    told = found or {}
    return (
        told.get("type") == wanted.get("type")
        and wanted.get("message_contains", "") in (told.get("message") or "")
        and wanted.get("has_stack", bool(told.get("stacktrace"))) == bool(told.get("stacktrace"))
        and wanted.get("http_status", told.get("http_status")) == told.get("http_status")
    )


def _prompt(wanted: dict[str, Any], found: Any) -> bool:
    part = wanted.get("template_contains", "")
    rest = {name: value for name, value in wanted.items() if name != "template_contains"}
    return _subset(rest, found) and part in (found.get("template") or "")


def _list_of(wanted: list[dict[str, Any]], found: Any) -> bool:
    return len(wanted) == len(found or []) and all(map(_subset, wanted, found))


def _usage(name: str) -> Check:
    return _of(name, lambda span: getattr(span.usage or Usage(), name))


def _contains(wanted: str, found: Any) -> bool:
    return wanted in (found["text"] if isinstance(found, dict) else str(found))


CHECKS: dict[str, Check] = {
    **{name: _usage(name) for name in (*USAGE, "cache_write_tokens")},
    "request_model": _of("request_model", lambda span: (span.parameters or {}).get("model")),
    "display_name": _of("display_name", lambda span: span.display_name or span.name),
    "input_first": _of("input_first", _message_at("input", 0)),
    "input_last": _of("input_last", _message_at("input", -1)),
    "output_last": _of("output_last", _message_at("output", -1)),
    "input_first_contains": _where("input_first", _message_at("input", 0), _contains),
    "input_last_contains": _where("input_last", _message_at("input", -1), _contains),
    "output_last_contains": _where("output_last", _message_at("output", -1), _contains),
    "input_last_role": _of("input_last_role", lambda span: messages(span.input)[-1]["role"]),
    "input_messages_count": _of("input_messages_count", lambda span: len(messages(span.input))),
    "input_text": _where("input", lambda span: span.input, _text_equals),
    "output_text": _where("output", lambda span: span.output, _text_equals),
    "input_text_contains": _where("input", lambda span: _whole_text(span.input), _contains),
    "output_text_contains": _where("output", lambda span: _whole_text(span.output), _contains),
    "input_json": _of("input_json", lambda span: span.input),
    "output_json": _of("output_json", lambda span: span.output),
    "input_bytes_min": _where(
        "input", lambda span: len(_whole_text(span.input).encode()), lambda w, f: f >= w
    ),
    "output_tool_calls": _of("output_tool_calls", _tool_calls),
    "input_has_image": _of("input_has_image", _has_image),
    "finish_reason": _of("finish_reason", lambda span: messages(span.output)[-1].get("finish_reason")),
    "tool_name": _of("tool_name", lambda span: (span.tool or {}).get("name")),
    "tool_args": _of("tool_args", lambda span: span.input),
    "tool_result": _of("tool_result", lambda span: span.output),
    "model_parameters": _where("parameters", lambda span: span.parameters, _subset),
    "metadata": _where("metadata", lambda span: span.metadata, _subset),
    "tags": _where("tags", lambda span: span.tags, lambda wanted, found: set(wanted) <= set(found)),
    "prompt": _where("prompt", lambda span: span.prompt, _prompt),
    "documents": _where("documents", lambda span: span.documents, _list_of),
    "scores": _where("scores", lambda span: span.scores, _list_of),
    "embedding_inputs": _of("embedding_inputs", lambda span: span.input),
    "embedding_dimensions": _of("dimensions", lambda span: (span.output or {}).get("dimensions")),
    "stream": _of("stream", lambda span: (span.parameters or {}).get("stream")),
    "ttft": _of("ttft", lambda span: (span.time_to_first_token_ms or 0) > 0),
    "cost_usd": _where("cost_usd", lambda span: span.cost_usd, _close),
    "error": _where("error", lambda span: span.error, _error),
}
