"""GetItem, BatchGetItem, Query and Scan."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from traces_app.storage.embedded.capacity import consumed, consumed_by_table, read_units
from traces_app.storage.embedded.catalogue import Answer, Catalogue, Operation, Parameters
from traces_app.storage.embedded.expressions import Expressions
from traces_app.storage.embedded.faults import Fault, invalid
from traces_app.storage.embedded.items import Item, decode
from traces_app.storage.embedded.key_conditions import KeyRange, key_range
from traces_app.storage.embedded.table import Table

__all__ = ["OPERATIONS"]

MAX_PAGE_BYTES: Final = 1024 * 1024
"""Of items read by a Query or Scan, before filters and projections."""
MAX_BATCH_KEYS: Final = 100
MAX_BATCH_BYTES: Final = 16 * 1024 * 1024


def get_item(catalogue: Catalogue, parameters: Parameters) -> Answer:
    projection = Expressions(parameters).projection()
    table = catalogue.table(parameters["TableName"])
    key = table.key_of(parameters["Key"])
    with catalogue.database.read() as connection:
        row = table.read(connection, key)
    units = read_units(row[1] if row else 0, is_consistent=bool(parameters.get("ConsistentRead")))
    return ({"Item": projection(row[0])} if row else {}) | consumed(parameters, table.name, units)


def batch_get_item(catalogue: Catalogue, parameters: Parameters) -> Answer:
    """What would not fit into 16 MB comes back as UnprocessedKeys."""
    requests: dict[str, Parameters] = parameters["RequestItems"]
    if not 1 <= sum(len(request["Keys"]) for request in requests.values()) <= MAX_BATCH_KEYS:
        raise invalid("Too many items requested for the BatchGetItem call")
    budget = _Budget(MAX_BATCH_BYTES)
    batches = {name: _get_batch(catalogue, name, request, budget) for name, request in requests.items()}
    unprocessed = {
        name: {**requests[name], "Keys": batch.unprocessed}
        for name, batch in batches.items()
        if batch.unprocessed
    }
    units = {name: batch.units for name, batch in batches.items()}
    answer = {
        "Responses": {name: batch.items for name, batch in batches.items()},
        "UnprocessedKeys": unprocessed,
    }
    return answer | consumed_by_table(parameters, units)


@dataclass(slots=True)
class _Budget:
    bytes_left: int


@dataclass(slots=True)
class _Batch:
    items: list[Item] = field(default_factory=list)
    units: float = 0.0
    unprocessed: list[Any] = field(default_factory=list)


def _get_batch(catalogue: Catalogue, name: str, request: Parameters, budget: _Budget) -> _Batch:
    projection = Expressions(request).projection()
    table = catalogue.table(name)
    keys = [table.key_of(key) for key in request["Keys"]]
    if len(set(keys)) < len(keys):
        raise invalid("Provided list of item keys contains duplicates")
    batch = _Batch()
    with catalogue.database.read() as connection:
        for raw_key, key in zip(request["Keys"], keys, strict=True):
            size = table.size(connection, key)
            if size > budget.bytes_left:
                batch.unprocessed.append(raw_key)
                continue
            row = table.read(connection, key)
            budget.bytes_left -= size
            batch.units += read_units(size, is_consistent=bool(request.get("ConsistentRead")))
            batch.items += [projection(row[0])] if row else []
    return batch


def query(catalogue: Catalogue, parameters: Parameters) -> Answer:
    if parameters.get("KeyConditionExpression") is None:
        raise invalid(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    expressions = Expressions(parameters)
    table = catalogue.table(parameters["TableName"])
    expressions.refuse_filtered_keys(table.key_names)
    scope = expressions.scope("KeyConditionExpression")
    keys = key_range(table, expressions.tree("KeyConditionExpression"), scope)
    is_forward = parameters.get("ScanIndexForward", True)
    if start := parameters.get("ExclusiveStartKey"):
        keys = _continued(table, expressions, keys, start, is_forward=is_forward)
    sql = f"WHERE {keys.sql} ORDER BY sk {'ASC' if is_forward else 'DESC'}"
    return _page(catalogue, table, parameters, expressions, KeyRange(sql, keys.arguments))


def _continued(
    table: Table, expressions: Expressions, keys: KeyRange, start: Item, *, is_forward: bool
) -> KeyRange:
    _, range_column = _start_key(table, start)
    if not expressions.holds("KeyConditionExpression", start):
        raise invalid("The provided starting key does not match the range key predicate")
    return KeyRange(f"{keys.sql} AND sk {'>' if is_forward else '<'} ?", (*keys.arguments, range_column))


def _start_key(table: Table, start: Item) -> Any:
    try:
        return table.key_of(start)
    except Fault:
        raise invalid("The provided starting key is invalid") from None


def scan(catalogue: Catalogue, parameters: Parameters) -> Answer:
    """In the order of the keys; DynamoDB's own order is that of a hash, so nobody can rely on either."""
    expressions = Expressions(parameters)
    table = catalogue.table(parameters["TableName"])
    where, arguments = "", ()
    if start := parameters.get("ExclusiveStartKey"):
        where, arguments = "WHERE (pk, sk) > (?, ?)", _start_key(table, start)
    keys = KeyRange(f"{where} ORDER BY pk, sk", arguments)
    return _page(catalogue, table, parameters, expressions, keys)


