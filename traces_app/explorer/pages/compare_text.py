"""What two spans were asked and said, with the words that differ marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from traces_app.domain.comparison import Piece, word_diff
from traces_app.domain.span import Span
from traces_app.explorer.chat import MEDIA, Message, Part, read_messages
from traces_app.explorer.pages.content import pretty
from traces_app.explorer.visible import visible

MAX_CHARACTERS: Final = 60_000
KEPT_CHARACTERS: Final = 160
"""Of what is the same on both sides of a difference."""


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """``pieces`` are empty when both are the same; ``note`` says so, or why there are none."""

    label: str
    pieces: list[Piece]
    note: str = ""


def field_diffs(spans: Sequence[Span | None], *, ignore_ids: bool) -> list[FieldDiff]:
    """Of the first two: input, output, error, parameters, tool."""
    first, second = spans[0], spans[1]
    if first is None or second is None:
        return []
    return [
        diff_of(name.capitalize(), before, after, ignore_ids=ignore_ids)
        for name in ("error", "input", "output", "parameters")
        if (before := getattr(first, name)) is not None or (getattr(second, name) is not None)
        for after in [getattr(second, name)]
    ]


def diff_of(label: str, before: Any, after: Any, *, ignore_ids: bool = True) -> FieldDiff:
    texts = [plain_text(value)[:MAX_CHARACTERS] for value in (before, after)]
    pieces = word_diff(*texts, ignore_passing=ignore_ids)
    if pieces is None:
        return FieldDiff(label, [], "Both are too long, and too different, to be compared word by word.")
    if all(piece.kind == "same" for piece in pieces):
        return FieldDiff(label, [], "The same in both.")
    return FieldDiff(label, [_shortened(piece) for piece in pieces])


def plain_text(value: Any) -> str:
    if value is None:
        return ""
    messages = read_messages(value)
    text = pretty(value) if messages is None else "\n\n".join(_message(message) for message in messages)
    return visible(text[:MAX_CHARACTERS])


def _message(message: Message) -> str:
    return f"{message.role}:\n" + "\n".join(_part(part) for part in message.parts)


def _part(part: Part) -> str:
    if part.kind == "tool_call":
        return f"→ {part.name}({pretty(part.value)})"
    return f"[{part.kind}]" if part.kind in MEDIA else pretty(part.value)


def _shortened(piece: Piece) -> Piece:
    """Long stretches that are the same say nothing: their ends are kept."""
    if piece.kind != "same" or len(piece.text) <= 3 * KEPT_CHARACTERS:
        return piece
    head, tail = piece.text[:KEPT_CHARACTERS], piece.text[-KEPT_CHARACTERS:]
    return Piece("same", f"{head} … {len(piece.text) - 2 * KEPT_CHARACTERS:,} characters … {tail}")
