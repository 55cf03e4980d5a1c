"""Tokens, inclusive: whatever is a part of the input or the output is inside its sum."""

from __future__ import annotations

from typing import Any, Final

from traces_app.domain.json_text import decoded
from traces_app.domain.mapping.reader import Reader, number_of, place_in
from traces_app.domain.span import USAGE_FIELDS, Usage

_OPENAI_PLACES: Final = {
    "input_tokens": ("prompt_tokens", "input_tokens"),
    "output_tokens": ("completion_tokens", "output_tokens"),
    "cache_read_tokens": ("prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens"),
    "reasoning_tokens": (
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
    ),
    "input_audio_tokens": ("prompt_tokens_details.audio_tokens", "input_tokens_details.audio_tokens"),
    "output_audio_tokens": ("completion_tokens_details.audio_tokens", "output_tokens_details.audio_tokens"),
}


def usage_of(reader: Reader) -> Usage | None:
    """``None`` when nothing is known. A total without its parts is no usage: it stays an attribute."""
    details = decoded(reader.first("usage_details"))
    found = _langfuse_usage(details) if isinstance(details, dict) else Usage()
    for field in USAGE_FIELDS:
        if getattr(found, field) is None:
            setattr(found, field, reader.count(field))
    return None if found == Usage() else found


def _langfuse_usage(details: dict[str, Any]) -> Usage:
    """OpenAI's shape is inclusive; Langfuse's own is a sum of what stands side by side."""
    if "prompt_tokens" in details or "input_tokens_details" in details:
        return Usage(**{field: _first_count(details, places) for field, places in _OPENAI_PLACES.items()})
    counts = {
        name: int(number) for name, value in details.items() if (number := number_of(value)) is not None
    }
    return Usage(
        input_tokens=_sum(counts, lambda name: name.startswith("input") or "cache" in name),
        output_tokens=_sum(counts, lambda name: name.startswith("output") and "cache" not in name),
        cache_read_tokens=_sum(counts, lambda name: "cache_read" in name or "cached" in name),
        cache_write_tokens=_sum(counts, lambda name: "cache_creation" in name or "cache_write" in name),
        reasoning_tokens=_sum(counts, lambda name: "reasoning" in name),
    )


def _first_count(details: dict[str, Any], places: tuple[str, ...]) -> int | None:
    numbers = (number_of(place_in(details, place.split("."))) for place in places)
    return next((int(number) for number in numbers if number is not None), None)


def _sum(counts: dict[str, int], is_part: Any) -> int | None:
    parts = [count for name, count in counts.items() if is_part(name.lower())]
    return sum(parts) if parts else None
