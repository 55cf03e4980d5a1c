"""DynamoDB's numbers: 38 digits, 1E-130 to 9.99E+125, kept in one spelling, measured and ordered."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from traces_app.storage.embedded.faults import invalid

__all__ = ["measured_number", "normalise_number", "sortable_number"]

MAX_DIGITS: Final = 38
MIN_EXPONENT: Final = -130
MAX_EXPONENT: Final = 125
_MAX_WRITTEN_EXPONENT: Final = 2**31
"""Beyond any number DynamoDB takes; keeps Decimal from being asked for the impossible."""
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")


@lru_cache(maxsize=4096)
def measured_number(text: str) -> tuple[str, int]:
    """The number as ``normalise_number`` spells it, and its size in bytes. One batch repeats its times."""
    normalised = normalise_number(text)
    return normalised, _size_bytes(normalised)


def normalise_number(text: str) -> str:
    """The one spelling DynamoDB gives back: no exponent, no leading or trailing zeros.

    Raises Fault for what is no number, too large, too small or has more than 38 digits.
    """
    if len(text) <= MAX_DIGITS and text.isdigit() and text.isascii() and (text[0] != "0" or text == "0"):
        return text  # nearly every number there is
    return _normalise(text)


@lru_cache(maxsize=1024)
def _normalise(text: str) -> str:
    sign, digits, exponent = _parse(text)
    leading = exponent + len(digits) - 1
    if leading > MAX_EXPONENT:
        raise invalid(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )
    if leading < MIN_EXPONENT:
        raise invalid(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        )
    if len(digits) > MAX_DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    return sign + _plain(digits, exponent)


def _parse(text: str) -> tuple[str, str, int]:
    """Sign, significant digits and the exponent of the last of them; zero is ("", "0", 0)."""
    match = _NUMBER.fullmatch(text)
    if match is None or abs(int(match[1] or 0)) > _MAX_WRITTEN_EXPONENT:
        raise _not_numeric(text)
    negative, figures, exponent = Decimal(text).as_tuple()
    digits = "".join(map(str, figures)).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return "", "0", 0
    return "-" * negative, significant, int(exponent) + len(digits) - len(significant)


def _plain(digits: str, exponent: int) -> str:
    if exponent >= 0:
        return digits + "0" * exponent
    whole = len(digits) + exponent
    return f"{digits[:whole]}.{digits[whole:]}" if whole > 0 else f"0.{'0' * -whole}{digits}"


def _not_numeric(text: str) -> Exception:
    return invalid(f"The parameter cannot be converted to a numeric value: {text}")


def _size_bytes(text: str) -> int:
    """One byte, one for each pair of digits counted from the point, one for a minus."""
    if text == "0":
        return 1
    sign = text[0] == "-"
    whole, _, fraction = text[sign:].partition(".")
    pairs = (len(whole) + 1) // 2 + (len(fraction) + 1) // 2
    if not fraction:
        pairs -= (len(whole) - len(whole.rstrip("0"))) // 2
    elif whole == "0":
        pairs -= 1 + (len(fraction) - len(fraction.lstrip("0"))) // 2
    return 1 + pairs + sign


def sortable_number(text: str) -> str:
    """Text that sorts as the normalised number does: sign, exponent and digits, mirrored below zero."""
    sign, digits, exponent = _parse(text)
    if digits == "0":
        return "1"
    leading = exponent + len(digits) - 1 - MIN_EXPONENT
    if sign:
        mirrored = digits.translate(_MIRROR)
        return f"0{999 - leading:03d}{mirrored}~"  # -1 is above -1.2, though its digits are a prefix
    return f"2{leading:03d}{digits}"


_MIRROR: Final = str.maketrans("0123456789", "9876543210")
