"""Which files the local engine opens, and how it refuses the others."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from traces_app.storage.embedded.schema import APPLICATION_ID, SCHEMA_VERSION
from traces_app.storage.engine import Engine, EngineOptions, open_engine
from traces_app.storage.errors import StoreUnusable
from traces_app.storage.models import SpanItem


def open_file(path: Path) -> Engine:
    return open_engine(EngineOptions(f"sqlite:///{path}"))


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_a_file_is_made_with_its_directories_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "traces.sqlite3"
    first = open_file(path)
    SpanItem("T", "a", v=1, body=b"kept").save()
    first.close()

    second = open_file(path)

    assert SpanItem.get("T", "a").body == b"kept"
    second.close()


def test_a_relative_path_starts_at_the_base_directory(tmp_path: Path) -> None:
    engine = open_engine(EngineOptions("sqlite:///data/traces.sqlite3", base_dir=tmp_path))

    assert (tmp_path / "data" / "traces.sqlite3").exists()
    engine.close()


def test_the_file_says_whose_it_is_and_which_version(tmp_path: Path) -> None:
    path = tmp_path / "traces.sqlite3"
    open_file(path).close()

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_closed_engine_leaves_one_file(tmp_path: Path) -> None:
    engine = open_file(tmp_path / "traces.sqlite3")
    SpanItem("T", "a", v=1).save()

    engine.close()

    assert [path.name for path in tmp_path.iterdir()] == ["traces.sqlite3"]


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "traces.sqlite3"
    open_file(path).close()
    run_sql(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")

    with pytest.raises(StoreUnusable, match=r"STORAGE_URL names .*newer LLM Tracer"):
        open_file(path)


def test_another_programs_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.sqlite3"
    run_sql(path, "CREATE TABLE people (name TEXT)")
    before = path.read_bytes()

    with pytest.raises(StoreUnusable, match=r"STORAGE_URL names .*another program"):
        open_file(path)

    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are my notes.\n" * 100)

    with pytest.raises(StoreUnusable, match=r"STORAGE_URL names .*not a database"):
        open_file(path)


def test_a_directory_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match=r"STORAGE_URL names .*unable to open"):
        open_file(tmp_path)


def test_a_file_in_the_place_of_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    with pytest.raises(StoreUnusable, match=r"STORAGE_URL names .*directory cannot be made"):
        open_file(tmp_path / "data" / "traces.sqlite3")


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite:///:memory:", "postgres://somewhere", ""])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(StoreUnusable, match="STORAGE_URL="):
        open_engine(EngineOptions(url))


def test_a_damaged_page_is_reported_as_such(tmp_path: Path) -> None:
    path = tmp_path / "traces.sqlite3"
    engine = open_file(path)
    engine.batch_put(SpanItem("T", f"{number:03}", v=1, body=b"x" * 5000) for number in range(50))
    engine.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 200_000)

    with pytest.raises(StoreUnusable, match="STORAGE_URL"):
        open_file(path)


def test_models_refuse_to_work_after_closing(tmp_path: Path) -> None:
    engine = open_file(tmp_path / "traces.sqlite3")
    engine.close()

    with pytest.raises(StoreUnusable, match="no store is open"):
        SpanItem.get("T", "a")
    with pytest.raises(StoreUnusable, match="was closed"):
        engine.batch_put([SpanItem("T", "a", v=1)])


def test_opening_another_engine_takes_the_models_over(tmp_path: Path) -> None:
    first = open_file(tmp_path / "first.sqlite3")
    SpanItem("T", "a", v=1).save()
    second = open_file(tmp_path / "second.sqlite3")
    first.close()

    assert SpanItem.count("T") == 0
    second.close()
