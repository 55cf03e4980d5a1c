"""What a list shows of a trace, and the small fragments it is merged from.

Every batch of a trace leaves one fragment: facts of the trace as far as the batch knows them, and a
table with one short entry per finished span. A trace that arrived in one batch is its fragment. With
several, the tables say which spans came twice, so that the totals are those of the tree whatever was
delivered again, late or in another grouping.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from traces_app.domain.mapping import map_span
from traces_app.domain.metering import Metered
from traces_app.domain.preview import preview, preview_of_answer
from traces_app.domain.span import Span
from traces_app.domain.totals import NANO_USD, Entry, Totals, distinct_entries, entry_of, total

ROOT_GRACE_NS: Final = 600 * 10**9
"""A trace whose root has not come this long after its last span is not waited for any more."""

MAX_LISTED_MODELS: Final = 8
MAX_LISTED_TAGS: Final = 100
MAX_LISTED_LOSSES: Final = 20
"""Of different tags, and of reasons, over all spans of a trace: a fragment is read with every list."""

MAX_LISTED_PROMPTS: Final = 8
MAX_PROMPT_CHARACTERS: Final = 80
MAX_LISTED_SCORES: Final = 8
MAX_SCORE_NAME_CHARACTERS: Final = 40


@dataclass(slots=True)
class Facts:
    """The trace as far as one batch knows it. Facts of the root win; without it, the earliest span's."""

    name: str | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    root_span_id: str | None = None
    root_kind: str | None = None
    root_status: str | None = None
    root_is_remote: bool = False
    """The root names a parent in another process, which is not known here."""
    models: list[str] = field(default_factory=list)
    user_id: str | None = None
    session_id: str | None = None
    tags: list[str] = field(default_factory=list)
    environment: str | None = None
    release: str | None = None
    input_preview: str | None = None
    output_preview: str | None = None
    dropped: dict[str, int] = field(default_factory=dict)
    first_token_ms: float | None = None
    """Of the earliest call that tells it."""
    scores: dict[str, float] = field(default_factory=dict)
    prompts: list[str] = field(default_factory=list)
    """Name and version of each, where spans tell one."""
    raw_bytes: int = 0
    stored_bytes: int = 0
    thinned: float | None = None
    """The batch's contents were not kept, because of the budget: what share of plain traces was."""


@dataclass(slots=True)
class Fragment:
    facts: Facts
    totals: Totals
    entries: list[Entry]
    metered: Metered | None = None
    """``None``: written before fragments noted it."""


@dataclass(slots=True)
class TraceSummary:
    """One trace in a list. Tokens are inclusive; ``None`` is unknown, never 0."""

    trace_id: str
    project: str
    name: str | None
    status: str
    start_ns: int | None
    end_ns: int | None
    span_count: int
    error_count: int
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    unpriced_count: int
    """Calls with tokens whose model has no known price: the cost is at least ``cost_usd``."""
    models: list[str]
    user_id: str | None
    session_id: str | None
    tags: list[str]
    environment: str | None
    release: str | None
    root_span_id: str | None
    """``None``: the root has not come, or never will."""
    root_kind: str | None
    input_preview: str | None
    output_preview: str | None
    dropped: dict[str, int]
    raw_bytes: int | None
    """JSON bytes of the payload; known in lists, ``None`` when the trace is opened."""
    stored_bytes: int
    metadata: dict[str, Any] = field(default_factory=dict)
    """Filled when the trace is opened; empty in lists."""
    first_token_ms: float | None = None
    """Time to first token of the earliest call that tells it."""
    scores: dict[str, float] = field(default_factory=dict)
    """Those that are numbers; of several with one name the lowest."""
    prompts: list[str] = field(default_factory=list)
    """Name and version, as ``reply 3``."""
    expires_at: int | None = None
    """Epoch seconds; ``None``: it is kept for ever."""
    is_pinned: bool = False
    arrived_ns: int | None = None
    """When the last of it was stored."""
    thinned: float | None = None
    """Contents of some spans were not kept, because of the budget: what share of plain traces was."""

    @property
    def duration_ms(self) -> float | None:
        if self.start_ns is None or self.end_ns is None or self.status == "pending":
            return None
        return max(0, self.end_ns - self.start_ns) / 1e6

    @property
    def has_failed_span(self) -> bool:
        """Whatever became of the trace itself."""
        return self.status == "error" or self.error_count > 0

    @property
    def total_tokens(self) -> int | None:
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)


def fragment_of(
    spans: Sequence[Span], *, raw_bytes: int = 0, stored_bytes: int = 0, thinned: float | None = None
) -> Fragment:
    """The fragment of one batch of one trace. Pending spans give facts but no totals."""
    entries = [entry_of(span) for span in spans if not span.is_pending]
    facts = _facts(spans)
    facts.raw_bytes, facts.stored_bytes, facts.thinned = raw_bytes, stored_bytes, thinned
    return Fragment(facts, total(entries), entries)


