"""Whose span it is and what was written on it: session, user, tags, metadata, environment, release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from traces_app.domain.conventions import resource
from traces_app.domain.json_text import decoded
from traces_app.domain.mapping.reader import Reader, number_of
from traces_app.domain.span import Span

_NOT_METADATA: Final = frozenset(
    {"user_id", "session_id", "userId", "sessionId", "thread_id", "tags", "usage_metadata"}
)
_NOT_METADATA_BEGINNINGS: Final = ("LANGSMITH_", "ls_")


def fill_context(span: Span, reader: Reader) -> None:
    about = (reader.attributes.get("otel") or {}).get("resource") or {}
    span.session_id = span.session_id or _owner(reader, "session_id") or _of_resource(about, "session_id")
    span.user_id = span.user_id or _owner(reader, "user_id") or _of_resource(about, "user_id")
    if not span.tags:
        span.tags = list(tags_of(reader))
    span.metadata = metadata_of(reader) | span.metadata
    span.environment = span.environment or reader.text("environment") or _of_resource(about, "environment")
    span.release = span.release or reader.text("release") or _of_resource(about, "release")


def _owner(reader: Reader, field: str) -> str | None:
    """Logfire scrubs what is called a session: ``[Scrubbed due to 'session']`` is nobody's."""
    told = reader.text(field)
    return None if told is not None and told.startswith("[Scrubbed") else told


def tags_of(reader: Reader) -> Iterator[str]:
    """An array, a JSON array or words with commas between; MLflow's own tags as ``name:value``."""
    found = decoded(reader.first("tags"))
    if isinstance(found, str):
        found = found.split(",")
    if isinstance(found, list):
        yield from (
            str(tag).strip() for tag in found if isinstance(tag, str | int | float) and str(tag).strip()
        )
    if "mlflow.spanType" in reader.attributes:
        for name, value in (reader.first("trace_tags") or {}).items():
            if not name.startswith("mlflow."):
                yield f"{name}:{decoded(value)}"


def metadata_of(reader: Reader) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for told in reader.every("metadata"):
        value = decoded(told)
        if isinstance(value, dict):
            found = {name: decoded(inner) for name, inner in value.items()} | found
    for told in reader.every("json_metadata"):
        value = decoded(told)
        if isinstance(value, dict):
            found = {name: _json_value(inner) for name, inner in value.items()} | found
    return {
        name: value
        for name, value in found.items()
        if name not in _NOT_METADATA and not name.startswith(_NOT_METADATA_BEGINNINGS)
    }


def _json_value(value: Any) -> Any:
    """Where every value is a JSON text, ``"1"`` is the number."""
    plain = decoded(value)
    if not isinstance(plain, str) or plain is not value:
        return plain
    number = number_of(plain)
    if number is None:
        return plain
    return int(number) if float(number).is_integer() and "." not in plain else number


def _of_resource(about: dict[str, Any], field: str) -> str | None:
    names = ("langfuse." + field, *resource.FIELDS[field])
    return next((str(about[name]) for name in names if about.get(name)), None)
