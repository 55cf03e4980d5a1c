"""Random operations replayed on both engines: the same items, the same errors, the same write units.

The server is wrong, or silent, where DynamoDB is known; those places are not generated or not compared:
it bills every read as one item of at most 4 KB; lets REMOVE name a path whose parent is missing; calls
two absent operands equal; gives `size` of a number; fails begins_with, list_append and + on attributes
of other types, or works; leaves the sums of ADD in Decimal's spelling; lets a transaction update keys
and read empty ones, and itemises none. So those functions meet attributes of their own here, only whole
numbers are added, and transactions keep off such keys and are asked for totals.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.storage.conftest import ministack_engine, sqlite_options
from traces_app.storage.dynamodb import Client, DynamoDBClient
from traces_app.storage.engine import open_engine
from traces_app.storage.models import SpanItem, TraceItem

OPERATIONS = 400
PARTITIONS = ("T#a", "T#b", "é")
SORT_KEYS = ("", "a", "a#1", "a#10", "a#2", "b", "é", "\U0001f600", "~")
NAMES = ("at", "head", "label", "many", "tree", "row")
Clients = tuple[Client, Client, tuple[str, str]]
"""The local engine's, the server's, and the names of two tables that both have."""
READS = {"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"}


class Generator:
    """Makes requests that mostly succeed, and sometimes do not."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def request(self, tables: tuple[str, str]) -> tuple[str, dict[str, Any]]:
        kinds = ("put",) * 5 + ("update",) * 6 + ("delete", "get", "get", "query", "query", "query", "scan")
        kind = self.random.choice((*kinds, "batch_write", "batch_get", "transact_write", "transact_get"))
        operation, parameters = getattr(self, kind)(tables)
        detail = "TOTAL" if "Transact" in operation else self.random.choice(["TOTAL", "INDEXES"])
        return operation, {**parameters, "ReturnConsumedCapacity": detail}

    def key(self, *, may_be_empty: bool = True) -> dict[str, Any]:
        sort_keys = SORT_KEYS if may_be_empty and self.random.random() < 0.05 else SORT_KEYS[1:]
        return {"pk": {"S": self.random.choice(PARTITIONS)}, "sk": {"S": self.random.choice(sort_keys)}}

    def number(self) -> dict[str, str]:
        return {"N": str(self.random.choice([0, 1, -7, 10, 42, 1000, 1_700_000_000_123]))}

    def value(self, depth: int = 0) -> dict[str, Any]:
        choose = self.random.choice
        kinds = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS"] + ["L", "M"] * (depth < 2)
        kind = choose(kinds)
        made: dict[str, Any] = {
            "S": choose(["", "x", "hello", "é" * 700]),
            "N": self.number()["N"],
            "B": choose([b"", b"\x00\xff", b"z" * 1500]),
            "BOOL": choose([True, False]),
            "NULL": True,
            "SS": choose([["x"], ["x", "hello"]]),
            "NS": choose([["1"], ["10", "42"]]),
            "BS": choose([[b"1"], [b"1", b"2"]]),
        }
        if kind == "L":
            return {"L": [self.value(depth + 1) for _ in range(self.random.randrange(4))]}
        if kind == "M":
            return {"M": {name: self.value(depth + 1) for name in self.random.sample(NAMES, 2)}}
        return {kind: made[kind]}

    def item(self) -> dict[str, Any]:
        names = self.random.sample(NAMES, self.random.randrange(len(NAMES)))
        word = {"S": self.random.choice(["hello", "world"])}
        return {**self.key(), "word": word, **{name: self.value() for name in names}}

    def condition(self, parameter: str) -> dict[str, Any]:
        templates = (
            "attribute_exists(#a)",
            "attribute_not_exists(#a)",
            "attribute_type(#a, :text_type)",
            "begins_with(#word, :text)",
            "contains(#a, :text)",
            "#a = :any",
            "#a <> :any",
            "#a < :number",
            "#a >= :text",
            "#a BETWEEN :zero AND :number",
            "#a IN (:any, :text)",
            "size(#b) > :zero AND attribute_type(#b, :text_type)",
            "NOT #a = :any OR (#b = :number AND attribute_exists(#a))",
            "#a.#b = :any",
            "#a[0] = :any",
        )
        text = self.random.choice(templates)
        values = {
            ":any": self.value(),
            ":text": {"S": "h"},
            ":text_type": {"S": "S"},
            ":number": {"N": "42"},
            ":zero": {"N": "0"},
        }
        names = {"#a": self.random.choice(NAMES), "#b": self.random.choice(NAMES), "#word": "word"}
        return expression(parameter, text, names, values)

    def put(self, tables: tuple[str, str]) -> tuple[str, dict[str, Any]]:
        condition = self.condition("ConditionExpression") if self.random.random() < 0.4 else {}
        wanted = self.random.choice(["NONE", "ALL_OLD"])
        return "PutItem", {"TableName": tables[0], "Item": self.item(), "ReturnValues": wanted, **condition}

    def delete(self, tables: tuple[str, str]) -> tuple[str, dict[str, Any]]:
        condition = self.condition("ConditionExpression") if self.random.random() < 0.4 else {}
        target = {"TableName": tables[0], "Key": self.key()}
        return "DeleteItem", {**target, "ReturnValues": "ALL_OLD", **condition}

    def update(self, tables: tuple[str, str]) -> tuple[str, dict[str, Any]]:
        wanted = self.random.choice(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
        change = self.change() if self.random.random() < 0.95 else self.change_of_key()
        return "UpdateItem", {"TableName": tables[0], "Key": self.key(), "ReturnValues": wanted, **change}

    def change_of_key(self) -> dict[str, Any]:
        return expression("UpdateExpression", "SET #pk = :any", {"#pk": "pk"}, {":any": self.value()})

    def change(self) -> dict[str, Any]:
        templates = (
            "SET #a = :any",
            "SET #a = :any, #b = :number",
            "SET #a = #b",
            "SET #counted = if_not_exists(#counted, :number) + :number",
            "SET #counted = if_not_exists(#counted, :number) - :number, #a = :any",
            "SET #a = if_not_exists(#b, :any)",
            "SET #grown = list_append(if_not_exists(#grown, :list), :list)",
            "REMOVE #a, #b",
            "ADD #a :number",
            "ADD #a :texts",
            "DELETE #a :texts",
            "SET #a = :any REMOVE #b",
            "ADD #a :number SET #b = :any",
        )
        values = {
            ":any": self.value(),
            ":number": self.number(),
            ":list": {"L": [{"S": "x"}]},
            ":texts": {"SS": ["x", "y"]},
        }
        first, second = self.random.sample(NAMES, 2)
        names = {"#a": first, "#b": second, "#counted": "counted", "#grown": "grown"}
        return expression("UpdateExpression", self.random.choice(templates), names, values)

    def get(self, tables: tuple[str, str]) -> tuple[str, dict[str, Any]]:
        projection = {}
        if self.random.random() < 0.4:
            first, second = self.random.sample(NAMES, 2)
            names = {"#a": first, "#b": second}
            projection = expression("ProjectionExpression", "#a, #b.#a, #b.head", names, {})
        return "GetItem", {"TableName": tables[0], "Key": self.key(), "ConsistentRead": True, **projection}

    def query(self, tables: tuple[str, str]) -> tuple[str, dict[str, Any]]:
        ranges = (
            "",
            " AND sk = :low",
            " AND begins_with(sk, :low)",
            " AND sk BETWEEN :low AND :high",
            " AND sk < :low",
            " AND sk >= :low",
        )
        values = {
            ":pk": {"S": self.random.choice(PARTITIONS)},
            ":low": {"S": self.random.choice(SORT_KEYS[1:])},
            ":high": {"S": self.random.choice(SORT_KEYS[1:])},
        }
        made = expression("KeyConditionExpression", "pk = :pk" + self.random.choice(ranges), {}, values)
        if self.random.random() < 0.4:
            merge(made, self.condition("FilterExpression"))
        made["ScanIndexForward"] = self.random.random() < 0.5
        if self.random.random() < 0.5:
            made["Limit"] = self.random.randrange(1, 4)
        return "Query", {"TableName": tables[0], **made}

    def scan(self, tables: tuple[str, str]) -> tuple[str, dict[str, Any]]:
        return "Scan", {"TableName": tables[0], **self.condition("FilterExpression")}

    def batch_write(self, tables: tuple[str, str]) -> tuple[str, dict[str, Any]]:
        def one() -> dict[str, Any]:
            if self.random.random() < 0.7:
                return {"PutRequest": {"Item": self.item()}}
            return {"DeleteRequest": {"Key": self.key()}}

        return "BatchWriteItem", {"RequestItems": {table: [one() for _ in range(4)] for table in tables}}

    def batch_get(self, tables: tuple[str, str]) -> tuple[str, dict[str, Any]]:
        keys = {table: {"Keys": [self.key(may_be_empty=False) for _ in range(3)]} for table in tables}
        return "BatchGetItem", {"RequestItems": keys}

    def transact_write(self, tables: tuple[str, str]) -> tuple[str, dict[str, Any]]:
        table = {"TableName": tables[0]}
        members = [
            {"Put": {**table, "Item": self.item(), **self.condition("ConditionExpression")}},
            {"Delete": {**table, "Key": self.key()}},
            {"Update": {**table, "Key": self.key(), **self.change()}},
            {"ConditionCheck": {**table, "Key": self.key(), **self.condition("ConditionExpression")}},
        ]
        return "TransactWriteItems", {"TransactItems": self.random.sample(members, 2)}

    def transact_get(self, tables: tuple[str, str]) -> tuple[str, dict[str, Any]]:
        keys = [self.key(may_be_empty=False) for _ in range(2)]
        return "TransactGetItems", {
            "TransactItems": [{"Get": {"TableName": tables[0], "Key": key}} for key in keys]
        }


def expression(parameter: str, text: str, names: dict[str, str], values: dict[str, Any]) -> dict[str, Any]:
    """The expression with the placeholders it uses, since DynamoDB refuses others."""
    made: dict[str, Any] = {parameter: text}
    words = text.translate(str.maketrans("(),.[]", "      ")).split()
    for attribute, known in (("ExpressionAttributeNames", names), ("ExpressionAttributeValues", values)):
        if used := {word: known[word] for word in words if word in known}:
            made[attribute] = used
    return made


def merge(made: dict[str, Any], more: dict[str, Any]) -> None:
    for parameter, value in more.items():
        made[parameter] = {**made.get(parameter, {}), **value} if isinstance(value, dict) else value


def outcome(client: Client, operation: str, parameters: dict[str, Any]) -> Any:
    try:
        answer = client._make_api_call(operation, deepcopy(parameters))  # botocore adds to it
    except ClientError as error:
        reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
        return error.response["Error"]["Code"], error.response["Error"]["Message"], reasons
    answer.pop("ResponseMetadata", None)
    if not answer.get("Attributes"):
        answer.pop("Attributes", None)
    if operation in READS:
        answer.pop("ConsumedCapacity", None)
    return comparable(answer)


def comparable(value: Any, name: str = "") -> Any:
    """Sets, scans and batches come in any order."""
    if isinstance(value, dict):
        return {key: comparable(child, key) for key, child in value.items()}
    if isinstance(value, list):
        children = [comparable(child) for child in value]
        return children if name == "L" else sorted(children, key=repr)
    return value


@pytest.fixture
def clients(tmp_path: Path, ministack_client: DynamoDBClient) -> Iterator[Clients]:
    server = ministack_engine(ministack_client)
    server.create_tables()
    tables = (SpanItem.Meta.table_name, TraceItem.Meta.table_name)
    local = open_engine(replace(sqlite_options(tmp_path), spans_table=tables[0], traces_table=tables[1]))
    yield local.client, server.client, tables
    local.close()


@pytest.mark.parametrize("seed", range(2))
def test_both_engines_answer_alike(clients: Clients, seed: int) -> None:
    local, server, tables = clients
    generator = Generator(seed)
    for number in range(OPERATIONS):
        operation, parameters = generator.request(tables)

        expected = outcome(server, operation, parameters)
        found = outcome(local, operation, parameters)

        assert found == expected, f"operation {number}: {operation} {parameters}"
    for table in tables:
        assert outcome(local, "Scan", {"TableName": table}) == outcome(server, "Scan", {"TableName": table})
