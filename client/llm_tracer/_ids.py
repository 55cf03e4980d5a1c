"""Ids of traces and spans, cut from blocks of the system's random bytes.

Popping from a list is one atomic step, so threads never share an id and nobody takes a lock; two
threads that refill at once only make the pool larger.
"""

from __future__ import annotations

import os
from typing import Final

_IDS_PER_BLOCK: Final = 256
_HEX_PER_ID: Final = 16
_VARIANT: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""RFC 9562: the two highest bits of the variant digit are 10."""

_pool: list[str] = []


def new_span_id() -> str:
    """16 hex digits."""
    try:
        return _pool.pop()
    except IndexError:
        return _refill()


def new_trace_id(unix_ms: int) -> str:
    """32 hex digits in the layout of a UUIDv7: the start of the trace can be read from its id."""
    first, second = new_span_id(), new_span_id()
    return f"{unix_ms:012x}7{first[:3]}{_VARIANT[first[3]]}{second[1:]}"


def forget_pool() -> None:
    """For the child of a fork, which would otherwise hand out its parent's next ids."""
    _pool.clear()


def _refill() -> str:
    block = os.urandom(_IDS_PER_BLOCK * _HEX_PER_ID // 2).hex()
    ids = [block[at : at + _HEX_PER_ID] for at in range(0, len(block), _HEX_PER_ID)]
    last = ids.pop()
    _pool.extend(ids)
    return last
