"""The tables there are, and the operations on tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Final

import orjson

from traces_app.storage.embedded.database import Database
from traces_app.storage.embedded.faults import Fault, invalid, no_table
from traces_app.storage.embedded.items import decode
from traces_app.storage.embedded.schema import create_items_table
from traces_app.storage.embedded.table import KeyAttribute, Table

__all__ = ["OPERATIONS", "Answer", "Catalogue", "Operation", "Parameters"]

Parameters = dict[str, Any]
Answer = dict[str, Any]
Description = dict[str, Any]

MAX_LISTED_TABLES: Final = 100
_KEY_TYPES: Final = frozenset({"S", "N", "B"})


class Catalogue:
    """Finds tables by name. What it knows of one is read again by every operation on tables."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._tables: dict[str, Table] = {}

    def table(self, name: str) -> Table:
        """Raises Fault when there is none of that name."""
        table = self._tables.get(name)
        if table is None:
            with self.database.read() as connection:
                table, _ = self.load(connection, name)
        return table

    def load(self, connection: sqlite3.Connection, name: str) -> tuple[Table, Description]:
        """The table and its description as they stand in the file now."""
        row = connection.execute(
            "SELECT number, description FROM catalogue WHERE name = ?", (name,)
        ).fetchone()
        if row is None:
            self.forget(name)
            raise no_table()
        description: Description = orjson.loads(row[1])
        table = self._tables[name] = _table(row[0], description)
        return table, description

    def save(self, connection: sqlite3.Connection, description: Description) -> Table:
        """Add the description or replace the one of the same name."""
        name = description["TableName"]
        connection.execute(
            "INSERT INTO catalogue (name, description) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET description = excluded.description",
            (name, orjson.dumps(description).decode()),
        )
        self.forget(name)
        return self.load(connection, name)[0]

    def forget(self, name: str) -> None:
        self._tables.pop(name, None)

    def forget_all(self) -> None:
        """After another process dropped or made tables."""
        self._tables.clear()

    def expiring_tables(self) -> list[Table]:
        with self.database.read() as connection:
            names = [row[0] for row in connection.execute("SELECT name FROM catalogue")]
            tables = [self.load(connection, name)[0] for name in names]
        return [table for table in tables if table.expiry_attribute]


def _table(number: int, description: Description) -> Table:
    kinds = {entry["AttributeName"]: entry["AttributeType"] for entry in description["AttributeDefinitions"]}
    schema = {entry["KeyType"]: entry["AttributeName"] for entry in description["KeySchema"]}
    keys = {role: KeyAttribute(name, kinds[name], role) for role, name in schema.items()}
    return Table(
        name=description["TableName"],
        number=number,
        hash_key=keys["HASH"],
        range_key=keys.get("RANGE"),
        expiry_attribute=description.get("ExpiryAttribute"),
    )


Operation = Callable[[Catalogue, Parameters], Answer]


def create_table(catalogue: Catalogue, parameters: Parameters) -> Answer:
    description = _checked_description(parameters)
    name = description["TableName"]
    with catalogue.database.write() as connection:
        if connection.execute("SELECT 1 FROM catalogue WHERE name = ?", (name,)).fetchone():
            raise Fault("ResourceInUseException", f"Table already exists: {name}")
        table = catalogue.save(connection, description)
        create_items_table(connection, table.number)
    return {"TableDescription": _public(description)}


def _checked_description(parameters: Parameters) -> Description:
    if parameters.get("GlobalSecondaryIndexes") or parameters.get("LocalSecondaryIndexes"):
        raise invalid("The local file keeps no secondary indexes")
    definitions, keys = parameters["AttributeDefinitions"], parameters["KeySchema"]
    roles = [entry["KeyType"] for entry in keys]
    if roles not in (["HASH"], ["HASH", "RANGE"]):
        raise invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if {entry["AttributeName"] for entry in keys} != {entry["AttributeName"] for entry in definitions}:
        raise invalid(
            "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly "
            "match number of attributes defined in AttributeDefinitions"
        )
    if not {entry["AttributeType"] for entry in definitions} <= _KEY_TYPES:
        raise invalid("Member must satisfy enum value set: [B, N, S]")
    return {
        "TableName": parameters["TableName"],
        "AttributeDefinitions": definitions,
        "KeySchema": keys,
        "BillingMode": parameters.get("BillingMode", "PROVISIONED"),
    }


