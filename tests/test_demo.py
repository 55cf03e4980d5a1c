from __future__ import annotations

import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

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
