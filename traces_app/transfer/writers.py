"""Rows as JSON lines, CSV and Parquet: parts that are each complete, and parts joined to one file."""

from __future__ import annotations

import csv
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from traces_app.domain.documents import iso_time
from traces_app.transfer.columns import Column, Record, columns_of, document_of, json_text, row_of

__all__ = ["FORMATS", "MissingPackage", "Writer", "join_parts", "open_writer", "require_packages"]

FORMATS: Final = ("jsonl", "csv", "parquet")
GROUP_BYTES: Final = 16 * 2**20
"""Of text in one row group of Parquet: held in memory until it is written."""

GROUP_ROWS: Final = 20_000
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What spreadsheets run, or skip before they run what follows."""


class MissingPackage(Exception):
    """A format needs a package that is not installed; the message says how to get it."""


class Writer(Protocol):
    """Writes one part. ``written_bytes`` counts what the part has taken in."""

    written_bytes: int

    def write(self, project: str, record: Record) -> None: ...

    def close(self) -> None:
        """The part is complete and on the disk when this returns. Safe to repeat."""


def require_packages(format_: str) -> None:
    if format_ == "parquet":
        try:
            import pyarrow as pa  # noqa: F401, PLC0415 - optional: 150 MB that only Parquet needs
        except ImportError:
            hint = f"{sys.executable} -m pip install pyarrow"
            raise MissingPackage(
                f"Parquet needs the package pyarrow, which is not installed: {hint}"
            ) from None


def open_writer(format_: str, path: Path, rows: str) -> Writer:
    if format_ == "parquet":
        return _ParquetWriter(path, columns_of(rows))
    return _CsvWriter(path, columns_of(rows)) if format_ == "csv" else _JsonLinesWriter(path)


def join_parts(format_: str, parts: Sequence[Path], path: Path, rows: str) -> None:
    """One file of all parts, on the disk when this returns."""
    if format_ == "parquet":
        _join_parquet(parts, path, columns_of(rows))
        return
    with path.open("wb") as joined:
        if format_ == "csv":
            names = [column.name for column in columns_of(rows)]
            joined.write((",".join(names) + "\r\n").encode())
        for part in parts:
            with part.open("rb") as piece:
                shutil.copyfileobj(piece, joined)
        _sync(joined)


class _JsonLinesWriter:
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self.written_bytes = 0

    def write(self, project: str, record: Record) -> None:
        self.written_bytes += self._file.write(json_text(document_of(project, record)).encode() + b"\n")

    def close(self) -> None:
        if not self._file.closed:
            _sync(self._file)
            self._file.close()


class _CsvWriter:
    """Without a header: that stands once above all parts."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._file = path.open("w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file)
        self.written_bytes = 0

    def write(self, project: str, record: Record) -> None:
        row = row_of(project, record)
        cells = [_csv_cell(row[column.name], column.type) for column in self._columns]
        self._rows.writerow(cells)
        self.written_bytes += sum(map(len, cells))

    def close(self) -> None:
        if not self._file.closed:
            _sync(self._file)
            self._file.close()


class _ParquetWriter:
    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        import pyarrow.parquet as pq  # noqa: PLC0415 - optional

        self._columns = columns
        self._schema = _schema_of(columns)
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._path = path
        self._rows: list[dict[str, Any]] = []
        self._group_bytes = 0
        self.written_bytes = 0

    def write(self, project: str, record: Record) -> None:
        row = row_of(project, record)
        size = sum(len(value) for value in row.values() if isinstance(value, str))
        self._rows.append(row)
        self.written_bytes += size
        self._group_bytes += size
        if self._group_bytes >= GROUP_BYTES or len(self._rows) >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._file.close()
        with self._path.open("rb") as written:
            os.fsync(written.fileno())

    def _flush(self) -> None:
        import pyarrow as pa  # noqa: PLC0415 - optional

        if self._rows:
            self._file.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self._rows, self._group_bytes = [], 0


def _schema_of(columns: Sequence[Column]) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - optional

    types = {
        "text": pa.string(),
        "json": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "flag": pa.bool_(),
        "time": pa.timestamp("ns", tz="UTC"),
        "texts": pa.list_(pa.string()),
    }
    return pa.schema([pa.field(column.name, types[column.type]) for column in columns])


def _join_parquet(parts: Sequence[Path], path: Path, columns: Sequence[Column]) -> None:
    """A row group at a time: never more than one in memory."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - optional

    with pq.ParquetWriter(path, _schema_of(columns), compression="zstd") as joined:
        for part in parts:
            with pq.ParquetFile(part) as piece:
                for group in range(piece.num_row_groups):
                    joined.write_table(piece.read_row_group(group))
    with path.open("rb") as written:
        os.fsync(written.fileno())


def _csv_cell(value: Any, type_: str) -> str:
    """Nothing is an empty cell; a text that a spreadsheet would run gets an apostrophe before it."""
    if value is None:
        return ""
    if type_ == "time":
        return iso_time(value) or str(value)
    if type_ in ("integer", "number"):
        return str(value)
    if type_ in ("texts", "flag"):
        return json_text(value)
    text = str(value)
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
