"""Batches on disk: those that could not be delivered yet, of this process and of earlier ones.

One append-only file per process, locked while the process lives; the lock is the system's, so it ends with
the process however that ends. The folder is named after server and key: what was meant for one project
is never sent to another. A batch in the file is a line of JSON (``_Header``) and the body as
it goes over the wire, so a batch that is sent a second time is the same batch.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zlib
from collections import deque
from pathlib import Path
from typing import Any, Final, NamedTuple

from llm_tracer._delivery.batch import Batch
from llm_tracer._foreign import ask
from llm_tracer._settings import Settings, logger

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be renamed: that is lock enough
    fcntl = None  # type: ignore[assignment]

MAX_HEADER_BYTES: Final = 200


class SpoolFile:
    """One file. Raises ``OSError`` where the disk does. Only one thread at a time may use it."""

    def __init__(self, path: Path, descriptor: int, *, is_adopted: bool) -> None:
        self.path = path
        self.is_adopted = is_adopted
        self.size_bytes = os.fstat(descriptor).st_size
        self._descriptor = descriptor
        self._read_at = self._next_at = 0

    @classmethod
    def create(cls, folder: Path) -> SpoolFile:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{os.getpid()}-{os.urandom(6).hex()}.spool"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o600)
        _lock(descriptor)
        return cls(path, descriptor, is_adopted=False)

    @classmethod
    def adopt(cls, path: Path) -> SpoolFile | None:
        """A file that its process left behind; ``None`` if the process lives or another was faster."""
        try:
            taken = path.with_name(f"{os.getpid()}-{os.urandom(6).hex()}.spool")
            if fcntl is None:
                path.rename(taken)
            descriptor = os.open(path if fcntl else taken, os.O_RDWR | getattr(os, "O_BINARY", 0))
        except OSError:
            return None
        try:
            _lock(descriptor)
            if fcntl is not None:
                path.rename(taken)
        except OSError:
            os.close(descriptor)
            return None
        return cls(taken, descriptor, is_adopted=True)

    def append(self, batch: Batch) -> None:
        header = _Header(batch.finished, batch.announced, len(batch.body), zlib.crc32(batch.body))
        frame = json.dumps(header._asdict()).encode() + b"\n" + batch.body + b"\n"
        os.lseek(self._descriptor, self.size_bytes, os.SEEK_SET)
        view = memoryview(frame)
        while view:
            view = view[os.write(self._descriptor, view) :]
        self.size_bytes += len(frame)

    def read(self) -> Batch | None:
        """The oldest batch, which stays that until ``done``; ``None``: no more. Raises ``Damaged``."""
        if self._read_at >= self.size_bytes:
            return None
        line = self._bytes_at(self._read_at, MAX_HEADER_BYTES).partition(b"\n")[0]
        header = _header(line)
        if header is None:
            raise Damaged(1)
        begin = self._read_at + len(line) + 1
        body = self._bytes_at(begin, header.bytes)
        if zlib.crc32(body) != header.crc32:
            raise Damaged(header.spans)
        self._next_at = begin + header.bytes + 1
        return Batch(body, header.announced, (None,) * header.spans, 0, {}, self.is_adopted)

    def done(self) -> None:
        self._read_at = self._next_at

    def abandon(self) -> None:
        """For the child of a fork. The parent keeps the lock: it is the open file's, and that is shared."""
        os.close(self._descriptor)

    def close(self, *, keep: bool) -> None:
        if not keep:
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def put_aside(self) -> None:
        self.path.rename(self.path.with_suffix(".damaged"))
        os.close(self._descriptor)

    def _bytes_at(self, at: int, count: int) -> bytes:
        os.lseek(self._descriptor, at, os.SEEK_SET)
        found = bytearray()
        while len(found) < count and (more := os.read(self._descriptor, count - len(found))):
            found += more
        return bytes(found)


class Damaged(Exception):
    """The rest of a file cannot be read; so many spans were in it at least."""

    def __init__(self, spans: int) -> None:
        super().__init__(spans)
        self.spans = spans


class _Header(NamedTuple):
    spans: int
    announced: int
    bytes: int
    crc32: int


