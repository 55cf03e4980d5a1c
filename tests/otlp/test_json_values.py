"""OTLP's AnyValue in JSON, by the rules of proto3's JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from traces_app.api.otlp.decode import read_spans_json
from traces_app.api.otlp.records import Record


def read(value: Any) -> Any:
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "attributes": [{"key": "k", "value": value}]}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    (record,) = read_spans_json(body)
    assert isinstance(record, Record)
    return record.attributes["k"]


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ({"stringValue": "x"}, "x"),
        ({"boolValue": False}, False),
        ({"boolValue": "true"}, True),
        ({"intValue": "5"}, 5),
        ({"intValue": 5}, 5),
        ({"doubleValue": 1.5}, 1.5),
        ({"doubleValue": 2}, 2),
        ({"doubleValue": "2.5"}, 2.5),
        ({"doubleValue": "NaN"}, "NaN"),
        ({"doubleValue": "-Infinity"}, "-Infinity"),
        ({"bytesValue": "AAH/"}, "AAH/"),
        ({"arrayValue": {"values": [{"intValue": 1}, {}]}}, [1, None]),
        ({"arrayValue": {}}, []),
        ({"kvlistValue": {"values": [{"key": "a", "value": {"kvlistValue": {}}}]}}, {"a": {}}),
    ],
)
def test_each_kind_of_value_is_read(value: Any, meaning: Any) -> None:
    assert read(value) == meaning
    assert type(read(value)) is type(meaning)


def test_unknown_fields_are_ignored_wherever_they_stand() -> None:
    assert read({"futureField": 1, "stringValue": "x"}) == "x"
    assert read({"stringValue": "x", "futureField": 1}) == "x"
    assert read({"futureField": 1}) is None


def test_null_is_a_field_that_is_not_there() -> None:
    assert read({"stringValue": None, "intValue": "5"}) == 5
    assert read({"stringValue": None}) is None


@pytest.mark.parametrize(
    "value",
    [
        {"stringValue": 5},
        {"boolValue": 1},
        {"boolValue": "yes"},
        {"doubleValue": True},
        {"doubleValue": "many"},
        {"doubleValue": "1e999"},
        {"intValue": True},
        {"bytesValue": False},
        {},
        None,
        "text",
    ],
)
def test_a_value_of_the_wrong_shape_is_none(value: Any) -> None:
    assert read(value) is None


def test_a_scope_of_odd_shape_costs_no_span() -> None:
    body = b'{"resourceSpans":[{"scopeSpans":[{"scope":{"name":5,"version":[]},"spans":[{}]}]}]}'
    (record,) = read_spans_json(body)
    assert isinstance(record, Record)
    assert record.scope == {}
