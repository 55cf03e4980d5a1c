"""A value of a span as people read it: messages, fields, text or JSON, never more than a page bears."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from traces_app.domain.chat import Message, Part, read_messages
from traces_app.explorer.formats import bytes_text
from traces_app.explorer.pages.history import Connections, SpanLink
from traces_app.explorer.visible import MAX_TEXT_CHARACTERS, excerpt, visible, visible_line

FOLD_CHARACTERS: Final = 700
FOLD_LINES: Final = 14
"""A text longer than either is folded: a dozen lines say whether one wants the rest."""

SYSTEM_FOLD_CHARACTERS: Final = 240
"""System prompts repeat from call to call and are folded sooner."""

MAX_VALUE_CHARACTERS: Final = 200_000
"""Of one input or output, all texts together: 200 KB of HTML opens at once, megabytes do not."""

MIN_TEXT_CHARACTERS: Final = 200
"""What each text still gets when the others have used the value's share up."""

MAX_MESSAGES: Final = 100
MAX_FIELDS: Final = 60
OPEN_MESSAGES: Final = 6
"""The last of a long chat stay open; those between the first and them are folded together."""

MAX_IMAGE_CHARACTERS: Final = 1_000_000
"""Of a base64 image in the page: about 730 KB of picture."""

_AUDIO: Final = re.compile(
    r"data:audio/(?:wav|x-wav|mpeg|mp3|ogg|webm|flac|aac|mp4);base64,[A-Za-z0-9+/]+={0,2}"
)
_IMAGE: Final = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")
ROLES: Final = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "tool": "tool",
    "function": "tool",
}


@dataclass(frozen=True, slots=True)
class TextView:
    """``preview`` is given when the text is folded; ``cut_note`` when the page holds only its beginning."""

    text: str
    preview: str = ""
    size: str = ""
    cut_note: str = ""
    is_json: bool = False


@dataclass(frozen=True, slots=True)
class FieldView:
    name: str
    text: TextView


@dataclass(frozen=True, slots=True)
class PartView:
    """``link`` leads to the span that ran the tool, ``result`` is what it answered where the messages do not
    say so themselves; ``definition`` is what the model was told of it.
    """

    kind: str
    label: str
    call_id: str
    text: TextView | None
    image_address: str = ""
    audio_address: str = ""
    link: SpanLink | None = None
    definition: TextView | None = None
    result: TextView | None = None


@dataclass(frozen=True, slots=True)
class MessageView:
    role: str
    role_class: str
    name: str
    parts: list[PartView]


@dataclass(frozen=True, slots=True)
class ContentView:
    """``name`` is the span's field; ``middle`` are messages folded between ``first`` and ``last``.

    ``hidden`` says what was masked on the way.
    With ``new`` the first and the middle stood in the call at ``previous`` already, the last did not.
    """

    name: str
    shape: Literal["absent", "messages", "fields", "text"]
    whole_address: str
    text: TextView | None = None
    fields: Sequence[FieldView] = ()
    first: Sequence[MessageView] = ()
    middle: Sequence[MessageView] = ()
    last: Sequence[MessageView] = ()
    note: str = ""
    hidden: str = ""
    new: str = ""
    previous: SpanLink | None = None

    @property
    def messages(self) -> list[MessageView]:
        return [*self.first, *self.middle, *self.last]

    @property
    def texts(self) -> list[str]:
        """All that is shown of the value, without what is told of tools beside it."""
        parts = [part for message in self.messages for part in message.parts]
        views = [self.text, *(field.text for field in self.fields), *(part.text for part in parts)]
        return [view.text for view in views if view is not None]


def content_of(
    name: str, value: Any, *, whole_address: str, connected: Connections | None = None
) -> ContentView:
    if value is None or value in ("", [], {}):
        return ContentView(name, "absent", whole_address)
    room = _Room()
    messages = read_messages(value)
    if messages is not None:
        reading = _Reading(room, connected or Connections(), name == "output", _called_often(messages))
        return _messages_content(name, messages, whole_address, reading)
    if isinstance(value, dict) and 1 <= len(value) <= MAX_FIELDS:
        fields = fields_of([(str(key), item) for key, item in value.items()])
        return ContentView(name, "fields", whole_address, fields=fields)
    return ContentView(name, "text", whole_address, text=room.show(value))


def fields_of(pairs: Sequence[tuple[str, Any]]) -> list[FieldView]:
    """Names may repeat; those that a page has no room for are counted."""
    room = _Room()
    fields = [FieldView(visible_line(name, 80), room.show(value)) for name, value in pairs[:MAX_FIELDS]]
    left_out = len(pairs) - MAX_FIELDS
    return [*fields, FieldView("…", room.show(f"{left_out:,} more"))] if left_out > 0 else fields


