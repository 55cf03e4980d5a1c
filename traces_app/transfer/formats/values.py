"""What exports of other tools have in common: ids that are no hex, times of all sorts, JSON as text."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from traces_app.domain.ids import SPAN_ID_DIGITS, TRACE_ID_DIGITS, is_span_id, is_trace_id
from traces_app.domain.json_text import decoded
from traces_app.domain.span import Span

__all__ = [
    "Made",
    "NoRest",
    "Unreadable",
    "known",
    "number_in",
    "span_id_of",
    "text_in",
    "texts_of",
    "time_ns_of",
    "trace_id_of",
    "value_of",
]

Made = Iterator[Span]

_FRACTION: Final = re.compile(r"(.*?[0-9])[.,]([0-9]+)(.*)", re.DOTALL)
_UNITS: Final = ((10**17, 1), (10**14, 10**3), (10**11, 10**6), (0, 10**9))
"""A number from so much on counts a unit of so many nanoseconds: in milliseconds 10^11 was 1973."""

_NOTHING: Final[tuple[Any, ...]] = (None, "", [], {})


class Unreadable(ValueError):
    """An entry that no span can be made of: the field and the rule."""


class NoRest:
    """Most formats: each entry stands for itself."""

    def look(self, entry: dict[str, Any]) -> None:
        """Nothing is asked of it."""

    def rest(self) -> Made:
        return iter(())


def trace_id_of(value: Any, field: str) -> str:
    """A UUID's or hex digits as they are; of any other text a hash, the same every time."""
    text = _id_text(value, field)
    plain = text.replace("-", "").lower()
    return plain if is_trace_id(plain) else _hashed(text, TRACE_ID_DIGITS)


def span_id_of(value: Any, field: str) -> str:
    """16 hex digits as they are; a UUID is too long for a span's id and is hashed."""
    text = _id_text(value, field)
    return text.lower() if is_span_id(text.lower()) else _hashed(text, SPAN_ID_DIGITS)


def time_ns_of(value: Any, field: str) -> int | None:
    """ISO 8601 (UTC where no offset is given), or a number since 1970 in any unit from seconds down."""
    value = None if isinstance(value, str) and not value.strip() else value
    if value is None:
        return None
    try:
        return _time_ns(value)
    except (ValueError, TypeError, OverflowError):
        raise Unreadable(f"{field}: {str(value)[:40]!r} is no time") from None


def value_of(value: Any) -> Any:
    """What a JSON text says; NaN, as data frames have it, is nothing."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return decoded(value)


def text_in(entry: dict[str, Any], *names: str) -> str | None:
    """The first of these fields that holds a text or a number."""
    for name in names:
        value = entry.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value):
            return str(value)
    return None


def number_in(entry: dict[str, Any], *names: str) -> float | None:
    for name in names:
        value = entry.get(name)
        try:
            number = None if value is None or isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            continue
        if number is not None and math.isfinite(number):
            return number
    return None


def texts_of(value: Any) -> list[str]:
    value = value_of(value)
    return [str(text) for text in value if text is not None] if isinstance(value, list) else []


def known(values: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty."""
    return {name: value for name, value in values.items() if value not in _NOTHING}


def _id_text(value: Any, field: str) -> str:
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not text:
        raise Unreadable(f"{field}: an id is missing")
    return text


def _hashed(text: str, digits: int) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=digits // 2).hexdigest()


def _time_ns(value: Any) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        unit_ns = next(unit for least, unit in _UNITS if abs(value) >= least)
        return int(value * unit_ns)
    text = str(value).strip()
    if text.isdecimal():
        return _time_ns(int(text))
    match = _FRACTION.fullmatch(text)
    whole, fraction, offset = match.groups() if match else (text, "", "")
    at = datetime.fromisoformat(f"{whole}{offset}".removesuffix(" UTC"))
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return round(at.timestamp()) * 10**9 + int(fraction[:9].ljust(9, "0"))
