"""The smaller things a span tells: its error, first token, tools, prompt, documents and scores."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from traces_app.domain.conventions import mlflow, openinference, otel_genai, traceloop, vercel
from traces_app.domain.json_text import decoded
from traces_app.domain.mapping.messages import offered_tools
from traces_app.domain.mapping.reader import Reader, number_of
from traces_app.domain.span import Span

FIRST_TOKEN_EVENTS: Final = frozenset(
    (
        *otel_genai.FIRST_TOKEN_EVENTS,
        *openinference.FIRST_TOKEN_EVENTS,
        *traceloop.FIRST_TOKEN_EVENTS,
        *vercel.FIRST_TOKEN_EVENTS,
        *mlflow.FIRST_TOKEN_EVENTS,
    )
)
_STATUS_IN_TEXT: Final = re.compile(r"(?:Error code|status_code|status code|HTTP)[: ]+([1-5][0-9]{2})\b")
_TRACEBACK: Final = "\n\nTraceback (most recent call last):"
"""Follows the message in LangSmith's exceptions; the stack has a field of its own."""

_MAX_SEARCHED_CHARACTERS: Final = 2_000
_TEXT_KEYS: Final = ("content", "text", "page_content", "pageContent")


def error_of(span: Span, reader: Reader) -> dict[str, Any] | None:
    """What is known of a failure: the last exception, else the attributes, else the status."""
    raised = _last_exception(span)
    told = reader.attributes.get("otel") or {}
    raised_message = str(raised.get("exception.message") or "").partition(_TRACEBACK)[0].strip()
    message = raised_message or reader.text("error_message") or told.get("status_message")
    error = {
        "type": raised.get("exception.type") or reader.text("error_type"),
        "message": message,
        "stacktrace": raised.get("exception.stacktrace"),
        "http_status": _http_status(reader, message),
    }
    return {name: value for name, value in error.items() if value} or None


def _last_exception(span: Span) -> dict[str, Any]:
    for event in reversed(span.events):
        if event.get("name") in otel_genai.EXCEPTION_EVENTS:
            attributes: dict[str, Any] = event.get("attributes") or {}
            return attributes
    return {}


def _http_status(reader: Reader, message: Any) -> int | None:
    told = reader.count("http_status")
    if told is not None or not isinstance(message, str):
        return told
    found = _STATUS_IN_TEXT.search(message[:_MAX_SEARCHED_CHARACTERS])
    return int(found[1]) if found else None


def first_token_ms(span: Span, reader: Reader) -> float | None:
    """Seconds, milliseconds, a moment, or the first event of the stream."""
    if (seconds := reader.number("first_token_seconds")) is not None:
        return _not_negative(seconds * 1000)
    if (milliseconds := reader.number("first_token_ms")) is not None:
        return _not_negative(milliseconds)
    if span.start_ns is None:
        return None
    at_ns = _moment_ns(decoded(reader.first("first_token_at"))) or _first_event_ns(span)
    return _not_negative((at_ns - span.start_ns) / 1e6) if at_ns else None


def _not_negative(milliseconds: float) -> float | None:
    return milliseconds if milliseconds >= 0 else None


def _moment_ns(text: Any) -> int | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return int(moment.timestamp() * 1_000_000) * 1000
    except (ValueError, OverflowError, OSError):
        return None


def _first_event_ns(span: Span) -> int | None:
    times = [event.get("time_ns") for event in span.events if event.get("name") in FIRST_TOKEN_EVENTS]
    return min((time for time in times if time), default=None)


def tool_of(span: Span, reader: Reader) -> dict[str, Any] | None:
    tool: dict[str, Any] = {}
    if span.kind == "tool":
        tool = {"name": reader.text("tool_name") or span.name, "call_id": reader.text("tool_call_id")}
    definitions = _definitions(decoded(reader.first("tool_definitions")))
    tool["definitions"] = definitions or offered_tools(reader.first("input_messages_as_text"))
    return {name: value for name, value in tool.items() if value} or None


