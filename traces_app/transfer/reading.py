"""Files of entries: JSON lines, JSON documents, CSV and Parquet, each of them perhaps in gzip."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import orjson

from traces_app.domain.json_text import repaired
from traces_app.transfer.writers import require_packages

__all__ = ["Entry", "Refused", "entries_of"]

MAX_LINE_BYTES: Final = 64 * 2**20
"""Inflated, of JSON: as objects it takes several times its size."""

MAX_DOCUMENT_BYTES: Final = 256 * 2**20
"""Inflated. A document is read whole; lines are read one by one, however many there are."""

MAX_REPAIRED_BYTES: Final = 32 * 2**20
"""A repair holds the text several times over."""

PARQUET_ROWS: Final = 200
_LISTS: Final = ("data", "runs", "spans", "observations", "traces")
"""Under which answers of APIs list what was asked for."""

_DOCUMENT_STARTS: Final = (b"{", b"[")
_LINES: Final = (".jsonl", ".ndjson")


class Entry(NamedTuple):
    """``place`` names the file and the line. ``at_bytes`` of the file have been read."""

    place: str
    value: dict[str, Any]
    at_bytes: int


class Refused(NamedTuple):
    """So ``many`` spans or records were not kept."""

    place: str
    reason: str
    many: int = 1


def entries_of(path: Path) -> Generator[Entry | Refused]:
    """What can be read before any damage, and why no more. Raises MissingPackage (Parquet, no pyarrow)."""
    try:
        yield from _readable(path)
    except (OSError, EOFError, zlib.error) as error:
        yield Refused(path.name, f"cannot be read, or no further: {str(error)[:100]}")


def _readable(path: Path) -> Iterator[Entry | Refused]:
    name = path.name.lower().removesuffix(".gz")
    with path.open("rb") as raw:
        if name.endswith(".parquet"):
            yield from _parquet_rows(path)
        elif name.endswith(".csv"):
            with _inflated(path, raw) as file:
                yield from _csv_rows(path, file, raw)
        elif name.endswith(_LINES) or _is_lines(path):
            with _inflated(path, raw) as file:
                yield from _lines(path, file, raw)
        else:
            with _inflated(path, raw) as file:
                yield from _document(path, file)


@contextmanager
def _inflated(path: Path, raw: IO[bytes]) -> Iterator[IO[bytes]]:
    if not path.name.lower().endswith(".gz"):
        yield raw
        return
    with gzip.open(raw) as file:
        yield file  # type: ignore[misc]


def _is_lines(path: Path) -> bool:
    """Whether the first line is a whole value and another follows."""
    with path.open("rb") as raw, _inflated(path, raw) as file:
        first, second = file.readline(MAX_LINE_BYTES), file.readline(1024)
    try:
        value = orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and bool(second.strip())


def _lines(path: Path, file: IO[bytes], raw: IO[bytes]) -> Iterator[Entry | Refused]:
    number = 0
    while line := file.readline(MAX_LINE_BYTES):
        number += 1
        place = f"{path.name}:{number}"
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            while (rest := file.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield Refused(place, f"longer than {MAX_LINE_BYTES // 2**20} MiB")
        elif line.strip():
            yield from _values(place, line, raw.tell())


def _document(path: Path, file: IO[bytes]) -> Iterator[Entry | Refused]:
    body = file.read(MAX_DOCUMENT_BYTES + 1)
    if len(body) > MAX_DOCUMENT_BYTES:
        limit = f"{MAX_DOCUMENT_BYTES // 2**20} MiB"
        yield Refused(path.name, f"one JSON document of more than {limit}: write it as JSON lines")
    elif body.strip():
        yield from _values(path.name, body, path.stat().st_size)


def _values(place: str, text: bytes, at_bytes: int) -> Iterator[Entry | Refused]:
    """One object, or the objects of a list or of an API's answer."""
    try:
        value = _parsed(text)
    except (ValueError, RecursionError) as error:
        yield Refused(place, f"is not JSON: {str(error)[:100]}")
        return
    if isinstance(value, dict) and "trace_id" not in value and "id" not in value:
        value = next((value[name] for name in _LISTS if isinstance(value.get(name), list)), value)
    if not isinstance(value, list):
        yield _entry(place, value, at_bytes)
        return
    for index, item in enumerate(value):
        yield _entry(f"{place}[{index}]", item, at_bytes)


def _entry(place: str, value: Any, at_bytes: int) -> Entry | Refused:
    return Entry(place, value, at_bytes) if isinstance(value, dict) else Refused(place, "is no JSON object")


def _parsed(text: bytes) -> Any:
    """Also with a byte order mark, NaN and halves of characters."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if not text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_DOCUMENT_STARTS):
            raise ValueError("an object or a list is expected") from error
        if len(text) > MAX_REPAIRED_BYTES:
            raise
        return orjson.loads(repaired(text))


def _csv_rows(path: Path, file: IO[bytes], raw: IO[bytes]) -> Iterator[Entry | Refused]:
    csv.field_size_limit(MAX_LINE_BYTES)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
    rows = csv.DictReader(_limited(text))
    try:
        while (row := _next_row(rows)) is not None:
            place = f"{path.name}:{rows.line_num}"
            if isinstance(row, str):
                yield Refused(place, row)
            else:
                yield Entry(place, row, raw.tell())
    finally:
        text.detach()  # whoever opened the file closes it


def _limited(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(MAX_LINE_BYTES):
        if len(line) == MAX_LINE_BYTES and not line.endswith("\n"):
            raise csv.Error(f"a line is longer than {MAX_LINE_BYTES // 2**20} MiB")
        yield line


def _next_row(rows: csv.DictReader[str]) -> dict[str, Any] | str | None:
    """Cells that hold something, or why the row cannot be read; ``None`` at the end."""
    try:
        row = next(rows, None)
    except csv.Error as error:
        return f"is not CSV: {error}"
    return row and {name: cell for name, cell in row.items() if name is not None and cell}


def _parquet_rows(path: Path) -> Iterator[Entry | Refused]:
    require_packages("parquet")
    import pyarrow as pa  # noqa: PLC0415 - optional
    import pyarrow.parquet as pq  # noqa: PLC0415 - optional

    size = path.stat().st_size
    try:
        with pq.ParquetFile(path) as file:
            number, total = 0, file.metadata.num_rows
            for batch in file.iter_batches(PARQUET_ROWS):
                for row in pa.Table.from_batches([_with_plain_times(batch)]).to_pylist():
                    number += 1
                    cells = {name: cell for name, cell in row.items() if cell is not None}
                    yield Entry(f"{path.name}, row {number}", cells, size * number // max(1, total))
    except pa.ArrowInvalid as error:
        yield Refused(path.name, f"is not Parquet: {str(error)[:100]}")


def _with_plain_times(batch: Any) -> Any:
    """Times of any unit as nanoseconds: Python's own end at microseconds."""
    import pyarrow as pa  # noqa: PLC0415 - optional

    for index, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type):
            times = batch.column(index).cast(pa.timestamp("ns", tz=field.type.tz)).cast(pa.int64())
            batch = batch.set_column(index, field.name, times)
    return batch
