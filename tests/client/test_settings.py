"""Arguments, environment, and tracing that is off."""

from __future__ import annotations

import asyncio
import inspect
import logging

import httpx
import pytest

from llm_tracer import SyncTracerClient, Trace, TracerClient
from llm_tracer._trace import DISABLED, DisabledTrace
from llm_tracer.testing import CapturedSpans
from tests.client.scripted_server import ScriptedServer


def test_settings_come_from_the_environment(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACER_URL", server.url + "/")
    monkeypatch.setenv("TRACER_API_KEY", " project-shop.secret\n")
    with SyncTracerClient() as tracer, tracer.trace("question"):
        pass
    assert (tracer.base_url, tracer.project_id, tracer.enabled) == (server.url, "shop", True)
    assert server.headers[0]["X-API-Key"] == "project-shop.secret"


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACER_URL", "http://elsewhere")
    monkeypatch.setenv("TRACER_API_KEY", "project-other")
    tracer = SyncTracerClient("localhost:9000", "project-shop", "shop", 1.0)
    assert (tracer.base_url, tracer.api_key, tracer.project_id) == (
        "http://localhost:9000",
        "project-shop",
        "shop",
    )


def test_the_default_server_is_on_this_machine() -> None:
    assert SyncTracerClient(api_key="project-shop").base_url == "http://localhost:8001"


def test_a_project_that_is_not_the_keys_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TRACER_PROJECT_ID", "other")
    SyncTracerClient(api_key="project-shop")
    assert "spans go to 'shop'" in caplog.text


@pytest.mark.parametrize("word", ["false", "False", "0", "no", "off"])
def test_tracing_can_be_turned_off(
    monkeypatch: pytest.MonkeyPatch, captured: CapturedSpans, word: str
) -> None:
    monkeypatch.setenv("TRACING_ENABLED", word)
    with SyncTracerClient(api_key="project-shop", transport=captured) as tracer:
        assert tracer.trace("question") is DISABLED
        with (
            tracer.trace("question") as trace,
            trace.span("call", "llm") as span,
            span.span("x", "tool") as x,
        ):
            x.set_output(object(), 1, 2)
            trace.set_output("done")
            assert (trace.trace_id, span.span_id, x.parent_span_id) == ("", "", None)
        span_id = tracer.create_span(tracer.create_trace("t"), "s", "llm")
        tracer.complete_span(span_id)
        tracer.complete_trace("")
        assert tracer.close() == (0, 0, 0)
    assert captured.batches == []


def test_the_async_client_can_be_turned_off_too(captured: CapturedSpans) -> None:
    async def main() -> None:
        async with TracerClient(api_key="project-shop", enabled=False, transport=captured) as tracer:
            async with tracer.trace("question") as trace, trace.span("call", "llm"), tracer.span("x"):
                pass
            assert await tracer.create_trace("t") == ""
            assert await tracer.flush() == (0, 0, 0)

    asyncio.run(main())
    assert captured.batches == []


def test_without_a_key_tracing_is_off_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    assert not SyncTracerClient().enabled
    assert "set TRACER_API_KEY" in caplog.text


def test_a_server_without_keys_can_be_asked_for(
    monkeypatch: pytest.MonkeyPatch, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TRACING_ENABLED", "true")
    caplog.set_level(logging.INFO, "llm_tracer")
    with SyncTracerClient(server.url) as tracer, tracer.trace("question"):
        pass
    assert "X-API-Key" not in server.headers[0]
    assert [r.levelname for r in caplog.records if r.name == "llm_tracer"] == ["INFO"]


@pytest.mark.parametrize("url", ["http://[half", "ftp://host", "http://", "http://host:port"])
def test_an_address_that_is_none_turns_tracing_off(caplog: pytest.LogCaptureFixture, url: str) -> None:
    with SyncTracerClient(url, "project-shop") as tracer, tracer.trace("question"):
        pass
    assert not tracer.enabled
    assert "is not the address of a server" in caplog.text


def test_a_disabled_trace_overrides_all_that_a_trace_can_do() -> None:
    ours = {name for name, _ in inspect.getmembers(Trace, inspect.isfunction)}
    internal = {name for name in ours if name.startswith("_") and not name.endswith("__")}
    left = ours - internal - set(vars(DisabledTrace)) - {"announcement"}
    assert left <= {name for name, _ in inspect.getmembers(object)}


class Secret:
    def get_secret_value(self) -> str:
        return "project-shop"


@pytest.mark.parametrize("key", [b"project-shop", Secret(), " project-shop\n"])
def test_a_key_may_come_in_other_wrappings(key: object) -> None:
    tracer = SyncTracerClient(httpx.URL("http://localhost:1"), key)  # type: ignore[arg-type]
    assert (tracer.base_url, tracer.api_key, tracer.project_id) == (
        "http://localhost:1",
        "project-shop",
        "shop",
    )


@pytest.mark.parametrize("seconds", ["soon", None, -1, float("nan"), float("inf"), object()])
def test_no_setting_and_no_timeout_makes_the_client_fail(server: ScriptedServer, seconds: object) -> None:
    odd = {"environment": 5, "release": object(), "spool": "\0", "sample_rate": "x", "keep_slower_than": "x"}
    with SyncTracerClient(server.url, "project-shop", timeout=seconds, **odd) as tracer:  # type: ignore[arg-type]
        with tracer.trace("question"):
            pass
        tracer.flush(seconds)  # type: ignore[arg-type]
        assert tracer.flush(5) == (1, 0, 0)


def test_a_password_in_the_address_is_shown_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    tracer = SyncTracerClient("http://ann:hunter2@localhost:1/base", "project-shop", spool=False)
    with tracer.trace("question") as trace:
        pass
    tracer.close(0.3)
    assert trace.url.startswith("http://localhost:1/base/dashboard/t/")
    assert "hunter2" not in caplog.text
    assert "http://localhost:1/base" in caplog.text
