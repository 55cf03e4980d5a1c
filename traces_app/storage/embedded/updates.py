"""Update expressions: their grammar, and what they make of an item."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, Final, Protocol

from traces_app.storage.embedded.conditions import Value
from traces_app.storage.embedded.faults import Fault, invalid
from traces_app.storage.embedded.grammar import PARSED_EXPRESSIONS_KEPT, Parsed
from traces_app.storage.embedded.items import AttributeValue, Item
from traces_app.storage.embedded.numbers import MAX_DIGITS, normalise_number
from traces_app.storage.embedded.paths import Path, Scope, Steps, check_overlap, read, remove, write
from traces_app.storage.embedded.tokens import Cursor

__all__ = ["Update", "apply_update", "parse_update"]

_ARITHMETIC: Final = Context(prec=MAX_DIGITS)
_SET_KINDS: Final = ("SS", "NS", "BS")
_KIND_NAMES: Final = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "M": "MAP",
    "L": "LIST",
    "BOOL": "BOOLEAN",
    "NULL": "NULL",
    "SS": "STRING SET",
    "NS": "NUMBER SET",
    "BS": "BINARY SET",
}


class Source(Protocol):
    """The right side of a SET: never None, a Fault instead."""

    def result(self, item: Item, scope: Scope) -> AttributeValue: ...


@dataclass(frozen=True, slots=True)
class Update:
    """The four sections of an update expression."""

    set: tuple[tuple[Path, Source], ...] = ()
    remove: tuple[Path, ...] = ()
    add: tuple[tuple[Path, str], ...] = ()
    delete: tuple[tuple[Path, str], ...] = ()

    @property
    def targets(self) -> list[Path]:
        return [path for path, _ in (*self.set, *self.add, *self.delete)] + list(self.remove)


@dataclass(frozen=True, slots=True)
class Plain:
    """A path or a value as it is."""

    operand: Path | Value

    def result(self, item: Item, scope: Scope) -> AttributeValue:
        value = self.operand.value(item, scope)
        if value is None:
            raise invalid(
                "The provided expression refers to an attribute that does not exist in the item", cancels=True
            )
        return value


@dataclass(frozen=True, slots=True)
class IfNotExists:
    path: Path
    default: Source

    def result(self, item: Item, scope: Scope) -> AttributeValue:
        value = self.path.value(item, scope)
        return self.default.result(item, scope) if value is None else value


@dataclass(frozen=True, slots=True)
class ListAppend:
    first: Source
    second: Source

    def result(self, item: Item, scope: Scope) -> AttributeValue:
        first, second = self.first.result(item, scope), self.second.result(item, scope)
        if "L" not in first or "L" not in second:
            raise _wrong_type()
        return {"L": [*first["L"], *second["L"]]}


@dataclass(frozen=True, slots=True)
class Sum:
    """Of two numbers, or the difference."""

    left: Source
    sign: str
    right: Source

    def result(self, item: Item, scope: Scope) -> AttributeValue:
        return _sum(self.left.result(item, scope), self.sign, self.right.result(item, scope))


def _sum(left: AttributeValue, sign: str, right: AttributeValue) -> AttributeValue:
    if "N" not in left or "N" not in right:
        raise _wrong_type()
    operation = _ARITHMETIC.add if sign == "+" else _ARITHMETIC.subtract
    return {"N": normalise_number(str(operation(Decimal(left["N"]), Decimal(right["N"]))))}


def _wrong_type() -> Fault:
    return invalid("An operand in the update expression has an incorrect data type", cancels=True)


def apply_update(update: Update, before: Item, after: Item, scope: Scope) -> list[Steps]:
    """Change ``after``, a copy of ``before``, in place, and return the paths written.

    Every right side sees ``before``, whatever the order of the actions.
    """
    targets = [path.steps(scope) for path in update.targets]
    check_overlap(targets, scope)
    for _, name in update.add:
        _check_member(scope.values[name], "ADD", ("N", *_SET_KINDS), scope)
    for _, name in update.delete:
        _check_member(scope.values[name], "DELETE", _SET_KINDS, scope)
    settings = [(path.steps(scope), source.result(before, scope)) for path, source in update.set]
    additions = [
        (path.steps(scope), _added(path.value(before, scope), scope.values[name]))
        for path, name in update.add
    ]
    for steps, value in (*settings, *additions):
        write(after, steps, value)
    for path, name in update.delete:
        _delete_members(after, path.steps(scope), scope.values[name])
    for steps in sorted((path.steps(scope) for path in update.remove), key=_last_index, reverse=True):
        remove(after, steps)
    return targets


def _last_index(steps: Steps) -> int:
    """Elements of a list go from the back, so that the indexes of the others stay what they were."""
    return steps[-1] if isinstance(steps[-1], int) else -1


def _check_member(value: AttributeValue, name: str, kinds: tuple[str, ...], scope: Scope) -> None:
    (kind,) = value
    if kind not in kinds:
        raise scope.fault(
            f"Incorrect operand type for operator or function; operator: {name}, "
            f"operand type: {_KIND_NAMES[kind]}, typeSet: ALLOWED_FOR_ADD_OPERAND"
        )


def _added(current: AttributeValue | None, addend: AttributeValue) -> AttributeValue:
    if current is None:
        return addend
    ((kind, members),) = addend.items()
    if kind not in current:
        raise _wrong_type()
    if kind == "N":
        return _sum(current, "+", addend)
    return {kind: [*current[kind], *(member for member in members if member not in current[kind])]}


def _delete_members(item: Item, steps: Steps, doomed: AttributeValue) -> None:
    current = read(item, steps)
    if current is None:
        return
    ((kind, members),) = doomed.items()
    if kind not in current:
        raise _wrong_type()
    left = [member for member in current[kind] if member not in members]
    if left:
        write(item, steps, {kind: left})
    else:
        remove(item, steps)  # DynamoDB keeps no empty sets


@lru_cache(PARSED_EXPRESSIONS_KEPT)
def parse_update(text: str) -> Parsed[Update]:
    """Raises Fault for a text that is no update expression."""
    cursor = Cursor(text, "UpdateExpression")
    sections: dict[str, tuple[Any, ...]] = {}
    while name := cursor.accept(*_SECTIONS):
        if name.lower() in sections:
            raise cursor.fault(f'The "{name}" section can only be used once in an update expression;')
        actions = [_SECTIONS[name](cursor)]
        while cursor.accept(","):
            actions.append(_SECTIONS[name](cursor))
        sections[name.lower()] = tuple(actions)
    if not sections:
        raise cursor.syntax_error()
    return Parsed.of(Update(**sections), cursor)


def _assignment(cursor: Cursor) -> tuple[Path, Source]:
    path = cursor.path()
    cursor.expect("=")
    return path, _source(cursor)


def _path_and_value(cursor: Cursor) -> tuple[Path, str]:
    return cursor.path(), cursor.value()


def _source(cursor: Cursor) -> Source:
    left = _source_operand(cursor)
    if sign := cursor.accept("+", "-"):
        return Sum(left, sign, _source_operand(cursor))
    return left


def _source_operand(cursor: Cursor) -> Source:
    if cursor.accept("("):
        source = _source(cursor)
        cursor.expect(")")
        return source
    if cursor.peek().kind == "value":
        return Plain(Value(cursor.value()))
    if cursor.peek(1).text == "(" and cursor.peek().text in {"if_not_exists", "list_append"}:
        return _function(cursor)
    return Plain(cursor.path())


def _function(cursor: Cursor) -> Source:
    name = cursor.take().text
    cursor.expect("(")
    source = (_if_not_exists if name == "if_not_exists" else _list_append)(cursor)
    cursor.expect(")")
    return source


def _if_not_exists(cursor: Cursor) -> Source:
    path = cursor.path()
    cursor.expect(",")
    return IfNotExists(path, _source(cursor))


def _list_append(cursor: Cursor) -> Source:
    first = _source(cursor)
    cursor.expect(",")
    return ListAppend(first, _source(cursor))


_SECTIONS: Final[dict[str, Callable[[Cursor], Any]]] = {
    "SET": _assignment,
    "REMOVE": Cursor.path,
    "ADD": _path_and_value,
    "DELETE": _path_and_value,
}
