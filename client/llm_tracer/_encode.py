"""Values are copied at the moment they are set, so what the host does to them later changes nothing.

On the host's thread a value becomes a ``Copy``, as cheaply as can be: of small containers only the
containers are made anew, for nobody can change the texts and numbers in them. Larger ones become one string,
of orjson or of marshal, which are faster than copying in Python. What these refuse (objects, cycles, sets,
lone surrogates, endless depth) and what is too large goes through ``_Bounded``, which makes plain values of
it within fixed limits and says what it cut. The sending thread makes JSON of every ``Copy``.
"""

from __future__ import annotations

import json
import marshal
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Final

from llm_tracer._foreign import ask

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]

MAX_VALUE_BYTES: Final = 8_000_000
"""One input, output or metadata value; more than this no screen shows and no item of the store holds."""
MAX_KEPT_BYTES: Final = 1_000_000
MAX_KEPT_ITEMS: Final = 40
MAX_KEPT_DEPTH: Final = 4
"""Within these only containers are copied: a conversation with its tool calls, not a table."""
_TOO_MUCH: Final = 1 << 40
CONTAINER_BYTES: Final = 200
MAX_DEPTH: Final = 100
MAX_ITEMS: Final = 50_000
"""Only for values that the fast encoder refused: bounds the time on the caller's thread."""
MAX_REPR_CHARACTERS: Final = 10_000
MAX_BYTES_SHOWN: Final = 32
MAX_INTEGER_BITS: Final = 63
MAX_INTEGER_BITS_SHOWN: Final = 4_096
"""Python refuses to print integers of more than 4,300 digits."""

Cuts = dict[str, int]
"""What was cut from a value, by reason: bytes, items, depth, cycles, binary_bytes."""


Copy = Any
"""``bytes``: an encoded copy, of orjson or marshal. Else: plain values that nobody else can change."""

_UNCHANGING: Final = frozenset({str, int, float, bool, type(None)})


def _standard_dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


dumps: Callable[[Any], bytes] = orjson.dumps if orjson is not None else _standard_dumps
loads: Callable[[bytes], Any] = orjson.loads if orjson is not None else json.loads
_copied: Callable[[Any], bytes] = orjson.dumps if orjson is not None else marshal.dumps


def copy(value: Any) -> tuple[Copy, int, Cuts | None]:
    """A copy of any value, about how many bytes it holds, and what was cut from it (``None``: nothing).

    Never raises. Made to be fast.
    """
    if type(value) is str and len(value) <= MAX_KEPT_BYTES:
        return value, len(value), None
    try:
        copied, size_bytes = _shallow(value, MAX_KEPT_DEPTH)
        if size_bytes <= MAX_KEPT_BYTES:
            return copied, size_bytes, None
        if not MAX_VALUE_BYTES < size_bytes < _TOO_MUCH:  # else its texts alone are too large
            data = _copied(value)
            if len(data) <= MAX_VALUE_BYTES:
                return data, len(data), None
    except Exception:  # noqa: BLE001, S110 - an encoder meets the host's own objects, which raise anything
        pass
    plain, cuts = bounded(value)
    data = _copied(plain)
    return data, len(data), cuts


def _shallow(value: Any, depth: int) -> tuple[Copy, int]:
    """New containers with the same texts and numbers; more than ``MAX_KEPT_BYTES`` if that will not do."""
    kind = type(value)
    if kind is str:
        return value, len(value)
    if kind is dict:
        copied: Any = value.copy()
        pairs = copied.items()
    elif kind is list:
        copied = value.copy()
        pairs = enumerate(copied)
    else:
        return value, 8 if kind in _UNCHANGING else _TOO_MUCH
    if not depth or len(copied) > MAX_KEPT_ITEMS:
        return copied, _TOO_MUCH
    size_bytes = CONTAINER_BYTES
    for key, item in pairs:
        if type(item) is str:
            size_bytes += len(item)
        elif type(item) not in _UNCHANGING:
            copied[key], item_bytes = _shallow(item, depth - 1)
            size_bytes += item_bytes
    return copied, size_bytes


def json_of(copied: Copy) -> tuple[bytes, Cuts | None]:
    """JSON of a copy, and what was cut from it only now. Never raises."""
    if type(copied) is bytes and orjson is not None:
        return copied, None
    return encode(value_of(copied))


def value_of(copied: Copy) -> Any:
    """The plain value of a copy."""
    if type(copied) is not bytes:
        return copied
    return loads(copied) if orjson is not None else marshal.loads(copied)  # noqa: S302 - our own string


def encode(value: Any) -> tuple[bytes, Cuts | None]:
    """JSON of any value, and what was cut from it (``None``: nothing). Never raises."""
    try:
        data = dumps(value)
        if len(data) <= MAX_VALUE_BYTES:
            return data, None
    except Exception:  # noqa: BLE001, S110 - an encoder meets the host's own objects, which raise anything
        pass
    plain, cuts = bounded(value)
    return dumps(plain), cuts


def bounded(value: Any) -> tuple[Any, Cuts | None]:
    """Plain values within the limits, made anew, and what was cut from them. Never raises."""
    limits = _Bounded()
    plain = ask(limits.plain, value, otherwise=f"<{type(value).__name__} that could not be read>")
    return plain, limits.cuts or None


