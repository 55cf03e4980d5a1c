from __future__ import annotations

import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from traces_app import access, queries
from traces_app.queries import TraceFilter

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture(autouse=True)
def _restored(settings: Any) -> None:
    """The command sets both for its own process."""
    settings.RATE_LIMIT_RPM, settings.ALLOWED_HOSTS = 60, ["*"]


def told(**options: Any) -> list[Any]:
    call_command("demo", stdout=StringIO(), stderr=StringIO(), **options)
    return queries.list_traces("dev", TraceFilter(), limit=1000, now_ns=time.time_ns()).traces


def test_the_demo_is_a_believable_week() -> None:
    traces = told(traces=60)
    assert len(traces) >= 60
    assert {trace.name for trace in traces} >= {"support-chat", "deep-research", "coding-agent", "moderation"}
    assert any(trace.error_count for trace in traces)
    assert any(trace.session_id for trace in traces)
    assert any(trace.unpriced_count for trace in traces)
    assert any(trace.cost_usd for trace in traces)
    assert max(trace.span_count for trace in traces) > 12
    days = {time.gmtime((trace.start_ns or 0) // 10**9).tm_yday for trace in traces}
    assert len(days) >= 6


def test_the_demo_leaves_no_key_behind() -> None:
    told(traces=2)
    (key,) = access.list_keys("dev", now_ns=time.time_ns())
    assert key.revoked_at_ns is not None


def test_it_says_where_the_server_is(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACER_URL", "http://tracer.example:8057/")
    for options, address in (
        ({}, "http://tracer.example:8057"),
        ({"url": "localhost:8058"}, "http://localhost:8058"),
    ):
        said = StringIO()
        with caplog.at_level("INFO", logger="llm_tracer"):
            call_command("demo", traces=1, stdout=said, stderr=StringIO(), **options)
        assert f"See them at {address}/dashboard/" in said.getvalue()
        assert f"traces of project dev go to {address}/dashboard/" in caplog.messages
        assert "8001" not in said.getvalue() + caplog.text


@pytest.mark.parametrize("url", ["ftp://host", "http://", "http://host:notaport", "://"])
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(CommandError, match="--url"):
        told(traces=1, url=url)
    assert queries.list_traces("dev", TraceFilter(), now_ns=time.time_ns()).traces == []
