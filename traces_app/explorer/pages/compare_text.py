"""What two spans were asked and said, with the words that differ marked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from traces_app.domain.chat import MEDIA, Message, Part, read_messages
from traces_app.domain.comparison import Piece, word_diff
from traces_app.domain.json_diff import ABSENT, Change, TooLarge, json_changes
from traces_app.domain.span import Span
from traces_app.explorer.pages.content import pretty
from traces_app.explorer.visible import visible, visible_line

SAME: Final = "The same in both."
MAX_CHARACTERS: Final = 60_000
MAX_WHOLE_CHARACTERS: Final = 20_000
MAX_PARSED_CHARACTERS: Final = 500_000
MAX_PATHS: Final = 100
MAX_PATH_CHARACTERS: Final = 300
MAX_VALUE_CHARACTERS: Final = 2000
"""Of a value that only one side has, or that is no text."""

KEPT_CHARACTERS: Final = 160
"""Of what is the same on both sides of a difference."""


@dataclass(frozen=True, slots=True)
class PathDiff:
    path: str
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """Words that differ, or of JSON what differs where. ``note`` says why neither, or what is not shown."""

    label: str
    pieces: list[Piece]
    note: str = ""
    paths: Sequence[PathDiff] = ()


def field_diffs(first: Span | None, second: Span | None, *, ignore_ids: bool) -> list[FieldDiff]:
    """Of what only one of them has, all of it."""
    if first is not None and second is not None:
        pairs = [(name, getattr(first, name), getattr(second, name)) for name in _COMPARED]
        return [
            diff_of(name.capitalize(), before, after, ignore_ids=ignore_ids)
            for name, before, after in pairs
            if before is not None or after is not None
        ]
    only = first or second
    return [] if only is None else list(_whole_fields(only))


_COMPARED: Final = ("error", "input", "output", "parameters")


def _whole_fields(span: Span) -> Iterator[FieldDiff]:
    for name in _COMPARED:
        if text := _shortly(plain_text(getattr(span, name)), MAX_WHOLE_CHARACTERS):
            yield FieldDiff(name.capitalize(), [Piece("same", text)])


def diff_of(label: str, before: Any, after: Any, *, ignore_ids: bool = True) -> FieldDiff:
    parsed = _parsed(before), _parsed(after)
    values = [_beside(parsed[0], parsed[1]), _beside(parsed[1], parsed[0])]
    if all(isinstance(value, dict | list) and read_messages(value) is None for value in values):
        with suppress(RecursionError, TooLarge):  # as texts then, which say what was left out
            return _json_diff(label, *values, ignore_ids=ignore_ids)
    return _text_diff(label, plain_text(before), plain_text(after), ignore_ids=ignore_ids)


def _beside(value: Any, other: Any) -> Any:
    """An error that only one side has reads better field by field: as if the other's had none."""
    return {} if value is None and other and isinstance(other, dict) else value


def _text_diff(label: str, before: str, after: str, *, ignore_ids: bool) -> FieldDiff:
    if before == after:
        return FieldDiff(label, [], SAME)
    cut = max(len(before), len(after)) > MAX_CHARACTERS
    note = f"Only the first {MAX_CHARACTERS:,} characters of each are compared." if cut else ""
    pieces = word_diff(before[:MAX_CHARACTERS], after[:MAX_CHARACTERS], ignore_passing=ignore_ids)
    if pieces is None:
        return FieldDiff(label, [], "Both are too long, and too different, to be compared word by word.")
    if all(piece.kind == "same" for piece in pieces):
        return FieldDiff(label, [], f"No difference found. {note}" if cut else SAME)
    return FieldDiff(label, _visible(pieces), note)


def _json_diff(label: str, before: Any, after: Any, *, ignore_ids: bool) -> FieldDiff:
    changes = list(islice(json_changes(before, after, ignore_passing=ignore_ids), MAX_PATHS + 1))
    if not changes:
        return FieldDiff(label, [], SAME)
    paths = [_path_diff(change, ignore_ids=ignore_ids) for change in changes[:MAX_PATHS]]
    note = f"Only the first {MAX_PATHS} differences are shown." if len(changes) > MAX_PATHS else ""
    return FieldDiff(label, [], note, paths)


def _path_diff(change: Change, *, ignore_ids: bool) -> PathDiff:
    """Texts word by word, other values as they were and are."""
    path, before, after = visible_line(change.path, MAX_PATH_CHARACTERS), change.before, change.after
    if isinstance(before, str) and isinstance(after, str):
        found = _text_diff(path, before, after, ignore_ids=ignore_ids)
        if found.pieces:
            return PathDiff(path, found.pieces)
    sides = [Piece("removed", _value_text(before, after)), Piece("added", _value_text(after, before))]
    return PathDiff(path, [piece for piece in sides if piece.text])


def _value_text(value: Any, other: Any) -> str:
    """A text is quoted where it would look like the other side's number, or like nothing."""
    if value is ABSENT:
        return ""
    is_plain = isinstance(value, str) and value and (other is ABSENT or isinstance(other, str))
    text = value if is_plain else json.dumps(value, ensure_ascii=False, indent=2)
    return _shortly(text, MAX_VALUE_CHARACTERS)


def _shortly(text: str, max_characters: int) -> str:
    more = len(text) - max_characters
    return visible(text[:max_characters]) + (f" … {more:,} more characters" if more > 0 else "")


def _parsed(value: Any) -> Any:
    """Arguments and results often come as JSON in a text."""
    if isinstance(value, str) and value[:1] in ("{", "[") and len(value) <= MAX_PARSED_CHARACTERS:
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def plain_text(value: Any) -> str:
    if value is None:
        return ""
    messages = read_messages(value)
    return pretty(value) if messages is None else "\n\n".join(_message(message) for message in messages)


def _visible(pieces: Sequence[Piece]) -> list[Piece]:
    return [Piece(piece.kind, visible(piece.text)) for piece in map(_shortened, pieces)]


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
