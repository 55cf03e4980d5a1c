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
from traces_app.explorer.formats import cost_text, duration_text
from traces_app.explorer.pages.content import content_of
from traces_app.explorer.pages.extent import extent_ns
from traces_app.explorer.pages.trace_page import TracePage
from traces_app.explorer.pages.tree_rows import MAX_DEPTH_DRAWN, Drawing
from traces_app.explorer.visible import excerpt, visible_line
from traces_app.queries import Trace

MAX_ERROR_CHARACTERS: Final = 20_000


def html_export(trace: Trace, page: TracePage, *, now_ns: int, note: str = "") -> Iterator[str]:
    """Piece by piece: one span's payload in memory at a time. ``note`` stands above the totals."""
    template = get_template("explorer/export_span.html")
    drawing = Drawing("", "", extent_ns(trace.summary, trace.rows, now_ns))
    yield get_template("explorer/export_head.html").render({"page": page, "style": _style(), "note": note})
    for row, drawn in zip(trace.rows, drawing.iterate(trace.rows), strict=True):
        span = trace.span(row.span.span_id)
        yield template.render({"row": drawn, "span": _span(span), "self": duration_text(row.self_ns)})
    yield "</main></body></html>\n"


def style_hash() -> str:
    """What a policy names to allow this document's style and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()


@functools.cache
def _style() -> SafeString:
    """Of the document, the same for all."""
    return get_template("explorer/_export_style.html").render({"depths": range(MAX_DEPTH_DRAWN + 1)})


def _span(span: Span) -> dict[str, Any]:
    return {
        "kind": span.kind,
        "model": visible_line(span.model or "", 80),
        "cost": cost_text(span.cost_usd),
        "error": excerpt(_error_text(span), MAX_ERROR_CHARACTERS).text,
        "contents": [
            (title, content_of(title.lower(), value, whole_address=""))
            for title, value in (("Input", span.input), ("Output", span.output))
            if value is not None
        ],
        "attributes": content_of("attributes", span.attributes or None, whole_address=""),
    }


def _error_text(span: Span) -> str:
    error = span.error or {}
    return "\n".join(str(error[key]) for key in ("type", "message", "stacktrace") if error.get(key))