def _public(description: Description) -> Description:
    """What DescribeTable tells; counts are left out, since counting would read every row."""
    return {
        "TableName": description["TableName"],
        "TableStatus": "ACTIVE",
        "AttributeDefinitions": description["AttributeDefinitions"],
        "KeySchema": description["KeySchema"],
        "BillingModeSummary": {"BillingMode": description["BillingMode"]},
    }


def describe_table(catalogue: Catalogue, parameters: Parameters) -> Answer:
    return {"Table": _public(_description(catalogue, parameters["TableName"]))}


def _description(catalogue: Catalogue, name: str) -> Description:
    try:
        with catalogue.database.read() as connection:
            return catalogue.load(connection, name)[1]
    except Fault:
        raise no_table(name) from None


def delete_table(catalogue: Catalogue, parameters: Parameters) -> Answer:
    name = parameters["TableName"]
    description = _description(catalogue, name)
    with catalogue.database.write() as connection:
        table, _ = catalogue.load(connection, name)
        connection.execute(f"DROP TABLE {table.rows}")
        connection.execute("DELETE FROM catalogue WHERE number = ?", (table.number,))
    catalogue.forget(name)
    return {"TableDescription": {**_public(description), "TableStatus": "DELETING"}}


def list_tables(catalogue: Catalogue, parameters: Parameters) -> Answer:
    limit = parameters.get("Limit", MAX_LISTED_TABLES)
    after = parameters.get("ExclusiveStartTableName", "")
    with catalogue.database.read() as connection:
        rows = connection.execute(
            "SELECT name FROM catalogue WHERE name > ? ORDER BY name LIMIT ?", (after, limit + 1)
        ).fetchall()
    names = [row[0] for row in rows[:limit]]
    return {"TableNames": names} | ({"LastEvaluatedTableName": names[-1]} if len(rows) > limit else {})


def update_time_to_live(catalogue: Catalogue, parameters: Parameters) -> Answer:
    specification = parameters["TimeToLiveSpecification"]
    description = _description(catalogue, parameters["TableName"])
    attribute = specification["AttributeName"] if specification["Enabled"] else None
    if description.get("ExpiryAttribute") == attribute:
        raise invalid(f"TimeToLive is already {'enabled' if attribute else 'disabled'}")
    with catalogue.database.write() as connection:
        table = catalogue.save(connection, {**description, "ExpiryAttribute": attribute})
        _restamp(connection, table)
    return {"TimeToLiveSpecification": specification}


def _restamp(connection: sqlite3.Connection, table: Table) -> None:
    """Give the rows already there the expiry that their items name."""
    rows = connection.execute(f"SELECT rowid, item FROM {table.rows}").fetchall()  # noqa: S608 - our own name
    connection.executemany(
        f"UPDATE {table.rows} SET expires_at = ? WHERE rowid = ?",  # noqa: S608 - our own name
        [(table.expiry_s(decode(item)), row_id) for row_id, item in rows],
    )


def describe_time_to_live(catalogue: Catalogue, parameters: Parameters) -> Answer:
    attribute = _description(catalogue, parameters["TableName"]).get("ExpiryAttribute")
    if attribute is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}}


def update_continuous_backups(catalogue: Catalogue, parameters: Parameters) -> Answer:
    """Only remembered, so that creating tables is the same on both engines; a file has no backups."""
    description = _description(catalogue, parameters["TableName"])
    is_enabled = parameters["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    with catalogue.database.write() as connection:
        catalogue.save(connection, {**description, "PointInTimeRecovery": is_enabled})
    return describe_continuous_backups(catalogue, parameters)


def describe_continuous_backups(catalogue: Catalogue, parameters: Parameters) -> Answer:
    is_enabled = _description(catalogue, parameters["TableName"]).get("PointInTimeRecovery", False)
    status = "ENABLED" if is_enabled else "DISABLED"
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status},
        }
    }


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateTable": create_table,
    "DescribeTable": describe_table,
    "DeleteTable": delete_table,
    "ListTables": list_tables,
    "UpdateTimeToLive": update_time_to_live,
    "DescribeTimeToLive": describe_time_to_live,
    "UpdateContinuousBackups": update_continuous_backups,
    "DescribeContinuousBackups": describe_continuous_backups,
}