def merge(project: str, trace_id: str, fragments: Sequence[Fragment], *, now_ns: int) -> TraceSummary:
    """The summary of a trace from all its fragments, in any order, some of them perhaps twice."""
    facts = _merge_facts([fragment.facts for fragment in fragments])
    totals = _totals(fragments)
    cost = totals.cost_nano_usd
    return TraceSummary(
        trace_id=trace_id,
        project=project,
        name=facts.name,
        status=_status(facts, totals, now_ns),
        start_ns=facts.start_ns,
        end_ns=facts.end_ns,
        span_count=totals.span_count,
        error_count=totals.error_count,
        input_tokens=totals.input_tokens,
        output_tokens=totals.output_tokens,
        cache_read_tokens=totals.cache_read_tokens,
        reasoning_tokens=totals.reasoning_tokens,
        cost_usd=None if cost is None else cost / NANO_USD,
        unpriced_count=totals.unpriced_count,
        models=facts.models,
        user_id=facts.user_id,
        session_id=facts.session_id,
        tags=facts.tags,
        environment=facts.environment,
        release=facts.release,
        root_span_id=facts.root_span_id,
        root_kind=facts.root_kind,
        input_preview=facts.input_preview,
        output_preview=facts.output_preview,
        dropped=facts.dropped,
        raw_bytes=facts.raw_bytes,
        stored_bytes=facts.stored_bytes,
        first_token_ms=facts.first_token_ms,
        scores=facts.scores,
        prompts=facts.prompts,
        thinned=_thinned(fragments),
    )


def _totals(fragments: Sequence[Fragment]) -> Totals:
    if len(fragments) == 1:
        return fragments[0].totals
    return total(distinct_entries(fragment.entries for fragment in fragments))


def _thinned(fragments: Sequence[Fragment]) -> float | None:
    """Unless the same spans came again and were kept then."""
    thinned = [one for one in fragments if one.facts.thinned is not None]
    if not thinned or len(fragments) == 1:
        return thinned[0].facts.thinned if thinned else None
    kept = {entry.span_id for one in fragments if one.facts.thinned is None for entry in one.entries}
    missing = (one for one in thinned if any(entry.span_id not in kept for entry in one.entries))
    return next((one.facts.thinned for one in missing), None)


class Owners(NamedTuple):
    """Whose a trace is."""

    user_id: str | None
    session_id: str | None
    environment: str | None
    release: str | None


def owners_of(spans: Sequence[Span]) -> Owners:
    """The root's, else the earliest span's that names one, each for itself."""
    by_weight = sorted(
        spans, key=lambda span: (span.parent_span_id is not None, span.start_ns is None, span.start_ns or 0)
    )
    return Owners(*(_first(by_weight, name) for name in Owners._fields))


def _first(spans: Sequence[Span], name: str) -> str | None:
    return next((value for span in spans if (value := getattr(span, name))), None)


def _facts(spans: Sequence[Span]) -> Facts:
    first = min(spans, key=lambda span: (span.is_partial, span.start_ns is None, span.start_ns or 0))
    root = _root_of(spans)
    facts = Facts(
        name=(root or first).name or None,
        start_ns=first.start_ns,
        end_ns=max((span.end_ns for span in spans if span.end_ns is not None), default=None),
    )
    if root is not None:
        facts.root_span_id, facts.root_kind, facts.root_status = root.span_id, root.kind, root.status
        facts.root_is_remote = root.parent_span_id is not None
    facts.input_preview, facts.output_preview = _previews(spans, root)
    facts.models = list(dict.fromkeys(span.model for span in spans if span.model))[:MAX_LISTED_MODELS]
    facts.tags = list(dict.fromkeys(tag for span in spans for tag in span.tags))[:MAX_LISTED_TAGS]
    prompts = (prompt_label(span)[:MAX_PROMPT_CHARACTERS] for span in spans if span.prompt)
    facts.prompts = list(dict.fromkeys(filter(None, prompts)))[:MAX_LISTED_PROMPTS]
    owners = owners_of(spans)
    facts.user_id, facts.session_id = owners.user_id, owners.session_id
    facts.environment, facts.release = owners.environment, owners.release
    facts.first_token_ms = _first_token_ms(spans)
    for span in spans:
        if span.dropped:
            facts.dropped = _larger_counts(facts.dropped, span.dropped)
        if span.scores:
            facts.scores = _lower_scores(facts.scores, _numeric_scores(span))
    return facts


def prompt_label(span: Span) -> str:
    """Empty where the span names no prompt."""
    prompt = span.prompt or {}
    return " ".join(str(prompt[key]) for key in ("name", "version") if prompt.get(key) is not None)


def _first_token_ms(spans: Sequence[Span]) -> float | None:
    told = [span for span in spans if span.time_to_first_token_ms is not None]
    first = min(told, key=lambda span: span.start_ns or 0, default=None)
    return None if first is None else first.time_to_first_token_ms