def _page(
    catalogue: Catalogue, table: Table, parameters: Parameters, expressions: Expressions, keys: KeyRange
) -> Answer:
    limit = parameters.get("Limit")
    if limit is not None and limit < 1:
        raise invalid(
            "1 validation error detected: Value at 'Limit' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1"
        )
    projection = expressions.projection()
    is_wanted = partial(expressions.holds, "FilterExpression")
    sql = f"SELECT size, item, pk FROM {table.rows} {keys.sql}"  # noqa: S608 - values are arguments
    with catalogue.database.read() as connection, closing(connection.execute(sql, keys.arguments)) as rows:
        page = _read_page(_of_segment(rows, parameters), limit, is_wanted)
    answer: Answer = {"Count": len(page.items), "ScannedCount": page.scanned}
    if parameters.get("Select") != "COUNT":
        answer["Items"] = [projection(item) for item in page.items]
    if page.last is not None:
        answer["LastEvaluatedKey"] = table.key_attributes(page.last)
    units = read_units(page.size_bytes, is_consistent=bool(parameters.get("ConsistentRead")))
    return answer | consumed(parameters, table.name, units)


def _of_segment(rows: sqlite3.Cursor, parameters: Parameters) -> Iterator[tuple[int, bytes]]:
    """The rows of one worker of a parallel scan; all of them when it is not parallel."""
    total, segment = parameters.get("TotalSegments"), parameters.get("Segment")
    for size, blob, hash_column in rows:
        raw = hash_column if isinstance(hash_column, bytes) else hash_column.encode()
        if not total or zlib.crc32(raw) % total == segment:
            yield size, blob


@dataclass(slots=True)
class _Page:
    items: list[Item] = field(default_factory=list)
    scanned: int = 0
    size_bytes: int = 0
    last: Item | None = None
    """Where the next page starts; None when the rows ran out first."""


def _read_page(
    rows: Iterable[tuple[int, bytes]], limit: int | None, is_wanted: Callable[[Item], bool]
) -> _Page:
    page = _Page()
    item: Item | None = None
    for size, blob in rows:
        if page.scanned and page.size_bytes + size > MAX_PAGE_BYTES:
            page.last = item
            break
        item = decode(blob)
        page.scanned += 1
        page.size_bytes += size
        if is_wanted(item):
            page.items.append(item)
        if page.scanned == limit or page.size_bytes >= MAX_PAGE_BYTES:
            page.last = item
            break
    return page


OPERATIONS: Final[dict[str, Operation]] = {
    "GetItem": get_item,
    "BatchGetItem": batch_get_item,
    "Query": query,
    "Scan": scan,
}
