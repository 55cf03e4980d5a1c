"""Everything that matches a search, written to one file, however long it takes and however often it stops.

Beside the file grows a directory of parts, each complete, with a note of how far they reach. A run that finds
the note goes on behind it; the last one joins the parts. Memory holds one trace and one group of rows.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from traces_app import queries
from traces_app.domain.search import Search
from traces_app.domain.summary import TraceSummary
from traces_app.searching import each_match
from traces_app.transfer.columns import Record
from traces_app.transfer.s3 import S3Target
from traces_app.transfer.writers import Writer, join_parts, open_writer

__all__ = ["ExportConflict", "Exporter", "Job", "Note"]

PART_BYTES: Final = 64 * 2**20
PART_TRACES: Final = 10_000
"""What a part holds at most is written again after an interruption."""

NOTE: Final = "progress.json"
JOINED: Final = "joined"


class ExportConflict(Exception):
    """Something else is where the export should go; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked for: a run goes on only with what the same job left. Times bound the start of traces."""

    projects: Sequence[str]
    search: Search
    rows: str
    format: str
    since_ns: int | None = None
    until_ns: int | None = None

    def fingerprint(self) -> dict[str, Any]:
        told = asdict(self) | {"search": str(self.search), "scope": self.search.scope}
        return told | {"projects": list(self.projects)}


@dataclass(slots=True)
class Note:
    """How far an export is: ``parts`` hold all before ``cursor`` of the first of ``projects``."""

    job: dict[str, Any]
    projects: list[str]
    started_ns: int
    cursor: str | None = None
    parts: int = 0
    traces: int = 0
    records: int = 0
    is_joined: bool = False
    upload_id: str | None = None
    reached_ns: int | None = field(default=None)
    """The start of the last trace that was written."""


class Exporter:
    """``directory`` is where parts grow. With ``restart`` what an earlier run left is thrown away."""

    def __init__(
        self, job: Job, directory: Path, *, now_ns: Callable[[], int], restart: bool = False
    ) -> None:
        self.job = job
        self.joined = directory / JOINED
        self._directory = directory
        self._now_ns = now_ns
        if restart:
            shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True, exist_ok=True)
        self.note = self._read_note() or Note(job.fingerprint(), list(job.projects), now_ns())
        if self.note.job != orjson.loads(orjson.dumps(job.fingerprint())):
            raise ExportConflict(
                f"{directory} holds the beginning of another export: go on with its arguments, "
                "or throw it away with --restart."
            )

    def run(self) -> Iterator[Note]:
        """Write what is missing and join it; yields how far it is."""
        while self.note.projects:
            yield from self._write_parts(self.note.projects[0])
            self.note.projects = self.note.projects[1:]
            self.note.cursor = None
            self._keep_note()
        if not self.note.is_joined:
            parts = [self._part(number) for number in range(self.note.parts)]
            join_parts(self.job.format, parts, self.joined, self.job.rows)
            self.note.is_joined = True
            self._keep_note()
        yield self.note

    def finish(self, path: Path) -> None:
        """Put the file in its place and leave nothing else behind."""
        self.joined.replace(path)
        shutil.rmtree(self._directory)

    def upload(self, target: S3Target) -> Iterator[int]:
        """As ``finish``, to S3; yields the bytes that are there."""
        yield from target.upload(self.joined, upload_id=self.note.upload_id, remember=self._remember_upload)
        shutil.rmtree(self._directory)

    def _remember_upload(self, upload_id: str) -> None:
        self.note.upload_id = upload_id
        self._keep_note()

    def _write_parts(self, project: str) -> Iterator[Note]:
        """Traces that come while it runs are newer than where it began, and left to the next export."""
        until_ns = min(self.job.until_ns or self.note.started_ns, self.note.started_ns)
        matches = each_match(
            project,
            self.job.search,
            since_ns=self.job.since_ns,
            until_ns=until_ns,
            cursor=self.note.cursor,
            now_ns=self._now_ns(),
        )
        writer: Writer | None = None
        traces = 0
        try:
            for cursor, summary in matches:
                writer = writer or open_writer(self.job.format, self._part(self.note.parts), self.job.rows)
                self.note.records += self._write(writer, project, summary)
                self.note.cursor, self.note.reached_ns = cursor, summary.start_ns
                traces, self.note.traces = traces + 1, self.note.traces + 1
                yield self.note
                if writer.written_bytes >= PART_BYTES or traces >= PART_TRACES:
                    self._complete(writer)
                    writer, traces = None, 0
            if writer is not None:
                self._complete(writer)
        finally:
            if writer is not None:
                writer.close()  # also of a part that is given up, and will be written anew

    def _write(self, writer: Writer, project: str, summary: TraceSummary) -> int:
        count = 0
        for record in self._records(project, summary):
            writer.write(project, record)
            count += 1
        return count

    def _records(self, project: str, summary: TraceSummary) -> Iterator[Record]:
        if self.job.rows == "traces":
            yield summary
            return
        try:
            yield from queries.get_trace(project, summary.trace_id, now_ns=self._now_ns()).spans()
        except queries.TraceNotFound:  # expired or deleted between the list and here
            return

    def _complete(self, writer: Writer) -> None:
        writer.close()
        self.note.parts += 1
        self._keep_note()

    def _part(self, number: int) -> Path:
        return self._directory / f"part-{number:06d}"

    def _keep_note(self) -> None:
        """Whole or not at all."""
        new = self._directory / (NOTE + ".new")
        with new.open("wb") as file:
            file.write(orjson.dumps(asdict(self.note)))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._directory / NOTE)

    def _read_note(self) -> Note | None:
        try:
            return Note(**orjson.loads((self._directory / NOTE).read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            raise ExportConflict(f"{self._directory / NOTE} cannot be read: use --restart.") from None