def _numeric_scores(span: Span) -> dict[str, float]:
    return {
        str(score.get("name"))[:MAX_SCORE_NAME_CHARACTERS]: float(value)
        for score in sorted(span.scores, key=lambda score: score.get("source") == "human")  # which holds
        if isinstance(value := score.get("value"), int | float) and math.isfinite(value)
    }


def _lower_scores(known: dict[str, float], more: dict[str, float]) -> dict[str, float]:
    scores = known | {name: min(value, known.get(name, value)) for name, value in more.items()}
    return dict(list(scores.items())[:MAX_LISTED_SCORES])


def _root_of(spans: Sequence[Span]) -> Span | None:
    """The span without a parent; else the earliest whose parent ran elsewhere: it may never come."""
    whole = [span for span in spans if not span.is_partial]
    root = next((span for span in whole if span.parent_span_id is None), None)
    if root is None:
        remote = [span for span in whole if span.parent_is_remote]
        here = {span.span_id for span in remote and whole}
        tops = [span for span in remote if span.parent_span_id not in here]
        root = min(tops, key=lambda span: span.start_ns or 0, default=None)
    return root


def _previews(spans: Sequence[Span], root: Span | None) -> tuple[str | None, str | None]:
    """The root's, of a failed one without an output its error; where it has none, what the first call of a
    model was asked and the last one said.
    """
    asked, said = (preview(root.input), preview_of_answer(root.output)) if root else (None, None)
    if said is None and root and root.error:
        said = preview(": ".join(str(root.error[key]) for key in ("type", "message") if root.error.get(key)))
    if asked is None or said is None:
        calls = sorted(filter(None, map(_call, spans)), key=lambda span: span.start_ns or 0)
        asked = asked or next((text for span in calls if (text := preview(span.input))), None)
        said = said or next(
            (text for span in reversed(calls) if (text := preview_of_answer(span.output))), None
        )
    return asked, said


def _call(span: Span) -> Span | None:
    """A call of a model, or what events tell of one whose span comes apart."""
    if span.is_partial:
        span = deepcopy(span)
        map_span(span)
        if not any(isinstance(one, dict) and one.get("role") == "user" for one in span.input or ()):
            span.input = None  # a system's words alone are no question
        return span
    return span if span.kind == "llm" else None


def _larger_counts(known: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    """A sender repeats its losses with each record of a span, so of several counts the largest holds."""
    counts = known | {reason: max(count, known.get(reason, 0)) for reason, count in more.items()}
    return dict(list(counts.items())[:MAX_LISTED_LOSSES])


def _merge_facts(parts: Sequence[Facts]) -> Facts:
    if len(parts) == 1:
        return parts[0]
    by_weight = sorted(parts, key=_weight)
    merged = Facts()
    for part in by_weight:
        for name in _FIRST_WINS:
            if getattr(merged, name) is None:
                setattr(merged, name, getattr(part, name))
        merged.models = list(dict.fromkeys([*merged.models, *part.models]))[:MAX_LISTED_MODELS]
        merged.tags = list(dict.fromkeys([*merged.tags, *part.tags]))[:MAX_LISTED_TAGS]
        merged.prompts = list(dict.fromkeys([*merged.prompts, *part.prompts]))[:MAX_LISTED_PROMPTS]
        merged.dropped = _larger_counts(merged.dropped, part.dropped)
        merged.scores = (
            (merged.scores | part.scores) if _is_note(part) else _lower_scores(merged.scores, part.scores)
        )
        merged.raw_bytes += part.raw_bytes
        merged.stored_bytes += part.stored_bytes
    merged.start_ns = min((part.start_ns for part in parts if part.start_ns is not None), default=None)
    merged.end_ns = max((part.end_ns for part in parts if part.end_ns is not None), default=None)
    by_start = sorted(parts, key=lambda part: part.start_ns or 0)
    merged.first_token_ms = next(
        (part.first_token_ms for part in by_start if part.first_token_ms is not None), None
    )
    return merged


def _is_note(part: Facts) -> bool:
    """Of what people said later about a span: it is no second measurement but the one that holds."""
    return part.name is None and part.end_ns is None


_FIRST_WINS: Final = (
    "name",
    "root_span_id",
    "root_kind",
    "root_status",
    "user_id",
    "session_id",
    "environment",
    "release",
    "input_preview",
    "output_preview",
)


def _weight(facts: Facts) -> tuple[bool, bool, bool, int]:
    """Finished root first, then one with a parent elsewhere, then an announced root, then the earliest."""
    return (
        facts.root_status in (None, "pending"),
        facts.root_is_remote,
        facts.root_span_id is None,
        facts.start_ns or 0,
    )


def _status(facts: Facts, totals: Totals, now_ns: int) -> str:
    if facts.root_status is not None:
        return facts.root_status
    last_ns = facts.end_ns or facts.start_ns or 0
    if now_ns - last_ns < ROOT_GRACE_NS:
        return "pending"
    return "error" if totals.error_count else "ok"
