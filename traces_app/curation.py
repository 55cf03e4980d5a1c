"""What people change about stored traces: a tag more, or everything gone."""

from __future__ import annotations

from traces_app.domain.ids import is_trace_id
from traces_app.domain.limits import MAX_TAG_CHARACTERS
from traces_app.domain.packing import PackedSpan, pack_payload, span_from
from traces_app.domain.span import Span
from traces_app.storage import Stamp, get_store

__all__ = ["delete_trace", "tag_trace"]


def tag_trace(project: str, trace_id: str, tag: str, *, now_ns: int) -> bool:
    """Add a tag; false when there is no such trace. It expires with the trace.

    The tag comes as a record of the root that knows nothing else: everything that merges records sees it.
    """
    tag = " ".join(tag.split())[:MAX_TAG_CHARACTERS]
    if not tag or not is_trace_id(trace_id):
        return False
    store = get_store()
    chunks = store.read_trace(project, trace_id, now_ns=now_ns, consistent=True)
    spans = [span_from(trace_id, {"name": "", **row}) for chunk in chunks for row in chunk.rows]
    if not spans:
        return False
    first = min(spans, key=lambda span: (span.parent_span_id is not None, span.start_ns or 0))
    note = Span(
        trace_id, first.span_id, "", parent_span_id=first.parent_span_id, status="pending", tags=[tag]
    )
    note.start_ns = min((span.start_ns for span in spans if span.start_ns is not None), default=None)
    expires_at = max((chunk.expires_at or 0 for chunk in chunks), default=0) or None
    store.append(project, {trace_id: [PackedSpan(note, pack_payload(note))]}, Stamp(now_ns, expires_at))
    return True


def delete_trace(project: str, trace_id: str, *, now_ns: int) -> bool:
    """Nothing of it is left when this returns; false when there was nothing. Safe to repeat."""
    return is_trace_id(trace_id) and get_store().delete_trace(project, trace_id, now_ns=now_ns)
