"""The language of the list's search: words, and ``key:value`` for what a trace is known by.

``refund error:true model:gpt-4o -tag:test duration:>2s`` asks for all of it at once; ``env:a,b`` for either.
A key in front of a quoted value takes it as it is, ``=`` in front of a value asks for exactly that, and ``*``
stands for anything. Whatever cannot be read is named in ``problems`` and asks for nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from traces_app.domain.span import KINDS, STATUSES, Span
from traces_app.domain.summary import TraceSummary

MAX_SEARCH_CHARACTERS: Final = 2000
MAX_TERMS: Final = 40
"""Each is held against up to 20,000 traces for one page."""

DURATION_UNITS: Final = {"us": 0.001, "µs": 0.001, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7}
COUNT_UNITS: Final = {"": 1.0, "k": 1e3, "m": 1e6}
STATUS_WORDS: Final = {name: name for name in STATUSES} | {"running": "pending"}
ANY_SPAN: Final = "any"
ROOT: Final = "root"

_COMPARISON: Final = re.compile(r"(>=|<=|>|<|=)?(.*)", re.DOTALL)
_NUMBER: Final = re.compile(r"\$?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([a-zµ]*)", re.IGNORECASE)
_KEY: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*):(=|>=|<=|>|<)?")
_UNQUOTED: Final = re.compile(r"[^\s\",<>=][^\s\",]*")
_BARE: Final = re.compile(r"[^\s\"',:*\\<>=-][^\s\"',:*\\]*")


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: any of ``values`` (texts), or ``number`` compared by ``operator``."""

    key: str
    """Empty for words."""
    values: tuple[str, ...]
    operator: str = ""
    number: float = 0.0
    is_negated: bool = False
    is_quoted: bool = False

    def __str__(self) -> str:
        values = ",".join(quoted(value, always=self.is_quoted) for value in self.values)
        return (
            ("-" if self.is_negated else "") + (f"{self.key}:" if self.key else "") + self.operator + values
        )


@dataclass(frozen=True, slots=True)
class Search:
    terms: tuple[Term, ...] = ()
    scope: str = ROOT
    """``any``: what is asked of name, kind, status, model, duration and texts must hold of one and the
    same span."""
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return " ".join(str(term) for term in self.terms)

    @property
    def needs_spans(self) -> bool:
        """Whether summaries alone cannot tell."""
        return any(self.is_of_spans(term) for term in self.terms)

    def is_of_spans(self, term: Term) -> bool:
        return term.key in SPANS_ONLY or (self.scope == ANY_SPAN and term.key in _SPAN_TESTS)

    def value_of(self, key: str) -> str | None:
        """The one value this key must have, if there is such."""
        exact = (
            term.values[0]
            for term in self.terms
            if term.key == key and not term.is_negated and len(term.values) == 1 and "*" not in term.values[0]
        )
        return next(exact, None)

    def matches(self, trace: TraceSummary) -> bool:
        """As far as a summary tells: of what is asked of spans only that some must have failed."""
        return all(
            _may_hold(term, trace) if self.is_of_spans(term) else _holds(term, _TRACE_TESTS[term.key], trace)
            for term in self.terms
        )

    def matches_span(self, span: Span, opened: Mapping[str, Callable[[], str]]) -> bool:
        """``opened``: for each of ``SPANS_ONLY`` the text to look in, in lower case. Asked last."""
        asked = [term for term in self.terms if self.is_of_spans(term)]
        return all(
            _holds(term, _SPAN_TESTS[term.key], span) for term in asked if term.key not in SPANS_ONLY
        ) and all(
            any(value.lower() in opened[term.key]() for value in term.values) != term.is_negated
            for term in asked
            if term.key in SPANS_ONLY
        )

    def with_term(self, term: Term) -> Search:
        """With one condition more; one of the same key that a trace has one value of is replaced."""
        kept = [one for one in self.terms if one != term and not _excludes(one, term)]
        return replace(self, terms=(*kept, term))

    def without(self, *terms: Term) -> Search:
        return replace(self, terms=tuple(one for one in self.terms if one not in terms))


def parse_search(text: str, *, scope: str = ROOT) -> Search:
    """Every term that can be read. ``problems`` are sentences about the others."""
    problems: list[str] = []
    if len(text) > MAX_SEARCH_CHARACTERS:
        problems.append(f"Only the first {MAX_SEARCH_CHARACTERS} characters are read.")
    terms = []
    for piece in _pieces(text[:MAX_SEARCH_CHARACTERS], problems):
        try:
            terms.append(_term(piece))
        except ValueError as error:
            problems.append(str(error))
    if len(terms) > MAX_TERMS:
        problems.append(f"Only the first {MAX_TERMS} conditions are applied.")
    return Search(tuple(dict.fromkeys(terms[:MAX_TERMS])), ANY_SPAN if scope == ANY_SPAN else ROOT, problems)