def _definitions(found: Any) -> list[Any] | None:
    if not isinstance(found, list):
        return [found] if isinstance(found, dict) else None
    return [_definition(decoded(entry)) for entry in found]


def _definition(entry: Any) -> Any:
    """OpenInference wraps a schema: ``{tool: {json_schema: "..."}}``."""
    inner = entry.get("tool") if isinstance(entry, dict) else None
    if isinstance(inner, dict):
        return decoded(inner.get("json_schema", inner))
    if isinstance(entry, dict):
        return {name: decoded(value) if name == "parameters" else value for name, value in entry.items()}
    return entry


def prompt_of(reader: Reader) -> dict[str, Any] | None:
    prompt = {
        "name": reader.text("prompt_name"),
        "id": reader.text("prompt_id"),
        "version": reader.text("prompt_version"),
        "template": decoded(reader.first("prompt_template")),
        "variables": decoded(reader.first("prompt_variables")),
    }
    return {name: value for name, value in prompt.items() if value not in (None, "", {})} or None


def documents_of(span: Span, reader: Reader) -> list[Any] | None:
    """``{id, text, score, metadata}`` each, as far as known; of a retrieval also what it returned."""
    found = decoded(reader.first("documents"))
    if not isinstance(found, list) and span.kind == "retrieval":
        told = span.output if isinstance(span.output, dict) else {}
        found = told.get("documents", told.get("output")) or span.output
        if not _are_documents(found):
            return None
    return [_document(entry) for entry in found] if isinstance(found, list) else None


def _are_documents(found: Any) -> bool:
    return (
        isinstance(found, list)
        and bool(found)
        and all(isinstance(entry, dict) and any(key in entry for key in _TEXT_KEYS) for entry in found)
    )


def _document(entry: Any) -> Any:
    entry = decoded(entry)
    if isinstance(entry, dict) and isinstance(entry.get("document"), dict):
        entry = entry["document"]
    if not isinstance(entry, dict):
        return {"text": entry}
    rest = {name: value for name, value in entry.items() if name not in {*_TEXT_KEYS, "metadata"}}
    text = next((entry[key] for key in _TEXT_KEYS if entry.get(key) is not None), None)
    document = {**rest, "text": text, "metadata": decoded(entry.get("metadata"))}
    return {name: value for name, value in document.items() if value is not None}


def scores_of(span: Span, reader: Reader) -> list[dict[str, Any]]:
    """From evaluation events, and from attributes of the span, its trace or its session."""
    return [score for score in _scores(span, reader) if len(score) > 1]


def _scores(span: Span, reader: Reader) -> Iterator[dict[str, Any]]:
    for event in span.events:
        if event.get("name") == otel_genai.EVALUATION_EVENT:
            body = event.get("body")
            data = {**(body if isinstance(body, dict) else {}), **(event.get("attributes") or {})}
            yield _score({name.removeprefix("gen_ai.evaluation."): value for name, value in data.items()})
    for found in reader.every("evaluation"):
        if isinstance(found, dict):
            yield _score(found)
    for listed in reader.every("evaluations"):
        yield from (_score(_entry(entry)) for entry in listed if isinstance(entry, dict))


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    inner = entry.get("evaluation") or entry.get("annotation")
    return inner if isinstance(inner, dict) else entry


def _score(told: dict[str, Any]) -> dict[str, Any]:
    nested = told["score"] if isinstance(told.get("score"), dict) else {}
    value = told.get("score.value", nested.get("value", told.get("score", told.get("value"))))
    number = number_of(value)
    score = {
        "name": told.get("name"),
        "value": number if number is not None else None,
        "label": told.get("score.label", told.get("label", nested.get("label"))),
        "explanation": told.get("explanation"),
    }
    return {name: value for name, value in score.items() if value is not None}
