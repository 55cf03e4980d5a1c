"""Key conditions as ranges of SQLite's index."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

from traces_app.storage.embedded.conditions import And, BeginsWith, Between, Comparison, Condition, Value
from traces_app.storage.embedded.faults import Fault, invalid, invalid_value
from traces_app.storage.embedded.items import AttributeValue
from traces_app.storage.embedded.paths import Path, Scope
from traces_app.storage.embedded.table import Column, KeyAttribute, Table

__all__ = ["KeyRange", "key_range"]

FIRST_SURROGATE: Final = 0xD800
BEHIND_SURROGATES: Final = 0xE000
MAX_BYTE: Final = 0xFF


@dataclass(frozen=True, slots=True)
class KeyRange:
    """A condition in SQL over the columns pk and sk, with its arguments."""

    sql: str
    arguments: tuple[Column, ...]


def key_range(table: Table, condition: Condition, scope: Scope) -> KeyRange:
    """Raises Fault unless the condition is ``hash = value``, perhaps AND one comparison of the range key."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    by_name: dict[str, Condition] = {}
    for part in parts:
        name = _attribute_of(part, scope)
        if name in by_name:
            raise scope.fault("KeyConditionExpressions must only contain one condition per key")
        by_name[name] = part
    equality = by_name.pop(table.hash_key.name, None)
    if not isinstance(equality, Comparison):
        raise invalid(f"Query condition missed key schema element: {table.hash_key.name}")
    if equality.comparator != "=":
        raise invalid("Query key condition not supported")
    ranges = [KeyRange("pk = ?", (_column(table.hash_key, equality.right, scope),))]
    for name, part in by_name.items():
        if table.range_key is None or name != table.range_key.name:
            raise invalid(f"Query condition missed key schema element: {name}")
        ranges.append(_range(table.range_key, part, scope))
    return KeyRange(
        " AND ".join(part.sql for part in ranges), tuple(value for part in ranges for value in part.arguments)
    )


def _attribute_of(part: Condition, scope: Scope) -> str:
    if isinstance(part, Comparison):
        operand = part.left
    elif isinstance(part, Between | BeginsWith):
        operand = part.operand
    else:
        raise scope.fault(f"Invalid operator used in KeyConditionExpression: {type(part).__name__.upper()}")
    if not isinstance(operand, Path):
        raise scope.fault("KeyConditionExpressions must compare a key attribute with a value")
    first, *rest = operand.steps(scope)
    if rest:
        raise invalid("KeyConditionExpressions cannot have conditions on nested attributes")
    return str(first)


def _range(key: KeyAttribute, part: Condition, scope: Scope) -> KeyRange:
    if isinstance(part, Between):
        bounds = (_column(key, part.low, scope), _column(key, part.high, scope))
        return KeyRange("sk BETWEEN ? AND ?", bounds)
    if isinstance(part, BeginsWith):
        return _prefix_range(_column(key, part.prefix, scope), key)
    if not isinstance(part, Comparison) or part.comparator == "<>":
        raise invalid("Unsupported operator on KeyCondition: NE")
    return KeyRange(f"sk {part.comparator} ?", (_column(key, part.right, scope),))


def _column(key: KeyAttribute, operand: object, scope: Scope) -> Column:
    if not isinstance(operand, Value):
        raise scope.fault("KeyConditionExpressions must compare a key attribute with a value")
    value: AttributeValue = scope.values[operand.placeholder]
    if key.kind not in value:
        raise _type_mismatch()
    return key.column(value)


def _type_mismatch() -> Fault:
    return invalid_value("Condition parameter type does not match schema type")


def _prefix_range(prefix: Column, key: KeyAttribute) -> KeyRange:
    if key.kind == "N":
        raise _type_mismatch()
    end = _after_prefix(prefix)
    if not end:
        return KeyRange("sk >= ?", (prefix,))
    return KeyRange("sk >= ? AND sk < ?", (prefix, end))


def _after_prefix(prefix: Column) -> Column:
    """The first text or binary that sorts behind all that begin so; empty when there is none."""
    if isinstance(prefix, bytes):
        stem = prefix.rstrip(bytes([MAX_BYTE]))
        return stem[:-1] + bytes([stem[-1] + 1]) if stem else b""
    text = prefix.rstrip(chr(sys.maxunicode))
    if not text:
        return ""
    following = ord(text[-1]) + 1
    return text[:-1] + chr(BEHIND_SURROGATES if following == FIRST_SURROGATE else following)
