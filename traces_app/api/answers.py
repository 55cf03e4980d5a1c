"""How answers are written: JSON by orjson, times as UTC text with the exact nanoseconds beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from django.http import HttpResponse

__all__ = ["iso_utc", "json_answer", "milliseconds"]


def json_answer(body: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), content_type="application/json")


def iso_utc(time_ns: int | None) -> str | None:
    """``2026-11-23T22:30:00.123456Z``; None when the time is unknown."""
    if time_ns is None:
        return None
    seconds, rest_ns = divmod(time_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns // 1000:06d}Z"


def milliseconds(duration_ns: int | None) -> float | None:
    return None if duration_ns is None else duration_ns / 1_000_000
