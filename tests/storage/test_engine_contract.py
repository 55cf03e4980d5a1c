"""What the store relies on, through PynamoDB's models and raw operations, the same on both engines."""

from __future__ import annotations

import pytest
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError, UpdateError
from pynamodb.transactions import TransactGet, TransactWrite

from tests.storage.conftest import Call
from tests.storage.requests import fails, key, raw
from traces_app.storage.engine import Engine
from traces_app.storage.models import SpanItem, TraceItem


def span(sk: str, pk: str = "T#dev#1", **attributes) -> SpanItem:
    return SpanItem(pk, sk, v=1, **attributes)


# -- models ----------------------------------------------------------------------------------------


def test_an_item_comes_back_as_it_was_put(engine: Engine) -> None:
    span("a", at=1_700_000_000_123, expires_at=1_900_000_000, body=b"\x00\xff" * 2500).save()

    found = SpanItem.get("T#dev#1", "a")

    assert (found.v, found.at, found.expires_at) == (1, 1_700_000_000_123, 1_900_000_000)
    assert found.body == b"\x00\xff" * 2500


def test_absent_attributes_come_back_as_none_and_empty_binaries_as_empty(engine: Engine) -> None:
    span("a", body=b"").save()

    found = SpanItem.get("T#dev#1", "a")

    assert found.body == b""
    assert found.at is None


def test_getting_what_is_not_there_raises_does_not_exist(engine: Engine) -> None:
    with pytest.raises(DoesNotExist):
        SpanItem.get("T#dev#1", "nothing")


def test_the_largest_binaries_survive(engine: Engine) -> None:
    body = bytes(range(256)) * 1540

    span("big", body=body).save()

    assert SpanItem.get("T#dev#1", "big").body == body


def test_both_models_keep_their_own_tables(engine: Engine) -> None:
    span("a").save()

    assert SpanItem.count("T#dev#1") == 1
    assert TraceItem.count("T#dev#1") == 0


def test_a_batch_writes_both_tables_and_returns_the_units(engine: Engine) -> None:
    items = [span(f"{number:03}", body=b"x" * 1500) for number in range(30)]

    units = engine.batch_put([*items, TraceItem("P#dev", "1", v=1)])

    assert units == 30 * 2 + 1
    assert [item.sk for item in SpanItem.query("T#dev#1")] == [item.sk for item in items]
    assert TraceItem.get("P#dev", "1").v == 1


def test_a_batch_put_again_changes_nothing(engine: Engine) -> None:
    for _ in range(2):
        engine.batch_put([span("a", body=b"1"), span("b", body=b"2")])

    assert [(item.sk, item.body) for item in SpanItem.query("T#dev#1")] == [("a", b"1"), ("b", b"2")]


def test_a_batch_with_one_key_twice_is_refused_whole(engine: Engine) -> None:
    with pytest.raises(PutError, match="duplicates"):
        engine.batch_put([span("a"), span("b"), span("a")])

    assert SpanItem.count("T#dev#1") == 0


def test_an_empty_batch_costs_nothing(engine: Engine) -> None:
    assert engine.batch_put([]) == 0


def test_a_query_pages_until_everything_is_read(engine: Engine) -> None:
    engine.batch_put(span(f"{number:03}", body=b"x" * 300_000) for number in range(9))

    found = list(SpanItem.query("T#dev#1"))

    assert [item.sk for item in found] == [f"{number:03}" for number in range(9)]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (SpanItem.sk.startswith("b"), ["b", "ba", "bz"]),
        (SpanItem.sk.between("b", "bb"), ["b", "ba"]),
        (SpanItem.sk < "b", ["a"]),
        (SpanItem.sk <= "b", ["a", "b"]),
        (SpanItem.sk > "bz", ["c", "é", "\U0001f600"]),
        (SpanItem.sk >= "bz", ["bz", "c", "é", "\U0001f600"]),
        (SpanItem.sk == "ba", ["ba"]),
    ],
)
def test_range_conditions_select_and_sort_by_bytes(engine: Engine, condition, expected) -> None:
    engine.batch_put(span(sk) for sk in ["\U0001f600", "é", "c", "bz", "ba", "b", "a"])

    assert [item.sk for item in SpanItem.query("T#dev#1", condition)] == expected
    backwards = SpanItem.query("T#dev#1", condition, scan_index_forward=False)
    assert [item.sk for item in backwards] == expected[::-1]


def test_filters_come_after_the_limit_is_counted(engine: Engine) -> None:
    engine.batch_put(span(f"{number}", at=number) for number in range(9))

    page = SpanItem.query("T#dev#1", filter_condition=SpanItem.at >= 6, page_size=4)

    assert [item.sk for item in page] == ["6", "7", "8"]


