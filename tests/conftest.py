"""What every test may use: a store of its own, and ways to put traces into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NOW_NS
from traces_app import storage
from traces_app.access import Access
from traces_app.storage.store import Store


@pytest.fixture
def store(tmp_path: Path, settings: Any) -> Iterator[Store]:
    """A fresh local store; the settings point at it."""
    storage.reset_store()
    settings.STORAGE_URL = f"sqlite:///{tmp_path / 'traces.sqlite3'}"
    yield storage.get_store()
    storage.reset_store()


@pytest.fixture
def now_ns() -> int:
    return NOW_NS


@pytest.fixture
def access() -> Access:
    return Access(project="dev", scope="all", key_id="test")
