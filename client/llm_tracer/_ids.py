"""Ids of traces and spans, cut from blocks of the system's random bytes.

Popping from a list is one atomic step, so threads never share an id and nobody takes a lock; two
threads that refill at once only make the pool larger.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

_IDS_PER_BLOCK: Final = 256
_HEX_PER_ID: Final = 16
_HEX_PER_TAIL: Final = 20

_pool: list[str] = []
_tails: list[str] = []
"""What follows the time in ids of traces."""


def new_span_id() -> str:
    """16 hex digits."""
    try:
        return _pool.pop()
    except IndexError:
        return _refill()


def new_trace_id(unix_ms: int) -> str:
    """32 hex digits in the layout of a UUIDv7: the start of the trace can be read from its id."""
    try:
        return f"{unix_ms:012x}{_tails.pop()}"
    except IndexError:
        return f"{unix_ms:012x}{_refill_tails()}"


def forget_pool() -> None:
    """For the child of a fork, which would otherwise hand out its parent's next ids."""
    _pool.clear()
    _tails.clear()


def use(random_bytes: Callable[[int], bytes]) -> None:
    """Takes ids from another source of bytes from now on, for tests."""
    global source  # noqa: PLW0603 - there is one source of ids in a process
    source = random_bytes
    forget_pool()


source: Callable[[int], bytes] = os.urandom


def _refill() -> str:
    ids = _random_texts(_HEX_PER_ID)
    last = ids.pop()
    _pool.extend(ids)
    return last


def _refill_tails() -> str:
    # RFC 9562: a version digit, 7, and a variant digit whose two highest bits are 10.
    tails = [f"7{text[:3]}{'89ab'[int(text[3], 16) & 3]}{text[5:]}" for text in _random_texts(_HEX_PER_TAIL)]
    last = tails.pop()
    _tails.extend(tails)
    return last


def _random_texts(digits: int) -> list[str]:
    block = source(_IDS_PER_BLOCK * digits // 2).hex()
    return [block[at : at + digits] for at in range(0, len(block), digits)]
