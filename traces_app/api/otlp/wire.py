"""The outer levels of OTLP's protobuf, read by hand: where each span lies, before any is made an object.

Spans are then parsed one by one, so that a broken one costs no other, and a million empty ones nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from traces_app.api.otlp.allowance import Allowance

__all__ = [
    "LOG",
    "RESOURCE",
    "SCOPE",
    "SPAN",
    "Group",
    "Malformed",
    "groups_of",
    "spend_inner",
    "without_surrogates",
]

MAX_MESSAGE_DEPTH: Final = 120
"""Messages within messages; protobuf itself reads 100."""

Levels = dict[int, Any]
"""By number, the fields of a message of opentelemetry-proto that hold texts or messages."""

TEXT: Final[Levels] = {}
"""Told apart from a message by identity."""

_ANY: Final[Levels] = {1: TEXT}
_PAIR: Final[Levels] = {1: TEXT, 2: _ANY}
_ANY.update({5: {1: _ANY}, 6: {1: _PAIR}})
_EVENT: Final[Levels] = {2: TEXT, 3: _PAIR}
_LINK: Final[Levels] = {3: TEXT, 4: _PAIR}
SPAN: Final[Levels] = {3: TEXT, 5: TEXT, 9: _PAIR, 11: _EVENT, 13: _LINK, 15: {2: TEXT}}
LOG: Final[Levels] = {3: TEXT, 5: _ANY, 6: _PAIR, 12: TEXT}
RESOURCE: Final[Levels] = {1: _PAIR, 3: {1: TEXT, 2: TEXT, 3: TEXT, 4: TEXT}}
SCOPE: Final[Levels] = {1: TEXT, 2: TEXT, 3: _PAIR}
_CONTEXT, _INNER = 1, 2
"""Numbers alike in every outer message: resource or scope, and what is below it."""

_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5
_FIXED_BYTES: Final = {_FIXED64: 8, _FIXED32: 4}
_MAX_VARINT_BYTES: Final = 10
_SURROGATE: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}".encode()
"""Three bytes, as many as a surrogate takes: no length around it changes."""

_NO_FIELD: Final = (-1, 0, 0)

Place = tuple[int, int]


class Malformed(ValueError):
    """Bytes that are no protobuf."""


@dataclass(slots=True)
class Group:
    """A resource with its scopes, or a scope with the places of its records."""

    context: bytearray = field(default_factory=bytearray)
    inner: list[Place] = field(default_factory=list)


def groups_of(body: bytes, allowance: Allowance) -> list[tuple[bytearray, list[Group]]]:
    """Each resource, with its scopes; counted before anything is built. Raises Malformed."""
    request = _group(body, (0, len(body)), allowance, request=True)
    found = []
    for place in request.inner:
        resource = _group(body, place, allowance)
        scopes = [_group(body, scope, allowance) for scope in resource.inner]
        for scope in scopes:
            allowance.spend_records(len(scope.inner))
            allowance.share(len(resource.context) + len(scope.context), len(scope.inner))
        found.append((resource.context, scopes))
    return found


def spend_inner(data: bytes, levels: Levels, allowance: Allowance) -> None:
    """Count the fields of a message and of all below it. Raises Malformed."""
    for _ in _texts(data, levels, allowance):
        pass


def without_surrogates(data: bytes, levels: Levels, allowance: Allowance) -> bytes:
    """The message with U+FFFD for halves of surrogate pairs in its texts, which JavaScript writes.

    Raises Malformed.
    """
    repaired = bytearray(data)
    for start, end in _texts(data, levels, allowance):
        repaired[start:end] = _SURROGATE.sub(_REPLACEMENT, data[start:end])
    return bytes(repaired)


def _group(body: bytes, place: Place, allowance: Allowance, *, request: bool = False) -> Group:
    """A field that comes several times is merged: for protobuf that is to join the bytes."""
    group = Group()
    for number, start, end in _fields(body, place, allowance.step_over):
        if number == (_CONTEXT if request else _INNER):
            group.inner.append((start, end))
        elif number == _CONTEXT:
            group.context += body[start:end]
    return group


def _texts(data: bytes, levels: Levels, allowance: Allowance) -> Iterator[Place]:
    """Where the texts of a message lie, however deep."""
    stack = [(_fields(data, (0, len(data)), allowance.spend), levels)]
    while stack:
        fields, level = stack[-1]
        number, start, end = next(fields, _NO_FIELD)
        below = level.get(number)
        if number == _NO_FIELD[0]:
            stack.pop()
        elif below is TEXT:
            yield start, end
        elif below is not None and start < end:
            stack.append((_fields(data, (start, end), allowance.spend), below))
            if len(stack) > MAX_MESSAGE_DEPTH:
                raise Malformed


def _fields(data: bytes, place: Place, spend: Callable[[], None]) -> Iterator[tuple[int, int, int]]:
    """Number and place of each length-delimited field; the others are stepped over."""
    at, end = place
    while at < end:
        spend()
        key, at = _varint(data, at, end)
        wire_type = key & 7
        if wire_type == _LENGTH_DELIMITED:
            length, at = _varint(data, at, end)
            if length > end - at:
                raise Malformed
            yield key >> 3, at, at + length
            at += length
        elif wire_type == _VARINT:
            _, at = _varint(data, at, end)
        else:
            at += _fixed_bytes(wire_type)
    if at != end:
        raise Malformed


def _fixed_bytes(wire_type: int) -> int:
    if wire_type not in _FIXED_BYTES:  # groups: OTLP never had any
        raise Malformed
    return _FIXED_BYTES[wire_type]


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    if at < end and data[at] < 0x80:  # noqa: PLR2004 - one byte, nearly always
        return data[at], at + 1
    number = shift = 0
    for place in range(at, min(end, at + _MAX_VARINT_BYTES)):
        number |= (data[place] & 0x7F) << shift
        if data[place] < 0x80:  # noqa: PLR2004
            return number, place + 1
        shift += 7
    raise Malformed
