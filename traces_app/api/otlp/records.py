"""What both of OTLP's formats are read into."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["MAX_VALUE_DEPTH", "TOO_DEEP", "BadRecord", "Record", "dropped_of", "event_of", "link_of"]

MAX_VALUE_DEPTH: Final = 48
"""Levels of arrays and maps in an attribute; deeper ones become a sentence."""

TOO_DEEP: Final = f"(nested deeper than {MAX_VALUE_DEPTH} levels)"


class BadRecord(ValueError):
    """One span or log record that cannot be read: its field, and the rule."""

    def __init__(self, field_name: str, reason: str) -> None:
        super().__init__(f"{field_name}: {reason}")
        self.field = field_name
        self.reason = reason


@dataclass(slots=True)
class Record:
    """A span, or a log record (its time in ``start_ns``). Ids are hex, ``""`` where there is none."""

    trace_id: str
    span_id: str
    name: str
    start_ns: int
    attributes: dict[str, Any]
    resource: dict[str, Any]
    scope: dict[str, Any]
    parent_span_id: str = ""
    end_ns: int = 0
    kind: int = 0
    flags: int = 0
    status_code: int = 0
    status_message: str = ""
    trace_state: str = ""
    body: Any = None
    events: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    is_repaired: bool = False
    """Halves of characters in its texts became U+FFFD."""


def event_of(name: str, time_ns: int, attributes: dict[str, Any]) -> dict[str, Any]:
    event: dict[str, Any] = {"name": name}
    if time_ns:
        event["time_ns"] = time_ns
    if attributes:
        event["attributes"] = attributes
    return event


def link_of(trace_id: str, span_id: str, attributes: dict[str, Any]) -> dict[str, Any]:
    link: dict[str, Any] = {"trace_id": trace_id, "span_id": span_id}
    return link | ({"attributes": attributes} if attributes else {})


def dropped_of(attributes: int, events: int, links: int) -> dict[str, int]:
    counts = {"attributes": attributes, "events": events, "links": links}
    return {f"{what} dropped by the sender's limits": count for what, count in counts.items() if count}
