"""What a project's senders lost, what was refused and what was not understood: exporters show none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from traces_app.domain.problems import NOTE_PREFIX, Problem
from traces_app.explorer.visible import visible_line

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
    ("refused: trace_id", "Ids must be 16 and 8 bytes: in JSON as hex, not base64."),
    ("refused: span_id", "Ids must be 16 and 8 bytes: in JSON as hex, not base64."),
    ("refused: span", "The span was too large, too deep or no JSON."),
    ("refused: status", "Enums are numbers in OTLP's JSON, not names."),
    ("refused: kind", "Enums are numbers in OTLP's JSON, not names."),
    ("refused: startTimeUnixNano", "Times are nanoseconds since 1970, as a number or a text."),
    ("refused: endTimeUnixNano", "Times are nanoseconds since 1970, as a number or a text."),
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
