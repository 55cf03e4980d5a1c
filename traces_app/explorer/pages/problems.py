"""What a project's senders lost, what was refused and what was not understood: exporters show none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from traces_app.domain.problems import NOTE_PREFIX, Problem
from traces_app.explorer.visible import visible_line

_IDS: Final = "Ids must be 16 and 8 bytes: in JSON as hex, not base64."
_TIMES: Final = "Times are nanoseconds since 1970, as a number or a text."
_ENUMS: Final = "Enums are numbers in OTLP's JSON, names in a native batch."

ADVICE: Final = (
    (
        "attributes dropped",
        "A limit of the sender's SDK: set OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=10000. The oldest went first.",
    ),
    ("events dropped", "A limit of the sender's SDK: set OTEL_SPAN_EVENT_COUNT_LIMIT."),
    (
        "events beyond",
        "A span is kept with its first 10,000 events.",
    ),
    ("links dropped", "A limit of the sender's SDK: set OTEL_SPAN_LINK_COUNT_LIMIT."),
    ("refused: trace_id", _IDS),
    ("refused: span_id", _IDS),
    ("refused: parent_span_id", _IDS),
    ("refused: start_ns", _TIMES),
    ("refused: end_ns", _TIMES),
    ("refused: status", _ENUMS),
    ("refused: kind", _ENUMS),
    ("refused: cost_usd", "Dollars of one call, as a number."),
    ("refused: usage", "Tokens of one call, as whole numbers."),
    (
        "refused: log record",
        "The record was no log, or its span has too many or too large ones.",
    ),
    ("refused: span", "The span was too large, too deep, or not what it is said to be."),
    (
        "refused: body",
        "A whole request was refused, and exporters do not send it again. Counted once in ten minutes.",
    ),
    ("refused:", "A field of the span had a value of another kind: the answer to the sender said which."),
    ("unknown convention", "The spans are kept; their attributes are in no convention that is read here."),
)


@dataclass(frozen=True, slots=True)
class ProblemLine:
    day: str
    reason: str
    count: str
    advice: str


def problems_page(problems: Sequence[Problem]) -> list[ProblemLine]:
    return [_line(problem) for problem in problems]


def _line(problem: Problem) -> ProblemLine:
    reason = problem.reason.removeprefix(NOTE_PREFIX)
    return ProblemLine(
        day=f"{problem.day[:4]}-{problem.day[4:6]}-{problem.day[6:]}",
        reason=visible_line(reason),
        count=f"{problem.count:,}",
        advice=next((text for part, text in ADVICE if reason.startswith(part)), ""),
    )