def pretty(value: Any) -> str:
    """The value as a person would type it: text as it is, everything else as indented JSON."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except TypeError:  # integers over 64 bits, lone surrogates, deep nesting
        try:
            return json.dumps(value, indent=2)
        except RecursionError:
            return "(nested too deeply to be shown; the span's JSON has it)"


def text_view(value: Any, *, fold_characters: int = FOLD_CHARACTERS) -> TextView:
    return _Room().show(value, fold_characters=fold_characters)


class _Room:
    """How many characters one value may still fill in the page."""

    def __init__(self) -> None:
        self._left = MAX_VALUE_CHARACTERS

    def show(self, value: Any, *, fold_characters: int = FOLD_CHARACTERS) -> TextView:
        text = pretty(value)
        shown = excerpt(text, max(MIN_TEXT_CHARACTERS, min(MAX_TEXT_CHARACTERS, self._left)))
        self._left -= len(shown.text)
        size = bytes_text(shown.total_bytes)
        return TextView(
            text=shown.text,
            preview=_preview(shown.text, fold_characters),
            size=size,
            cut_note=f"The first {len(shown.text):,} characters of {size}." if shown.is_cut else "",
            is_json=not isinstance(value, str),
        )


def _preview(text: str, fold_characters: int) -> str:
    """The first lines of a text to fold; nothing for one that is shown as it is."""
    lines = text.split("\n", FOLD_LINES)
    if len(text) <= fold_characters and len(lines) <= FOLD_LINES:
        return ""
    return "\n".join(lines[: FOLD_LINES // 2])[: fold_characters // 2]


@dataclass(frozen=True, slots=True)
class _Reading:
    room: _Room
    connected: Connections
    is_output: bool
    called_often: frozenset[str]
    """Names of the tools that are called more than once."""


def _called_often(messages: Sequence[Message]) -> frozenset[str]:
    """A call with an id may stand in a message twice: in its content, and beside it."""
    calls = [part for one in messages for part in one.parts if part.kind == "tool_call"]
    told = {(part.name, part.call_id or number) for number, part in enumerate(calls)}
    counts = Counter(name for name, _ in told)
    return frozenset(name for name, count in counts.items() if count > 1)


def _messages_content(
    name: str, messages: list[Message], whole_address: str, reading: _Reading
) -> ContentView:
    seen = reading.connected.seen if name == "input" else 0
    left_out = len(messages) - MAX_MESSAGES
    fresh = min(len(messages) - seen if seen else OPEN_MESSAGES, MAX_MESSAGES - 1)
    if left_out > 0:
        messages = [messages[0], *messages[-MAX_MESSAGES + 1 :]]
    last = [_message_view(message, reading) for message in reversed(messages[-fresh:])][::-1]
    rest = [_message_view(message, reading) for message in messages[:-fresh]]
    kept = 0 if seen and rest and rest[0].role_class != "system" else 1
    return ContentView(
        name,
        "messages",
        whole_address,
        first=rest[:kept],
        middle=rest[kept:],
        last=last,
        note=f"{left_out:,} messages between the first and the last {MAX_MESSAGES - 1} are not shown."
        if left_out > 0
        else "",
        new=f"+{fresh:,} new since the previous call" if seen else "",
        previous=reading.connected.previous if seen else None,
    )


def _message_view(message: Message, reading: _Reading) -> MessageView:
    role_class = ROLES.get(message.role.lower(), "other")
    fold = SYSTEM_FOLD_CHARACTERS if role_class == "system" else FOLD_CHARACTERS
    return MessageView(
        role=visible_line(message.role, 40),
        role_class=role_class,
        name=visible_line(message.name, 80),
        parts=[_part_view(part, reading, fold) for part in message.parts],
    )


def _part_view(part: Part, reading: _Reading, fold_characters: int) -> PartView:
    label = visible_line(part.name, 120)
    if part.kind == "image":
        return _image_view(str(part.value), label)
    if part.kind in ("audio", "file"):
        return _media_view(part.kind, str(part.value), label)
    if part.kind == "reasoning":
        fold_characters = SYSTEM_FOLD_CHARACTERS
    definition = reading.connected.definitions.get(part.name) if part.kind == "tool_call" else None
    link = _ran(part, reading) if part.kind in ("tool_call", "tool_result") else None
    is_asked = part.kind == "tool_call" and reading.is_output
    answer = reading.connected.answer(link.span_id) if is_asked and link else None
    return PartView(
        part.kind,
        label,
        visible_line(part.call_id, 80),
        reading.room.show(part.value, fold_characters=fold_characters),
        link=link,
        definition=reading.room.show(definition) if definition else None,
        result=None if answer is None else reading.room.show(answer),
    )


def _ran(part: Part, reading: _Reading) -> SpanLink | None:
    """Of several calls of one tool a name does not tell which."""
    name = "" if part.name in reading.called_often else part.name
    return reading.connected.ran(part.call_id, name, is_output=reading.is_output)


def _image_view(address: str, label: str) -> PartView:
    """Pictures that came with the trace are shown; nothing is ever fetched from elsewhere."""
    if len(address) <= MAX_IMAGE_CHARACTERS and _IMAGE.fullmatch(address):
        return PartView("image", label, "", None, image_address=address)
    if address.startswith("data:"):
        kind = visible_line(address[5:].partition(";")[0], 40)
        note = f"{kind}, {bytes_text(len(address))}: not shown, its kind or size is not"
        return PartView("image", label, "", TextView(f"{note} one that pages show"))
    return PartView("image", label, "", TextView("Not loaded from elsewhere: " + visible(address[:500])))


def _media_view(kind: str, address: str, label: str) -> PartView:
    """Sound that came with the trace can be heard; of a file it is said what it is."""
    if kind == "audio" and len(address) <= MAX_IMAGE_CHARACTERS and _AUDIO.fullmatch(address):
        return PartView(kind, label, "", None, audio_address=address)
    if address.startswith("data:"):
        what = f"{visible_line(address[5:].partition(';')[0], 60)}, {bytes_text(len(address) * 3 // 4)}"
        return PartView(kind, label, "", TextView(what))
    return PartView(kind, label, "", TextView(visible(address[:500])))
