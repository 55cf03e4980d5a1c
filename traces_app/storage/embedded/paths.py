"""Document paths: ``#0.#1[2]`` read, set, removed and projected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from traces_app.storage.embedded.faults import Fault, invalid
from traces_app.storage.embedded.items import AttributeValue, Item

__all__ = ["Path", "Scope", "Steps", "check_overlap", "project", "read", "remove", "write"]

Steps = tuple[str | int, ...]
"""A path with its placeholders resolved: attribute name first, then keys of maps and indexes of lists."""
Tree = dict[str | int, Any]
"""Paths that begin alike, merged: a step leads to a subtree, or to None where a path ends."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the placeholders of one request stand for. ``slot`` is the parameter an error is to name."""

    names: Mapping[str, str]
    values: Mapping[str, AttributeValue]
    slot: str

    def fault(self, message: str) -> Fault:
        return invalid(f"Invalid {self.slot}: {message}")


@dataclass(frozen=True, slots=True)
class Path:
    """A path as written: names, ``#placeholders`` and list indexes."""

    parts: Steps

    def steps(self, scope: Scope) -> Steps:
        names = scope.names
        return tuple(names[part] if isinstance(part, str) and part[0] == "#" else part for part in self.parts)

    def value(self, item: Item, scope: Scope) -> AttributeValue | None:
        """What stands there in the item; None when nothing does."""
        return read(item, self.steps(scope))


def read(item: Item, steps: Steps) -> AttributeValue | None:
    current: AttributeValue | None = item.get(steps[0])  # type: ignore[arg-type] # the first step is a name
    for step in steps[1:]:
        if current is None:
            return None
        current = _child(current, step)
    return current


def _child(value: AttributeValue, step: str | int) -> AttributeValue | None:
    child: AttributeValue | None = None
    if isinstance(step, str):
        child = value.get("M", {}).get(step)
    elif step < len(value.get("L", ())):
        child = value["L"][step]
    return child


def write(item: Item, steps: Steps, value: AttributeValue) -> None:
    """Set in place. An index past the end appends. Raises Fault when the place to put it in is not there."""
    *parents, last = steps
    container = _container(item, tuple(parents), last)
    if isinstance(container, list) and isinstance(last, int):
        container[last : last + 1] = [value]
    else:
        container[last] = value


def _container(item: Item, parents: Steps, last: str | int) -> Any:
    if not parents:
        return item
    parent = read(item, parents)
    container = (parent or {}).get("M" if isinstance(last, str) else "L")
    if container is None:
        raise invalid(
            "The document path provided in the update expression is invalid for update", cancels=True
        )
    return container


def remove(item: Item, steps: Steps) -> None:
    """Remove in place what stands there; nothing there is fine, but a missing parent is a Fault."""
    *parents, last = steps
    container = _container(item, tuple(parents), last)
    if isinstance(container, list):
        del container[int(last) : int(last) + 1]
    else:
        container.pop(last, None)


def check_overlap(paths: Sequence[Steps], scope: Scope) -> None:
    """Raises Fault when one path leads into what another one names."""
    ordered = sorted(paths, key=lambda steps: [str(step) for step in steps])
    for first, second in pairwise(ordered):
        if second[: len(first)] == first:
            raise scope.fault(
                "Two document paths overlap with each other; must remove or rewrite one of these paths; "
                f"path one: {_shown(first)}, path two: {_shown(second)}"
            )


def _shown(steps: Steps) -> str:
    return "[" + ", ".join(f"[{step}]" if isinstance(step, int) else step for step in steps) + "]"


def project(item: Item, paths: Iterable[Steps]) -> Item:
    """The parts of the item that the paths name; what a list loses closes up."""
    tree: Tree = {}
    for steps in paths:
        node = tree
        for step in steps[:-1]:
            node = node.setdefault(step, {})
        node[steps[-1]] = None
    return _select_entries(item, tree)


def _select_entries(entries: Mapping[str, AttributeValue], tree: Tree) -> Item:
    selected = {
        str(step): _select(entries[step], subtree)
        for step, subtree in tree.items()
        if isinstance(step, str) and step in entries
    }
    return {name: value for name, value in selected.items() if value is not None}


def _select(value: AttributeValue, tree: Tree | None) -> AttributeValue | None:
    if tree is None:
        return value
    if "M" in value:
        entries = _select_entries(value["M"], tree)
        return {"M": entries} if entries else None
    members = value.get("L", ())
    indexes = sorted(step for step in tree if isinstance(step, int) and step < len(members))
    found = [_select(members[index], tree[index]) for index in indexes]
    elements = [element for element in found if element is not None]
    return {"L": elements} if elements else None
