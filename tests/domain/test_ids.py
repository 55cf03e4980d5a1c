"""Ids of traces and spans."""

from __future__ import annotations

import uuid

import pytest

from tests.builders import NOW_NS
from traces_app.domain.ids import is_span_id, is_trace_id, new_span_id, new_trace_id
from traces_app.storage.keys import own_start_ms


def test_a_new_trace_id_is_a_uuid_of_version_7_that_tells_its_time() -> None:
    trace_id = new_trace_id(NOW_NS)
    assert is_trace_id(trace_id)
    made = uuid.UUID(trace_id)
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert own_start_ms(trace_id, NOW_NS // 10**6) == NOW_NS // 10**6


def test_new_ids_differ() -> None:
    assert len({new_trace_id(NOW_NS) for _ in range(100)} | {new_span_id() for _ in range(100)}) == 200
    assert is_span_id(new_span_id())


@pytest.mark.parametrize("digits", ["", "0", "A", "g", "\u0663", "a\n"])
def test_what_is_no_id(digits: str) -> None:
    assert not is_trace_id((digits * 32)[:32])
    assert not is_span_id((digits * 16)[:16])


def test_an_id_of_another_length_is_none() -> None:
    assert is_trace_id("a" * 32)
    assert not any(is_trace_id("a" * digits) for digits in (16, 31, 33))
    assert not any(is_span_id("a" * digits) for digits in (15, 17, 32))
