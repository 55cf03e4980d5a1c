"""Deleting a trace leaves nothing of it, on both engines."""

from __future__ import annotations

import pytest

from tests.builders import NOW_NS, own_trace_id, span, span_id, trace_id
from tests.storage.test_store import STAMP, packed, repository
from traces_app.storage import keys
from traces_app.storage.models import SpanItem, TraceItem
from traces_app.storage.store import Store

__all__ = ["repository"]

OWN = own_trace_id(NOW_NS // 10**6 - 60_000, 7)


def items_about(trace: str) -> list[str]:
    everything = [*TraceItem.scan(), *SpanItem.scan()]
    return [f"{item.pk} {item.sk}" for item in everything if trace in item.pk or trace in item.sk]


@pytest.mark.parametrize("trace", [OWN, trace_id(9)], ids=["own id", "foreign id"])
def test_nothing_of_a_deleted_trace_is_left(repository: Store, trace: str) -> None:
    first = span(1, trace_id=trace, user_id="ana", session_id="s")
    repository.append("dev", {trace: packed(first)}, STAMP)
    late = span(2, trace_id=trace, parent_span_id=span_id(1), session_id="other", input="x" * 900_000)
    repository.append("dev", {trace: packed(late)}, STAMP)
    repository.append("dev", {trace_id(3): packed(span(3, trace_id=trace_id(3)))}, STAMP)
    assert len(items_about(trace)) > 5
    assert repository.delete_trace("dev", trace, now_ns=NOW_NS)
    assert items_about(trace) == []
    assert not repository.delete_trace("dev", trace, now_ns=NOW_NS)
    assert len(items_about(trace_id(3))) == 3


def test_what_is_left_of_a_half_deleted_trace_is_found_again(repository: Store) -> None:
    repository.append("dev", {OWN: packed(span(1, trace_id=OWN, user_id="ana"))}, STAMP)
    for part in SpanItem.query(keys.spans_partition("dev", OWN)):
        part.delete()
    assert repository.delete_trace("dev", OWN, now_ns=NOW_NS)
    assert items_about(OWN) == []


def test_a_trace_of_another_project_stays(repository: Store) -> None:
    repository.append("shop", {OWN: packed(span(1, trace_id=OWN))}, STAMP)
    assert not repository.delete_trace("dev", OWN, now_ns=NOW_NS)
    assert items_about(OWN) != []
