"""Conditions, updates and projections mean the same on both engines."""

from __future__ import annotations

import re

import pytest
from botocore.exceptions import ClientError

from tests.storage.conftest import Call
from tests.storage.requests import fails, key, raw

DOCUMENT = {
    "text": {"S": "hello \U0001f600"},
    "number": {"N": "10"},
    "data": {"B": b"\x01\x02"},
    "flag": {"BOOL": True},
    "nothing": {"NULL": True},
    "tags": {"SS": ["x", "y"]},
    "bits": {"BS": [b"1", b"2"]},
    "list": {"L": [{"S": "one"}, {"N": "2"}, {"M": {"deep": {"S": "down"}}}]},
    "map": {"M": {"inner": {"M": {"leaf": {"N": "1"}}}, "other": {"S": "o"}}},
}
VALUES = {
    ":hello": {"S": "hello"},
    ":nine": {"N": "9"},
    ":ten": {"N": "10.0"},
    ":eleven": {"N": "11"},
    ":x": {"S": "x"},
    ":tags": {"SS": ["y", "x"]},
    ":one": {"S": "one"},
    ":S": {"S": "S"},
    ":bytes": {"B": b"\x01"},
    ":true": {"BOOL": True},
}


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("attribute_exists(#text)", True),
        ("attribute_not_exists(#text)", False),
        ("attribute_exists(#missing)", False),
        ("attribute_type(#text, :S)", True),
        ("attribute_type(#number, :S)", False),
        ("begins_with(#text, :hello)", True),
        ("begins_with(#data, :bytes)", True),
        ("begins_with(#missing, :hello)", False),
        ("contains(#tags, :x)", True),
        ("contains(#text, :hello)", True),
        ("contains(#list, :one)", True),
        ("contains(#list, :nine)", False),
        ("size(#text) = :eleven", False),
        ("size(#list) < :nine", True),
        ("#number = :ten", True),
        ("#number <> :ten", False),
        ("#number > :nine AND #number < :eleven", True),
        ("#number BETWEEN :nine AND :eleven", True),
        ("#number IN (:nine, :ten)", True),
        ("#number IN (:nine, :eleven)", False),
        ("#tags = :tags", True),
        ("#flag = :true", True),
        ("#text > :nine", False),
        ("#missing = :nine", False),
        ("#missing <> :nine", True),
        ("NOT #number = :nine", True),
        ("#number = :nine OR (#flag = :true AND #number = :ten)", True),
        ("#map.#inner.#leaf < :nine", True),
        ("#list[0] = :one", True),
        ("#list[7] = :one", False),
        ("#list[2].#deep = :hello", False),
    ],
)
def test_conditions_mean_the_same(call: Call, expression: str, holds: bool) -> None:
    call("PutItem", Item=raw("a", **DOCUMENT))
    parameters = {
        "ConditionExpression": expression,
        "ExpressionAttributeNames": {name: name[1:] for name in re.findall(r"#\w+", expression)},
    }
    if values := {name: VALUES[name] for name in re.findall(r":\w+", expression)}:
        parameters["ExpressionAttributeValues"] = values

    if holds:
        call("PutItem", Item=raw("a"), **parameters)
    else:
        assert fails(call, "PutItem", Item=raw("a"), **parameters)[0] == "ConditionalCheckFailedException"


