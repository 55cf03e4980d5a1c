"""Keys of every type sort, select and page the same on both engines."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tests.storage.conftest import Call
from tests.storage.requests import fails

NUMBERS = [
    "-1e30",
    "-100",
    "-10.5",
    "-10",
    "-1.2",
    "-1",
    "-0.02",
    "0",
    "1e-5",
    "0.5",
    "1",
    "1.5",
    "9",
    "10",
    "3e40",
]
BINARIES = [b"\x00", b"\x00\xff", b"\x01", b"a", b"ab", b"\xfe\xff\xff", b"\xff", b"\xff\x00", b"\xff\xff"]
TEXTS = [
    "a",
    "a\ud7fb",
    "a\ue000",
    "a\U0010ffff",
    "a\U0010ffffz",
    "b",
    "\U0010ffff",
    "\U0010ffff!",
]


def make_table(call: Call, *keys: tuple[str, str]) -> str:
    """A table with these (name, type) keys; its name."""
    name = f"keys-{uuid4().hex[:12]}"
    call(
        "CreateTable",
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in keys],
        KeySchema=[
            {"AttributeName": key, "KeyType": role}
            for (key, _), role in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
    )
    return name


def fill(call: Call, table: str, kind: str, values: list[Any]) -> None:
    shuffled = random.Random(1).sample(values, len(values))
    for value in shuffled:
        call("PutItem", TableName=table, Item={"pk": {"S": "T"}, "sk": {kind: value}})


def query(call: Call, table: str, kind: str, condition: str = "", **parameters: Any) -> list[Any]:
    values = {":pk": {"S": "T"}, **parameters.pop("values", {})}
    answer = call(
        "Query",
        TableName=table,
        KeyConditionExpression="pk = :pk" + condition,
        ExpressionAttributeValues=values,
        **parameters,
    )
    return [item["sk"][kind] for item in answer["Items"]]


def test_numbers_sort_by_value(call: Call) -> None:
    table = make_table(call, ("pk", "S"), ("sk", "N"))
    fill(call, table, "N", NUMBERS)

    found = query(call, table, "N")

    assert [Decimal(number) for number in found] == [Decimal(number) for number in NUMBERS]
    assert query(call, table, "N", ScanIndexForward=False) == found[::-1]


def test_numbers_are_selected_by_value(call: Call) -> None:
    table = make_table(call, ("pk", "S"), ("sk", "N"))
    fill(call, table, "N", NUMBERS)
    bounds = {":low": {"N": "-10.50"}, ":high": {"N": "1.0"}}

    between = query(call, table, "N", " AND sk BETWEEN :low AND :high", values=bounds)

    assert between == ["-10.5", "-10", "-1.2", "-1", "-0.02", "0", "0.00001", "0.5", "1"]


def test_one_number_in_two_spellings_is_one_key(call: Call) -> None:
    table = make_table(call, ("pk", "S"), ("sk", "N"))

    fill(call, table, "N", ["1", "1.0", "10e-1"])

    assert query(call, table, "N") == ["1"]


def test_binaries_sort_by_bytes_and_are_found_by_their_beginning(call: Call) -> None:
    table = make_table(call, ("pk", "S"), ("sk", "B"))
    fill(call, table, "B", BINARIES)

    assert query(call, table, "B") == BINARIES
    begins = " AND begins_with(sk, :start)"
    assert query(call, table, "B", begins, values={":start": {"B": b"\xff"}}) == BINARIES[-3:]
    assert query(call, table, "B", begins, values={":start": {"B": b"\x00\xff"}}) == [b"\x00\xff"]
    assert query(call, table, "B", begins, values={":start": {"B": b"\xfe"}}) == [b"\xfe\xff\xff"]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("a", ["a", "a\ud7fb", "a\ue000", "a\U0010ffff", "a\U0010ffffz"]),
        ("a\U0010ffff", ["a\U0010ffff", "a\U0010ffffz"]),
        ("\U0010ffff", ["\U0010ffff", "\U0010ffff!"]),
    ],
)
def test_texts_are_found_by_their_beginning_up_to_the_last_character(
    call: Call, start: str, expected: list[str]
) -> None:
    table = make_table(call, ("pk", "S"), ("sk", "S"))
    fill(call, table, "S", TEXTS)

    assert (
        query(call, table, "S", " AND begins_with(sk, :start)", values={":start": {"S": start}}) == expected
    )


def test_a_table_may_have_a_hash_key_only(call: Call) -> None:
    table = make_table(call, ("id", "S"))
    call("PutItem", TableName=table, Item={"id": {"S": "a"}, "n": {"N": "1"}})
    call("PutItem", TableName=table, Item={"id": {"S": "a"}, "n": {"N": "2"}})

    found = call("GetItem", TableName=table, Key={"id": {"S": "a"}})

    assert found["Item"]["n"] == {"N": "2"}
    assert call("Scan", TableName=table)["Count"] == 1


@pytest.mark.parametrize(
    ("condition", "values", "message"),
    [
        ("sk = :sk", {":sk": {"S": "a"}}, "Query condition missed key schema element: pk"),
        ("pk = :pk AND sk = :n", {":pk": {"S": "T"}, ":n": {"N": "1"}}, "does not match schema type"),
        ("pk = :pk AND pk = :pk", {":pk": {"S": "T"}}, "must only contain one condition per key"),
        (
            "pk = :pk AND sk BETWEEN :z AND :a",
            {":pk": {"S": "T"}, ":z": {"S": "z"}, ":a": {"S": "a"}},
            "requires upper bound to be greater than or equal to lower bound",
        ),
        ("pk = :pk AND sk = :sk", {":pk": {"S": "T"}, ":sk": {"S": ""}}, "empty string value. Key: sk"),
    ],
)
def test_wrong_key_conditions_are_explained(call: Call, condition: str, values: dict, message: str) -> None:
    code, found = fails(call, "Query", KeyConditionExpression=condition, ExpressionAttributeValues=values)

    assert code == "ValidationException"
    assert message in found


def test_a_starting_key_of_another_query_is_refused(call: Call) -> None:
    code, _ = fails(
        call,
        "Query",
        KeyConditionExpression="pk = :pk AND sk < :sk",
        ExpressionAttributeValues={":pk": {"S": "T"}, ":sk": {"S": "b"}},
        ExclusiveStartKey={"pk": {"S": "T"}, "sk": {"S": "c"}},
    )

    assert code == "ValidationException"
