"""The layout of the local file, its version, and the refusal of files that are not ours.

Each DynamoDB table is one rowid table beside a unique index on its key columns. WITHOUT ROWID would keep the
items inside the key's tree: at 1 KB an item that took six times the CPU to write and 4.7 times the space.
Key columns have no type, so SQLite compares texts and blobs byte by byte: DynamoDB's order.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from traces_app.storage.errors import StoreUnusable

__all__ = ["APPLICATION_ID", "SCHEMA_VERSION", "create_items_table", "ensure_schema"]

APPLICATION_ID: Final = 0x4C4C4D54
"""'LLMT': tells our files from any other program's."""
SCHEMA_VERSION: Final = 1

_CATALOGUE: Final = """
CREATE TABLE catalogue (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL
)
"""


def ensure_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Make an empty file ours. Raises StoreUnusable when it is another's or from a newer version."""
    if _is_ours(connection, path):
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:  # commits, or rolls back when this raises
        if not _is_ours(connection, path):  # another process may have been faster
            connection.execute(_CATALOGUE)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application_id == APPLICATION_ID:
        if version > SCHEMA_VERSION:
            raise StoreUnusable(
                f"STORAGE_URL names {path}, written by a newer LLM Tracer (file version {version}, this one "
                f"reads up to {SCHEMA_VERSION}): upgrade, or name another file."
            )
        return True
    if application_id or version or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise StoreUnusable(
            f"STORAGE_URL names {path}, an SQLite file of another program: name another file."
        )
    return False


def create_items_table(connection: sqlite3.Connection, number: int) -> None:
    """The rows of one DynamoDB table. The blob comes last so that reading a size never pages it in."""
    connection.execute(
        f"CREATE TABLE items_{number} "
        "(pk NOT NULL, sk NOT NULL, expires_at INTEGER, size INTEGER NOT NULL, item BLOB NOT NULL)"
    )
    connection.execute(f"CREATE UNIQUE INDEX items_{number}_key ON items_{number} (pk, sk)")
    connection.execute(
        f"CREATE INDEX items_{number}_expiry ON items_{number} (expires_at) WHERE expires_at IS NOT NULL"
    )