def update(call: Call, expression: str, **values) -> dict:
    parameters: dict = {"UpdateExpression": expression, "ReturnValues": "ALL_NEW"}
    if values:
        parameters["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    return call("UpdateItem", Key=key("a"), **parameters)["Attributes"]


def test_updates_see_the_item_as_it_was(call: Call) -> None:
    call("PutItem", Item=raw("a", left={"N": "1"}, right={"N": "2"}))

    swapped = call(
        "UpdateItem",
        Key=key("a"),
        UpdateExpression="SET #a = #b, #b = #a",
        ExpressionAttributeNames={"#a": "left", "#b": "right"},
        ReturnValues="ALL_NEW",
    )["Attributes"]

    assert (swapped["left"], swapped["right"]) == ({"N": "2"}, {"N": "1"})


def test_updates_make_the_item_when_it_is_missing(call: Call) -> None:
    after = update(call, "SET n1 = if_not_exists(n1, :start) + :one", start={"N": "5"}, one={"N": "1"})

    assert after == raw("a", n1={"N": "6"})


def test_lists_grow_shrink_and_are_set_by_index(call: Call) -> None:
    call("PutItem", Item=raw("a", l1={"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]}))

    longer = update(call, "SET l1 = list_append(l1, :more)", more={"L": [{"S": "d"}]})
    assert longer["l1"]["L"][-1] == {"S": "d"}
    assert update(call, "SET l1[0] = :new, l1[9] = :end", new={"S": "A"}, end={"S": "e"})["l1"] == {
        "L": [{"S": letter} for letter in "Abcde"]
    }


def test_sets_gain_and_lose_members_and_vanish_when_empty(call: Call) -> None:
    call("PutItem", Item=raw("a", s1={"SS": ["a"]}))

    assert sorted(update(call, "ADD s1 :new", new={"SS": ["a", "b"]})["s1"]["SS"]) == ["a", "b"]
    assert update(call, "DELETE s1 :old", old={"SS": ["a", "z"]})["s1"] == {"SS": ["b"]}
    assert "s1" not in update(call, "DELETE s1 :old", old={"SS": ["b"]})


def test_the_four_sections_work_together(call: Call) -> None:
    call("PutItem", Item=raw("a", n1={"N": "1"}, gone={"S": "x"}, s1={"SS": ["a", "b"]}))

    after = update(
        call,
        "SET t1 = :t ADD n1 :two REMOVE gone DELETE s1 :b",
        t={"S": "t"},
        two={"N": "2.5"},
        b={"SS": ["b"]},
    )

    assert after == raw("a", n1={"N": "3.5"}, t1={"S": "t"}, s1={"SS": ["a"]})


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("ALL_OLD", raw("a", n1={"N": "1"}, keep={"S": "k"})),
        ("ALL_NEW", raw("a", n1={"N": "3"}, keep={"S": "k"})),
        ("UPDATED_OLD", {"n1": {"N": "1"}}),
        ("UPDATED_NEW", {"n1": {"N": "3"}}),
    ],
)
def test_an_update_returns_what_was_asked_for(call: Call, wanted: str, expected: dict) -> None:
    call("PutItem", Item=raw("a", n1={"N": "1"}, keep={"S": "k"}))

    answer = call(
        "UpdateItem",
        Key=key("a"),
        UpdateExpression="ADD n1 :two",
        ExpressionAttributeValues={":two": {"N": "2"}},
        ReturnValues=wanted,
    )

    assert answer["Attributes"] == expected


def test_a_failed_condition_shows_the_item_when_asked(call: Call) -> None:
    call("PutItem", Item=raw("a", n1={"N": "7"}))

    with pytest.raises(ClientError) as caught:
        call(
            "PutItem",
            Item=raw("a"),
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    assert caught.value.response["Item"] == raw("a", n1={"N": "7"})


@pytest.mark.parametrize(
    ("expression", "values", "message"),
    [
        ("SET pk = :v", {":v": {"S": "x"}}, "Cannot update attribute pk"),
        ("SET n1 = m1 + :v", {":v": {"N": "1"}}, "does not exist in the item"),
        ("ADD t1 :v", {":v": {"N": "1"}}, "incorrect data type"),
        ("ADD n1 :v", {":v": {"S": "x"}}, "Incorrect operand type"),
        ("SET m1.a.b = :v", {":v": {"S": "x"}}, "document path provided in the update expression is invalid"),
        ("SET n1 = :v, n2 = :w", {":v": {"S": "x"}}, "attribute value: :w"),
        ("SET n1 = :v", {":v": {"S": "x"}, ":w": {"S": "y"}}, "unused in expressions: keys: {:w}"),
        ("PUT n1 = :v", {":v": {"S": "x"}}, "Syntax error"),
    ],
)
def test_wrong_updates_are_explained(call: Call, expression: str, values: dict, message: str) -> None:
    call("PutItem", Item=raw("a", t1={"S": "text"}, n1={"N": "1"}))

    code, found = fails(
        call, "UpdateItem", Key=key("a"), UpdateExpression=expression, ExpressionAttributeValues=values
    )

    assert code == "ValidationException"
    assert message in found


def test_projections_return_the_named_parts(call: Call) -> None:
    call("PutItem", Item=raw("a", **DOCUMENT))

    answer = call(
        "GetItem",
        Key=key("a"),
        ProjectionExpression="#t, #m.#i, #l[2].deep",
        ExpressionAttributeNames={"#t": "text", "#m": "map", "#i": "inner", "#l": "list"},
    )

    assert answer["Item"] == {
        "text": DOCUMENT["text"],
        "map": {"M": {"inner": {"M": {"leaf": {"N": "1"}}}}},
        "list": {"L": [{"M": {"deep": {"S": "down"}}}]},
    }