def whole_text(text: str) -> str:
    """``text`` without halves of surrogate pairs, which no JSON reader takes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Bounded:
    """Plain JSON values within a budget of bytes, items and depth."""

    def __init__(self) -> None:
        self.cuts: Cuts = {}
        self._bytes_left = MAX_VALUE_BYTES
        self._items_left = MAX_ITEMS
        self._path: set[int] = set()

    def plain(self, value: Any, depth: int = 0) -> Any:
        self._items_left -= 1
        self._bytes_left -= 1
        if value is None or isinstance(value, (bool, str, int, float)):
            return self._scalar(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self._binary(bytes(value))
        if depth >= MAX_DEPTH:
            return self._cut("depth", 1, "<cut: too deep>")
        if id(value) in self._path:
            return self._cut("cycles", 1, "<cut: contains itself>")
        self._path.add(id(value))
        try:
            return self._unfolded(unfold(value), depth + 1)
        finally:
            self._path.discard(id(value))

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(str.__str__(value))
        if isinstance(value, float):
            is_finite = value - value == 0
            return float(value) if is_finite else None
        if value is None or isinstance(value, bool) or value.bit_length() <= MAX_INTEGER_BITS:
            return value
        if value.bit_length() <= MAX_INTEGER_BITS_SHOWN:
            return str(value)  # JSON readers make floats of such numbers; as text it stays exact
        return self._cut("bytes", value.bit_length() // 8, f"<cut: integer of {value.bit_length()} bits>")

    def _text(self, text: str) -> str:
        text = whole_text(text)
        size_bytes = len(text) if text.isascii() else len(text.encode())
        if size_bytes <= self._bytes_left:
            self._bytes_left -= size_bytes
            return text
        kept = max(0, self._bytes_left if text.isascii() else self._bytes_left // 4)
        self._bytes_left = 0
        marker = f"… [cut: {len(text) - kept:,} of {len(text):,} characters]"
        return self._cut("bytes", size_bytes - kept, text[:kept] + marker)

    def _binary(self, data: bytes) -> str:
        try:
            return self._text(data.decode())
        except UnicodeDecodeError:
            shown = f"<{len(data):,} bytes: {data[:MAX_BYTES_SHOWN].hex()}>"
            return self._cut("binary_bytes", len(data), shown)

    def _unfolded(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, (list, tuple, set, frozenset, deque)):
            return self._sequence(value, depth)
        return self.plain(value, depth)

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key, item in self._within_budget(value.items()):
            text = key if isinstance(key, str) else ask(str, key, otherwise=f"<{type(key).__name__}>")
            name = self._text(str.__str__(text))  # before its value, which may use up the budget
            plain[name] = self.plain(item, depth)
        if len(value) > len(plain):
            missing = len(value) - len(plain)
            plain["…"] = self._cut("items", missing, f"[cut: {missing:,} of {len(value):,} items]")
        return plain

    def _sequence(self, value: Any, depth: int) -> list[Any]:
        plain = [self.plain(item, depth) for item in self._within_budget(value)]
        if len(value) > len(plain):
            missing = len(value) - len(plain)
            plain.append(self._cut("items", missing, f"… [cut: {missing:,} of {len(value):,} items]"))
        return plain

    def _within_budget(self, items: Iterable[Any]) -> Iterable[Any]:
        # A copy first: the host may change the container while we look at it.
        for item in list(islice(items, max(0, self._items_left))):
            if self._items_left <= 0 or self._bytes_left <= 0:
                return
            yield item

    def _cut(self, reason: str, amount: int, marker: str) -> str:
        self.cuts[reason] = self.cuts.get(reason, 0) + amount
        return marker


def unfold(value: Any) -> Any:
    """One step from an object towards plain values: a mapping, a sequence or a scalar. Never raises."""
    if isinstance(value, (list, tuple, set, frozenset, deque, Mapping)):
        return value
    for attribute, reader in _READERS.items():
        if hasattr(type(value), attribute):
            plain = ask(reader, value, otherwise=None)
            if plain is not None:
                return plain
    return ask(repr, value, otherwise=f"<{type(value).__name__}>")[:MAX_REPR_CHARACTERS]


def _numbers(array: Any) -> Any:
    return array.tolist() if array.size <= MAX_ITEMS else None


def _attributes(names: Iterable[str]) -> Callable[[Any], dict[str, Any]]:
    return lambda value: {name: getattr(value, name) for name in names}


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "model_dump": lambda model: model.model_dump(warnings=False),  # pydantic 2, and so openai, anthropic
    "__fields_set__": lambda model: model.dict(),  # pydantic 1
    "__dataclass_fields__": lambda item: _attributes(item.__dataclass_fields__)(item),
    "__attrs_attrs__": lambda item: _attributes(field.name for field in item.__attrs_attrs__)(item),
    "__members__": lambda member: member.value,  # Enum
    "isoformat": lambda moment: moment.isoformat(),  # date, time, datetime
    "tolist": _numbers,  # numpy
    "as_integer_ratio": str,  # Decimal, Fraction: a float would round them
    "__fspath__": lambda path: path.__fspath__(),
    "urn": str,  # UUID
}
"""How objects of well-known families are read, found by a mark of their class: nothing is imported."""