def exactly(key: str, value: str) -> Term:
    """The condition that a link to this very value asks for."""
    if key in _NUMBER_KEYS or key in _CHOICES:
        return _term(_Piece(False, key, "", [(value, False)]))
    return Term(key, (value,), "=" if key in _PART_KEYS else "", is_quoted=_BARE.fullmatch(value) is None)


def quoted(value: str, *, always: bool = False) -> str:
    """As the language writes a value."""
    plain = (
        value and not any(mark in value for mark in ' \t\r\n",') and (not always or _BARE.fullmatch(value))
    )
    return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


# -- reading ---------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Piece:
    is_negated: bool
    key: str
    operator: str
    values: list[tuple[str, bool]]
    """With whether it was quoted."""


def _pieces(text: str, problems: list[str]) -> Iterable[_Piece]:
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        is_negated = text[at] == "-" and at + 1 < len(text) and not text[at + 1].isspace()
        at += is_negated
        key_match = _KEY.match(text, at)
        key, operator = (key_match[1].lower(), key_match[2] or "") if key_match else ("", "")
        at = key_match.end() if key_match else at
        values, at = _values(text, at, problems, splits=bool(key))
        yield _Piece(is_negated, key, operator, values)


def _values(text: str, at: int, problems: list[str], *, splits: bool) -> tuple[list[tuple[str, bool]], int]:
    """The values up to the next space, and where that is."""
    values: list[tuple[str, bool]] = []
    while at < len(text) and not text[at].isspace():
        if text[at] == '"':
            value, at = _quoted_value(text, at + 1, problems)
            values.append((value, True))
        elif splits and text[at] == ",":
            at += 1
        else:
            end = at
            while end < len(text) and not text[end].isspace() and text[end] != '"':
                if splits and text[end] == ",":
                    break
                end += 1
            values.append((text[at:end], False))
            at = end
        if not splits:
            break
    return values, at


def _quoted_value(text: str, at: int, problems: list[str]) -> tuple[str, int]:
    value = ""
    while at < len(text):
        if text[at] == '"':
            return value, at + 1
        if text[at] == "\\" and text[at + 1 : at + 2] in ('"', "\\"):
            at += 1
        value += text[at]
        at += 1
    problems.append(f"A quote is not closed: “{value[:40]}”.")
    return value, at


def _term(piece: _Piece) -> Term:
    values = tuple(value for value, _ in piece.values if value)
    is_quoted = any(quote for _, quote in piece.values)
    if piece.key and piece.key not in _TRACE_TESTS:
        raise ValueError(_unknown_key(piece.key))
    if not values:
        raise ValueError(
            f"{piece.key}: a value is missing." if piece.key else "Empty quotes look for nothing."
        )
    if piece.key in _NUMBER_KEYS:
        return _number_term(piece, values)
    if piece.key == "missed" and piece.is_negated:
        raise ValueError("missed: only finds traces with such a call, not those without one.")
    if piece.operator not in ("", "="):
        raise ValueError(
            f"{piece.key}: holds text, so {piece.operator} has no meaning; write {piece.key}:value."
        )
    if piece.key in _CHOICES:
        values = tuple(_choice(piece.key, value) for value in values)
    operator = piece.operator if piece.key in _PART_KEYS else ""
    return Term(piece.key, values, operator, is_negated=piece.is_negated, is_quoted=is_quoted)


def _number_term(piece: _Piece, values: tuple[str, ...]) -> Term:
    if len(values) > 1:
        raise ValueError(f"{piece.key}: takes one number.")
    operator, text = piece.operator, values[0]
    if not operator:
        match = _COMPARISON.fullmatch(text)
        operator, text = (match[1] or "", match[2]) if match else ("", text)
    number = _NUMBER_KEYS[piece.key](piece.key, text)
    return Term(piece.key, (text,), operator, number, is_negated=piece.is_negated)


def _unknown_key(key: str) -> str:
    close = difflib.get_close_matches(key, [name for name in _TRACE_TESTS if name], n=1)
    hint = f"did you mean {close[0]}:?" if close else "the keys are " + ", ".join(KEYS) + "."
    return f"{key}: is no filter; {hint} (Quotes around it look for the words.)"


def _choice(key: str, value: str) -> str:
    found = _CHOICES[key].get(value.lower())
    if found is None:
        raise ValueError(f"{key}: write one of {', '.join(_CHOICES[key])}, not {value[:40]}.")
    return found


def _duration_ms(key: str, text: str) -> float:
    match = _NUMBER.fullmatch(text)
    unit = DURATION_UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise ValueError(f"{key}: write a time with its unit, as {key}:>2s or {key}:<300ms, not {text[:40]}.")
    return float(match[1]) * unit


def _count(key: str, text: str) -> float:
    match = _NUMBER.fullmatch(text)
    unit = COUNT_UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise ValueError(f"{key}: write a number, as {key}:>1000 or {key}:<5k, not {text[:40]}.")
    return float(match[1]) * unit


def _plain_number(key: str, text: str) -> float:
    match = _NUMBER.fullmatch(text.removeprefix("-"))
    if match is None or match[2]:
        raise ValueError(f"{key}: write a number, as {key}:>0.01, not {text[:40]}.")
    return -float(match[1]) if text.startswith("-") else float(match[1])


