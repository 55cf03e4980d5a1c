"""Lengths of time in the units they are counted in: seconds, and what the stored times have (ms, ns)."""

from __future__ import annotations

from typing import Final

MILLISECOND_NS: Final = 1_000_000
SECOND_NS: Final = 1_000_000_000

MINUTE_S: Final = 60
MINUTE_NS: Final = MINUTE_S * SECOND_NS

HOUR_S: Final = 60 * MINUTE_S
HOUR_MS: Final = HOUR_S * 1_000
HOUR_NS: Final = HOUR_S * SECOND_NS

DAY_S: Final = 24 * HOUR_S
DAY_MS: Final = DAY_S * 1_000
DAY_NS: Final = DAY_S * SECOND_NS