def test_a_query_continues_after_the_last_evaluated_key(engine: Engine) -> None:
    engine.batch_put(span(f"{number}") for number in range(5))
    first = SpanItem.query("T#dev#1", limit=2)
    assert [item.sk for item in first] == ["0", "1"]

    rest = SpanItem.query("T#dev#1", last_evaluated_key=first.last_evaluated_key)

    assert [item.sk for item in rest] == ["2", "3", "4"]


def test_only_the_first_conditional_put_wins(engine: Engine) -> None:
    span("a", at=1).save(SpanItem.pk.does_not_exist())

    with pytest.raises(PutError) as caught:
        span("a", at=2).save(SpanItem.pk.does_not_exist())

    assert caught.value.cause_response_code == "ConditionalCheckFailedException"
    assert SpanItem.get("T#dev#1", "a").at == 1


def test_an_update_adds_to_what_is_there(engine: Engine) -> None:
    item = span("a", at=40, expires_at=1_900_000_000)
    item.save()

    item.update([SpanItem.at.add(2), SpanItem.body.set(b"new"), SpanItem.expires_at.remove()])

    assert (item.at, item.body, item.expires_at) == (42, b"new", None)


def test_an_update_whose_condition_fails_changes_nothing(engine: Engine) -> None:
    item = span("a", at=1)
    item.save()

    with pytest.raises(UpdateError):
        item.update([SpanItem.at.set(5)], condition=SpanItem.at == 2)

    assert SpanItem.get("T#dev#1", "a").at == 1


def test_deleting_twice_is_fine(engine: Engine) -> None:
    item = span("a")
    item.save()

    item.delete()
    item.delete()

    assert SpanItem.count("T#dev#1") == 0


def test_batch_get_finds_what_is_there(engine: Engine) -> None:
    engine.batch_put(span(f"{number}") for number in range(3))

    found = SpanItem.batch_get([("T#dev#1", "0"), ("T#dev#1", "2"), ("T#dev#1", "9")])

    assert sorted(item.sk for item in found) == ["0", "2"]


def test_a_transaction_writes_all_or_nothing(engine: Engine) -> None:
    span("taken").save()
    transaction = TransactWrite(connection=SpanItem._get_connection().connection)
    transaction.save(span("new"))
    transaction.save(span("taken"), condition=SpanItem.pk.does_not_exist())

    with pytest.raises(TransactWriteError) as caught:
        transaction._commit()

    assert [reason and reason.code for reason in caught.value.cancellation_reasons] == [
        None,
        "ConditionalCheckFailed",
    ]
    assert [item.sk for item in SpanItem.query("T#dev#1")] == ["taken"]


def test_a_transaction_reads_together(engine: Engine) -> None:
    engine.batch_put([span("a", at=1), span("b", at=2)])

    with TransactGet(connection=SpanItem._get_connection().connection) as transaction:
        first = transaction.get(SpanItem, "T#dev#1", "a")
        second = transaction.get(SpanItem, "T#dev#1", "b")

    assert (first.get().at, second.get().at) == (1, 2)


def test_making_tables_again_makes_none(engine: Engine) -> None:
    assert engine.create_tables(point_in_time_recovery=True) == []


def test_tables_expire_items_and_keep_backups_when_asked(engine: Engine, call: Call) -> None:
    engine.create_tables(point_in_time_recovery=True)

    expiry = call("DescribeTimeToLive")["TimeToLiveDescription"]
    backups = call("DescribeContinuousBackups")["ContinuousBackupsDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


# -- capacity --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "é" * 10}, 20),
        ({"B": b"x" * 7}, 7),
        ({"N": "0"}, 1),
        ({"N": "1"}, 2),
        ({"N": "10"}, 2),
        ({"N": "123"}, 3),
        ({"N": "1000"}, 2),
        ({"N": "-1"}, 3),
        ({"N": "0.001"}, 2),
        ({"N": "100.5"}, 4),
        ({"N": "1700000000123"}, 8),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "bc"]}, 3),
        ({"L": [{"S": "a"}, {"N": "1"}]}, 3 + 2 + 3),
        ({"M": {"k": {"S": "v"}}}, 3 + 1 + 2),
    ],
)
def test_items_are_measured_as_dynamodb_does(call: Call, value: dict, size: int) -> None:
    """An item of exactly 1 KB costs one unit, of one byte more two."""
    fixed = len("pk") + 1 + len("sk") + 1 + len("value") + size + len("pad")

    def units(padding: int) -> float:
        item = raw("s", value=value, pad={"S": "x" * padding})
        answer = call("PutItem", Item=item, ReturnConsumedCapacity="TOTAL")
        call("DeleteItem", Key=key("s"))
        return answer["ConsumedCapacity"]["CapacityUnits"]

    assert (units(1024 - fixed), units(1025 - fixed)) == (1.0, 2.0)