# -- holding against traces and spans --------------------------------------------------------------
Values = Callable[[Any], Iterable[Any]]


def _holds(term: Term, values_of: Values, subject: Any) -> bool:
    values = [value for value in values_of(subject) if value is not None]
    if term.key in _NUMBER_KEYS:
        found = any(_COMPARE[term.operator](value, term.number) for value in values)
    else:
        found = any(_is_like(term, wanted, str(value)) for value in values for wanted in term.values)
    return found != term.is_negated


def _may_hold(term: Term, trace: TraceSummary) -> bool:
    """Whether a span of the trace can meet what is asked: spares opening those where none can."""
    if term.key == "missed":
        return trace.status != "pending"  # what runs may still answer
    asks_for_errors = (term.key, term.values, term.is_negated) in _ASKS_FOR_ERRORS
    return not asks_for_errors or trace.has_failed_span


def _is_like(term: Term, wanted: str, value: str) -> bool:
    if "*" in wanted and not term.is_quoted and not term.operator:
        return _is_wildcard_match(wanted.lower(), value.lower())
    if term.key in _PART_KEYS and not term.operator:
        return wanted.lower() in value.lower()
    return wanted == value


def _is_wildcard_match(pattern: str, value: str) -> bool:
    first, *middle, last = pattern.split("*")
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    at, end = len(first), len(value) - len(last)
    for part in middle:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    "=": lambda value, bound: value == bound,
    "": lambda value, bound: value == bound,
}
_TRUTHS: Final = {"true": "true", "false": "false", "yes": "true", "no": "false"}
_CHOICES: Final[dict[str, dict[str, str]]] = {
    "status": STATUS_WORDS,
    "error": _TRUTHS,
    "scored": _TRUTHS,
    "pinned": _TRUTHS,
    "missed": {"true": "true"},
    "kind": {kind: kind for kind in KINDS},
}
_NUMBER_KEYS: Final[dict[str, Callable[[str, str], float]]] = {
    "duration": _duration_ms,
    "ttft": _duration_ms,
    "cost": _plain_number,
    "score": _plain_number,
    "tokens": _count,
    "spans": _count,
    "errors": _count,
}
_PART_KEYS: Final = frozenset({"", "name", "model", "prompt", "text"})
"""A part of it is enough, in any case."""


def _word(is_true: bool) -> str:  # noqa: FBT001 - the value itself
    return "true" if is_true else "false"


_TRACE_TESTS: Final[dict[str, Values]] = {
    "": lambda trace: (trace.name, trace.input_preview, trace.output_preview, trace.trace_id),
    "name": lambda trace: (trace.name,),
    "status": lambda trace: (trace.status,),
    "error": lambda trace: (_word(trace.has_failed_span),),
    "kind": lambda trace: (trace.root_kind,),
    "model": lambda trace: trace.models,
    "tag": lambda trace: trace.tags,
    "user": lambda trace: (trace.user_id,),
    "session": lambda trace: (trace.session_id,),
    "env": lambda trace: (trace.environment,),
    "release": lambda trace: (trace.release,),
    "prompt": lambda trace: trace.prompts,
    "id": lambda trace: (trace.trace_id,),
    "duration": lambda trace: (trace.duration_ms,),
    "ttft": lambda trace: (trace.first_token_ms,),
    "cost": lambda trace: (trace.cost_usd,),
    "tokens": lambda trace: (trace.total_tokens,),
    "spans": lambda trace: (trace.span_count,),
    "errors": lambda trace: (trace.error_count,),
    "score": lambda trace: trace.scores.values(),
    "scored": lambda trace: (_word(bool(trace.scores)),),
    "pinned": lambda trace: (_word(trace.is_pinned),),
    "text": lambda _: (),
    "missed": lambda _: (),
}
_SPAN_TESTS: Final[dict[str, Values]] = {
    "name": lambda span: (span.name, span.display_name),
    "status": lambda span: (span.status,),
    "error": lambda span: (_word(span.status == "error"),),
    "kind": lambda span: (span.kind,),
    "model": lambda span: (span.model,),
    "duration": lambda span: (None if span.duration_ns is None else span.duration_ns / 1e6,),
    "ttft": lambda span: (span.time_to_first_token_ms,),
    "cost": lambda span: (span.cost_usd,),
}
_ASKS_FOR_ERRORS: Final = frozenset({("error", ("true",), False), ("status", ("error",), False)})
SPANS_ONLY: Final = frozenset({"text", "missed"})
"""What no summary tells."""

_OF_MANY_VALUES: Final = frozenset({"", "tag", "model", "prompt", "text"})
"""A trace may have several of these: another condition adds to those there are."""

KEYS: Final = tuple(key for key in _TRACE_TESTS if key)


def _excludes(one: Term, other: Term) -> bool:
    return (
        one.key == other.key
        and one.is_negated == other.is_negated
        and one.key not in _OF_MANY_VALUES
        and one.key not in _NUMBER_KEYS
    )
