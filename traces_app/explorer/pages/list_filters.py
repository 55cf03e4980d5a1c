"""What stands around the list: choices with counts, presets, chips of what is asked, completions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from traces_app.domain.search import ANY_SPAN, KEYS, ROOT, Term, exactly, parse_search, quoted
from traces_app.domain.summary import TraceSummary
from traces_app.explorer.filters import ListQuery
from traces_app.explorer.formats import count_text
from traces_app.explorer.pages.links import Link
from traces_app.explorer.visible import visible, visible_line

__all__ = [
    "Choices",
    "Link",
    "chips",
    "choices",
    "completions",
    "filter_link",
    "presets",
    "scopes",
    "tag_link",
]

MAX_CHOICES_SHOWN: Final = 8
MAX_COMPLETIONS: Final = 12
"""Of one key. A page of 50 rows offers some sixty."""

MAX_COMPLETION_CHARACTERS: Final = 200
SHORT_VALUE_CHARACTERS: Final = 28
MIN_TRACES_FOR_SLOW: Final = 20
SLOW_SHARE: Final = 0.95
STATUS_LABELS: Final = {"ok": "ok", "error": "error", "cancelled": "cancelled", "pending": "running"}
STATUS_TITLES: Final = {
    "ok": "The trace itself ended well, whatever failed within",
    "error": "The trace itself failed: its root, or where that never came a span",
    "cancelled": "The trace itself was cancelled",
    "pending": "The trace has not ended",
}
MISSED_TITLE: Final = "A model asked for a tool that nothing in its trace answered: traces are opened for it"
LOW_SCORE: Final = 0.5

_CHOICE_KEYS: Final[tuple[tuple[str, str, Callable[[TraceSummary], Iterable[str | None]]], ...]] = (
    ("Environment", "env", lambda trace: (trace.environment,)),
    ("Name", "name", lambda trace: (trace.name,)),
    ("Model", "model", lambda trace: trace.models),
    ("Tag", "tag", lambda trace: trace.tags),
    ("User", "user", lambda trace: (trace.user_id,)),
    ("Session", "session", lambda trace: (trace.session_id,)),
    ("Prompt", "prompt", lambda trace: trace.prompts),
    ("Release", "release", lambda trace: (trace.release,)),
)


@dataclass(frozen=True, slots=True)
class Choices:
    title: str
    links: list[Link]
    is_open: bool = True


def filter_link(query: ListQuery, key: str, value: str | None) -> Link | None:
    if value is None:
        return None
    shown = visible_line(value, SHORT_VALUE_CHARACTERS)
    return Link(shown, query.with_value(key, value), title=f"Only {key} {visible_line(value)}")


def tag_link(query: ListQuery, tag: str) -> Link:
    shown = visible_line(tag, SHORT_VALUE_CHARACTERS)
    return Link(shown, query.with_value("tag", tag), title=f"Only {visible_line(tag)}")


def choices(traces: Sequence[TraceSummary], query: ListQuery) -> list[Choices]:
    """Values seen among ``traces`` with their counts; those asked for always stand there."""
    found = [Choices("Status", _status_choices(traces, query))]
    for title, key, values_of in _CHOICE_KEYS:
        counts = Counter(value for trace in traces for value in dict.fromkeys(values_of(trace)) if value)
        found.append(_counted(title, key, query, counts))
    return [one for one in found if one.links]


def _status_choices(traces: Sequence[TraceSummary], query: ListQuery) -> list[Link]:
    """How traces ended; and apart from it those where some span failed: most of them end well."""
    counts = Counter(trace.status for trace in traces)
    links = [
        _status_choice(query, exactly("status", name), label, counts[name], STATUS_TITLES[name])
        for name, label in STATUS_LABELS.items()
    ]
    failed = sum(trace.has_failed_span for trace in traces)
    return [
        *links,
        _status_choice(
            query, exactly("error", "true"), "with a failed span", failed, "However the trace ended"
        ),
    ]


def _status_choice(query: ListQuery, term: Term, label: str, count: int, title: str) -> Link:
    is_current = term in query.search.terms
    return Link(
        label,
        query.without(term) if is_current else query.with_term(term),
        title=title,
        count=count_text(count) if count else "",
        is_current=is_current,
        mark=term.values[0] if term.key == "status" else "part-error",
    )


def _counted(title: str, key: str, query: ListQuery, counts: Counter[str]) -> Choices:
    chosen = [
        term.values[0]
        for term in query.search.terms
        if term.key == key and not term.is_negated and term == exactly(key, term.values[0])
    ]
    seen = [value for value, _ in counts.most_common(MAX_CHOICES_SHOWN) if value not in chosen]
    links = [
        _choice(key, query, value, counts[value], is_current=value in chosen) for value in [*chosen, *seen]
    ]
    return Choices(title, links, is_open=key not in ("session", "release") or bool(chosen))


def _choice(key: str, query: ListQuery, value: str, count: int, *, is_current: bool) -> Link:
    term = exactly(key, value)
    return Link(
        visible_line(value, SHORT_VALUE_CHARACTERS),
        query.without(term) if is_current else query.with_term(term),
        title=visible_line(value),
        count=count_text(count),
        is_current=is_current,
    )


def presets(traces: Sequence[TraceSummary], query: ListQuery) -> list[Link]:
    """Questions that are asked often. Slow and expensive are the highest twentieth of what is shown."""
    slow_s = _high([trace.duration_ms / 1000 for trace in traces if trace.duration_ms], 10)
    high_usd = _high([trace.cost_usd for trace in traces if trace.cost_usd], 0.1)
    offered = {
        "Failed span": ("error:true", "Traces with a failed span"),
        "Slow": (f"duration:>{slow_s:g}s", f"Longer than {slow_s:g} s"),
        "Expensive": (f"cost:>{high_usd:f}".rstrip("0").rstrip("."), f"More than ${high_usd:g}"),
        "Missed tool call": ("missed:true", MISSED_TITLE),
    }
    if any(trace.scores for trace in traces) or any(term.key == "score" for term in query.search.terms):
        offered["Low score"] = (f"score:<{LOW_SCORE:g}", f"A score below {LOW_SCORE:g}")
    offered["Running"] = ("status:pending", "Traces that have not ended")
    return [_preset(query, label, *question) for label, question in offered.items()]


def _preset(query: ListQuery, label: str, text: str, title: str) -> Link:
    term = parse_search(text).terms[0]
    active = [one for one in query.search.terms if _is_same_question(one, term)]
    address = query.without(*active) if active else query.with_term(term)
    return Link(label, address, title=title, is_current=bool(active))


def _is_same_question(one: Term, other: Term) -> bool:
    same_words = (one.key, one.operator, one.is_negated) == (other.key, other.operator, other.is_negated)
    return same_words and (one.key in ("duration", "cost", "score") or one.values == other.values)


def _high(values: Sequence[float], otherwise: float) -> float:
    """A round number that about a twentieth of them exceed."""
    if len(values) < MIN_TRACES_FOR_SLOW:
        return otherwise
    high = sorted(values)[int(len(values) * SLOW_SHARE)]
    unit = 10.0 ** math.floor(math.log10(high))
    return float(max(step * unit for step in (1, 2, 5) if step * unit <= high))


def scopes(query: ListQuery) -> list[Link]:
    root = "name, kind, status, error, model, duration and cost are asked of the trace"
    span = (
        "name, kind, status, error, model, duration and cost are asked of one span: traces are opened for it"
    )
    return [
        Link("Trace", query.with_scope(ROOT), root, is_current=query.search.scope == ROOT),
        Link("Any span", query.with_scope(ANY_SPAN), span, is_current=query.search.scope == ANY_SPAN),
    ]


def chips(query: ListQuery) -> list[Link]:
    """One a condition; following it takes the condition away."""
    return [Link(visible_line(str(term), 60), query.without(term)) for term in query.search.terms]


def completions(traces: Sequence[TraceSummary]) -> list[str]:
    """Conditions with values that were seen, then the keys themselves."""
    found = [f"status:{status}" for status in STATUS_LABELS] + ["error:true"]
    for _, key, values_of in _CHOICE_KEYS:
        counts = Counter(value for trace in traces for value in values_of(trace) if value)
        found += [
            f"{key}:{visible(quoted(value, always=True))}"
            for value, _ in counts.most_common(MAX_COMPLETIONS)
            if len(value) <= MAX_COMPLETION_CHARACTERS
        ]
    return found + [f"{key}:" for key in KEYS]
