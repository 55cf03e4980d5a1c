"""Where in a trace a text stands, counted by field."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

from traces_app.domain.span import Span
from traces_app.explorer.pages.content import pretty
from traces_app.explorer.visible import as_typed
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


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How the text may stand in a text, and how in JSON, where quotation marks and controls are escaped."""

    in_text: frozenset[str]
    in_json: frozenset[str]

    def stands_in(self, value: Any) -> bool:
        told = pretty(value).casefold()
        return any(one in told for one in (self.in_text if isinstance(value, str) else self.in_json))


def _wanted(text: str) -> _Wanted:
    typed = {text, as_typed(text)}
    escaped = {json.dumps(one, ensure_ascii=False)[1:-1] for one in typed}
    in_text = frozenset(one.casefold() for one in typed)
    return _Wanted(in_text, in_text | {one.casefold() for one in escaped})


def search_trace(trace: Trace, text: str) -> Found:
    """Case is ignored. Every field of every span, as far as the time allows."""
    found = Found(total=len(trace.rows))
    wanted = _wanted(text)
    until = time.monotonic() + MAX_SECONDS
    for span in trace.spans():
        if time.monotonic() > until:
            break
        found.searched += 1
        fields = [name for name in FIELDS if (value := _value(span, name)) and wanted.stands_in(value)]
        if fields or span.span_id.startswith(text.lower()):
            found.matches.append(span.span_id)
        for name in fields:
            found.counts[name] = found.counts.get(name, 0) + 1
    return found


def _value(span: Span, name: str) -> Any:
    if name == "name" and span.display_name:
        return f"{span.name} {span.display_name}"
    return getattr(span, name)
