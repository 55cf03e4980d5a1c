"""Times and ids of other tools, read in every form they are written in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.transfer.imports import NOW_NS
from traces_app.transfer.formats.values import Unreadable, span_id_of, time_ns_of, trace_id_of

pytestmark = pytest.mark.usefixtures("store")


@pytest.mark.parametrize(
    "told",
    [
        "2026-11-20T12:00:00Z",
        "2026-11-20T12:00:00.000000000Z",
        "2026-11-20T13:00:00+01:00",
        "2026-11-20 12:00:00.000",
        NOW_NS // 10**9,
        NOW_NS // 10**6,
        NOW_NS // 10**3,
        NOW_NS,
        str(NOW_NS // 10**6),
        float(NOW_NS // 10**9),
    ],
)
def test_times_are_read_in_every_unit(told: Any) -> None:
    assert time_ns_of(told, "t") == NOW_NS


def test_fractions_and_errors_of_times() -> None:
    assert time_ns_of("2026-11-20T12:00:00.123456789Z", "t") == NOW_NS + 123_456_789
    assert time_ns_of("", "t") is None
    with pytest.raises(Unreadable, match="t: 'soon' is no time"):
        time_ns_of("soon", "t")


def test_ids_that_are_no_hex_become_the_same_every_time() -> None:
    assert trace_id_of("0123ABCD-0123-4123-8123-0123456789ab", "id") == "0123abcd0123412381230123456789ab"
    assert trace_id_of("x", "id") == trace_id_of("x", "id") != trace_id_of("y", "id")
    assert span_id_of("00000000000000ff", "id") == "00000000000000ff"
    assert len(span_id_of("0123abcd-0123-4123-8123-0123456789ab", "id")) == 16
    with pytest.raises(Unreadable, match="an id is missing"):
        trace_id_of(None, "id")
