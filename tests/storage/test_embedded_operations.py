"""What the local engine must get right by DynamoDB's documentation, where the test server does not."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.storage.requests import key, query_pk, raw
from traces_app.storage.engine import Engine
from traces_app.storage.models import SpanItem

KB = 1024


def ask(engine: Engine, operation: str, **parameters: Any) -> dict[str, Any]:
    return engine.client._make_api_call(
        operation,
        {"TableName": SpanItem.Meta.table_name, "ReturnConsumedCapacity": "TOTAL", **parameters},
    )


def put(engine: Engine, sk: str, size_bytes: int) -> None:
    """An item of exactly that size."""
    padding = size_bytes - len("pk") - len("T") - len("sk") - len(sk) - len("body")
    ask(engine, "PutItem", Item=raw(sk, body={"B": b"x" * padding}))


def units(answer: dict[str, Any]) -> float:
    return answer["ConsumedCapacity"]["CapacityUnits"]


@pytest.mark.parametrize(
    ("size_bytes", "eventual", "consistent"),
    [(100, 0.5, 1.0), (4 * KB, 0.5, 1.0), (4 * KB + 1, 1.0, 2.0), (400 * KB, 50.0, 100.0)],
)
def test_a_get_is_billed_by_started_4_kb(
    embedded: Engine, size_bytes: int, eventual: float, consistent: float
) -> None:
    put(embedded, "a", size_bytes)

    assert units(ask(embedded, "GetItem", Key=key("a"))) == eventual
    assert units(ask(embedded, "GetItem", Key=key("a"), ConsistentRead=True)) == consistent


def test_finding_nothing_is_billed_as_well(embedded: Engine) -> None:
    assert units(ask(embedded, "GetItem", Key=key("a"))) == 0.5
    assert units(ask(embedded, "Query", **query_pk())) == 0.5
    assert units(ask(embedded, "Query", **query_pk(), ConsistentRead=True)) == 1.0


def test_a_query_is_billed_for_the_sum_of_what_it_reads(embedded: Engine) -> None:
    """Ten items of 1 KB are 2.5 read units together, not ten times one; filters and counts save nothing."""
    for number in range(10):
        put(embedded, f"{number}", KB)

    assert units(ask(embedded, "Query", **query_pk())) == 1.5
    assert units(ask(embedded, "Query", **query_pk(Select="COUNT"), ConsistentRead=True)) == 3.0
    filtered = ask(embedded, "Query", **query_pk(), FilterExpression="attribute_not_exists(body)")
    assert (units(filtered), filtered["Count"], filtered["ScannedCount"]) == (1.5, 0, 10)


def test_batches_and_transactions_are_billed_item_by_item(embedded: Engine) -> None:
    put(embedded, "a", KB)
    put(embedded, "b", 5 * KB)
    table = SpanItem.Meta.table_name
    gets = [{"Get": {"TableName": table, "Key": key(sk)}} for sk in "ab"]

    batch = ask(embedded, "BatchGetItem", RequestItems={table: {"Keys": [key("a"), key("b"), key("c")]}})
    transaction = ask(embedded, "TransactGetItems", TransactItems=gets)

    assert batch["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": 0.5 + 1.0 + 0.5}]
    assert transaction["ConsumedCapacity"] == [
        {"TableName": table, "CapacityUnits": 2.0 + 4.0, "ReadCapacityUnits": 6.0}
    ]


def test_a_batch_of_keys_stops_at_16_mb(embedded: Engine) -> None:
    names = [f"{number:02}" for number in range(42)]
    for name in names:
        put(embedded, name, 400 * KB)
    table = SpanItem.Meta.table_name

    answer = ask(embedded, "BatchGetItem", RequestItems={table: {"Keys": [key(name) for name in names]}})

    assert len(answer["Responses"][table]) == 40
    assert answer["UnprocessedKeys"][table]["Keys"] == [key("40"), key("41")]


def refused(engine: Engine, operation: str, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        ask(engine, operation, **parameters)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_removing_inside_what_is_not_there_is_refused(embedded: Engine) -> None:
    code, message = refused(embedded, "UpdateItem", Key=key("a"), UpdateExpression="REMOVE m1.x")

    assert code == "ValidationException"
    assert "document path provided in the update expression is invalid" in message


def test_lists_only_grow_by_lists(embedded: Engine) -> None:
    ask(embedded, "PutItem", Item=raw("a", t1={"S": "text"}))

    _, message = refused(
        embedded,
        "UpdateItem",
        Key=key("a"),
        UpdateExpression="SET t1 = list_append(t1, :more)",
        ExpressionAttributeValues={":more": {"L": []}},
    )

    assert message == "An operand in the update expression has an incorrect data type"


def test_overlapping_paths_are_refused(embedded: Engine) -> None:
    _, message = refused(embedded, "UpdateItem", Key=key("a"), UpdateExpression="REMOVE m1, m1.x")

    assert message.startswith("Invalid UpdateExpression: Two document paths overlap with each other")


def test_a_query_does_not_filter_by_its_keys(embedded: Engine) -> None:
    _, message = refused(embedded, "Query", **query_pk(), FilterExpression="sk <> :pk")

    assert "Filter Expression can only contain non-primary key attributes" in message


def test_no_transaction_changes_a_key(embedded: Engine) -> None:
    update = {
        "TableName": SpanItem.Meta.table_name,
        "Key": key("a"),
        "UpdateExpression": "SET pk = :v",
        "ExpressionAttributeValues": {":v": {"S": "U"}},
    }

    code, _ = refused(embedded, "TransactWriteItems", TransactItems=[{"Update": update}])

    assert code == "ValidationException"


def test_a_sum_is_spelled_as_a_number(embedded: Engine) -> None:
    ask(embedded, "PutItem", Item=raw("a", n1={"N": "0.7"}))

    answer = ask(
        embedded,
        "UpdateItem",
        Key=key("a"),
        UpdateExpression="ADD n1 :v",
        ExpressionAttributeValues={":v": {"N": "1.3"}},
        ReturnValues="UPDATED_NEW",
    )

    assert answer["Attributes"] == {"n1": {"N": "2"}}


def test_lone_surrogates_are_refused(embedded: Engine) -> None:
    assert refused(embedded, "PutItem", Item=raw("a", t1={"S": "\ud800"}))[0] == "SerializationException"
    assert refused(embedded, "GetItem", Key=key("\udfff"))[0] == "SerializationException"


def test_nul_characters_are_kept(embedded: Engine) -> None:
    ask(embedded, "PutItem", Item=raw("a\x00b", t1={"S": "\x00"}))

    assert ask(embedded, "GetItem", Key=key("a\x00b"))["Item"]["t1"] == {"S": "\x00"}
    assert "Item" not in ask(embedded, "GetItem", Key=key("a"))


def test_what_expressions_replaced_is_refused_rather_than_ignored(embedded: Engine) -> None:
    code, message = refused(embedded, "PutItem", Item=raw("a"), Expected={"pk": {"Exists": False}})

    assert (code, message) == ("ValidationException", "The local file does not support Expected")


def test_an_unknown_operation_is_named(embedded: Engine) -> None:
    assert refused(embedded, "ExecuteStatement")[0] == "UnknownOperationException"


def test_parallel_scans_share_the_items_out(embedded: Engine) -> None:
    embedded.batch_put(SpanItem(f"P{number}", "a", v=1) for number in range(50))

    parts = [
        [item["pk"]["S"] for item in ask(embedded, "Scan", Segment=segment, TotalSegments=3)["Items"]]
        for segment in range(3)
    ]

    assert all(parts)
    assert sorted(pk for part in parts for pk in part) == sorted(f"P{number}" for number in range(50))
