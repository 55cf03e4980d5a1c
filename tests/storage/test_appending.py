"""Batches of one trace in the same moment, and batches that fail half way: every list ends whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from tests.builders import NOW_NS, put, span, span_id
from traces_app import ingest, queries
from traces_app.access import Access
from traces_app.queries import TraceFilter
from traces_app.storage import StoreUnavailable
from traces_app.storage.anchors import MAX_LISTS
from traces_app.storage.models import AnchorItem
from traces_app.storage.store import Store

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture
def as_on_dynamodb(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Without transactions: every request stands for itself."""
    monkeypatch.setattr(store.engine, "one_commit", nullcontext)
    return store


def child(number: int, **fields: Any) -> Any:
    return span(number, parent_span_id=span_id(1), **fields)


def in_another_process(store: Store, access: Access, *spans: Any) -> None:
    """Another one knows nothing of what this one remembers."""
    theirs = Store(store.engine)
    with pytest.MonkeyPatch.context() as other:
        other.setattr(ingest, "get_store", lambda: theirs)
        put(access, *spans)


def before_request(store: Store, number: int, do: Callable[[], None], patch: pytest.MonkeyPatch) -> None:
    """``do`` happens just before this process's write request of that number."""
    write = store.engine.batch_put
    requests = iter(range(100))

    def writing(items: Any) -> float:
        if next(requests) == number:
            patch.setattr(store.engine, "batch_put", write)
            do()
        return write(items)

    patch.setattr(store.engine, "batch_put", writing)


def counts(**filters: Any) -> list[int]:
    page = queries.list_traces("dev", TraceFilter(**filters), now_ns=NOW_NS)
    return [trace.span_count for trace in page.traces]


@pytest.mark.parametrize("moment", [0, 1])
def test_an_owner_named_while_another_batch_is_written_lists_that_too(
    as_on_dynamodb: Store, access: Access, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    put(access, child(2))
    named = span(1, session_id="s", user_id="u")
    before_request(
        as_on_dynamodb, moment, lambda: in_another_process(as_on_dynamodb, access, named), monkeypatch
    )
    put(access, child(3))
    assert counts() == counts(session_id="s") == counts(user_id="u") == [3]


@pytest.mark.parametrize("moment", [0, 1])
def test_two_processes_that_name_one_owner_each_keep_both(
    as_on_dynamodb: Store, access: Access, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    put(access, child(2))
    named = span(1, user_id="u")
    before_request(
        as_on_dynamodb, moment, lambda: in_another_process(as_on_dynamodb, access, named), monkeypatch
    )
    put(access, child(3, session_id="s"))
    put(access, child(4))
    assert counts() == counts(session_id="s") == counts(user_id="u") == [4]


def test_a_trace_of_two_sessions_is_whole_in_both_lists(store: Store, access: Access) -> None:
    put(access, child(2, session_id="inner"), child(3, session_id="inner"))
    put(access, span(1, session_id="outer"))
    in_another_process(store, access, child(4))
    assert counts() == counts(session_id="outer") == counts(session_id="inner") == [4]
    assert [
        trace.session_id
        for trace in queries.list_traces("dev", TraceFilter(session_id="inner"), now_ns=NOW_NS).traces
    ] == ["outer"]


@pytest.mark.parametrize("failing", [0, 1])
def test_a_batch_that_was_refused_half_way_adopts_when_it_comes_again(
    as_on_dynamodb: Store, access: Access, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    put(access, child(2), child(3))

    def throttled() -> None:
        raise StoreUnavailable("throttled")

    with monkeypatch.context() as patch:
        before_request(as_on_dynamodb, failing, throttled, patch)
        with pytest.raises(StoreUnavailable):
            put(access, span(1, session_id="s"))
    in_another_process(as_on_dynamodb, access, span(1, session_id="s"))
    assert counts() == counts(session_id="s") == [3]


def test_what_a_failed_commit_did_not_keep_is_written_with_the_next(
    store: Store, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = store.engine.one_commit

    @contextmanager
    def disk_full() -> Iterator[None]:
        with commit():
            yield
            raise StoreUnavailable("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(store.engine, "one_commit", disk_full)
        with pytest.raises(StoreUnavailable):
            put(access, span(1, session_id="s"))
    put(access, span(1, session_id="s"))
    assert counts() == counts(session_id="s") == [1]
    assert store.list_projects() == ["dev"]


def test_a_trace_of_very_many_sessions_is_kept_and_its_anchor_stays_small(access: Access) -> None:
    for number in range(2, 80):
        put(access, child(number, session_id=f"s{number}"))
    assert counts() == [78]
    (anchor,) = (item for item in AnchorItem.scan() if item.lists)
    assert len(anchor.lists) == MAX_LISTS


def test_a_list_of_losses_is_the_newest(access: Access) -> None:
    for number in range(600):
        ingest.receive(
            access,
            [child(number + 2, start_ns=NOW_NS - number * 10**9)],
            now_ns=NOW_NS,
            counters={"old" if number >= 100 else "new": 1},
        )
    losses = queries.get_losses("dev", now_ns=NOW_NS)
    assert losses == {"new": 100, "old": 400}
