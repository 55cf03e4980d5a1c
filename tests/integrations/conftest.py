"""Real clients of the providers, and our client with its spans captured."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from llm_tracer import SyncTracerClient
from llm_tracer.integrations._guard import faults
from llm_tracer.testing import CapturedSpans
from tests.integrations.provider import Provider
from tests.servers import serving

Told = Callable[[], list[dict]]


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings from outside, and no fault of ours that was swallowed."""
    for name in ("TRACER_URL", "TRACER_API_KEY", "TRACER_PROJECT_ID", "TRACING_ENABLED"):
        monkeypatch.delenv(name, raising=False)
    before = faults.count
    yield
    assert faults.count == before


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    with serving(provider):
        yield provider


@pytest.fixture
def captured() -> CapturedSpans:
    return CapturedSpans()


@pytest.fixture
def tracer(captured: CapturedSpans) -> Iterator[SyncTracerClient]:
    with SyncTracerClient(api_key="project-shop", transport=captured) as tracer:
        yield tracer


@pytest.fixture
def told(tracer: SyncTracerClient, captured: CapturedSpans) -> Told:
    """All spans that ended so far."""

    def spans() -> list[dict]:
        tracer.flush()
        return captured.spans

    return spans
