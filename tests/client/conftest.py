"""A client whose spans are captured, and a server that answers as it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_tracer import SyncTracerClient
from llm_tracer.testing import CapturedSpans
from tests.client.scripted_server import ScriptedServer


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "TRACER_URL",
        "TRACER_API_KEY",
        "TRACER_PROJECT_ID",
        "TRACING_ENABLED",
        "TRACER_ENVIRONMENT",
        "TRACER_RELEASE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRACER_SPOOL", str(tmp_path / "spool"))


@pytest.fixture
def captured() -> CapturedSpans:
    return CapturedSpans()


@pytest.fixture
def tracer(captured: CapturedSpans) -> Iterator[SyncTracerClient]:
    with SyncTracerClient(api_key="project-shop", transport=captured) as tracer:
        yield tracer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server
