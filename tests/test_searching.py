from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from tests.builders import NOW_NS, own_trace_id, put, span, span_id
from traces_app import searching
from traces_app.access import Access
from traces_app.domain.search import parse_search
from traces_app.queries import BadCursor
from traces_app.searching import MAX_SAMPLED_DAYS, Found, count_newer, search_traces

DAY_MS = 86_400_000
pytestmark = pytest.mark.usefixtures("store")


def stored(access: Access, number: int, *children: dict[str, Any], days_ago: float = 0, **fields: Any) -> str:
    start_ms = NOW_NS // 10**6 - 1000 - number - int(days_ago * DAY_MS)
    trace = own_trace_id(start_ms, number)
    own = {"trace_id": trace, "start_ns": start_ms * 10**6, "name": f"trace {number}"}
    rest = [
        span(n, **{"trace_id": trace, "start_ns": start_ms * 10**6, "parent_span_id": span_id(1)} | values)
        for n, values in enumerate(children, 2)
    ]
    put(access, span(1, **own | fields), *rest)
    return trace


def ask(text: str, scope: str = "root", **options: Any) -> Found:
    return search_traces("dev", parse_search(text, scope=scope), now_ns=NOW_NS, **options)


def test_a_search_finds_what_its_conditions_hold_for(access: Access) -> None:
    wanted = stored(access, 1, tags=["a"], user_id="ana")
    stored(access, 2, tags=["b"], user_id="ana")
    assert [trace.trace_id for trace in ask("tag:a user:ana").traces] == [wanted]


def test_pages_go_on_without_gap_or_repeat_though_more_was_looked_at(access: Access) -> None:
    sent = [stored(access, number) for number in range(12)]
    seen, cursor = [], None
    for _ in range(3):
        found = ask("", limit=5, cursor=cursor)
        seen += [trace.trace_id for trace in found.traces]
        cursor = found.next_cursor
    assert (seen, cursor) == (sent, None)


def test_the_sample_reaches_behind_the_page(access: Access) -> None:
    for number in range(12):
        stored(access, number)
    found = ask("", limit=5)
    assert (len(found.traces), len(found.sample), found.searched, found.reached_end) == (5, 12, 12, True)


def test_the_sample_of_a_quiet_project_ends_after_some_days(access: Access) -> None:
    for number in range(12):
        stored(access, number, days_ago=number)
    found = ask("", limit=2)
    assert len(found.sample) <= MAX_SAMPLED_DAYS + 1
    assert not found.reached_end


def test_texts_are_searched_in_every_span(access: Access) -> None:
    wanted = stored(access, 1, {"input": [{"role": "user", "content": 'Is the "Blue" one\nback?'}]})
    stored(access, 2, {"output": {"a": [1, "green"]}})
    for text in ("text:BLUE", 'text:"\\"blue\\" one"', 'text:"one\nback"'):
        found = ask(text)
        assert [trace.trace_id for trace in found.traces] == [wanted], text
    assert (found.opened, found.unopened) == (2, 0)


def test_errors_and_names_of_fields_are_texts_too(access: Access) -> None:
    stored(access, 1, {"status": "error", "error": {"message": "Rate limit"}}, output={"verdict": 1})
    assert len(ask('text:"rate LIMIT"').traces) == 1
    assert len(ask("text:verdict").traces) == 1


def test_any_span_scope_finds_what_the_root_does_not_say(access: Access) -> None:
    stored(access, 1, {"name": "get_orders", "kind": "tool", "status": "error"})
    assert ask("name:get_orders").traces == []
    assert len(ask("name:get_orders kind:tool error:true", scope="any").traces) == 1
    assert ask("name:get_orders status:ok", scope="any").traces == []


def test_when_the_time_is_up_the_answer_says_what_is_left_and_can_go_on(access: Access) -> None:
    for number in range(6):
        stored(access, number, input="needle" if number == 5 else "hay")
    asked = count(1)
    first = ask("text:needle", is_time_up=lambda: next(asked) > 1)
    assert (first.traces, first.opened, first.unopened) == ([], 2, 4)
    second = ask("text:needle", cursor=first.next_cursor)
    assert [trace.name for trace in second.traces] == ["trace 5"]
    assert (second.opened, second.next_cursor) == (4, None)


def test_at_least_one_trace_is_opened_however_short_the_time(access: Access) -> None:
    for number in range(3):
        stored(access, number, input="needle")
    cursor, names = None, []
    for _ in range(4):
        found = ask("text:needle", cursor=cursor, is_time_up=lambda: True)
        names += [trace.name for trace in found.traces]
        cursor = found.next_cursor
        if cursor is None:
            break
    assert names == ["trace 0", "trace 1", "trace 2"]


def test_a_long_search_of_summaries_ends_with_its_time_and_goes_on(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "CHECKED_EVERY", 3)
    for number in range(8):
        stored(access, number)
    first = ask("nothing", is_time_up=lambda: True)
    assert (first.searched, first.reached_end) == (3, False)
    second = ask("", cursor=first.next_cursor)
    assert [trace.name for trace in second.traces] == [f"trace {number}" for number in range(3, 8)]


def test_newer_ones_are_counted(access: Access) -> None:
    for number in (5, 3, 1):
        stored(access, number, tags=["x"] if number == 1 else [])
    oldest = ask("").traces[-1].trace_id
    assert count_newer("dev", parse_search(""), after=oldest, now_ns=NOW_NS) == 2
    assert count_newer("dev", parse_search("tag:x"), after=oldest, now_ns=NOW_NS) == 1


def test_a_wrong_cursor_is_refused() -> None:
    with pytest.raises(BadCursor):
        ask("", cursor="rubbish")
