"""TransactWriteItems and TransactGetItems: all or nothing, billed twice."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from typing import Any, Final

from traces_app.storage.embedded.capacity import TRANSACTION_FACTOR, consumed_by_table, read_units
from traces_app.storage.embedded.catalogue import Answer, Catalogue, Operation, Parameters
from traces_app.storage.embedded.expressions import Expressions
from traces_app.storage.embedded.faults import Fault, invalid
from traces_app.storage.embedded.items import prepare
from traces_app.storage.embedded.table import Key, Table
from traces_app.storage.embedded.writes import MUTATIONS, Change

__all__ = ["OPERATIONS"]

MAX_TRANSACTION_ITEMS: Final = 100

_REASON_CODES: Final = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "ValidationException": "ValidationError",
}
Member = tuple[str, Parameters]
"""What to do (Put, Delete, Update, ConditionCheck or Get) and with what."""


def transact_write_items(catalogue: Catalogue, parameters: Parameters) -> Answer:
    members = _members(parameters)
    tables = [catalogue.table(request["TableName"]) for _, request in members]
    _check_distinct(members, tables)
    with catalogue.database.write() as connection:
        changes = _change_all(connection, members, tables)
    units: dict[str, float] = defaultdict(float)
    for table, change in zip(tables, changes, strict=True):
        units[table.name] += change.units * TRANSACTION_FACTOR
    return consumed_by_table(parameters, units, direction="Write")


def _members(parameters: Parameters) -> list[Member]:
    members = [next(iter(entry.items())) for entry in parameters["TransactItems"]]
    if not 1 <= len(members) <= MAX_TRANSACTION_ITEMS:
        raise invalid(
            "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: "
            f"Member must have length between 1 and {MAX_TRANSACTION_ITEMS}"
        )
    return members


def _check_distinct(members: list[Member], tables: list[Table]) -> None:
    seen: set[tuple[str, Key]] = set()
    for (kind, request), table in zip(members, tables, strict=True):
        try:
            key = _key(kind, request, table)
        except Fault as fault:
            if fault.cancels:
                continue  # becomes a reason when it is this member's turn
            raise
        if (table.name, key) in seen:
            raise invalid("Transaction request cannot include multiple operations on one item")
        seen.add((table.name, key))


def _key(kind: str, request: Parameters, table: Table) -> Key:
    if kind == "Put":
        return table.key_of_item(prepare(request["Item"])[0])
    return table.key_of(request["Key"])


def _change_all(connection: sqlite3.Connection, members: list[Member], tables: list[Table]) -> list[Change]:
    """Every member is tried, since the answer lists the reasons of all; raising then undoes them."""
    changes, reasons = [], []
    for (kind, request), table in zip(members, tables, strict=True):
        try:
            changes.append(MUTATIONS[kind](connection, table, request))
            reasons.append({"Code": "None"})
        except Fault as fault:
            if not fault.cancels:
                raise
            reasons.append(_reason(fault))
    if len(changes) < len(members):
        raise _cancelled(reasons)
    return changes


def _reason(fault: Fault) -> dict[str, Any]:
    return {"Code": _REASON_CODES[fault.code], "Message": fault.message, **fault.extra}


def _cancelled(reasons: list[dict[str, Any]]) -> Fault:
    codes = ", ".join(reason["Code"] for reason in reasons)
    return Fault(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        extra={"CancellationReasons": reasons},
    )


def transact_get_items(catalogue: Catalogue, parameters: Parameters) -> Answer:
    members = _members(parameters)
    tables = [catalogue.table(request["TableName"]) for _, request in members]
    _check_distinct(members, tables)
    units: dict[str, float] = defaultdict(float)
    responses: list[dict[str, Any]] = []
    with catalogue.database.read() as connection:
        connection.execute("BEGIN")  # one committed state for all of them
        try:
            for (_, request), table in zip(members, tables, strict=True):
                row = table.read(connection, table.key_of(request["Key"]))
                size = row[1] if row else 0
                units[table.name] += read_units(size, is_consistent=True) * TRANSACTION_FACTOR
                item = Expressions(request).projection()(row[0]) if row else {}
                responses.append({"Item": item} if item else {})
        finally:
            connection.execute("COMMIT")
    return {"Responses": responses} | consumed_by_table(parameters, units, direction="Read")


OPERATIONS: Final[dict[str, Operation]] = {
    "TransactWriteItems": transact_write_items,
    "TransactGetItems": transact_get_items,
}