def test_a_write_is_billed_for_the_larger_of_before_and_after(call: Call) -> None:
    call("PutItem", Item=raw("a", body={"B": b"x" * 5000}))

    overwrite = call("PutItem", Item=raw("a"), ReturnConsumedCapacity="TOTAL")
    delete = call("DeleteItem", Key=key("a"), ReturnConsumedCapacity="TOTAL")

    assert overwrite["ConsumedCapacity"]["CapacityUnits"] == 5.0
    assert delete["ConsumedCapacity"]["CapacityUnits"] == 1.0


def test_a_transaction_is_billed_twice(call: Call) -> None:
    put = {"Put": {"TableName": SpanItem.Meta.table_name, "Item": raw("a", body={"B": b"x" * 1500})}}

    answer = call("TransactWriteItems", TransactItems=[put], ReturnConsumedCapacity="TOTAL")

    assert answer["ConsumedCapacity"][0]["CapacityUnits"] == 4.0


# -- refusals --------------------------------------------------------------------------------------


def test_empty_keys_are_refused(call: Call) -> None:
    code, message = fails(call, "PutItem", Item=raw(""))

    assert code == "ValidationException"
    assert "empty string value. Key: sk" in message


def test_items_above_400_kb_are_refused(call: Call) -> None:
    code, message = fails(call, "PutItem", Item=raw("a", body={"B": b"x" * 409_600}))

    assert (code, message) == ("ValidationException", "Item size has exceeded the maximum allowed size")


def test_items_of_exactly_400_kb_are_taken(call: Call) -> None:
    fixed = len("pk") + 1 + len("sk") + 1 + len("body")

    call("PutItem", Item=raw("a", body={"B": b"x" * (409_600 - fixed)}))


def test_range_keys_above_1024_bytes_are_refused(call: Call) -> None:
    assert fails(call, "PutItem", Item=raw("k" * 1025))[0] == "ValidationException"
    call("PutItem", Item=raw("k" * 1024))


def test_hash_keys_above_2048_bytes_are_refused(call: Call) -> None:
    assert fails(call, "PutItem", Item=raw("a", pk="k" * 2049))[0] == "ValidationException"
    call("PutItem", Item=raw("a", pk="k" * 2048))


def test_a_missing_key_is_named(call: Call) -> None:
    message = "One or more parameter values were invalid: Missing the key sk in the item"

    assert fails(call, "PutItem", Item={"pk": {"S": "T"}}) == ("ValidationException", message)


def test_a_key_of_another_type_is_named(call: Call) -> None:
    message = "One or more parameter values were invalid: Type mismatch for key sk expected: S actual: N"

    item = {"pk": {"S": "T"}, "sk": {"N": "1"}}
    assert fails(call, "PutItem", Item=item) == ("ValidationException", message)


def test_more_than_25_items_in_a_batch_are_refused(call: Call) -> None:
    requests = [{"PutRequest": {"Item": raw(f"{number}")}} for number in range(26)]

    code, _ = fails(call, "BatchWriteItem", RequestItems={SpanItem.Meta.table_name: requests})

    assert code == "ValidationException"


def test_an_unknown_table_is_not_found(engine: Engine, call: Call) -> None:
    code, message = fails(call, "GetItem", TableName="nowhere", Key=key("a"))

    assert (code, message) == ("ResourceNotFoundException", "Requested resource not found")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1e126", "Number overflow"),
        ("1e-131", "Number underflow"),
        ("1" * 39, "more than 38 significant digits"),
        ("abc", "cannot be converted to a numeric value"),
        ("", "cannot be converted to a numeric value"),
        ("NaN", "cannot be converted to a numeric value"),
    ],
)
def test_numbers_dynamodb_cannot_hold_are_refused(call: Call, text: str, message: str) -> None:
    code, found = fails(call, "PutItem", Item=raw("a", n={"N": text}))

    assert code == "ValidationException"
    assert message in found


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1.0", "1"),
        ("007", "7"),
        ("1e3", "1000"),
        ("-0", "0"),
        ("+5", "5"),
        (".5", "0.5"),
        ("1.50e-3", "0.0015"),
        ("1" * 38, "1" * 38),
        ("1e125", "1" + "0" * 125),
    ],
)
def test_numbers_come_back_in_one_spelling(call: Call, written: str, read: str) -> None:
    call("PutItem", Item=raw("a", n={"N": written}))

    assert call("GetItem", Key=key("a"))["Item"]["n"] == {"N": read}
