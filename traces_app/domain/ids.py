"""Ids of traces and spans: W3C's and OpenTelemetry's, 16 and 8 bytes as lower-case hex, never all zero."""

from __future__ import annotations

import re
import secrets
from typing import Final

__all__ = [
    "HEX_NOT_ALL_ZERO",
    "SPAN_ID_DIGITS",
    "TRACE_ID_DIGITS",
    "is_span_id",
    "is_trace_id",
    "new_span_id",
    "new_trace_id",
]

TRACE_ID_DIGITS: Final = 32
SPAN_ID_DIGITS: Final = 16
HEX_NOT_ALL_ZERO: Final = r"^[0-9A-Fa-f]*[1-9A-Fa-f][0-9A-Fa-f]*$"
"""For senders who may write capitals; ids are kept in lower case."""

_LOWER_HEX: Final = re.compile(r"[0-9a-f]*[1-9a-f][0-9a-f]*")
_UUID_VERSION_7: Final = 0x7 << 76
_UUID_VARIANT: Final = 0x2 << 62
_UUID_RANDOM_BITS: Final = (0xFFF << 64) | (2**62 - 1)


def is_trace_id(text: str) -> bool:
    return len(text) == TRACE_ID_DIGITS and _LOWER_HEX.fullmatch(text) is not None


def is_span_id(text: str) -> bool:
    return len(text) == SPAN_ID_DIGITS and _LOWER_HEX.fullmatch(text) is not None


def new_trace_id(now_ns: int) -> str:
    """In the layout of a version 7 UUID (RFC 9562): 48 bits of milliseconds come first."""
    random_bits = secrets.randbits(80) & _UUID_RANDOM_BITS
    return f"{(now_ns // 1_000_000) << 80 | _UUID_VERSION_7 | _UUID_VARIANT | random_bits:032x}"


def new_span_id() -> str:
    return secrets.token_hex(SPAN_ID_DIGITS // 2)
