"""Attribute values: checked, measured as DynamoDB bills them, and kept as one blob each item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson

from traces_app.storage.embedded.faults import Fault, invalid, invalid_value
from traces_app.storage.embedded.numbers import measured_number

__all__ = [
    "MAX_ITEM_BYTES",
    "AttributeValue",
    "Item",
    "decode",
    "encode",
    "prepare",
    "prepare_value",
    "text_size",
]

AttributeValue = dict[str, Any]
"""One type letter and its value, as botocore gives it: ``{"S": "text"}``, ``{"B": b"bytes"}`` ..."""
Item = dict[str, AttributeValue]
_Preparer = Callable[[Any, int], tuple[AttributeValue, int]]
"""Takes a value without its type letter and its depth; gives the checked value and its size in bytes."""

MAX_ITEM_BYTES: Final = 400 * 1024
MAX_DEPTH: Final = 32
CONTAINER_BYTES: Final = 3
HEAD_LENGTH_BYTES: Final = 4

_ONE_TYPE: Final = "must contain exactly one of the supported datatypes"


def prepare(item: Item, *, is_update: bool = False) -> tuple[Item, int]:
    """A checked copy of the item with numbers normalised, and its size in bytes.

    Raises Fault for a value DynamoDB would not take or an item above 400 KB.
    """
    prepared: Item = {}
    size = 0
    for name, value in item.items():
        for kind, data in value.items():  # one pair: this loop runs for every value written
            prepared[name], value_size = _PREPARERS.get(kind, _unknown)(data, 1)
            size += value_size + (len(name) if name.isascii() else text_size(name))
        if len(value) != 1:
            raise _not_one_type(value)
    if size > MAX_ITEM_BYTES:
        to_update = " to update" * is_update
        raise invalid(f"Item size{to_update} has exceeded the maximum allowed size", cancels=is_update)
    return prepared, size


def prepare_value(value: AttributeValue, depth: int = 1) -> tuple[AttributeValue, int]:
    """A checked copy of one value and its size in bytes."""
    if len(value) != 1:
        raise _not_one_type(value)
    ((kind, data),) = value.items()
    return _PREPARERS.get(kind, _unknown)(data, depth)


def _unknown(_: Any, __: int) -> tuple[AttributeValue, int]:
    raise _not_one_type({})


def _not_one_type(value: AttributeValue) -> Fault:
    if len(value) > 1:
        return invalid(f"Supplied AttributeValue has more than one datatypes set, {_ONE_TYPE}")
    return invalid(f"Supplied AttributeValue is empty, {_ONE_TYPE}")


def text_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _string(data: Any, _: int) -> tuple[AttributeValue, int]:
    if not isinstance(data, str):
        raise _not_one_type({})
    return {"S": data}, len(data) if data.isascii() else len(data.encode())


def _number(data: Any, _: int) -> tuple[AttributeValue, int]:
    if not isinstance(data, str):
        raise _not_one_type({})
    text, size = measured_number(data)
    return {"N": text}, size


def _binary(data: Any, _: int) -> tuple[AttributeValue, int]:
    content = _bytes(data)
    return {"B": content}, len(content)


def _bytes(data: Any) -> bytes:
    if isinstance(data, bytes):
        return data
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    raise _not_one_type({})


def _boolean(data: Any, _: int) -> tuple[AttributeValue, int]:
    return {"BOOL": bool(data)}, 1


def _null(data: Any, _: int) -> tuple[AttributeValue, int]:
    if data is not True:
        raise invalid_value("Null attribute value types must have the value of true")
    return {"NULL": True}, 1


def _set_of(kind: str, noun: str, member: _Preparer) -> _Preparer:
    def prepare_set(data: Any, depth: int) -> tuple[AttributeValue, int]:
        if not data:
            raise invalid_value(f"An {noun} set  may not be empty")
        prepared = [member(element, depth) for element in data]
        members = [next(iter(value.values())) for value, _ in prepared]
        if len(set(members)) != len(members):
            raise invalid_value(f"Input collection [{', '.join(map(str, data))}] contains duplicates.")
        return {kind: members}, sum(size for _, size in prepared)

    return prepare_set


def _list(data: Any, depth: int) -> tuple[AttributeValue, int]:
    _check_depth(depth)
    prepared = [prepare_value(element, depth + 1) for element in data]
    return {"L": [value for value, _ in prepared]}, CONTAINER_BYTES + sum(1 + size for _, size in prepared)


def _map(data: Any, depth: int) -> tuple[AttributeValue, int]:
    _check_depth(depth)
    prepared = {name: prepare_value(element, depth + 1) for name, element in data.items()}
    size = sum(1 + text_size(name) + element_size for name, (_, element_size) in prepared.items())
    return {"M": {name: value for name, (value, _) in prepared.items()}}, CONTAINER_BYTES + size


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise invalid(
            "Nesting Levels have exceeded supported limits: "
            "Attributes in the item have nested levels beyond supported limit"
        )


_PREPARERS: Final[dict[str, _Preparer]] = {
    "S": _string,
    "N": _number,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
    "SS": _set_of("SS", "string", _string),
    "NS": _set_of("NS", "number", _number),
    "BS": _set_of("BS", "binary", _binary),
    "L": _list,
    "M": _map,
}


def encode(item: Item) -> bytes:
    """One blob: the length of the head, the head as JSON with lengths for binaries, then the binaries raw.

    Nothing is encoded in base64 or copied twice: a 380 KB binary costs its memcpy.
    """
    binaries: list[bytes] = []

    def set_aside(content: bytes) -> int:
        binaries.append(content)
        return len(content)

    head = orjson.dumps(item, default=set_aside)
    return b"".join((len(head).to_bytes(HEAD_LENGTH_BYTES, "little"), head, *binaries))


def decode(blob: bytes) -> Item:
    """The item ``encode`` was given."""
    end = HEAD_LENGTH_BYTES + int.from_bytes(blob[:HEAD_LENGTH_BYTES], "little")
    item: Item = orjson.loads(blob[HEAD_LENGTH_BYTES:end])
    for value in item.values():
        if "B" in value:
            start, end = end, end + value["B"]
            value["B"] = blob[start:end]
        elif "S" not in value and "N" not in value:
            end = _restore_binaries(value, blob, end)
    return item


def _restore_binaries(value: AttributeValue, blob: bytes, offset: int) -> int:
    """Put the binaries back in the order ``encode`` met them, and return where the next begins."""
    ((kind, data),) = value.items()
    if kind == "B":
        value["B"] = blob[offset : offset + data]
        return offset + int(data)
    if kind == "BS":
        for position, length in enumerate(data):
            data[position] = blob[offset : offset + length]
            offset += length
    elif kind in {"L", "M"}:
        for element in data if kind == "L" else data.values():
            offset = _restore_binaries(element, blob, offset)
    return offset
