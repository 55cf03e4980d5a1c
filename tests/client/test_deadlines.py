"""Flush, close and the caller's path keep their time whatever the server does."""

from __future__ import annotations

import asyncio
import time

import pytest

from llm_tracer import SyncTracerClient, TracerClient
from tests.client.scripted_server import ScriptedServer


def test_a_server_that_never_answers_delays_neither_spans_nor_flush_nor_close(server: ScriptedServer) -> None:
    server.script = ["hang"] * 10
    tracer = SyncTracerClient(base_url=server.url, api_key="project-shop", timeout=0.5)
    began_at = time.perf_counter()
    for _ in range(100):
        with tracer.trace("question"):
            pass
    assert time.perf_counter() - began_at < 0.5
    began_at = time.perf_counter()
    assert tracer.flush(0.1).pending == 100
    assert time.perf_counter() - began_at < 0.4
    began_at = time.perf_counter()
    assert tracer.close(0.2) == (0, 0, 100)
    assert time.perf_counter() - began_at < 0.6


def test_a_server_that_is_down_is_not_waited_for(unused_port: int) -> None:
    tracer = SyncTracerClient(base_url=f"http://127.0.0.1:{unused_port}", api_key="project-shop")
    with tracer.trace("question"):
        pass
    began_at = time.perf_counter()
    assert tracer.close() == (0, 0, 1)
    assert time.perf_counter() - began_at < 1.5


def test_closing_the_async_client_leaves_the_loop_running(server: ScriptedServer) -> None:
    server.script = ["hang"] * 10

    async def main() -> tuple[int, tuple[int, int, int]]:
        tracer = TracerClient(base_url=server.url, api_key="project-shop", timeout=0.5)
        async with tracer.trace("question"):
            pass
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.001)

        counting = asyncio.create_task(count())
        result = await tracer.aclose(0.2)
        counting.cancel()
        return turns, result

    turns, result = asyncio.run(main())
    assert turns > 20
    assert result == (0, 0, 1)


def test_flushing_nothing_returns_at_once(server: ScriptedServer) -> None:
    tracer = SyncTracerClient(base_url=server.url, api_key="project-shop")
    began_at = time.perf_counter()
    assert tracer.flush() == (0, 0, 0)
    assert tracer.close() == (0, 0, 0)
    assert time.perf_counter() - began_at < 0.1


@pytest.fixture
def unused_port() -> int:
    with ScriptedServer() as server:
        return server.port
