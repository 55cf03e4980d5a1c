"""Pages of queries and scans, and what comes back in them, the same on both engines."""

from __future__ import annotations

from tests.storage.conftest import Call
from tests.storage.requests import key, query_pk, raw


def test_counting_returns_no_items(call: Call) -> None:
    for number in range(3):
        call("PutItem", Item=raw(f"{number}"))

    answer = call("Query", **query_pk(Select="COUNT"))

    assert (answer["Count"], answer["ScannedCount"]) == (3, 3)
    assert not answer.get("Items")


def test_a_page_ends_at_the_limit_even_when_nothing_follows(call: Call) -> None:
    for number in range(2):
        call("PutItem", Item=raw(f"{number}"))

    page = call("Query", **query_pk(Limit=2))
    rest = call("Query", **query_pk(Limit=2, ExclusiveStartKey=page["LastEvaluatedKey"]))

    assert page["LastEvaluatedKey"] == key("1")
    assert rest["Items"] == []
    assert "LastEvaluatedKey" not in rest


def test_a_page_ends_at_one_megabyte(call: Call) -> None:
    for number in range(4):
        call("PutItem", Item=raw(f"{number}", body={"B": b"x" * 300_000}))

    page = call("Query", **query_pk())

    assert page["Count"] == 3
    assert page["LastEvaluatedKey"] == key("2")


def test_a_scan_reads_every_item_once(call: Call) -> None:
    expected = {(f"P{number % 3}", f"{number}") for number in range(12)}
    for pk, sk in expected:
        call("PutItem", Item=raw(sk, pk=pk))

    found, start = [], {}
    while True:
        page = call("Scan", Limit=5, **start)
        found += [(item["pk"]["S"], item["sk"]["S"]) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    assert len(found) == len(expected)
    assert set(found) == expected


def test_documents_with_binaries_inside_come_back(call: Call) -> None:
    nested = {"M": {"one": {"B": b"1"}, "many": {"L": [{"B": b"22"}, {"BS": [b"333", b"4"]}, {"S": "s"}]}}}

    call("PutItem", Item=raw("a", first={"B": b"0"}, nested=nested, last={"B": b"55555"}))

    item = call("GetItem", Key=key("a"))["Item"]
    assert (item["first"], item["last"]) == ({"B": b"0"}, {"B": b"55555"})
    assert item["nested"]["M"]["one"] == {"B": b"1"}
    assert item["nested"]["M"]["many"]["L"][0] == {"B": b"22"}
    assert sorted(item["nested"]["M"]["many"]["L"][1]["BS"]) == [b"333", b"4"]