class Spool:
    """What one client has on disk. Used by one thread at a time; never raises."""

    MAX_BYTES: Final = 128 << 20
    """Of this process. A day of an application that sends 1.5 KB a second."""
    MAX_FOLDER_BYTES: Final = 512 << 20
    """Of all processes of one key together."""
    MAX_AGE_SECONDS: Final = 7 * 86_400
    """Damaged files are kept this long for whoever wants to look at them."""
    ADOPT_SECONDS: Final = 60.0

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begin()

    def _begin(self) -> None:
        self._own: SpoolFile | None = None
        self._files: deque[SpoolFile] = deque()
        self._head: Batch | None = None
        self._adopted_at: float | None = None
        self.pending = 0
        """Spans of this process that are on disk."""
        self.damaged = 0
        """Spans that could not be read again."""

    @property
    def has_batches(self) -> bool:
        return bool(self._files)

    def append(self, batch: Batch) -> bool:
        """True if the batch is on disk; false if there is no room or the disk refuses."""
        size_bytes = 0 if self._own is None else self._own.size_bytes
        try:
            if size_bytes + len(batch.body) > self.MAX_BYTES:
                return False
            if self._own is None:
                if _bytes_in(self._folder) > self.MAX_FOLDER_BYTES:
                    return False
                self._own = SpoolFile.create(self._folder)
                self._files.append(self._own)
            self._own.append(batch)
        except OSError:
            return False
        self.pending += 0 if batch.is_adopted else batch.finished
        return True

    def head(self) -> Batch | None:
        """The oldest batch on disk; it stays there until ``done``."""
        while self._head is None and self._files:
            file = self._files[0]
            try:
                self._head = file.read()
            except Damaged as damage:
                self._set_aside(file, damage.spans)
            except OSError:
                self._set_aside(file, 1)
            else:
                if self._head is None:
                    self._drop(file, keep=False)
        return self._head

    def done(self) -> None:
        """The head is delivered or given up."""
        if self._head is not None and self._files:
            self._files[0].done()
            self.pending -= 0 if self._head.is_adopted else self._head.finished
            self._head = None
            self.head()  # a file that is read to its end goes at once, whatever becomes of the process

    def adopt(self, now: float) -> int:
        """Looks, once a minute, for files that ended processes left; returns how many it took over."""
        if self._adopted_at is not None and now - self._adopted_at < self.ADOPT_SECONDS:
            return 0
        self._adopted_at = now
        mine = {file.path for file in self._files}
        found = []
        for path in sorted(_listed(self._folder)):
            if path.suffix == ".spool" and path not in mine and (file := SpoolFile.adopt(path)):
                found.append(file)
            elif path.suffix == ".damaged":
                _remove_if_older(path, self.MAX_AGE_SECONDS)
        self._files.extend(found)
        return len(found)

    def close(self) -> None:
        """Leaves what is on disk to the next process."""
        for file in list(self._files):
            self._drop(file, keep=True)

    def abandon(self) -> None:
        """For the child of a fork: the files are its parent's."""
        for file in self._files:
            file.abandon()
        self._begin()

    def _set_aside(self, file: SpoolFile, spans: int) -> None:
        logger.warning("%s is damaged: at least %d spans in it are lost", file.path, spans)
        if not file.is_adopted:
            spans = max(spans, self.pending)
            self.pending = 0
        self.damaged += spans
        self._files.popleft()
        self._own = None if self._own is file else self._own
        try:
            file.put_aside()
        except OSError:
            return

    def _drop(self, file: SpoolFile, *, keep: bool) -> None:
        self._files.remove(file)
        self._own = None if self._own is file else self._own
        try:
            file.close(keep=keep)
        except OSError:
            return


def spool_of(settings: Settings) -> Spool | None:
    """The spool of a client; ``None`` if it wants none, or there is no place for one."""
    if settings.spool is None:
        return None
    target = hashlib.sha256(f"{settings.base_url}\0{settings.api_key}".encode()).hexdigest()[:16]
    return Spool(settings.spool / target)


def _lock(descriptor: int) -> None:
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _header(line: bytes) -> _Header | None:
    try:
        document: dict[str, Any] = json.loads(line)
        header = _Header(**document)
    except (ValueError, TypeError, KeyError):
        return None
    return header if all(type(number) is int and number >= 0 for number in header) else None


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _bytes_in(folder: Path) -> int:
    return sum(ask(os.path.getsize, path, otherwise=0) for path in _listed(folder))


def _remove_if_older(path: Path, age_seconds: float) -> None:
    try:
        if time.time() - path.stat().st_mtime > age_seconds:
            path.unlink()
    except OSError:
        return
