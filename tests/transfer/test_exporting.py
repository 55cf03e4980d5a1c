"""Everything that matches goes into one file, typed right, also after it was killed on the way."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.session import Session
from django.core.management import CommandError, call_command

from tests.builders import own_trace_id, put, span, span_id, trace_id
from traces_app import storage
from traces_app.access import Access
from traces_app.domain.span import Usage
from traces_app.transfer import exporting, s3

CHECKOUT = Path(__file__).resolve().parents[2]
NOW_NS = time.time_ns()
DAY_NS = 86_400 * 10**9

pytestmark = pytest.mark.usefixtures("store")


def export(*arguments: Any, **options: Any) -> str:
    out = io.StringIO()
    call_command("export", *map(str, arguments), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def put_full(access: Access) -> None:
    """One span with something in every field that matters."""
    full = span(
        1,
        start_ns=NOW_NS,
        kind="llm",
        model="gpt-4o",
        usage=Usage(1000, 10, reasoning_tokens=4),
        tags=["a", "b,c"],
        input=[{"role": "user", "parts": [{"type": "text", "content": "=1+1 é"}]}],
        output="=cmd()",
        session_id="=s",
        user_id="u",
        metadata={"n": 2**60},
        attributes={"x": {"y": [1, None]}},
        time_to_first_token_ms=12.5,
        status="error",
        error={"type": "ValueError", "message": "no"},
    )
    put(access, full, span(2, start_ns=NOW_NS + 1, parent_span_id=span_id(1), usage=None), now_ns=NOW_NS)


def put_many(access: Access, count: int) -> list[str]:
    """Traces of one span, some on earlier days; their ids, newest first."""
    names = []
    for number in range(count):
        start_ns = NOW_NS - (number % 5) * DAY_NS - number * 10**7
        name = own_trace_id(start_ns // 10**6, number)
        put(access, span(1, trace_id=name, start_ns=start_ns, name=f"n{number % 3}"), now_ns=NOW_NS)
        names.append((start_ns // 10**6, name))
    return [name for _, name in sorted(names, reverse=True)]


def test_parquet_read_back_has_the_right_types_and_values(access: Access, tmp_path: Path) -> None:
    put_full(access)
    assert export(tmp_path / "x.parquet") == f"2 spans of 1 traces in {tmp_path / 'x.parquet'}.\n"
    table = pq.read_table(tmp_path / "x.parquet")
    types = {field.name: field.type for field in table.schema}
    assert types["start_time"] == types["end_time"] == pa.timestamp("ns", tz="UTC")
    assert types["input_tokens"] == types["duration_ns"] == pa.int64()
    assert types["cost_usd"] == types["time_to_first_token_ms"] == pa.float64()
    assert types["tags"] == pa.list_(pa.string())
    assert types["parent_is_remote"] == pa.bool_()
    assert {types[name] for name in ("trace_id", "input", "output", "attributes", "metadata")} == {
        pa.string()
    }
    first, second = without_times(table)
    assert table["start_time"][0].value == NOW_NS
    assert (first["project"], first["trace_id"], first["span_id"]) == ("dev", trace_id(1), span_id(1))
    assert (first["input_tokens"], first["reasoning_tokens"], first["cache_read_tokens"]) == (1000, 4, None)
    assert first["cost_usd"] == pytest.approx(0.0026)
    assert first["tags"] == ["a", "b,c"]
    assert json.loads(first["input"])[0]["parts"][0]["content"] == "=1+1 é"
    assert json.loads(first["output"]) == "=cmd()"
    assert json.loads(first["metadata"]) == {"n": 2**60}
    assert json.loads(first["attributes"]) == {"x": {"y": [1, None]}}
    assert (second["parent_span_id"], second["input_tokens"], second["input"]) == (span_id(1), None, None)


def without_times(table: pa.Table) -> list[dict[str, Any]]:
    """Python's own times end at microseconds."""
    return list(table.drop_columns(["start_time", "end_time"]).to_pylist())


