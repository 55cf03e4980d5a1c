"""A trace as one HTML file that opens anywhere, without a network: no script, its style inside."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Iterator
from typing import Any, Final

from django.template.loader import get_template
from django.utils.safestring import SafeString

from traces_app.domain.span import Span
from traces_app.domain.summary import TraceSummary
from traces_app.explorer.formats import cost_text, duration_text
from traces_app.explorer.pages.content import content_of, pretty
from traces_app.explorer.pages.extent import extent_ns
from traces_app.explorer.pages.trace_page import TracePage
from traces_app.explorer.pages.tree_rows import MAX_DEPTH_DRAWN, Drawing
from traces_app.explorer.visible import excerpt, visible_line
from traces_app.queries import Trace

MAX_ERROR_CHARACTERS: Final = 20_000
MAX_ABOUT_CHARACTERS: Final = 500


def html_export(trace: Trace, page: TracePage, *, now_ns: int, note: str = "") -> Iterator[str]:
    """Piece by piece: one span's payload in memory at a time. ``note`` stands above the totals."""
    template = get_template("explorer/export_span.html")
    drawing = Drawing("", "", extent_ns(trace.summary, trace.rows, now_ns))
    head = {"page": page, "about": _about(trace.summary), "style": _style(), "note": note}
    yield get_template("explorer/export_head.html").render(head)
    for row, drawn in zip(trace.rows, drawing.iterate(trace.rows), strict=True):
        told = _span(trace.span(row.span.span_id))
        told["is_open"] = row is trace.rows[0] or row.span.status == "error"
        yield template.render({"row": drawn, "span": told, "self": duration_text(row.self_ns)})
    yield "</main></body></html>\n"


def style_hash() -> str:
    """What a policy names to allow this document's style and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()


@functools.cache
def _style() -> SafeString:
    """Of the document, the same for all."""
    return get_template("explorer/_export_style.html").render({"depths": range(MAX_DEPTH_DRAWN + 1)})


def _about(summary: TraceSummary) -> list[tuple[str, str]]:
    found = [
        ("user", summary.user_id),
        ("session", summary.session_id),
        ("environment", summary.environment),
        ("release", summary.release),
        ("tags", ", ".join(summary.tags)),
        ("metadata", pretty(summary.metadata) if summary.metadata else ""),
    ]
    return [(label, visible_line(value, MAX_ABOUT_CHARACTERS)) for label, value in found if value]


def _span(span: Span) -> dict[str, Any]:
    return {
        "kind": span.kind,
        "model": visible_line(span.model or "", 80),
        "cost": cost_text(span.cost_usd),
        "error": excerpt(_error_text(span), MAX_ERROR_CHARACTERS).text,
        "contents": [
            (title, content_of(title.lower(), value, whole_address=""))
            for title, value in _contents(span)
            if value not in (None, "", [], {})
        ],
    }


def _contents(span: Span) -> Iterator[tuple[str, Any]]:
    yield "Causes", (span.error or {}).get("causes")
    yield "Input", span.input
    yield "Output", span.output
    for title in ("Documents", "Tool", "Parameters", "Prompt", "Events", "Scores", "Metadata", "Attributes"):
        yield title, getattr(span, title.lower())


def _error_text(span: Span) -> str:
    error = span.error or {}
    return "\n".join(str(error[key]) for key in ("type", "message", "stacktrace") if error.get(key))
