"""Files of other tools, and our own, into a project: through ``ingest``, as if their spans had been sent.

Ids stay, or are worked out from what stands in the file: who imports a file twice has it once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from traces_app import ingest
from traces_app.access import Access
from traces_app.domain.span import Span
from traces_app.transfer.formats import NAMES, Format, Otlp, Unreadable, new_formats
from traces_app.transfer.reading import Entry, Refused, entries_of

__all__ = ["NAMES", "Door", "Imported", "Importer", "Refused"]

BATCH_SPANS: Final = 500
BATCH_BYTES: Final = 16 * 2**20
"""Of the files, as they were read."""

Door = Callable[[str, bytes], tuple[int, str]]
"""Sends a body to a path of OTLP's; how many of its records were refused, and why."""

UNKNOWN: Final = "of no format that is known here: name it with --format (" + ", ".join(NAMES) + ")"


@dataclass(slots=True)
class Imported:
    """What has come in so far."""

    spans: int = 0
    logs: int = 0
    by_format: Counter[str] = field(default_factory=Counter)
    """Entries."""
    refused: Counter[str] = field(default_factory=Counter)
    """Lines, rows and spans, by reason."""
    at_bytes: int = 0
    """Read, of all files."""


class _Waiting(NamedTuple):
    place: str
    span: Span


class Importer:
    """Into the project of ``access``. ``tell`` hears of everything that is refused, at once."""

    def __init__(
        self,
        access: Access,
        *,
        door: Door,
        now_ns: Callable[[], int],
        tell: Callable[[Refused], None],
        format_name: str | None = None,
    ) -> None:
        self._access = access
        self._door = door
        self._now_ns = now_ns
        self._tell = tell
        self._formats = new_formats()
        self._forced = format_name
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self.total = Imported()

    def run(self, paths: Sequence[Path]) -> Iterator[Imported]:
        """Take in all files, and yield how far it is. Raises StoreUnavailable; doing it again is safe."""
        for path in paths:
            self._look(path)
        read_bytes = 0
        for path in paths:
            for entry in entries_of(path):
                if isinstance(entry, Refused):
                    self._refuse(entry)
                else:
                    self._take(entry)
                    self.total.at_bytes = read_bytes + entry.at_bytes
                yield self.total
            read_bytes += path.stat().st_size
        for name, format_ in self._formats.items():
            self._add(name, format_.rest(), 0)
        self._flush()
        yield self.total

    def _look(self, path: Path) -> None:
        """Once over what only Langfuse needs: others are told by their first entry."""
        with closing(entries_of(path)) as entries:
            for entry in entries:
                if isinstance(entry, Refused) or (name := self._name_of(entry)) is None:
                    continue
                if name != "langfuse":
                    return
                self._formats[name].look(entry.value)

    def _name_of(self, entry: Entry) -> str | None:
        if self._forced:
            return self._forced
        return next((name for name, one in self._formats.items() if one.recognises(entry.value)), None)

    def _take(self, entry: Entry) -> None:
        name = self._name_of(entry)
        if name is None:
            self._refuse(Refused(entry.place, UNKNOWN))
            return
        self.total.by_format[name] += 1
        format_: Format = self._formats[name]
        if isinstance(format_, Otlp):
            self._send(format_, entry)
            return
        try:
            self._add(entry.place, format_.spans(entry.value), _size_of(entry.value))
        except Unreadable as error:
            self._refuse(Refused(entry.place, str(error)))

    def _add(self, place: str, spans: Iterator[Span], size: int) -> None:
        self._waiting_bytes += size
        for span in spans:
            self._waiting.append(_Waiting(place, span))
            if len(self._waiting) >= BATCH_SPANS or self._waiting_bytes >= BATCH_BYTES:
                self._flush()

    def _flush(self) -> None:
        """Records that add to a span go apart: of one span a batch keeps one record."""
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        whole = [one for one in waiting if not one.span.is_partial]
        for some in (whole, [one for one in waiting if one.span.is_partial]):
            if some:
                receipt = ingest.receive(self._access, [one.span for one in some], now_ns=self._now_ns())
                self.total.spans += receipt.accepted if some is whole else 0
                for found in receipt.rejected:
                    self._refuse(Refused(some[found.index].place, f"{found.field}: {found.reason}"))

    def _send(self, otlp: Otlp, entry: Entry) -> None:
        for path, body, count in otlp.requests(entry.value):
            refused, reason = self._door(path, orjson.dumps(body))
            if refused:
                self._refuse(Refused(entry.place, reason, min(refused, count)))
            kept = count - min(refused, count)
            if path.endswith("logs"):
                self.total.logs += kept
            else:
                self.total.spans += kept

    def _refuse(self, refused: Refused) -> None:
        self.total.refused[refused.reason] += refused.many
        self._tell(refused)


def _size_of(value: Any) -> int:
    """Roughly: what is in memory as objects takes several times the text."""
    return sum(len(text) if isinstance(text, str) else 1000 for text in value.values())
