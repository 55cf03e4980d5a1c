"""One table: its keys, and its rows in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from traces_app.storage.embedded.faults import invalid, invalid_value
from traces_app.storage.embedded.items import AttributeValue, Item, decode, encode, prepare_value, text_size
from traces_app.storage.embedded.numbers import sortable_number

__all__ = ["Key", "KeyAttribute", "Row", "Table"]

Column = str | bytes
Key = tuple[Column, Column]
"""The two key columns of a row; the second is empty in a table without a range key."""
Row = tuple[Item, int]
"""An item and its size in bytes."""

MAX_HASH_KEY_BYTES: Final = 2048
MAX_RANGE_KEY_BYTES: Final = 1024
MAX_EXPIRY_S: Final = 2**62
ORDINARY_DIGITS: Final = 18
_MISMATCH: Final = "The provided key element does not match the schema"
_TOO_LONG: Final = {
    "HASH": "Size of hashkey has exceeded the maximum size limit of2048 bytes",
    "RANGE": "Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
}
_EMPTY_NOUNS: Final = {"S": "string", "B": "binary"}


@dataclass(frozen=True)
class KeyAttribute:
    """A key attribute: its name, type letter (S, N or B) and role (HASH or RANGE)."""

    name: str
    kind: str
    role: str

    def column(self, value: AttributeValue) -> Column:
        """What SQLite compares for this prepared value. Raises Fault for an empty or too long one."""
        data = value[self.kind]
        if self.kind == "N":
            return sortable_number(data)
        if not data:
            raise invalid(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
                f"contain an empty {_EMPTY_NOUNS[self.kind]} value. Key: {self.name}"
            )
        size = text_size(data) if self.kind == "S" else len(data)
        if size > (MAX_HASH_KEY_BYTES if self.role == "HASH" else MAX_RANGE_KEY_BYTES):
            raise invalid_value(_TOO_LONG[self.role])
        column: Column = data
        return column


@dataclass(frozen=True)
class Table:
    """What the catalogue knows of a table, and the reading and writing of its rows."""

    name: str
    number: int
    hash_key: KeyAttribute
    range_key: KeyAttribute | None
    expiry_attribute: str | None

    @cached_property
    def keys(self) -> tuple[KeyAttribute, ...]:
        return (self.hash_key, self.range_key) if self.range_key else (self.hash_key,)

    @cached_property
    def key_names(self) -> frozenset[str]:
        return frozenset(key.name for key in self.keys)

    def key_of_item(self, item: Item) -> Key:
        """The key columns of a prepared item. Raises Fault naming what is missing or of another type."""
        for key in self.keys:
            value = item.get(key.name)
            if value is None:
                raise invalid_value(f"Missing the key {key.name} in the item", cancels=True)
            if key.kind not in value:
                actual = next(iter(value), None)
                raise invalid_value(
                    f"Type mismatch for key {key.name} expected: {key.kind} actual: {actual}", cancels=True
                )
        return self._columns(item)

    def key_of(self, key: Mapping[str, AttributeValue]) -> Key:
        """The key columns of a request's Key: exactly the key attributes, of the right types."""
        if key.keys() != self.key_names or any(part.kind not in key[part.name] for part in self.keys):
            raise invalid(_MISMATCH, cancels=True)
        return self._columns({name: prepare_value(value)[0] for name, value in key.items()})

    def _columns(self, values: Mapping[str, AttributeValue]) -> Key:
        hash_column = self.hash_key.column(values[self.hash_key.name])
        if self.range_key is None:
            return hash_column, ""
        return hash_column, self.range_key.column(values[self.range_key.name])

    def key_attributes(self, item: Item) -> Item:
        return {key.name: item[key.name] for key in self.keys}

    @cached_property
    def rows(self) -> str:
        """The name of the SQLite table."""
        return f"items_{self.number}"

    @cached_property
    def _sql(self) -> dict[str, str]:
        statements = {
            "read": "SELECT size, item FROM {rows} WHERE pk = ? AND sk = ?",
            "size": "SELECT size FROM {rows} WHERE pk = ? AND sk = ?",
            "delete": "DELETE FROM {rows} WHERE pk = ? AND sk = ?",
            "write": (
                "INSERT INTO {rows} (pk, sk, expires_at, size, item) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (pk, sk) DO UPDATE SET "
                "expires_at = excluded.expires_at, size = excluded.size, item = excluded.item"
            ),
        }
        return {name: sql.format(rows=self.rows) for name, sql in statements.items()}

    def read(self, connection: sqlite3.Connection, key: Key) -> Row | None:
        row = connection.execute(self._sql["read"], key).fetchone()
        return (decode(row[1]), row[0]) if row else None

    def size(self, connection: sqlite3.Connection, key: Key) -> int:
        """Bytes of the item that stands there; 0 when there is none."""
        row = connection.execute(self._sql["size"], key).fetchone()
        return int(row[0]) if row else 0

    def write(self, connection: sqlite3.Connection, key: Key, item: Item, size: int) -> None:
        row = (*key, self.expiry_s(item), size, encode(item))
        connection.execute(self._sql["write"], row)

    def delete(self, connection: sqlite3.Connection, key: Key) -> None:
        connection.execute(self._sql["delete"], key)

    def expiry_s(self, item: Item) -> int | None:
        """When the item may be swept; only a number counts, as in DynamoDB."""
        value: dict[str, Any] = item.get(self.expiry_attribute, {}) if self.expiry_attribute else {}
        if "N" not in value:
            return None
        text: str = value["N"]
        if len(text) <= ORDINARY_DIGITS and text.isdigit():
            return int(text)
        seconds = Decimal(text)
        return int(seconds) if abs(seconds) < MAX_EXPIRY_S else None
