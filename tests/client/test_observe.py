"""``@tracer.observe`` on functions, coroutines, generators and asynchronous generators."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator

import pytest

from llm_tracer import SyncTracerClient, TracerClient
from llm_tracer.testing import CapturedSpans


def parents(captured: CapturedSpans) -> dict[str, str | None]:
    names = {span["span_id"]: span["name"] for span in captured.spans}
    return {span["name"]: names.get(span["parent_span_id"] or "") for span in captured.spans}


def test_a_call_is_a_span_with_its_arguments_and_its_result(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    @tracer.observe
    def search(query: str, limit: int = 3) -> list[str]:
        with tracer.span("inside"):
            return [query] * limit

    @tracer.observe("ask", "agent")
    def outer() -> list[str]:
        return search("cats", limit=2)

    assert outer() == ["cats", "cats"]
    tracer.flush()
    name = next(span["name"] for span in captured.spans if span["name"].endswith("search"))
    assert parents(captured) == {"ask": None, name: "ask", "inside": name}
    sent = captured.one(name)
    assert (sent["input"], sent["output"]) == ({"query": "cats", "limit": 2}, ["cats", "cats"])
    assert captured.one("ask")["kind"] == "agent"


def test_arguments_and_results_can_be_left_out(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    class Shop:
        @tracer.observe("sell", ignore_args=("card",))
        def sell(self, item: str, card: str) -> str:
            return f"{item} {card}"

        @tracer.observe("count", capture_input=False, capture_output=False)
        def count(self, items: list[str]) -> int:
            return len(items)

    Shop().sell("book", card="4111")
    Shop().count(["a"])
    tracer.flush()
    assert captured.one("sell")["input"] == {"item": "book"}
    count = captured.one("count")
    assert {"input", "output"}.isdisjoint(count)
    assert count["cuts"] == {"input_not_captured": 1, "output_not_captured": 1}
    assert "cuts" not in captured.one("sell")


def test_an_exception_is_recorded_and_goes_on(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    @tracer.observe("divide")
    def divide(number: int) -> float:
        return 1 / number

    with pytest.raises(ZeroDivisionError):
        divide(0)
    with pytest.raises(TypeError):
        divide()  # type: ignore[call-arg]
    tracer.flush()
    assert [span["error"]["type"] for span in captured.spans] == ["ZeroDivisionError", "TypeError"]


def test_a_coroutine_is_a_span_while_it_is_awaited(captured: CapturedSpans) -> None:
    async def main() -> None:
        async with TracerClient(api_key="project-shop", transport=captured) as tracer:

            @tracer.observe("step")
            async def step(number: int) -> int:
                await asyncio.sleep(0)
                return number * 2

            async with tracer.trace("root"):
                assert await asyncio.gather(*(step(number) for number in range(50))) == list(range(0, 100, 2))

    asyncio.run(main())
    steps = [span for span in captured.spans if span["name"] == "step"]
    assert sorted(span["output"] for span in steps) == list(range(0, 100, 2))
    assert {span["parent_span_id"] for span in steps} == {captured.one("root")["span_id"]}


def test_a_generator_is_one_span_and_its_consumer_is_not_inside(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    @tracer.observe("stream", "llm")
    def words() -> Iterator[str]:
        with tracer.span("first"):
            yield "a"
            with tracer.span("second"):
                pass
        yield "b"

    with tracer.trace("root"):
        for word in words():
            with tracer.span(f"consume {word}"):
                pass
    tracer.flush()
    assert parents(captured) == {
        "root": None,
        "stream": "root",
        "first": "stream",
        "second": "first",
        "consume a": "root",
        "consume b": "root",
    }
    assert captured.one("stream")["output"] == "ab"


def test_what_is_sent_thrown_and_returned_passes_through(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    @tracer.observe("echo")
    def echo() -> Iterator[object]:
        received = yield 1
        try:
            yield received
        except KeyError as error:
            yield str(error)
        return "done"

    steps = echo()
    assert next(steps) == 1
    assert steps.send("x") == "x"
    assert steps.throw(KeyError("k")) == "'k'"
    with pytest.raises(StopIteration, match="done"):
        next(steps)
    tracer.flush()
    assert captured.one("echo")["output"] == [1, "x", "'k'"]
    assert captured.one("echo")["status"] == "ok"


@pytest.mark.parametrize("way", ["close", "forget"])
def test_a_generator_abandoned_half_way_ends_its_span(
    tracer: SyncTracerClient, captured: CapturedSpans, way: str
) -> None:
    closed = []

    @tracer.observe("stream")
    def words() -> Iterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            closed.append(True)

    steps = words()
    next(steps)
    if way == "close":
        steps.close()
    del steps
    gc.collect()
    with tracer.span("after"):
        pass
    tracer.flush()
    assert closed == [True]
    assert (captured.one("stream")["status"], captured.one("stream")["output"]) == ("cancelled", "a")
    assert parents(captured) == {"stream": None, "after": None}


def test_an_async_generator_closed_in_another_task_ends_its_span(captured: CapturedSpans) -> None:
    async def main() -> None:
        async with TracerClient(api_key="project-shop", transport=captured) as tracer:

            @tracer.observe("stream")
            async def words() -> AsyncIterator[str]:
                async with tracer.span("inside"):
                    yield "a"
                    yield "b"

            async def close(steps) -> None:
                await steps.aclose()

            async with tracer.trace("root"):
                steps = words()
                assert await anext(steps) == "a"
                await asyncio.create_task(close(steps))
                async with tracer.span("after"):
                    pass
            assert [word async for word in words()] == ["a", "b"]

    asyncio.run(main())
    names = {span["span_id"]: span["name"] for span in captured.spans}
    found = [(s["name"], names.get(s["parent_span_id"]), s["status"]) for s in captured.spans]
    assert ("stream", "root", "cancelled") in found
    assert ("after", "root", "ok") in found
    assert ("stream", None, "ok") in found
    assert found.count(("inside", "stream", "ok")) == 1


def test_endless_generators_keep_a_bounded_output(
    tracer: SyncTracerClient, captured: CapturedSpans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm_tracer._observe.MAX_YIELDED", 3)

    @tracer.observe("count")
    def count() -> Iterator[int]:
        yield from range(10)

    assert sum(count()) == 45
    tracer.flush()
    assert captured.one("count")["output"] == [0, 1, 2]
    assert captured.one("count")["cuts"] == {"output_items": 7}


def test_while_tracing_is_off_functions_stay_themselves() -> None:
    tracer = SyncTracerClient(api_key="project-shop", enabled=False)

    def work() -> None: ...

    assert tracer.observe(work) is work
    assert tracer.observe("name")(work) is work