def test_parquet_of_traces_has_one_row_each(access: Access, tmp_path: Path) -> None:
    put_full(access)
    export(tmp_path / "x.parquet", "--rows=traces")
    table = pq.read_table(tmp_path / "x.parquet")
    (row,) = without_times(table)
    assert table.schema.field("start_time").type == pa.timestamp("ns", tz="UTC")
    assert (row["span_count"], row["status"], row["models"]) == (2, "error", ["gpt-4o"])
    assert row["tags"] == ["a", "b,c"]


def test_csv_runs_nothing_in_a_spreadsheet_and_cuts_nothing(access: Access, tmp_path: Path) -> None:
    put_full(access)
    put(
        access,
        span(3, trace_id=trace_id(2), start_ns=NOW_NS, name="\t=x", output="é" * 100_000),
        now_ns=NOW_NS,
    )
    export(tmp_path / "x.csv")
    csv.field_size_limit(10**6)
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as file:
        rows = {(row["trace_id"], row["span_id"]): row for row in csv.DictReader(file)}
    full = rows[trace_id(1), span_id(1)]
    assert full["session_id"] == "'=s"
    assert full["output"] == '"=cmd()"'
    assert full["input_tokens"] == "1000"
    assert full["cache_read_tokens"] == ""
    assert full["tags"] == '["a","b,c"]'
    assert full["start_time"].startswith(f"{datetime.fromtimestamp(NOW_NS // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.")
    other = rows[trace_id(2), span_id(3)]
    assert other["name"] == "'\t=x"
    assert json.loads(other["output"]) == "é" * 100_000


def test_json_lines_are_the_json_of_the_spans_page(access: Access, tmp_path: Path) -> None:
    put_full(access)
    export(tmp_path / "x.jsonl")
    first, _ = lines_of(tmp_path / "x.jsonl")
    assert first["usage"]["input_tokens"] == 1000
    assert first["metadata"] == {"n": 2**60}
    assert first["start_ns"] == NOW_NS
    export(tmp_path / "t.jsonl", "--rows", "traces")
    assert [line["trace_id"] for line in lines_of(tmp_path / "t.jsonl")] == [trace_id(1)]


@pytest.mark.parametrize("format_", ["jsonl", "csv", "parquet"])
def test_everything_is_written_over_many_parts(
    format_: str, access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = put_many(access, 60)
    monkeypatch.setattr(exporting, "PART_TRACES", 7)
    out = tmp_path / f"x.{format_}"
    export(out)
    assert traces_in(out) == names
    assert list(tmp_path.glob("*.partial")) == []


def traces_in(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path)["trace_id"].to_pylist())
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return [row["trace_id"] for row in csv.DictReader(file)]
    return [line["trace_id"] for line in lines_of(path)]


