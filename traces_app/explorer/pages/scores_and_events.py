"""How a span was judged and what happened within it, each under its own name."""

from __future__ import annotations

from typing import Any, Final

from traces_app.domain.span import Span
from traces_app.explorer.formats import duration_text
from traces_app.explorer.pages.content import FieldView, fields_of, pretty

_SCORE_KEYS: Final = frozenset({"name", "value", "label", "source", "by", "comment"})


def score_fields(span: Span) -> list[FieldView]:
    return fields_of([(str(score.get("name") or ""), _judgement(score)) for score in span.scores])


def _judgement(score: dict[str, Any]) -> str:
    """What was judged and by whom; below it why, and whatever else was sent."""
    known = [score.get(key) for key in ("value", "label", "source", "by")]
    rest = {key: value for key, value in score.items() if key not in _SCORE_KEYS and value is not None}
    told = [" · ".join(str(value) for value in known if value is not None), score.get("comment")]
    return "\n".join([*(pretty(one) for one in told if one), *([pretty(rest)] if rest else [])])


def event_fields(span: Span) -> list[FieldView]:
    """With the time since the span began."""
    return fields_of([_event(event, span.start_ns) for event in span.events])


def _event(event: dict[str, Any], start_ns: int | None) -> tuple[str, Any]:
    name, at_ns = str(event.get("name") or "event"), event.get("time_ns")
    rest = {
        key: value
        for key, value in event.items()
        if key not in ("name", "time_ns") and value not in (None, {})
    }
    if not isinstance(at_ns, int) or start_ns is None or at_ns < start_ns:
        return name, rest if at_ns is None else rest | {"time_ns": at_ns}
    return f"{name}, after {duration_text(at_ns - start_ns)}", rest or ""
