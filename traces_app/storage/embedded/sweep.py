"""Deletes what has expired, a little at a time, as DynamoDB does behind its tables."""

from __future__ import annotations

from typing import Final

from traces_app.storage.embedded.catalogue import Catalogue
from traces_app.storage.embedded.table import Table

__all__ = ["STEP_ITEMS", "sweep", "sweep_step"]

STEP_ITEMS: Final = 500
"""Deleted in one transaction: a few milliseconds, so that no writer waits longer for the sweep."""


def sweep(catalogue: Catalogue, now_s: int) -> int:
    """Delete all that had expired by ``now_s``, seconds since the epoch, and return how many."""
    return sum(_sweep_table(catalogue, table, now_s) for table in catalogue.expiring_tables())


def _sweep_table(catalogue: Catalogue, table: Table, now_s: int) -> int:
    total = 0
    while deleted := _step(catalogue, table, now_s):
        total += deleted
    return total


def sweep_step(catalogue: Catalogue, now_s: int) -> int:
    """One bounded step over each table, and how many it deleted."""
    return sum(_step(catalogue, table, now_s) for table in catalogue.expiring_tables())


def _step(catalogue: Catalogue, table: Table, now_s: int) -> int:
    expired = f"SELECT rowid FROM {table.rows} WHERE expires_at <= ? LIMIT {STEP_ITEMS}"  # noqa: S608 - our own
    with catalogue.database.read() as connection:
        if connection.execute(expired, (now_s,)).fetchone() is None:
            return 0  # nearly always: do not make writers wait for nothing
    with catalogue.database.write() as connection:
        delete = f"DELETE FROM {table.rows} WHERE rowid IN ({expired})"  # noqa: S608 - our own
        return connection.execute(delete, (now_s,)).rowcount
