"""The expressions of one request, parsed and tied to what their placeholders stand for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from traces_app.storage.embedded.conditions import Condition
from traces_app.storage.embedded.faults import invalid
from traces_app.storage.embedded.grammar import Parsed, parse_condition, parse_projection
from traces_app.storage.embedded.items import Item, prepare_value
from traces_app.storage.embedded.paths import Scope, Steps, check_overlap, project
from traces_app.storage.embedded.updates import Update, apply_update, parse_update

__all__ = ["Expressions"]

_PARSERS: Final[dict[str, Callable[[str], Parsed[Any]]]] = {
    "KeyConditionExpression": partial(parse_condition, slot="KeyConditionExpression"),
    "ConditionExpression": partial(parse_condition, slot="ConditionExpression"),
    "FilterExpression": partial(parse_condition, slot="FilterExpression"),
    "ProjectionExpression": parse_projection,
    "UpdateExpression": parse_update,
}
_REPLACED_PARAMETERS: Final = frozenset(
    {
        "AttributeUpdates",
        "AttributesToGet",
        "ConditionalOperator",
        "Expected",
        "IndexName",
        "KeyConditions",
        "QueryFilter",
        "ScanFilter",
    }
)


class Expressions:
    """Raises Fault when a text does not parse, or placeholders are undefined or unused."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        if unsupported := parameters.keys() & _REPLACED_PARAMETERS:
            raise invalid(f"The local file does not support {', '.join(sorted(unsupported))}")
        self._names: dict[str, str] = parameters.get("ExpressionAttributeNames") or {}
        self._values = {
            name: prepare_value(value)[0]
            for name, value in (parameters.get("ExpressionAttributeValues") or {}).items()
        }
        self._parsed = {
            slot: parse(parameters[slot])
            for slot, parse in _PARSERS.items()
            if parameters.get(slot) is not None
        }
        self._check_defined()
        self._check_used("ExpressionAttributeValues", self._values.keys(), "values")
        self._check_used("ExpressionAttributeNames", self._names.keys(), "names")
        for slot in ("KeyConditionExpression", "ConditionExpression", "FilterExpression"):
            if slot in self._parsed:
                self._parsed[slot].tree.check(self.scope(slot))

    def _check_defined(self) -> None:
        for slot, parsed in self._parsed.items():
            for value in parsed.values - self._values.keys():
                raise self.scope(slot).fault(
                    "An expression attribute value used in expression is not defined; "
                    f"attribute value: {value}"
                )
            for name in parsed.names - self._names.keys():
                raise self.scope(slot).fault(
                    "An expression attribute name used in the document path is not defined; "
                    f"attribute name: {name}"
                )

    def _check_used(self, parameter: str, defined: Any, attribute: str) -> None:
        if not defined:
            return
        if not self._parsed:
            raise invalid(f"{parameter} can only be specified when using expressions")
        used = (getattr(parsed, attribute) for parsed in self._parsed.values())
        unused = defined - frozenset().union(*used)
        if unused:
            keys = ", ".join(sorted(unused))
            raise invalid(f"Value provided in {parameter} unused in expressions: keys: {{{keys}}}")

    def scope(self, slot: str) -> Scope:
        return Scope(self._names, self._values, slot)

    def tree(self, slot: str) -> Any:
        """What the parser made of that parameter; None when it is absent."""
        parsed = self._parsed.get(slot)
        return parsed.tree if parsed else None

    def refuse_filtered_keys(self, key_names: frozenset[str]) -> None:
        """A Query selects by key in its key condition only."""
        if parsed := self._parsed.get("FilterExpression"):
            roots = {self._names.get(root, root) for root in parsed.roots}
            for name in roots & key_names:
                raise invalid(
                    "Filter Expression can only contain non-primary key attributes: "
                    f"Primary key attribute: {name}"
                )

    def holds(self, slot: str, item: Item) -> bool:
        """Whether the condition holds; an absent one always does."""
        condition: Condition | None = self.tree(slot)
        return condition is None or condition.holds(item, self.scope(slot))

    def projection(self) -> Callable[[Item], Item]:
        """What makes of an item the part that was asked for."""
        paths = self.tree("ProjectionExpression")
        if paths is None:
            return lambda item: item
        scope = self.scope("ProjectionExpression")
        wanted = [path.steps(scope) for path in paths]
        check_overlap(wanted, scope)
        return partial(project, paths=wanted)

    def update_targets(self) -> list[Steps]:
        """The paths the update expression writes."""
        update: Update = self.tree("UpdateExpression") or Update()
        scope = self.scope("UpdateExpression")
        return [path.steps(scope) for path in update.targets]

    def update(self, before: Item, after: Item) -> list[Steps]:
        """Change ``after``, a copy of ``before``, and return the paths written."""
        update: Update = self.tree("UpdateExpression") or Update()
        return apply_update(update, before, after, self.scope("UpdateExpression"))
