from __future__ import annotations

from typing import Any

import pytest

from tests.builders import NOW_NS, own_trace_id, put, span, span_id
from traces_app import queries
from traces_app.access import Access
from traces_app.domain.span import Usage
from traces_app.queries import BadCursor, SpanNotFound, TraceFilter
from traces_app.storage.store import Store

HOUR_NS = 3600 * 10**9


@pytest.fixture
def filled(store: Store, access: Access) -> Store:
    """60 traces, one an hour, the newest an hour ago; every third is an error, names go round."""
    for number in range(60):
        start_ns = NOW_NS - (number + 1) * HOUR_NS
        put(
            access,
            span(
                1,
                trace_id=own_trace_id(start_ns // 10**6, number),
                start_ns=start_ns,
                name=("checkout", "Search", "chat")[number % 3],
                status="error" if number % 3 == 0 else "ok",
                user_id=f"user-{number % 2}",
                session_id=f"session-{number // 10}",
                tags=["even"] if number % 2 == 0 else ["odd", "x"],
                environment="prod" if number < 30 else "test",
                kind="llm",
                usage=Usage(10, 1),
                cost_usd=0.5,
            ),
        )
    return store


def ask(limit: int = 50, cursor: str | None = None, **filters: Any) -> queries.TracePage:
    return queries.list_traces("dev", TraceFilter(**filters), limit=limit, cursor=cursor, now_ns=NOW_NS)


@pytest.mark.usefixtures("filled")
def test_pages_follow_one_another_newest_first_without_gap_or_repeat() -> None:
    seen, cursor = [], None
    while True:
        page = ask(limit=7, cursor=cursor)
        seen += [trace.start_ns for trace in page.traces]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 60


@pytest.mark.usefixtures("filled")
def test_the_last_page_says_that_it_is_the_last() -> None:
    assert ask(limit=60).next_cursor is None
    assert ask(limit=59).next_cursor is not None


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"status": "error"}, 20),
        ({"name": "sea"}, 20),
        ({"tags": ("odd", "x")}, 30),
        ({"tags": ("odd", "even")}, 0),
        ({"user_id": "user-1"}, 30),
        ({"session_id": "session-2"}, 10),
        ({"session_id": "session-2", "user_id": "user-1"}, 5),
        ({"environment": "prod"}, 30),
        ({"since_ns": NOW_NS - 10 * HOUR_NS}, 10),
        ({"until_ns": NOW_NS - 51 * HOUR_NS}, 10),
        ({"since_ns": NOW_NS - 10 * HOUR_NS, "until_ns": NOW_NS - 5 * HOUR_NS, "status": "ok"}, 4),
        ({"user_id": "nobody"}, 0),
        ({"user_id": "😀" * 1000}, 0),
        ({"since_ns": NOW_NS, "until_ns": NOW_NS - HOUR_NS}, 0),
        ({"since_ns": 2**63 - 1}, 0),
        ({"until_ns": -(10**18)}, 0),
    ],
)
def test_every_filter_holds(filters: dict[str, Any], expected: int) -> None:
    assert len(ask(limit=60, **filters).traces) == expected


@pytest.mark.usefixtures("filled")
def test_a_filtered_page_is_full_although_others_lie_between() -> None:
    page = ask(limit=5, status="error")
    assert len(page.traces) == 5
    assert page.searched > 5
    assert len(ask(limit=50, status="error", cursor=page.next_cursor).traces) == 15


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    "cursor", ["", "nonsense", "12", "x-y", "1;2-3", "1_0-abc", "9" * 3000, f"{1:013d}-{'F' * 32}"]
)
def test_a_cursor_that_nobody_gave_out_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor, match="next_cursor"):
        ask(cursor=cursor)


@pytest.mark.usefixtures("filled")
def test_statistics_count_every_trace_of_the_range() -> None:
    stats = queries.get_stats("dev", now_ns=NOW_NS)
    assert (stats.total_traces, stats.total_spans, stats.total_errors) == (60, 60, 20)
    assert (stats.total_tokens, stats.cost_usd) == (660, 30.0)
    recent = queries.get_stats("dev", since_ns=NOW_NS - 10 * HOUR_NS, now_ns=NOW_NS)
    assert recent.total_traces == 10


def test_statistics_of_nothing_are_unknown_rather_than_zero(store: Store) -> None:
    stats = queries.get_stats("dev", now_ns=NOW_NS)
    assert (stats.total_traces, stats.total_tokens, stats.cost_usd) == (0, None, None)


def test_a_list_asks_the_store_as_often_for_many_rows_as_for_few(filled: Store, asked: list[str]) -> None:
    ask(limit=2, session_id="session-1")
    few = len(asked)
    asked.clear()
    ask(limit=10, session_id="session-1")
    assert len(asked) == few


def test_opening_a_trace_is_one_query(store: Store, access: Access, asked: list[str]) -> None:
    spans = [span(1), *(span(n, parent_span_id=span_id(1)) for n in range(2, 300))]
    put(access, *spans)
    asked.clear()
    trace = queries.get_trace("dev", spans[0].trace_id, now_ns=NOW_NS)
    assert len(list(trace.spans())) == 299
    assert asked == ["Query"]


@pytest.fixture
def asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the operations that reach the engine."""
    client, operations = store.engine.client, []
    original = client._make_api_call

    def listen(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        operations.append(operation)
        return original(operation, arguments)

    monkeypatch.setattr(client, "_make_api_call", listen)
    return operations


def test_a_span_that_is_not_there_is_named(store: Store, access: Access) -> None:
    put(access, span(1))
    with pytest.raises(SpanNotFound):
        queries.get_trace("dev", span(1).trace_id, now_ns=NOW_NS).span(span_id(99))


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("trace_id", ["", "..", "F" * 32, "0" * 31, "0" * 33, "é" * 32, "x" * 3000])
def test_an_id_that_is_none_is_not_found(trace_id: str) -> None:
    with pytest.raises(queries.TraceNotFound):
        queries.get_trace("dev", trace_id, now_ns=NOW_NS)


def test_a_filter_that_matches_little_reads_many_traces_at_a_time(
    store: Store, access: Access, asked: list[str]
) -> None:
    for number in range(400):
        start_ns = NOW_NS - number * 10**9
        put(access, span(1, trace_id=own_trace_id(start_ns // 10**6, number), start_ns=start_ns))
    asked.clear()
    assert ask(limit=1, name="nothing is called so").searched == 400
    assert len(asked) <= 3


def test_a_batch_with_a_start_in_seconds_does_not_list_its_trace_twice(store: Store, access: Access) -> None:
    trace = own_trace_id(NOW_NS // 10**6 - 1000, 7)
    put(access, span(1, trace_id=trace))
    put(
        access,
        span(2, trace_id=trace, parent_span_id=span_id(1), start_ns=1_700_000_000, end_ns=1_700_000_001),
    )
    assert [found.trace_id for found in ask().traces] == [trace]
