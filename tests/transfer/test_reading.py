"""Files that are damaged, or that inflate to more than memory should hold."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from traces_app.transfer import reading
from traces_app.transfer.reading import Entry, Refused, entries_of

LINES = b"".join(json.dumps({"id": str(number), "name": "x"}).encode() + b"\n" for number in range(20_000))


def read(path: Path) -> tuple[int, list[Refused]]:
    found = list(entries_of(path))
    return sum(isinstance(one, Entry) for one in found), [one for one in found if isinstance(one, Refused)]


@pytest.mark.parametrize("name", ["x.jsonl.gz", "x.json.gz", "x.csv.gz"])
@pytest.mark.parametrize("body", [b"hello", gzip.compress(LINES)[:8], b"\x1f\x8b\x08" + b"\xff" * 90])
def test_what_is_no_gzip_is_named_with_its_reason(tmp_path: Path, name: str, body: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    count, (refused,) = read(path)
    assert (count, refused.place) == (0, name)
    assert "cannot be read" in refused.reason


def test_what_stands_before_the_damage_is_read(tmp_path: Path) -> None:
    path, whole = tmp_path / "x.jsonl.gz", gzip.compress(LINES)
    path.write_bytes(whole[: len(whole) // 2])
    count, (refused,) = read(path)
    assert 5_000 < count < 20_000
    assert "no further" in refused.reason


@pytest.mark.usefixtures("store")
def test_a_damaged_file_does_not_keep_the_others_out(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl.gz").write_text("hello")
    (tmp_path / "good.jsonl").write_text('{"none": 1}\n')
    errors, files = io.StringIO(), [str(tmp_path / name) for name in ("bad.jsonl.gz", "good.jsonl")]
    with pytest.raises(CommandError, match="2 were refused"):
        call_command("import", *files, stdout=io.StringIO(), stderr=errors)
    assert "bad.jsonl.gz: cannot be read" in errors.getvalue()
    assert "good.jsonl:1: of no format" in errors.getvalue()


def test_lines_documents_and_repairs_have_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LINE_BYTES", 2**20)
    monkeypatch.setattr(reading, "MAX_DOCUMENT_BYTES", 3 * 2**20)
    monkeypatch.setattr(reading, "MAX_REPAIRED_BYTES", 2**19)
    bodies = {
        "long.jsonl.gz": (b'{"id": "' + b"x" * 2**22 + b'"}\n{"id": "1"}\n', 1, "longer than 1 MiB"),
        "long.json.gz": (b'{"id": "' + b"x" * 2**22 + b'"}', 0, "more than 3 MiB"),
        "long.csv.gz": (b"id\n1\n" + b"x" * 2**22, 1, "longer than 1 MiB"),
        "nan.json": (b'{"id": NaN, "text": "' + b"x" * 2**20 + b'"}', 0, "is not JSON"),
    }
    for name, (body, expected, reason) in bodies.items():
        path = tmp_path / name
        path.write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
        count, (refused,) = read(path)
        assert count == expected, name
        assert reason in refused.reason
