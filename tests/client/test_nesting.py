"""Who is whose child: in one thread, in tasks, in threads."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from llm_tracer import SyncTracerClient, TracerClient
from llm_tracer.testing import CapturedSpans


def parents(captured: CapturedSpans) -> dict[str, str | None]:
    names = {span["span_id"]: span["name"] for span in captured.spans}
    return {span["name"]: names.get(span["parent_span_id"]) for span in captured.spans}


def test_a_span_of_the_trace_opens_below_the_span_that_is_open(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    with tracer.trace("root") as trace:
        with trace.span("a", "agent"), trace.span("b", "tool"):
            pass
        with trace.span("c", "tool"):
            pass
    tracer.flush()
    assert parents(captured) == {"root": None, "a": "root", "b": "a", "c": "root"}


def test_an_explicit_parent_wins(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    with tracer.trace("root") as trace, trace.span("a", "agent") as a, a.span("b", "tool"):
        with a.span("by span", "tool"), trace.span("by argument", "tool", parent=a):
            pass
        with trace.span("by id", "tool", parent=trace.span_id):
            pass
    tracer.flush()
    assert parents(captured) == {
        "root": None, "a": "root", "b": "a", "by span": "a", "by argument": "a", "by id": "root",
    }  # fmt: skip


def test_a_span_of_the_tracer_finds_its_parent_or_begins_a_trace(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    with tracer.trace("root") as trace, tracer.span("inside", "tool") as inside:
        assert inside.trace_id == trace.trace_id
    with tracer.span("alone", "tool") as alone, tracer.span("below", "tool"):
        assert alone.trace_id != trace.trace_id
    tracer.flush()
    assert parents(captured) == {"root": None, "inside": "root", "alone": None, "below": "alone"}


def test_two_traces_open_at_once_keep_their_spans_apart(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    one, two = tracer.trace("one"), tracer.trace("two")
    with one, two, two.span("in two", "tool"), one.span("in one", "tool") as span:
        assert span.trace_id == one.trace_id
    tracer.flush()
    assert parents(captured) == {"one": None, "two": None, "in two": "two", "in one": "one"}


def test_two_clients_do_not_see_each_other(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    other_captured = CapturedSpans()
    other = SyncTracerClient(api_key="project-other", transport=other_captured)
    with tracer.trace("mine"), other.trace("theirs"), tracer.span("mine too", "tool"):
        pass
    other.close()
    tracer.flush()
    assert parents(captured) == {"mine": None, "mine too": "mine"}
    assert parents(other_captured) == {"theirs": None}


def test_tasks_of_a_gather_nest_each_in_its_own(captured: CapturedSpans) -> None:
    async def work(trace, number: int) -> None:
        async with trace.span(f"step {number}", "agent"):
            await asyncio.sleep(0.001 * (number % 3))
            async with trace.span(f"call {number}", "llm"):
                await asyncio.sleep(0)

    async def main() -> None:
        tracer = TracerClient(api_key="project-shop", transport=captured)
        async with tracer, tracer.trace("root") as trace:
            await asyncio.gather(*(work(trace, number) for number in range(50)))

    asyncio.run(main())
    expected: dict[str, str | None] = {f"call {n}": f"step {n}" for n in range(50)}
    expected |= {f"step {n}": "root" for n in range(50)} | {"root": None}
    assert parents(captured) == expected


def test_a_task_that_outlives_its_span_still_belongs_to_it(captured: CapturedSpans) -> None:
    async def late(tracer: TracerClient, go: asyncio.Event) -> None:
        await go.wait()
        async with tracer.span("late", "tool"):
            pass
        async with tracer.span("later", "tool"):
            pass

    async def main() -> None:
        async with TracerClient(api_key="project-shop", transport=captured) as tracer:
            go = asyncio.Event()
            async with tracer.trace("root"):
                task = asyncio.create_task(late(tracer, go))
                await asyncio.sleep(0)
            go.set()
            await task

    asyncio.run(main())
    assert parents(captured) == {"root": None, "late": "root", "later": "root"}


def test_a_new_thread_has_no_open_span_unless_it_is_given_one(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    with tracer.trace("root") as trace, trace.span("a", "agent") as a:

        def work() -> None:
            with tracer.span("alone", "tool"), trace.span("of the trace", "tool"):
                pass
            with tracer.span("given", "tool", parent=a):
                pass

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    tracer.flush()
    found = parents(captured)
    assert (found["alone"], found["of the trace"], found["given"]) == (None, "root", "a")


def test_many_threads_share_one_client(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    def work(number: int) -> None:
        root = tracer.trace(f"root {number}")
        with root, root.span(f"step {number}", "tool"), tracer.span(f"call {number}", "llm"):
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))
    assert tracer.flush() == (600, 0, 0)
    found = parents(captured)
    assert all(found[f"call {n}"] == f"step {n}" and found[f"step {n}"] == f"root {n}" for n in range(200))


def test_spans_left_out_of_order_leave_nothing_behind(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    root = tracer.trace("root").__enter__()
    a = root.span("a", "tool").__enter__()
    b = root.span("b", "tool").__enter__()
    a.__exit__(None, None, None)
    b.__exit__(None, None, None)
    with root.span("c", "tool"):
        pass
    root.__exit__(None, None, None)
    with tracer.span("alone", "tool"):
        pass
    tracer.flush()
    assert parents(captured) == {"root": None, "a": "root", "b": "a", "c": "root", "alone": None}


def test_a_generator_abandoned_half_way_ends_its_span(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    def pieces():
        with tracer.span("stream", "llm"):
            yield 1
            yield 2

    generator = pieces()
    assert next(generator) == 1
    generator.close()
    with tracer.span("after", "tool"):
        pass
    tracer.flush()
    assert captured.one("stream")["status"] == "cancelled"
    assert parents(captured) == {"stream": None, "after": None}


def test_an_async_generator_closed_in_another_context_harms_nobody(captured: CapturedSpans) -> None:
    async def main() -> None:
        async with TracerClient(api_key="project-shop", transport=captured) as tracer:

            async def pieces():
                async with tracer.span("stream", "llm"):
                    yield 1
                    yield 2

            async def close(generator) -> None:
                await generator.aclose()

            generator = pieces()
            await generator.__anext__()
            await asyncio.create_task(close(generator))
            async with tracer.trace("next") as trace, trace.span("after", "tool"):
                pass

    asyncio.run(main())
    assert captured.one("stream")["status"] == "cancelled"
    assert parents(captured) == {"stream": None, "next": None, "after": "next"}


def test_the_sync_client_works_inside_a_running_event_loop(captured: CapturedSpans) -> None:
    async def cell() -> tuple[int, int, int]:
        tracer = SyncTracerClient(api_key="project-shop", transport=captured)
        with tracer.trace("experiment") as trace, trace.span("call", "llm"):
            await asyncio.sleep(0)
        return tracer.close()

    assert asyncio.run(cell()) == (2, 0, 0)
    assert parents(captured) == {"experiment": None, "call": "experiment"}


def test_entering_a_span_twice_changes_nothing(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    with tracer.trace("run") as trace, trace, trace.span("step") as step, step, tracer.span("inside"):
        pass
    tracer.flush()
    assert parents(captured) == {"run": None, "step": "run", "inside": "step"}
