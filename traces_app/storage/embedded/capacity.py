"""What DynamoDB would bill: a write unit for each started KB, a read unit for each started 4 KB."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["TRANSACTION_FACTOR", "consumed", "consumed_by_table", "read_units", "write_units"]

WRITE_UNIT_BYTES: Final = 1024
READ_UNIT_BYTES: Final = 4096
EVENTUAL_SHARE: Final = 0.5
TRANSACTION_FACTOR: Final = 2.0
"""Transactions prepare, then commit: each item costs twice."""


def write_units(*sizes_bytes: int) -> float:
    """For an item of these sizes before and after; writing nothing costs a unit too."""
    return float(max(1, -(-max(sizes_bytes) // WRITE_UNIT_BYTES)))


def read_units(size_bytes: int, *, is_consistent: bool) -> float:
    """For all that one request read from one table; reading nothing costs a unit too."""
    units = float(max(1, -(-size_bytes // READ_UNIT_BYTES)))
    return units if is_consistent else units * EVENTUAL_SHARE


def consumed(parameters: dict[str, Any], table_name: str, units: float) -> dict[str, Any]:
    """The answer's ConsumedCapacity if the request asked for it, else nothing."""
    detail = parameters.get("ReturnConsumedCapacity", "NONE")
    return {} if detail == "NONE" else {"ConsumedCapacity": _entry(detail, table_name, units)}


def consumed_by_table(
    parameters: dict[str, Any], units: dict[str, float], *, direction: str | None = None
) -> dict[str, Any]:
    """The same for a request over several tables; transactions also name the ``direction``, Read or Write."""
    detail = parameters.get("ReturnConsumedCapacity", "NONE")
    if detail == "NONE":
        return {}
    entries = [_entry(detail, table_name, table_units) for table_name, table_units in units.items()]
    if direction:
        for entry in entries:
            entry[f"{direction}CapacityUnits"] = entry["CapacityUnits"]
    return {"ConsumedCapacity": entries}


def _entry(detail: str, table_name: str, units: float) -> dict[str, Any]:
    entry: dict[str, Any] = {"TableName": table_name, "CapacityUnits": units}
    if detail == "INDEXES":
        entry["Table"] = {"CapacityUnits": units}
    return entry
