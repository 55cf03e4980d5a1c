"""A span as one JSON object of ``POST /api/ingest``: made by the sending thread, never by the host's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llm_tracer._context import MAX_TAGS
from llm_tracer._encode import Copy, bounded, encode, json_of, value_of
from llm_tracer._foreign import MAX_TEXT_CHARACTERS, text_of
from llm_tracer._mask import Mask

if TYPE_CHECKING:
    from llm_tracer._span import Span

KINDS: Final = frozenset(
    (
        *("llm", "tool", "agent", "chain", "retrieval", "embedding"),
        *("function", "reranker", "guardrail", "evaluator", "other"),
    )
)

OWN_KIND: Final = "llm_tracer.span_type"
"""The metadata that keeps a kind of the host's own."""


class Recorder:
    """Makes records, without what the client hides."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask

    def record_of(self, span: Span) -> bytes:
        """The record of a finished span; of a running one what is known so far, as ``pending``."""
        contents, cuts = _contents(span)
        head = _head(span)
        if span.span_id == span.shared_state.root_id and not span.is_running:
            span.shared_state.root_head = head.copy()
            head |= _losses(span.shared_state.lost)
        head |= _facts(span)
        if "error" in head:
            head["error"] = self._mask.error(head["error"])
        if cuts:
            head["cuts"] = {**head.get("cuts", {}), **cuts}
        members = b"".join([b',"%b":%b' % item for item in contents.items()])
        if members and self._mask.changes(members):
            masked = [(name, self._mask.content(data)) for name, data in contents.items()]
            members = b"".join([b',"%b":%b' % item for item in masked])
        return b"%b%b}" % (encode(head)[0][:-1], members)

    def addendum_of(self, root_head: dict[str, Any], lost: dict[str, int]) -> bytes:
        """Tells of losses that came after the record of the trace's root: the same span, else empty."""
        return encode({**root_head, **_losses(lost)})[0]


def _losses(lost: dict[str, int] | None) -> dict[str, Any]:
    return {"dropped": lost.copy()} if lost else {}


def _head(span: Span) -> dict[str, Any]:
    """What a span is; its times and its status may be overridden by its facts."""
    state = span.shared_state
    facts = span._facts or {}
    end_ns = span._end_ns
    start_ns = facts.get("start_time_unix_nano", state.anchor_ns + span._start_ns)
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "name": _short(span._name) or "unnamed",
        "kind": _known_kind(span._kind),
        "start_time_unix_nano": start_ns,
        "end_time_unix_nano": facts.get("end_time_unix_nano", state.anchor_ns + end_ns) if end_ns else None,
        "status": _status(facts) if end_ns else "pending",
        **state.stamp,
    }


def _status(facts: dict[str, Any]) -> str:
    return "error" if "error" in facts else str(facts.get("status", "ok"))


def _facts(span: Span) -> dict[str, Any]:
    facts = dict(span._facts) if span._facts is not None else {}
    for name in ("status", "start_time_unix_nano", "end_time_unix_nano"):
        facts.pop(name, None)
    if span._model is not None:
        facts["model"] = _short(span._model)
    if span._usage is not None:
        facts["usage"] = dict(span._usage)
    if span._ambient is not None:
        if span._ambient is not span.shared_state.ambient:  # else it is in the trace's own already
            facts |= span._ambient.stamp
        facts["tags"] = list(dict.fromkeys((*facts.get("tags", ()), *span._ambient.tags)))[:MAX_TAGS]
    return facts


def _contents(span: Span) -> tuple[dict[bytes, bytes], dict[str, int]]:
    """JSON of what the host put in, by member, and what had to be cut for it."""
    found: dict[bytes, bytes] = {}
    cuts: dict[str, int] = {}
    for name, copied in (("input", span._input), ("output", span._output), *(span._contents or {}).items()):
        if copied is not None:
            found[name.encode()], cut = json_of(copied)
            if cut:
                cuts |= {f"{name}_{reason}": count for reason, count in cut.items()}
    if span._metadata is not None or span._ambient is not None or span._kind not in KINDS:
        metadata = _metadata(span)
        if metadata is not None:
            found[b"metadata"] = metadata
    if span._ambient is not None:
        cuts |= span._ambient.cuts
    return found, cuts


def _copies_of_metadata(span: Span) -> list[Copy]:
    around = () if span._ambient is None else span._ambient.metadata
    return [*around, *(span._metadata or ())]


def _metadata(span: Span) -> bytes | None:
    copies = _copies_of_metadata(span)
    own_word = {} if _known_kind(span._kind) == span._kind.lower() else {OWN_KIND: _short(span._kind)}
    if len(copies) == 1 and not own_word:
        return json_of(copies[0])[0]
    if not copies and not own_word:
        return None
    merged: dict[str, Any] = dict(own_word)
    for copied in copies:
        merged |= _mapping(value_of(copied))
    return encode(merged)[0]


def _mapping(value: object) -> dict[str, Any]:
    plain = value if isinstance(value, dict) else {"value": value}
    return plain if all(isinstance(key, str) for key in plain) else bounded(plain)[0]


def _known_kind(kind: str) -> str:
    if kind in KINDS:
        return kind
    return kind.lower() if kind.lower() in KINDS else "other"


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT_CHARACTERS else text_of(text)
