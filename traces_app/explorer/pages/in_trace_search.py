"""Where in a trace a text stands, counted by field."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from traces_app.domain.span import Span
from traces_app.explorer.pages.content import pretty
from traces_app.queries import Trace

MIN_QUERY_CHARACTERS: Final = 2
MAX_SECONDS: Final = 2.0
"""A page waits no longer; the answer says how far it came."""

FIELDS: Final = ("name", "model", "input", "output", "error", "attributes", "metadata", "tool")


@dataclass(slots=True)
class Found:
    """``matches`` are span ids in the order of the tree; ``counts`` how many spans match in each field."""

    matches: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    searched: int = 0
    total: int = 0


def search_trace(trace: Trace, text: str) -> Found:
    """Case is ignored. Every field of every span, as far as the time allows."""
    found = Found(total=len(trace.rows))
    wanted = text.casefold()
    until = time.monotonic() + MAX_SECONDS
    for span in trace.spans():
        if time.monotonic() > until:
            break
        found.searched += 1
        fields = [name for name in FIELDS if wanted in _text(span, name)]
        if fields or span.span_id.startswith(wanted):
            found.matches.append(span.span_id)
        for name in fields:
            found.counts[name] = found.counts.get(name, 0) + 1
    return found


def _text(span: Span, name: str) -> str:
    value = getattr(span, name)
    if name == "name" and span.display_name:
        value = f"{value} {span.display_name}"
    return pretty(value).casefold() if value else ""
