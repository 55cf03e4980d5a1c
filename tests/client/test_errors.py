"""What a span says of exceptions, and that they go on to the host."""

from __future__ import annotations

import asyncio

import pytest

from llm_tracer import SyncTracerClient, Trace, TracerClient
from llm_tracer.testing import CapturedSpans


def look_up(number: int) -> float:
    try:
        return 1 / number
    except ZeroDivisionError as error:
        raise KeyError("lost") from error


def test_an_exception_is_recorded_and_goes_on(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    with pytest.raises(KeyError, match="lost"), tracer.trace("root") as trace, trace.span("call", "tool"):
        look_up(0)
    tracer.flush()
    for name in ("call", "root"):
        sent = captured.one(name)
        assert sent["status"] == "error"
        assert (sent["error"]["type"], sent["error"]["message"]) == ("KeyError", "'lost'")
        assert "test_errors.py" in sent["error"]["stacktrace"]
        assert sent["error"]["causes"] == [{"type": "ZeroDivisionError", "message": "division by zero"}]


def test_an_error_set_as_text_keeps_its_words_when_the_exception_follows(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    def search(trace: Trace) -> None:
        with trace:
            try:
                look_up(0)
            except KeyError:
                trace.set_error("the search failed")
                raise

    with pytest.raises(KeyError):
        search(tracer.trace("root"))
    tracer.flush()
    error = captured.one("root")["error"]
    assert (error["type"], error["message"]) == ("KeyError", "the search failed")


def test_an_error_can_be_set_without_an_exception(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    with tracer.trace("root") as trace:
        trace.set_error("no answer")
        trace.set_error(None)
    tracer.flush()
    assert captured.one("root")["status"] == "error"
    assert captured.one("root")["error"] == {"message": "no answer"}


def test_cancellation_is_not_an_error(captured: CapturedSpans) -> None:
    async def main() -> None:
        async with TracerClient(api_key="project-shop", transport=captured) as tracer:

            async def work() -> None:
                async with tracer.trace("root") as trace, trace.span("call", "llm"):
                    await asyncio.sleep(60)

            task = asyncio.create_task(work())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert [(span["status"], "error" in span) for span in captured.spans] == [("cancelled", False)] * 2


def test_endless_messages_traces_and_chains_of_causes_are_bounded(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    def deep(depth: int) -> None:
        try:
            deep(depth - 1) if depth else 1 / 0
        except Exception as error:
            raise ValueError("x" * 100_000) from error

    with pytest.raises(ValueError, match="x"), tracer.trace("root"):
        deep(30)
    tracer.flush()
    error = captured.one("root")["error"]
    assert len(error["message"]) < 9_000
    assert "[cut: 92,000 characters]" in error["message"]
    assert len(error["stacktrace"]) < 17_000
    assert len(error["causes"]) == 8


def test_an_exception_that_cannot_be_printed_is_recorded_all_the_same(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    class Hostile(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    with pytest.raises(Hostile), tracer.trace("root"):
        raise Hostile
    tracer.flush()
    assert captured.one("root")["error"]["message"] == "<Hostile>"


def test_causes_that_go_round_in_a_circle_are_told_once(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    with tracer.trace("root") as trace:
        trace.set_error(first)
    tracer.flush()
    assert captured.one("root")["error"]["causes"] == [{"type": "ValueError", "message": "second"}]
