"""Expression texts cut into tokens, and the cursor that every parser reads them with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from traces_app.storage.embedded.faults import Fault, invalid
from traces_app.storage.embedded.paths import Path

__all__ = ["Cursor", "Token"]

_TOKEN: Final = re.compile(
    r"(?P<symbol><>|<=|>=|[=<>(),.\[\]+-])|(?P<index>\d+)|(?P<word>[#:]?[A-Za-z0-9_]+)|(?P<other>\S)"
)
_END_TEXT: Final = "<EOF>"
MAX_EXPRESSION_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Token:
    """``kind``: symbol, name (also ``#name``), value (``:value``), index, other or end."""

    kind: str
    text: str
    start: int
    end: int


class Cursor:
    """Reads tokens from left to right and complains as DynamoDB does."""

    def __init__(self, text: str, slot: str) -> None:
        self.text = text
        self.slot = slot
        if not text.strip():
            raise self.fault("The expression can not be empty;")
        if len(text.encode()) > MAX_EXPRESSION_BYTES:
            raise self.fault("Expression size has exceeded the maximum allowed size;")
        self._tokens = [*map(_token, _TOKEN.finditer(text)), Token("end", _END_TEXT, len(text), len(text))]
        self._position = 0
        self.roots: set[str] = set()
        """The attributes that the paths read so far begin with, as written."""

    def fault(self, message: str) -> Fault:
        return invalid(f"Invalid {self.slot}: {message}")

    @property
    def position(self) -> int:
        return self._position

    def peek(self, ahead: int = 0) -> Token:
        return self._tokens[min(self._position + ahead, len(self._tokens) - 1)]

    def take(self) -> Token:
        token = self.peek()
        self._position += 1
        return token

    def accept(self, *texts: str) -> str | None:
        """Take the next token if it is one of these symbols or (in any case) keywords, else None."""
        token = self.peek()
        if token.kind in {"symbol", "name"} and token.text.upper() in texts:
            self._position += 1
            return token.text.upper()
        return None

    def expect(self, text: str) -> None:
        if self.accept(text) is None:
            raise self.syntax_error()

    def expect_end(self) -> None:
        if self.peek().kind != "end":
            raise self.syntax_error()

    def path(self) -> Path:
        """A document path: names joined by dots, indexes in brackets."""
        root = self._name()
        self.roots.add(root)
        parts: list[str | int] = [root]
        while symbol := self.accept(".", "["):
            if symbol == ".":
                parts.append(self._name())
            else:
                parts.append(self._index())
        return Path(tuple(parts))

    def _name(self) -> str:
        if self.peek().kind != "name":
            raise self.syntax_error()
        return self.take().text

    def _index(self) -> int:
        if self.peek().kind != "index":
            raise self.syntax_error()
        index = int(self.take().text)
        self.expect("]")
        return index

    def value(self) -> str:
        """A ``:placeholder``."""
        if self.peek().kind != "value":
            raise self.syntax_error()
        return self.take().text

    def syntax_error(self) -> Fault:
        """Names the token in the way, and the text from the one before it to the one after."""
        last = len(self._tokens) - 1
        position = min(self._position, last)
        near = self.text[self._tokens[max(position - 1, 0)].start : self._tokens[min(position + 1, last)].end]
        return self.fault(f'Syntax error; token: "{self._tokens[position].text}", near: "{near}"')

    def placeholders(self) -> tuple[frozenset[str], frozenset[str]]:
        """The ``#names`` and ``:values`` the text mentions."""
        words = {token.text for token in self._tokens if token.kind in {"name", "value"}}
        return (
            frozenset(word for word in words if word[0] == "#"),
            frozenset(word for word in words if word[0] == ":"),
        )


def _token(match: re.Match[str]) -> Token:
    kind, text = match.lastgroup or "other", match[0]
    if kind == "word":
        kind = "value" if text[0] == ":" else "name"
    return Token(kind, text, match.start(), match.end())
