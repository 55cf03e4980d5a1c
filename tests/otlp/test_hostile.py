"""Small bodies that ask for much: refused before they take a worker's time or memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.otlp.exports import PROTOBUF, post, post_json
from tests.otlp.hostile import CASES, field, in_json, spans, with_ids
from traces_app import queries
from traces_app.api.otlp.allowance import MAX_RECORDS_PER_REQUEST
from traces_app.domain.limits import MAX_SPAN_BYTES
from traces_app.queries import TraceFilter

CHECKOUT = Path(__file__).resolve().parent.parent.parent
MAX_CPU_SECONDS = 12
"""On a slow and busy machine; a third of it elsewhere. It was 98 for the first of them."""
MAX_MEGABYTES = 400


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    """Of each hostile body: status, seconds of processor time, megabytes."""
    path = os.pathsep.join((str(CHECKOUT), str(CHECKOUT / "client")))
    url = f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'traces.sqlite3'}"
    done = subprocess.run(
        [sys.executable, "-m", "tests.otlp.hostile"],
        check=True,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": path, "STORAGE_URL": url, "RATE_LIMIT_RPM": "0"},
    )
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return {case: [float(figure) for figure in figures] for case, *figures in lines}


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_body_is_refused_soon_and_in_little_memory(
    case: str, measured: dict[str, list[float]]
) -> None:
    status, cpu_seconds, megabytes = measured[case]
    assert status in (400, 413)
    assert cpu_seconds < MAX_CPU_SECONDS
    assert megabytes < MAX_MEGABYTES


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
def test_too_many_records_are_413_that_names_the_limit_and_what_to_do(path: str) -> None:
    told = post(path, spans(*[b""] * (MAX_RECORDS_PER_REQUEST + 1)))
    assert (told.status, told.headers["Content-Type"]) == (413, PROTOBUF)
    assert str(MAX_RECORDS_PER_REQUEST).encode() in told.body
    assert b"OTEL_BSP_MAX_EXPORT_BATCH_SIZE" in told.body
    many = in_json(b"{}," * MAX_RECORDS_PER_REQUEST, b"{}")
    if path == "/v1/traces":
        assert str(MAX_RECORDS_PER_REQUEST) in post_json(many, path).json()["message"]


def test_as_many_records_as_the_limit_allows_are_read() -> None:
    assert post("/v1/traces", spans(*[b""] * MAX_RECORDS_PER_REQUEST)).status == 200


def test_a_span_beyond_the_limit_of_a_span_is_refused_alone() -> None:
    large = with_ids(1) + field(5, b"x" * MAX_SPAN_BYTES)
    told = post("/v1/traces", spans(large, with_ids(2)))
    assert told.status == 200
    assert str(MAX_SPAN_BYTES).encode() in told.body
    assert [trace.span_count for trace in _stored()] == [1]


def test_a_text_cut_inside_a_character_costs_no_span() -> None:
    cut = with_ids(1) + field(5, b"half \xed\xa0\xbd")
    assert post("/v1/traces", spans(cut, with_ids(2))).body == b""
    (trace,) = _stored()
    span = queries.get_trace("dev", trace.trace_id, now_ns=time.time_ns()).span(f"{1:016x}")
    assert span.name == "half \ufffd"
    assert any("U+FFFD" in notice for notice in span.notices)


def test_ids_and_numbers_that_look_like_half_a_character_stay_as_they_are() -> None:
    trace_id = b"\xed\xa0\xbd" + b"t" * 13
    cut = field(1, trace_id) + field(2, b"\xed\xa0\xbd" + b"s" * 5) + field(5, b"\xed\xa0\xbd")
    post("/v1/traces", spans(cut))
    assert [trace.trace_id for trace in _stored()] == [trace_id.hex()]


def test_a_span_that_is_no_message_is_refused_alone() -> None:
    told = post("/v1/traces", spans(with_ids(1) + field(5, b"\xff\xfe"), with_ids(2)))
    assert told.status == 200
    assert b"UTF-8" in told.body
    assert [trace.span_count for trace in _stored()] == [1]


def test_parts_of_a_message_in_any_order_are_joined() -> None:
    late = field(2, field(2, with_ids(1)) + field(1, field(1, b"scope"))) + field(1, field(1, b""))
    assert post("/v1/traces", field(1, late) + field(9, b"unknown")).body == b""
    (trace,) = _stored()
    span = queries.get_trace("dev", trace.trace_id, now_ns=time.time_ns()).span(f"{1:016x}")
    assert span.attributes["otel"]["scope"] == {"name": "scope"}


def _stored() -> list[queries.TraceSummary]:
    return queries.list_traces("dev", TraceFilter(), now_ns=time.time_ns()).traces
