"""The SQLite file: connections, transactions, and the border where SQLite's errors stop."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from traces_app.storage.embedded.schema import ensure_schema
from traces_app.storage.errors import StoreUnavailable, StoreUnusable

__all__ = ["Database"]

BUSY_TIMEOUT_S: Final = 5.0
"""How long a writer waits for others of this process, and then for those of others; all last milliseconds."""
MAX_IDLE_CONNECTIONS: Final = 16
"""Kept for the next caller; more than a server has threads only fill memory (2 MB of cache each)."""
WAL_SIZE_LIMIT_BYTES: Final = 64 * 1024 * 1024
WAL_RETRY_INTERVAL_S: Final = 0.01

PRIMARY_CODE_MASK: Final = 0xFF
BUSY_CODES: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
DISK_CODES: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM})
FILE_CODES: Final = frozenset(
    {
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)

_inherited: Final[list[sqlite3.Connection]] = []
"""A forked parent's connections. Using or even closing one here could damage the file, so they are kept."""


class _Process:
    """What must not cross a fork: connections, and a lock that some other thread may have held."""

    def __init__(self) -> None:
        self.id = os.getpid()
        self.idle: list[sqlite3.Connection] = []
        self.write_lock = threading.Lock()


class Database:
    """One file, used by any number of threads and processes; each borrows a connection for one operation.

    Connections are lent, not kept by threads: a server that starts a thread for every request would
    otherwise open one (and, with the last one closed, fold the write-ahead log) every time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._process = _Process()
        self._is_closed = False
        self._joined = threading.local()
        with self._border():
            self._prepare_file()
        self._identity = _identity(path)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else uses meanwhile. Each statement sees one committed state, and what
        this thread wrote in the transaction it is in.
        """
        joined: sqlite3.Connection | None = getattr(self._joined, "connection", None)
        if joined is not None:
            yield joined
            return
        connection = self._borrow()
        try:
            with self._border():
                yield connection
        finally:
            self._give_back(connection)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction that commits at the end, or leaves no trace when the block raises.

        Writers of this process queue at a lock: waiting there costs nothing, while SQLite's own waiting
        polls with growing sleeps (8 threads wrote half as much without the lock).
        """
        joined: sqlite3.Connection | None = getattr(self._joined, "connection", None)
        if joined is not None:
            yield joined
            return
        with self._turn_to_write(), self.read() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        """Whoever waits behind one that another process keeps waiting must not wait as long again."""
        lock = self._current_process().write_lock
        if not lock.acquire(timeout=BUSY_TIMEOUT_S):
            raise StoreUnavailable(f"{self.path}: other writers took more than {BUSY_TIMEOUT_S:g} s.")
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def one_transaction(self) -> Iterator[None]:
        """All that this thread writes in the block commits at its end, synced to disk once; or none of it.

        A block within a block is a part of it.
        """
        outer = getattr(self._joined, "connection", None)
        with self.write() as connection:
            self._joined.connection = connection
            try:
                yield
            finally:
                self._joined.connection = outer

    def close(self) -> None:
        """Close what is idle now, and what is in use as soon as it is given back."""
        self._is_closed = True
        self._close_idle(self._current_process())

    def _borrow(self) -> sqlite3.Connection:
        if self._is_closed:
            raise StoreUnusable(f"The store on {self.path} was closed.")
        if (
            _identity(self.path) != self._identity
        ):  # what is written to a removed file is gone with the process
            raise StoreUnusable(f"{self.path} was moved, removed or replaced while it was open: start again.")
        try:
            return self._current_process().idle.pop()
        except IndexError:
            with self._border():
                return self._connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        process = self._current_process()
        process.idle.append(connection)
        if self._is_closed or len(process.idle) > MAX_IDLE_CONNECTIONS:
            self._close_idle(process, keep=0 if self._is_closed else MAX_IDLE_CONNECTIONS)

    @staticmethod
    def _close_idle(process: _Process, keep: int = 0) -> None:
        while len(process.idle) > keep:
            try:
                process.idle.pop().close()
            except IndexError:  # another thread took the last one
                return

    def _current_process(self) -> _Process:
        process = self._process
        if process.id != os.getpid():
            _inherited.extend(process.idle)
            process = self._process = _Process()
        return process

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous = FULL")  # an acknowledged write survives a power cut too
        connection.execute(f"PRAGMA journal_size_limit = {WAL_SIZE_LIMIT_BYTES}")
        return connection

    def _prepare_file(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnusable(
                f"STORAGE_URL names {self.path}, whose directory cannot be made: {error}."
            ) from error
        connection = self._connect()
        try:
            ensure_schema(connection, self.path)
            _switch_to_wal(connection)
            connection.execute("BEGIN IMMEDIATE")  # find out now whether the file can be written
            connection.execute("ROLLBACK")
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)

    @contextmanager
    def _border(self) -> Iterator[None]:
        """Where SQLite's errors stop. Raises StoreUnavailable for weather, StoreUnusable for a bad file."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & PRIMARY_CODE_MASK
            if code in BUSY_CODES:
                raise StoreUnavailable(f"{self.path} is locked by another process.") from error
            if code in DISK_CODES:
                raise StoreUnavailable(
                    f"{self.path} cannot be written now: {error}.", retry_after_seconds=30
                ) from error
            if code in FILE_CODES:
                raise StoreUnusable(
                    f"STORAGE_URL names {self.path}, which cannot be used: {error}. Check that it is a file "
                    "of LLM Tracer and that this user may write it and its directory."
                ) from error
            raise


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Readers then never wait for a writer. SQLite itself would not wait here for another process's start."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in BUSY_CODES or time.monotonic() > deadline:
                raise
            time.sleep(WAL_RETRY_INTERVAL_S)
        else:
            return
