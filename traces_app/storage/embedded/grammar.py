"""The grammar of condition, filter, key condition and projection expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

from traces_app.storage.embedded.conditions import (
    COMPARATORS,
    And,
    AttributeExists,
    AttributeType,
    BeginsWith,
    Between,
    Comparison,
    Condition,
    Contains,
    Membership,
    Not,
    Operand,
    Or,
    Size,
    Value,
)
from traces_app.storage.embedded.paths import Path
from traces_app.storage.embedded.tokens import Cursor

__all__ = ["PARSED_EXPRESSIONS_KEPT", "Parsed", "parse_condition", "parse_projection"]

PARSED_EXPRESSIONS_KEPT: Final = 512
"""PynamoDB numbers its placeholders, so a program has a few dozen different texts at most."""

Tree = TypeVar("Tree")


@dataclass(frozen=True, slots=True)
class Parsed(Generic[Tree]):
    """An expression's tree, the attributes its paths begin with, and the placeholders to be defined."""

    tree: Tree
    roots: frozenset[str]
    names: frozenset[str]
    values: frozenset[str]

    @classmethod
    def of(cls, tree: Tree, cursor: Cursor) -> Parsed[Tree]:
        cursor.expect_end()
        return cls(tree, frozenset(cursor.roots), *cursor.placeholders())


@lru_cache(PARSED_EXPRESSIONS_KEPT)
def parse_condition(text: str, slot: str) -> Parsed[Condition]:
    """``slot`` is the request's parameter, for the messages. Raises Fault for a text that is no condition."""
    cursor = Cursor(text, slot)
    return Parsed.of(_either(cursor), cursor)


@lru_cache(PARSED_EXPRESSIONS_KEPT)
def parse_projection(text: str) -> Parsed[tuple[Path, ...]]:
    cursor = Cursor(text, "ProjectionExpression")
    paths = [cursor.path()]
    while cursor.accept(","):
        paths.append(cursor.path())
    return Parsed.of(tuple(paths), cursor)


def _either(cursor: Cursor) -> Condition:
    parts = [_both(cursor)]
    while cursor.accept("OR"):
        parts.append(_both(cursor))
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _both(cursor: Cursor) -> Condition:
    parts = [_negated(cursor)]
    while cursor.accept("AND"):
        parts.append(_negated(cursor))
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _negated(cursor: Cursor) -> Condition:
    if cursor.accept("NOT"):
        return Not(_negated(cursor))
    return _group(cursor) if cursor.accept("(") else _predicate(cursor)


def _group(cursor: Cursor) -> Condition:
    starts_with_group = cursor.peek().text == "("
    inner_end = _group_end(cursor) if starts_with_group else -1
    condition = _either(cursor)
    if starts_with_group and cursor.position == inner_end:
        raise cursor.fault("The expression has redundant parentheses;")
    cursor.expect(")")
    return condition


def _group_end(cursor: Cursor) -> int:
    """Position behind the parenthesis that closes the one the cursor stands at."""
    depth, ahead = 0, 0
    while (token := cursor.peek(ahead)).kind != "end":
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        ahead += 1
        if depth == 0:
            break
    return cursor.position + ahead


def _predicate(cursor: Cursor) -> Condition:
    function = _FUNCTIONS.get(cursor.peek().text) if cursor.peek(1).text == "(" else None
    if function is not None:
        cursor.take()
        cursor.expect("(")
        condition = function(cursor)
        cursor.expect(")")
        return condition
    return _comparison(cursor, _operand(cursor))


def _comparison(cursor: Cursor, left: Operand) -> Condition:
    if comparator := cursor.accept(*COMPARATORS):
        return Comparison(comparator, left, _operand(cursor))
    if cursor.accept("BETWEEN"):
        low = _operand(cursor)
        cursor.expect("AND")
        return Between(left, low, _operand(cursor))
    cursor.expect("IN")
    cursor.expect("(")
    choices = [_operand(cursor)]
    while cursor.accept(","):
        choices.append(_operand(cursor))
    cursor.expect(")")
    return Membership(left, tuple(choices))


def _operand(cursor: Cursor) -> Operand:
    if cursor.peek().kind == "value":
        return Value(cursor.value())
    if cursor.peek().text == "size" and cursor.peek(1).text == "(":
        cursor.take()
        cursor.expect("(")
        size = Size(cursor.path())
        cursor.expect(")")
        return size
    return cursor.path()


def _two_operands(node: Callable[[Any, Operand], Condition]) -> Callable[[Cursor], Condition]:
    def parse(cursor: Cursor) -> Condition:
        first = _operand(cursor)
        cursor.expect(",")
        return node(first, _operand(cursor))

    return parse


_FUNCTIONS: Final[dict[str, Callable[[Cursor], Condition]]] = {
    "attribute_exists": lambda cursor: AttributeExists(cursor.path(), expected=True),
    "attribute_not_exists": lambda cursor: AttributeExists(cursor.path(), expected=False),
    "attribute_type": _two_operands(AttributeType),
    "begins_with": _two_operands(BeginsWith),
    "contains": _two_operands(Contains),
}
