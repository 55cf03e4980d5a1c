"""PutItem, DeleteItem, UpdateItem and BatchWriteItem."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from traces_app.storage.embedded.capacity import consumed, consumed_by_table, write_units
from traces_app.storage.embedded.catalogue import Answer, Catalogue, Operation, Parameters
from traces_app.storage.embedded.expressions import Expressions
from traces_app.storage.embedded.faults import condition_failed, invalid, invalid_value
from traces_app.storage.embedded.items import Item, decode, encode, prepare
from traces_app.storage.embedded.paths import Steps, project
from traces_app.storage.embedded.table import Key, Row, Table

__all__ = ["MUTATIONS", "OPERATIONS", "Change", "Mutation"]

MAX_BATCH_ITEMS: Final = 25
_NOTHING: Final[Row] = ({}, 0)


@dataclass(frozen=True, slots=True)
class Change:
    """What one write did. ``written`` are the paths of an update."""

    before: Row = _NOTHING
    after: Row = _NOTHING
    written: tuple[Steps, ...] = ()

    @property
    def units(self) -> float:
        return write_units(self.before[1], self.after[1])


Mutation = Callable[[sqlite3.Connection, Table, Parameters], Change]


def _put(connection: sqlite3.Connection, table: Table, parameters: Parameters) -> Change:
    expressions = Expressions(parameters)
    item, size = prepare(parameters["Item"])
    key = table.key_of_item(item)
    before = _checked_row(connection, table, key, expressions, parameters)
    table.write(connection, key, item, size)
    return Change(before, (item, size))


def _delete(connection: sqlite3.Connection, table: Table, parameters: Parameters) -> Change:
    expressions = Expressions(parameters)
    key = table.key_of(parameters["Key"])
    before = _checked_row(connection, table, key, expressions, parameters)
    table.delete(connection, key)
    return Change(before)


def _update(connection: sqlite3.Connection, table: Table, parameters: Parameters) -> Change:
    expressions = Expressions(parameters)
    key = table.key_of(parameters["Key"])
    for first, *_ in expressions.update_targets():
        if first in table.key_names:
            raise invalid_value(f"Cannot update attribute {first}. This attribute is part of the key")
    before = _checked_row(connection, table, key, expressions, parameters)
    after = decode(encode(before[0] or prepare(parameters["Key"])[0]))
    written = expressions.update(before[0], after)
    item, size = prepare(after, is_update=True)
    table.write(connection, key, item, size)
    return Change(before, (item, size), tuple(written))


def _check(connection: sqlite3.Connection, table: Table, parameters: Parameters) -> Change:
    """A transaction's ConditionCheck: changes nothing, is billed as a write."""
    expressions = Expressions(parameters)
    row = _checked_row(connection, table, table.key_of(parameters["Key"]), expressions, parameters)
    return Change(row, row)


def _checked_row(
    connection: sqlite3.Connection,
    table: Table,
    key: Key,
    expressions: Expressions,
    parameters: Parameters,
) -> Row:
    """What stands at the key, if the request's condition holds for it; a Fault otherwise."""
    row = table.read(connection, key) or _NOTHING
    if not expressions.holds("ConditionExpression", row[0]):
        wants_item = parameters.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        raise condition_failed(row[0] if wants_item else None)
    return row


MUTATIONS: Final[dict[str, Mutation]] = {
    "Put": _put,
    "Delete": _delete,
    "Update": _update,
    "ConditionCheck": _check,
}


def _write_operation(mutation: Mutation, allowed_return_values: frozenset[str]) -> Operation:
    def operation(catalogue: Catalogue, parameters: Parameters) -> Answer:
        wanted = parameters.get("ReturnValues", "NONE")
        if wanted not in allowed_return_values:
            raise invalid(f"ReturnValues can only be {' or '.join(sorted(allowed_return_values))}")
        table = catalogue.table(parameters["TableName"])
        with catalogue.database.write() as connection:
            change = mutation(connection, table, parameters)
        attributes = _returned(wanted, change)
        answer: Answer = {"Attributes": attributes} if attributes else {}
        return answer | consumed(parameters, table.name, change.units)

    return operation


def _returned(wanted: str, change: Change) -> Item:
    if wanted == "NONE":
        return {}
    item = (change.before if wanted.endswith("OLD") else change.after)[0]
    return project(item, change.written) if wanted.startswith("UPDATED") else item


def batch_write_item(catalogue: Catalogue, parameters: Parameters) -> Answer:
    """All in one transaction, which DynamoDB does not promise; so nothing is ever left unprocessed."""
    requests: dict[str, list[dict[str, Any]]] = parameters["RequestItems"]
    count = sum(map(len, requests.values()))
    if not 1 <= count <= MAX_BATCH_ITEMS:
        raise invalid(
            "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: "
            f"Member must have length between 1 and {MAX_BATCH_ITEMS}"
        )
    tables = {name: catalogue.table(name) for name in requests}
    batches = {name: _batch(tables[name], entries) for name, entries in requests.items()}
    with catalogue.database.write() as connection:
        units = {name: _write_batch(connection, tables[name], batch) for name, batch in batches.items()}
    return {"UnprocessedItems": {}} | consumed_by_table(parameters, units)


def _batch(table: Table, entries: list[dict[str, Any]]) -> dict[Key, Row]:
    """The rows to write by their keys; those to delete are empty. One that is wrong refuses all."""
    batch: dict[Key, Row] = {}
    for entry in entries:
        if "PutRequest" in entry:
            row = prepare(entry["PutRequest"]["Item"])
            key = table.key_of_item(row[0])
        else:
            row, key = _NOTHING, table.key_of(entry["DeleteRequest"]["Key"])
        if key in batch:
            raise invalid("Provided list of item keys contains duplicates")
        batch[key] = row
    return batch


def _write_batch(connection: sqlite3.Connection, table: Table, batch: dict[Key, Row]) -> float:
    units = 0.0
    for key, (item, size) in batch.items():
        units += write_units(table.size(connection, key), size)
        if item:
            table.write(connection, key, item, size)
        else:
            table.delete(connection, key)
    return units


_OLD: Final = frozenset({"NONE", "ALL_OLD"})
OPERATIONS: Final[dict[str, Operation]] = {
    "PutItem": _write_operation(_put, _OLD),
    "DeleteItem": _write_operation(_delete, _OLD),
    "UpdateItem": _write_operation(_update, _OLD | {"ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"}),
    "BatchWriteItem": batch_write_item,
}
