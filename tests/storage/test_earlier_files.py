"""A file that an earlier version wrote is read, added to, rewritten and deleted from like today's."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NOW_NS, own_trace_id, put, span, span_id, trace_id
from traces_app import queries, storage
from traces_app.access import Access
from traces_app.queries import TraceFilter
from traces_app.storage.models import SpanItem
from traces_app.storage.store import Store

STORED = Path(__file__).parent / "stored" / "chunks-version-1.sqlite3.gz"
"""Trace 1 (a foreign id) came in two batches, spans 1 and 2, then 3; another has an id of our client."""

OWN = own_trace_id(NOW_NS // 10**6 - 60_000, 7)


@pytest.fixture
def earlier(tmp_path: Path, settings: Any) -> Iterator[Store]:
    path = tmp_path / "earlier.sqlite3"
    path.write_bytes(gzip.decompress(STORED.read_bytes()))
    storage.reset_store()
    settings.STORAGE_URL = f"sqlite:///{path}"
    yield storage.get_store()
    storage.reset_store()


def listed() -> list[tuple[str, int, int]]:
    page = queries.list_traces("dev", TraceFilter(), limit=10, now_ns=NOW_NS)
    return [(trace.trace_id, trace.span_count, trace.error_count) for trace in page.traces]


@pytest.mark.usefixtures("earlier")
def test_its_traces_open_with_every_payload() -> None:
    assert sorted(listed()) == [(trace_id(1), 3, 1), (OWN, 1, 0)]
    trace = queries.get_trace("dev", trace_id(1), now_ns=NOW_NS)
    assert [(row.span.span_id, row.depth) for row in trace.rows] == [
        (span_id(number), depth) for number, depth in ((1, 0), (2, 1), (3, 1))
    ]
    assert (trace.span(span_id(1)).output, trace.span(span_id(1)).user_id) == ("On its way.", "björn")
    assert trace.span(span_id(2)).input == [{"role": "user", "content": "Where is my parcel?"}]
    assert trace.span(span_id(3)).output == "x" * 5000
    assert queries.get_trace("dev", OWN, now_ns=NOW_NS).span(span_id(1)).input == {"n": 1}


@pytest.mark.usefixtures("earlier")
def test_further_spans_join_its_traces(access: Access) -> None:
    put(access, span(4, parent_span_id=span_id(3), output="late"))
    trace = queries.get_trace("dev", trace_id(1), now_ns=NOW_NS)
    assert len(trace.rows) == 4
    assert trace.span(span_id(4)).output == "late"


def test_its_traces_are_rewritten_in_todays_layout(earlier: Store) -> None:
    def renamed(stored: Any) -> Any:
        stored.name = "renamed"
        return stored

    before = {item.sk for item in SpanItem.scan()}
    for position, _ in list(earlier.iterate_traces("dev", now_ns=NOW_NS)):
        earlier.rewrite_trace("dev", position, renamed, now_ns=NOW_NS)
    assert not before & {item.sk for item in SpanItem.scan()}
    trace = queries.get_trace("dev", trace_id(1), now_ns=NOW_NS)
    assert {row.span.name for row in trace.rows} == {"renamed"}
    assert trace.span(span_id(3)).output == "x" * 5000


def test_its_traces_are_deleted_whole(earlier: Store) -> None:
    assert earlier.delete_trace("dev", trace_id(1), now_ns=NOW_NS)
    assert listed() == [(OWN, 1, 0)]
    assert [item.pk for item in SpanItem.scan()] == [f"T#dev#{OWN}"]
