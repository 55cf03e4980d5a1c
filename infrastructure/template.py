"""Reads the template as plain data: CloudFormation's short tags become its long functions."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["load"]


class _Loader(yaml.SafeLoader):  # type: ignore[misc, unused-ignore]
    """A loader of its own, so that the tags are not known everywhere in the process."""


def load(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with tags
    return loaded


def _function(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _function)
