"""Whatever the host puts into a span: it is copied, bounded, and never raises."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import itertools
import json
import pathlib
import time
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from llm_tracer import SyncTracerClient
from llm_tracer._encode import MAX_VALUE_BYTES, encode
from llm_tracer.testing import CapturedSpans


def decoded(value: Any) -> Any:
    return json.loads(encode(value)[0])


def test_a_value_is_what_it_was_when_it_was_set(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    messages = [{"role": "user", "content": "hi"}]
    metadata = {"list": [1]}
    with tracer.trace("root", metadata, input=messages) as trace:
        messages.append({"role": "assistant", "content": "later"})
        metadata["list"].append(2)
        trace.set_output(messages)
        messages.clear()
    tracer.flush()
    sent = captured.one("root")
    assert (len(sent["input"]), len(sent["output"]), sent["metadata"]) == (1, 2, {"list": [1]})


class Colour(enum.Enum):
    RED = "red"


@dataclass(slots=True)
class Point:
    x: Any


class Model:
    """In the form of pydantic's, with something inside that JSON has not."""

    def model_dump(self, *, warnings: bool) -> dict[str, Any]:
        return {"tags": {"a"}, "warnings": warnings}


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({1: "a", None: "b", (1, 2): "c"}, {"1": "a", "None": "b", "(1, 2)": "c"}),
        ({"set": {7}, "tuple": (1, 2)}, {"set": [7], "tuple": [1, 2]}),
        (b"text", "text"),
        (float("nan"), None),
        ([float("inf"), {1}], [None, [1]]),
        (2**70, str(2**70)),
        ("half \ud83d and whole \ud83d\ude00", "half \ufffd and whole 😀"),
        ({"\ud800": 1}, {"\ufffd": 1}),
        (Point(Point({1})), {"x": {"x": [1]}}),
        ([Colour.RED, {1}], ["red", [1]]),
        ([decimal.Decimal("0.10"), pathlib.PurePosixPath("/a")], ["0.10", "/a"]),
        ([dt.date(2026, 1, 2), uuid.UUID(int=1), {1}], ["2026-01-02", str(uuid.UUID(int=1)), [1]]),
        (Model(), {"tags": ["a"], "warnings": False}),
        (Hostile(), "<Hostile>"),
        (ValueError("x"), "ValueError('x')"),
        ("nul \x00", "nul \x00"),
    ],
)
def test_values_that_json_has_not_are_shown_sensibly(value: Any, shown: Any) -> None:
    assert decoded(value) == shown


def test_a_value_that_contains_itself_says_so() -> None:
    value: dict[str, Any] = {"name": "loop"}
    value["self"] = [value]
    data, cuts = encode(value)
    assert json.loads(data) == {"name": "loop", "self": ["<cut: contains itself>"]}
    assert cuts == {"cycles": 1}


def test_a_shared_value_is_not_taken_for_a_loop() -> None:
    shared = {1}
    assert decoded([shared, shared]) == [[1], [1]]


def test_endless_depth_is_cut() -> None:
    value: Any = "bottom"
    for _ in range(10_000):
        value = [value]
    data, cuts = encode(value)
    assert b"<cut: too deep>" in data
    assert cuts == {"depth": 1}


def test_a_fifty_megabyte_text_is_cut_in_reasonable_time(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    began_at = time.perf_counter()
    with tracer.trace("root") as trace:
        trace.set_output({"head": 1, "text": "x" * 50_000_000})
    assert time.perf_counter() - began_at < 2
    tracer.flush(10)
    sent = captured.one("root")
    assert len(sent["output"]["text"]) < MAX_VALUE_BYTES + 100
    assert sent["output"]["text"].endswith("of 50,000,000 characters]")
    assert sent["cuts"]["output_bytes"] > 41_000_000


def test_too_many_items_for_the_slow_encoder_are_cut_and_counted() -> None:
    data, cuts = encode([{1}] * 200_000)
    assert len(json.loads(data)) < 60_000
    assert cuts is not None
    assert cuts["items"] > 100_000


def test_binary_data_is_named_and_not_sent() -> None:
    data, cuts = encode({"image": b"\x89PNG" * 1000})
    assert json.loads(data)["image"].startswith("<4,000 bytes: 89504e47")
    assert cuts == {"binary_bytes": 4000}


@pytest.mark.parametrize("bad", [None, 5, b"x", [], {}, object(), Hostile(), "x" * 100_000, "\ud800"])
def test_no_argument_raises(tracer: SyncTracerClient, captured: CapturedSpans, bad: Any) -> None:
    with tracer.trace(bad, bad, bad, bad, bad, input=bad) as trace:
        with trace.span(bad, bad, bad, bad, bad, parent=bad) as span:
            span.set_input(bad)
            span.set_output(bad, bad, bad, bad, cache_read_tokens=bad)
            span.set_error(bad)
            span.set_metadata(bad)
            span.set_model(bad, provider=bad, parameters=bad)
            span.set_tool(bad)
            span.set_documents(bad)
            span.set_prompt(bad)
            span.add_tag(bad)
        span_id = tracer.create_span(bad, bad, bad, bad, bad, bad, bad)
        tracer.complete_span(span_id, bad, bad, bad, bad, bad)
        tracer.complete_span(bad)
        tracer.complete_trace(bad)
    assert tracer.flush().sent == 3


class Table:
    """As those of numpy and pandas: neither true nor false."""

    def __bool__(self) -> bool:
        raise ValueError("the truth value is ambiguous")


def test_what_is_neither_true_nor_false_is_taken_too(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    table: Any = Table()
    with tracer.context(metadata=table, tags=table), tracer.trace("root", table, tags=table) as trace:
        trace.set_metadata(table)
        tracer.score("good", 1, trace_id=trace.trace_id, span_id=table)
        tracer.complete_span(tracer.create_span(trace.trace_id, "step", parent_span_id=table))
        assert tracer.inject(table) is table
    assert tracer.flush() == (3, 0, 0)


def test_tags_without_end_are_cut_and_counted(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    with tracer.trace("root", tags=map(str, itertools.count())) as trace:
        trace.add_tag("one more")
    with tracer.context(tags=map(str, itertools.count())), tracer.trace("other"):
        pass
    tracer.flush()
    root, other = captured.one("root"), captured.one("other")
    assert (len(root["tags"]), root["cuts"]) == (200, {"tags_items": 2})
    assert (len(other["tags"]), other["cuts"]) == (200, {"tags_items": 1})


def test_numbers_that_are_none_are_noted_and_not_sent(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    with tracer.trace("root") as trace:
        trace.set_output("x", "12", "many", "cheap")  # type: ignore[arg-type]
    tracer.flush()
    sent = captured.one("root")
    assert sent["usage"] == {"input_tokens": 12}
    assert sent["cuts"] == {"output_tokens_invalid": 1, "cost_usd_invalid": 1}
