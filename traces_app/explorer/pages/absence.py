"""Why a field is empty, or holds less than was said: what the span itself tells of it, and never a guess."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from traces_app.domain.conventions import content_switch
from traces_app.domain.cuts import NOT_CAPTURED, content_cuts
from traces_app.domain.span import Span
from traces_app.explorer.formats import plural, words
from traces_app.explorer.visible import visible_line

NOT_SENT: Final = "Not sent."
MAX_RULES: Final = 5
_SCRUBBED: Final = re.compile(r"\[Scrubbed due to '([^'\]]{1,60})'\]")
_CUT_REASONS: Final = {
    "queue_full": "Dropped: the client's queue was full.",
    NOT_CAPTURED: "Not captured: the decorator was told capture_{field}=False.",
}
_MASKS: Final = {
    "[masked]": "Masked by the client: a secret, or named like one.",
    "masked: hook failed": "Masked by the client: its own mask function failed, so nothing was sent.",
    "__REDACTED__": "Hidden by the instrumentation: OPENINFERENCE_HIDE_{FIELD}S.",
}
"""What stands in place of a whole value."""


def why_empty(span: Span, field: str) -> str:
    """Of a field that did not come, or came empty."""
    value = getattr(span, field)
    if value is not None:
        kind = "text" if isinstance(value, str) else "list" if isinstance(value, list) else "object"
        return f"Sent, as an empty {kind}."
    return next(_reasons(span, field), NOT_SENT)


def what_is_hidden(span: Span, field: str, told: Sequence[str]) -> str:
    """Of a field that came with something in it taken out; empty where nothing tells of that. ``told`` are
    the texts that the page shows of it.
    """
    value = getattr(span, field)
    if isinstance(value, dict) and value.keys() == {"value"}:
        value = value["value"]
    if isinstance(value, str) and value in _MASKS:
        return _MASKS[value].format(FIELD=field.upper())
    rules = sorted({rule for text in told for rule in _SCRUBBED.findall(text)})[:MAX_RULES]
    notes = [f"Masked by rule {', '.join(visible_line(rule, 60) for rule in rules)}."] if rules else []
    if masked := sum(text.count("[masked]") for text in told):
        notes.append(f"{plural(masked, 'part')} masked by the client.")
    return " ".join(notes)


def _reasons(span: Span, field: str) -> Iterator[str]:
    yield from _cuts(span, field)
    if span.is_pending:
        yield "Not there yet: the span is still running."
    is_call = span.kind == "llm" or (span.kind == "embedding" and field == "input")
    switch = content_switch(span.attributes) if is_call and span.status != "error" else None
    if switch:
        yield f"The instrumentation did not capture it. To turn it on: {switch}."
    lost = sum(count for reason, count in span.dropped.items() if reason.startswith("attributes "))
    if lost:
        yield f"Not sent, or among the {plural(lost, 'attribute')} of this span that its sender dropped."
    if span.status == "error" and field == "output":
        yield "Not sent: the span ended in an error."


def _cuts(span: Span, field: str) -> Iterator[str]:
    for cut in content_cuts(span.notices):
        if cut.field in (field, "contents"):
            told = _CUT_REASONS.get(cut.reason, f"Cut by the client: {words(cut.reason)}.")
            yield told.format(field=field)


def other_notices(span: Span) -> list[str]:
    """Without those that an empty field tells in its place."""
    told = {
        cut.notice
        for cut in content_cuts(span.notices)
        if cut.reason == NOT_CAPTURED and getattr(span, cut.field, None) is None
    }
    return [notice for notice in span.notices if notice not in told]