def test_a_search_a_project_and_a_time_choose(access: Access, tmp_path: Path) -> None:
    put_many(access, 30)
    put(Access("shop", "all", "k"), span(1, trace_id=trace_id(9), start_ns=NOW_NS), now_ns=NOW_NS)
    assert "10 spans" in export(tmp_path / "1.jsonl", "name:n1")
    assert "1 spans" in export(tmp_path / "2.jsonl", project="shop")
    assert "31 spans" in export(tmp_path / "3.jsonl")
    since = datetime.fromtimestamp((NOW_NS - int(2.5 * DAY_NS)) // 10**9, UTC).isoformat()
    assert "18 spans of 18 traces" in export(tmp_path / "4.jsonl", since=since, project="dev")
    assert "12 spans of 12 traces" in export(tmp_path / "5.jsonl", until=since, project="dev")
    put(access, span(1, trace_id=trace_id(8), start_ns=NOW_NS, output="out of stock"), now_ns=NOW_NS)
    assert "1 spans" in export(tmp_path / "6.jsonl", 'text:"of stock"')
    with pytest.raises(CommandError, match="nme: is no filter; did you mean name"):
        export(tmp_path / "7.jsonl", "nme:x")


def test_nothing_is_replaced_unasked_and_names_say_the_format(access: Access, tmp_path: Path) -> None:
    put_many(access, 3)
    out = tmp_path / "x.jsonl"
    out.write_text("mine")
    with pytest.raises(CommandError, match="is there already"):
        export(out)
    assert out.read_text() == "mine"
    export(out, "--overwrite")
    assert len(lines_of(out)) == 3
    with pytest.raises(CommandError, match=r"end it in \.jsonl, \.csv or \.parquet"):
        export(tmp_path / "x.txt")
    export(tmp_path / "x.txt", "--format=csv")
    export(tmp_path / "none.parquet", "name:nobody")
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0


def test_what_another_job_left_is_not_mixed_in(
    access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_many(access, 10)
    interrupted(tmp_path / "x.jsonl", monkeypatch, after=3)
    with pytest.raises(CommandError, match="beginning of another export"):
        export(tmp_path / "x.jsonl", "name:n1")
    assert "4 spans" in export(tmp_path / "x.jsonl", "name:n0", "--restart")


def interrupted(out: Path | str, monkeypatch: pytest.MonkeyPatch, *, after: int, **options: Any) -> None:
    """The process ends with an error after so many parts of two traces."""
    complete = exporting.Exporter._complete
    calls: list[None] = []

    def fail(self: exporting.Exporter, writer: Any) -> None:
        if len(calls) == after:
            raise OSError("no space left")
        calls.append(None)
        complete(self, writer)

    with monkeypatch.context() as cut:
        cut.setattr(exporting, "PART_TRACES", 2)
        cut.setattr(exporting.Exporter, "_complete", fail)
        with pytest.raises(OSError, match="no space"):
            export(out, **options)


@pytest.mark.parametrize("format_", ["jsonl", "csv", "parquet"])
def test_it_goes_on_where_it_stopped_and_takes_no_newer_traces(
    format_: str, access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = put_many(access, 21)
    out = tmp_path / f"x.{format_}"
    interrupted(out, monkeypatch, after=4)
    started_ns = NOW_NS + 10 * 10**9
    put(access, span(1, trace_id=own_trace_id(started_ns // 10**6), start_ns=started_ns), now_ns=NOW_NS)
    export(out)
    assert traces_in(out) == names


@pytest.mark.parametrize("format_", ["jsonl", "parquet"])
def test_killed_half_way_and_run_again_nothing_is_lost_or_doubled(
    format_: str, access: Access, tmp_path: Path
) -> None:
    names = put_many(access, 4000)
    storage_url = storage.engine_options().storage_url
    out = tmp_path / f"x.{format_}"
    small_parts = f"from traces_app.transfer import exporting; exporting.PART_TRACES = 50; {RUN}"
    process = subprocess.Popen(
        [sys.executable, "-c", small_parts, "export", str(out)],
        cwd=CHECKOUT,
        env=os.environ | {"STORAGE_URL": storage_url, "DJANGO_SETTINGS_MODULE": "tracer_project.settings"},
        start_new_session=True,
    )
    while len(list(tmp_path.glob("*.partial/part-*"))) < 10:
        assert process.poll() is None
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not out.exists()
    export(out)
    assert traces_in(out) == names


RUN = "import sys; from django.core.management import execute_from_command_line as run; run(sys.argv)"


# -- S3 --------------------------------------------------------------------------------------------
@pytest.fixture
def bucket(
    ministack_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[[str], bytes]]:
    """An S3 server with an empty bucket called ``b-...``; reads an object of it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.chdir(tmp_path)
    client = Session().create_client("s3", region_name="us-east-1", endpoint_url=ministack_url)
    name = f"b-{uuid4().hex[:12]}"
    client.create_bucket(Bucket=name)

    def read(key: str) -> bytes:
        return bytes(client.get_object(Bucket=name, Key=key)["Body"].read())

    read.name, read.client = name, client  # type: ignore[attr-defined]
    yield read
    client.close()


def test_s3_gets_the_same_bytes_in_parts(
    access: Access, bucket: Any, ministack_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(
        access,
        *(span(n, output=os.urandom(600_000).hex(), start_ns=NOW_NS + n) for n in range(1, 12)),
        now_ns=NOW_NS,
    )
    monkeypatch.setattr(s3, "PART_BYTES", 5 * 2**20)
    address = f"s3://{bucket.name}/some/x.jsonl"
    export(address, endpoint_url=ministack_url)
    export(tmp_path / "x.jsonl")
    assert bucket("some/x.jsonl") == (tmp_path / "x.jsonl").read_bytes()
    assert len(bucket("some/x.jsonl")) > 12 * 10**6
    with pytest.raises(CommandError, match="is there already"):
        export(address, endpoint_url=ministack_url)


def test_an_interrupted_upload_goes_on(
    access: Access, bucket: Any, ministack_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(
        access,
        *(span(n, output=os.urandom(600_000).hex(), start_ns=NOW_NS + n) for n in range(1, 12)),
        now_ns=NOW_NS,
    )
    monkeypatch.setattr(s3, "PART_BYTES", 5 * 2**20)
    send = s3.S3Target._send
    sent: list[int] = []

    def count(self: s3.S3Target, *where: Any, **which: Any) -> str:
        if len(sent) == 2:
            sent.append(0)
            raise s3.UploadFailed("the line is cut")
        sent.append(which["PartNumber"])
        return send(self, *where, **which)

    monkeypatch.setattr(s3.S3Target, "_send", count)
    address = f"s3://{bucket.name}/x.jsonl"
    with pytest.raises(CommandError, match="the line is cut"):
        export(address, endpoint_url=ministack_url)
    export(address, endpoint_url=ministack_url)
    assert sent == [1, 2, 0, 3]
    export(tmp_path / "same.jsonl")
    assert bucket("x.jsonl") == (tmp_path / "same.jsonl").read_bytes()
    assert list(tmp_path.glob("*.partial")) == []


def test_small_files_and_wrong_buckets(access: Access, bucket: Any, ministack_url: str) -> None:
    put_full(access)
    export(f"s3://{bucket.name}/x.parquet", endpoint_url=ministack_url)
    assert pq.read_table(pa.BufferReader(bucket("x.parquet"))).num_rows == 2
    with pytest.raises(CommandError, match=r"s3://nowhere-at-all/x.csv: .*(NoSuchBucket|404|Not Found)"):
        export("s3://nowhere-at-all/x.csv", "--overwrite", endpoint_url=ministack_url)
    with pytest.raises(CommandError, match="names no object"):
        export("s3://bucket", "--format=csv", endpoint_url=ministack_url)


def test_parquet_without_its_package_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CommandError, match=r"Parquet needs the package pyarrow.*-m pip install pyarrow"):
        export(tmp_path / "x.parquet")
    (tmp_path / "y.parquet").write_bytes(b"PAR1")
    with pytest.raises(CommandError, match="Parquet needs the package pyarrow"):
        call_command("import", str(tmp_path / "y.parquet"), stdout=io.StringIO(), stderr=io.StringIO())


def test_a_directory_and_an_unknown_project_are_refused_before_anything_is_made(
    access: Access, tmp_path: Path
) -> None:
    put_full(access)
    (tmp_path / "x.jsonl").mkdir()
    with pytest.raises(CommandError, match="is a directory"):
        export(tmp_path / "x.jsonl", overwrite=True)
    with pytest.raises(CommandError, match="no such project; known are: dev"):
        export(tmp_path / "y.jsonl", project="nosuch")
    assert [path.name for path in tmp_path.glob("[xy].*")] == ["x.jsonl"]
