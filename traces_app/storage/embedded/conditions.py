"""Conditions and filters: what their parts mean for an item."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol

from traces_app.storage.embedded.items import AttributeValue, Item
from traces_app.storage.embedded.paths import Path, Scope

__all__ = [
    "COMPARATORS",
    "And",
    "AttributeExists",
    "AttributeType",
    "BeginsWith",
    "Between",
    "Comparison",
    "Condition",
    "Contains",
    "Membership",
    "Not",
    "Operand",
    "Or",
    "Size",
    "Value",
    "check_bounds",
]


class Operand(Protocol):
    """A path, a ``:value`` or a size."""

    def value(self, item: Item, scope: Scope) -> AttributeValue | None: ...


class Condition(Protocol):
    """Something that holds for an item or does not."""

    def check(self, scope: Scope) -> None:
        """Raises Fault for operands that no item could make right."""

    def holds(self, item: Item, scope: Scope) -> bool: ...


@dataclass(frozen=True, slots=True)
class Value:
    """A ``:placeholder``."""

    placeholder: str

    def value(self, _: Item, scope: Scope) -> AttributeValue:
        return scope.values[self.placeholder]


@dataclass(frozen=True, slots=True)
class Size:
    """Characters (as UTF-16 counts them) of a text, bytes of a binary, members of the rest."""

    path: Path

    def value(self, item: Item, scope: Scope) -> AttributeValue | None:
        ((kind, data),) = (self.path.value(item, scope) or {"NULL": True}).items()
        if kind == "S":
            return {"N": str(len(data.encode("utf-16-le")) // 2)}
        return None if kind in {"N", "BOOL", "NULL"} else {"N": str(len(data))}


_ORDERED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COMPARATORS: Final = frozenset({"=", "<>", *_ORDERED})
_ORDERABLE: Final = ("S", "N", "B")


@dataclass(frozen=True, slots=True)
class Comparison:
    comparator: str
    left: Operand
    right: Operand

    def check(self, scope: Scope) -> None:
        if self.comparator in _ORDERED:
            _check_orderable(self.comparator, (self.left, self.right), scope)

    def holds(self, item: Item, scope: Scope) -> bool:
        left, right = self.left.value(item, scope), self.right.value(item, scope)
        if left is None or right is None:
            return self.comparator == "<>" and left is not right
        if self.comparator in _ORDERED:
            return _in_order(self.comparator, left, right)
        return _same(left, right) == (self.comparator == "=")


def _check_orderable(name: str, operands: tuple[Operand, ...], scope: Scope) -> None:
    for operand in operands:
        if isinstance(operand, Value):
            (kind,) = scope.values[operand.placeholder]
            if kind not in _ORDERABLE:
                raise scope.fault(
                    f"Incorrect operand type for operator or function; operator: {name}, operand type: {kind}"
                )


def _in_order(comparator: str, left: AttributeValue, right: AttributeValue) -> bool:
    for kind in _ORDERABLE:
        if kind in left and kind in right:
            return _ORDERED[comparator](_orderable(left, kind), _orderable(right, kind))
    return False


def _orderable(value: AttributeValue, kind: str) -> Any:
    return Decimal(value["N"]) if kind == "N" else value[kind]


def _same(left: AttributeValue, right: AttributeValue) -> bool:
    return left == right or _comparable(left) == _comparable(right)


def _comparable(value: AttributeValue) -> Any:
    """Sets are equal in any order, wherever they sit; numbers were normalised when they came in."""
    ((kind, data),) = value.items()
    if kind in {"SS", "NS", "BS"}:
        return kind, frozenset(data)
    if kind == "L":
        return kind, [_comparable(element) for element in data]
    if kind == "M":
        return kind, {name: _comparable(element) for name, element in data.items()}
    return kind, data


@dataclass(frozen=True, slots=True)
class Between:
    operand: Operand
    low: Operand
    high: Operand

    def check(self, scope: Scope) -> None:
        _check_orderable("BETWEEN", (self.low, self.high), scope)
        if isinstance(self.low, Value) and isinstance(self.high, Value):
            check_bounds(scope.values[self.low.placeholder], scope.values[self.high.placeholder], scope)

    def holds(self, item: Item, scope: Scope) -> bool:
        middle = self.operand.value(item, scope)
        low, high = self.low.value(item, scope), self.high.value(item, scope)
        if middle is None or low is None or high is None:
            return False
        return _in_order("<=", low, middle) and _in_order("<=", middle, high)


def check_bounds(low: AttributeValue, high: AttributeValue, scope: Scope) -> None:
    """Raises Fault unless the bounds of a BETWEEN are of one type and in order."""
    if low.keys() == high.keys() and _in_order("<=", low, high):
        return
    rule = "upper bound to be greater than or equal to lower bound"
    if low.keys() != high.keys():
        rule = "same data type for lower and upper bounds"
    raise scope.fault(
        f"The BETWEEN operator requires {rule}; "
        f"lower bound operand: {_shown(low)}, upper bound operand: {_shown(high)}"
    )


def _shown(value: AttributeValue) -> str:
    ((kind, data),) = value.items()
    return f"AttributeValue: {{{kind}:{data}}}"


@dataclass(frozen=True, slots=True)
class Membership:
    operand: Operand
    choices: tuple[Operand, ...]

    def check(self, scope: Scope) -> None:
        """Any type may be a member."""

    def holds(self, item: Item, scope: Scope) -> bool:
        member = self.operand.value(item, scope)
        choices = (choice.value(item, scope) for choice in self.choices)
        return member is not None and any(choice is not None and _same(member, choice) for choice in choices)


@dataclass(frozen=True, slots=True)
class AttributeExists:
    path: Path
    expected: bool

    def check(self, scope: Scope) -> None:
        """Any path may exist."""

    def holds(self, item: Item, scope: Scope) -> bool:
        return (self.path.value(item, scope) is not None) == self.expected


@dataclass(frozen=True, slots=True)
class AttributeType:
    path: Path
    kind: Operand

    def check(self, scope: Scope) -> None:
        kind = self.kind.value({}, scope)
        if kind is not None and "S" not in kind:
            raise scope.fault(_wrong_operand("attribute_type", kind))

    def holds(self, item: Item, scope: Scope) -> bool:
        value, kind = self.path.value(item, scope), self.kind.value(item, scope)
        return value is not None and kind is not None and kind["S"] in value


def _wrong_operand(function: str, value: AttributeValue) -> str:
    return (
        "Incorrect operand type for operator or function; "
        f"operator or function: {function}, operand type: {next(iter(value))}"
    )


@dataclass(frozen=True, slots=True)
class BeginsWith:
    operand: Operand
    prefix: Operand

    def check(self, scope: Scope) -> None:
        prefix = self.prefix.value({}, scope)
        if prefix is not None and not prefix.keys() & {"S", "B"}:
            raise scope.fault(_wrong_operand("begins_with", prefix))

    def holds(self, item: Item, scope: Scope) -> bool:
        value, prefix = self.operand.value(item, scope), self.prefix.value(item, scope)
        if value is None or prefix is None:
            return False
        return any(kind in value and kind in prefix and value[kind].startswith(prefix[kind]) for kind in "SB")


_MEMBER_KINDS: Final = {"S": "S", "B": "B", "SS": "S", "NS": "N", "BS": "B"}
"""What may be contained in what; a text or binary contains its parts."""


@dataclass(frozen=True, slots=True)
class Contains:
    operand: Operand
    member: Operand

    def check(self, scope: Scope) -> None:
        """Any type may be a member of a list."""

    def holds(self, item: Item, scope: Scope) -> bool:
        value, member = self.operand.value(item, scope), self.member.value(item, scope)
        if value is None or member is None:
            return False
        ((kind, data),) = value.items()
        if kind == "L":
            return any(_same(element, member) for element in data)
        member_kind = _MEMBER_KINDS.get(kind, "")
        return member_kind in member and member[member_kind] in data


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Condition, ...]

    def check(self, scope: Scope) -> None:
        for part in self.parts:
            part.check(scope)

    def holds(self, item: Item, scope: Scope) -> bool:
        return all(part.holds(item, scope) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Condition, ...]

    def check(self, scope: Scope) -> None:
        for part in self.parts:
            part.check(scope)

    def holds(self, item: Item, scope: Scope) -> bool:
        return any(part.holds(item, scope) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition

    def check(self, scope: Scope) -> None:
        self.part.check(scope)

    def holds(self, item: Item, scope: Scope) -> bool:
        return not self.part.holds(item, scope)
