"""What the tests of budgets share: traces that are thinned or are not, and a month of them."""

from __future__ import annotations

import random
from dataclasses import asdict
from typing import Any

from tests.builders import NOW_NS, own_trace_id, put, span, span_id
from traces_app import budget
from traces_app.access import Access
from traces_app.domain.budget import Thinning
from traces_app.domain.span import Span, Usage
from traces_app.queries import Trace, TraceFilter, get_stats, get_trace, list_traces
from traces_app.statistics import get_statistics

HOUR_NS = 3_600 * 10**9
TWIN = Access("twin", "all", "test")
THINNING = Thinning(0.2, 30_000, 0.1)
LOW, HIGH = "0" * 14, "f" * 14
"""Random parts of ids that no rate takes, and that all do."""


def trace_id(number: int, random_part: str = LOW) -> str:
    return own_trace_id(NOW_NS // 10**6 - 60_000)[:17] + f"{number:x}{random_part}"


def six_spans(
    trace: str, *, start_ns: int = NOW_NS - 60 * 10**9, seconds: float = 2, **root: Any
) -> list[Span]:
    words = random.Random(trace).randbytes(300).hex()
    times = {"trace_id": trace, "start_ns": start_ns, "end_ns": start_ns + int(seconds * 10**9)}
    call = {"kind": "llm", "model": "gpt-4o", "usage": Usage(100, 20), "cost_usd": 0.001}
    children = [
        span(number, parent_span_id=span_id(1), input=words, output=words, **times, **call)
        for number in range(2, 7)
    ]
    return [span(1, **times, **{"name": "root", "input": words} | root), *children]


def thin(project: str = "dev", rate: float = 0.2) -> None:
    known = budget.set_budget(project, monthly_usd="1", slow_s="", expensive_usd="", now_ns=NOW_NS)
    budget.set_rate(project, known, rate, "as the test says", now_ns=NOW_NS)


def opened(trace: str) -> Trace:
    return get_trace("dev", trace, now_ns=NOW_NS)


def is_thinned(trace: str) -> bool:
    found = opened(trace)
    assert (found.summary.thinned is None) == bool(found.rows)
    return not found.rows


def month_of_traces(access: Access, first_ns: int, hours: range) -> int:
    """Every fifth failed, slow or scored; the same for every project."""
    rng, count = random.Random(7), 0
    for hour in hours:
        at_ns = first_ns + hour * HOUR_NS
        for number in range(4):
            trace = own_trace_id(at_ns // 10**6, 0)[:18] + f"{rng.getrandbits(56):014x}"
            owners = {"user_id": f"u{number}", "session_id": f"s{hour % 5}", "tags": [f"t{number}"]}
            kind = [{}, {"status": "error"}, {}, {"scores": [{"name": "x", "value": 1}]}][count % 4]
            slow = 40 if count % 10 == 9 else 2
            put(
                access,
                *six_spans(trace, start_ns=at_ns, seconds=slow, **owners, **kind),
                now_ns=at_ns + 60 * 10**9,
            )
            count += 1
    return count


def sums_of(project: str, since_ns: int, now_ns: int) -> Any:
    sections = [
        get_statistics(project, section, since_ns=since_ns, until_ns=now_ns, now_ns=now_ns).total()
        for section in ("main", "users", "sessions")
    ]
    stats = get_stats(project, now_ns=now_ns)
    found = list_traces(project, TraceFilter(), limit=1000, now_ns=now_ns).traces
    other = ("project", "stored_bytes", "arrived_ns", "thinned")
    rows = [{k: v for k, v in asdict(trace).items() if k not in other} for trace in found]
    return sections, stats, rows
