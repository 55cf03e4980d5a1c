"""push and pull that are throttled, cut off or killed: nothing lost or doubled however often."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from tests.storage.copies import CHECKOUT, cloud, elsewhere, fill, here, items_of, moved, told
from traces_app import storage
from traces_app.storage import StoreUnavailable
from traces_app.storage.copying import Copier, Source
from traces_app.storage.engine import EngineOptions, connect, open_engine
from traces_app.storage.selection import Selection

__all__ = ["cloud", "elsewhere"]

pytestmark = pytest.mark.usefixtures("store")


class Throttled:
    """A client that now and then writes nothing of a batch, or cannot answer at all."""

    def __init__(self, client: Any, every: int) -> None:
        self._client, self._every = client, every
        self.refusals = 0
        self._calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def _make_api_call(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        self._calls += 1
        if self._calls % self._every == 0:
            self.refusals += 1
            raise StoreUnavailable("throttled")
        if operation == "BatchWriteItem" and self._calls % 3 == 0:
            self.refusals += 1
            return {"UnprocessedItems": asked["RequestItems"]}
        return self._client._make_api_call(operation, asked)


def test_throttling_on_both_sides_loses_nothing(
    elsewhere: EngineOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    fill(60)
    before = items_of(here())
    source = here()
    storage.reset_store()
    with closing(open_engine(elsewhere)) as to, closing(connect(source)) as from_:
        to.client, from_.client = Throttled(to.client, 5), Throttled(from_.client, 2)
        for _ in Copier(Source(from_, source), to, Selection(), time.time_ns).run():
            pass
        assert to.client.refusals > 3
        assert from_.client.refusals > 0
    assert items_of(elsewhere) == moved(before)


def test_a_store_that_stays_away_ends_the_command_and_says_to_go_on(
    elsewhere: EngineOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(3)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    away = replace(elsewhere, storage_url="dynamodb", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(CommandError, match="DynamoDB cannot be reached"):
        told("push", away)


@pytest.mark.parametrize("direction", ["push", "pull"])
def test_killed_half_way_and_run_again_nothing_is_lost_or_doubled(
    direction: str, cloud: EngineOptions, tmp_path: Path, settings: Any
) -> None:
    fill(1200)
    before = moved(items_of(here()))
    storage.reset_store()
    if direction == "pull":
        told("push", cloud)
        settings.STORAGE_URL = f"sqlite:///{tmp_path / 'back.sqlite3'}"
    target = cloud if direction == "push" else here()
    kill_half_way(direction, cloud, target, len(before))
    half = items_of(target)
    assert 0 < len(half) < len(before)
    assert half.items() <= before.items()
    report = told(direction, cloud)
    assert f"{len(half):,} were there already" in report
    assert items_of(target) == before


def kill_half_way(direction: str, cloud: EngineOptions, target: EngineOptions, count: int) -> None:
    """SIGKILL as soon as a tenth has arrived."""
    side = {"push": "--to", "pull": "--from"}[direction]
    command = [
        sys.executable,
        "manage.py",
        direction,
        side,
        "dynamodb",
        "--endpoint-url",
        cloud.endpoint_url or "",
    ]
    process = subprocess.Popen(
        [*command, "--tables", cloud.traces_table, cloud.spans_table],
        cwd=CHECKOUT,
        env=os.environ | {"STORAGE_URL": here().storage_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    for _ in arrivals(target, count // 10):
        assert process.poll() is None, "it was over before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def arrivals(target: EngineOptions, wanted: int) -> Iterator[None]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if target.storage_url == "dynamodb" or (Path(target.storage_url[10:]).exists()):
            with closing(connect(target)) as engine:
                asked = {"TableName": target.spans_table, "Select": "COUNT"}
                try:
                    count = engine.client._make_api_call("Scan", asked)["Count"]
                except Exception:  # noqa: BLE001 - its table is just being made
                    count = 0
            if count >= wanted:
                return
        yield
    raise TimeoutError
