"""While the server's budget thins plain traces, these are sent whole: only so it can tell which are."""

from __future__ import annotations

import json
import time

import pytest

from llm_tracer import SyncTracerClient
from llm_tracer._delivery.traces import TraceGroups
from llm_tracer._sampling import Sampling, thinning_of
from tests.client.scripted_server import ScriptedServer

THINNING = {"keep_rate": 0.0, "keep_slower_than_ms": 30_000}


def answer(**more: object) -> tuple[int, dict[str, str], bytes]:
    return 202, {}, json.dumps({"accepted": 1, "rejected": [], **more}).encode()


def learn(tracer: SyncTracerClient, server: ScriptedServer, *answers: object) -> None:
    server.script += answers
    for _ in answers:
        with tracer.trace("lesson"):
            pass
        tracer.flush()
    server.bodies.clear()


def names_by_batch(server: ScriptedServer) -> list[list[str]]:
    return [[f"{span['name']} {span['status']}" for span in batch["spans"]] for batch in server.batches]


def run(tracer: SyncTracerClient, *, fails: bool = False) -> None:
    """A trace of 1.3 s: longer than spans wait by default."""
    with tracer.trace("root"):
        with tracer.span("call") as call:
            if fails:
                call.set_error(ValueError("x"))
        time.sleep(1.3)
    tracer.flush()


def test_a_plain_trace_comes_in_one_batch(server: ScriptedServer) -> None:
    with SyncTracerClient(api_key="project-shop", base_url=server.url) as tracer:
        learn(tracer, server, answer(budget=THINNING))
        server.script = [answer(budget=THINNING)] * 4
        run(tracer)
        assert names_by_batch(server) == [["call ok", "root ok"]]


def test_what_failed_does_not_wait(server: ScriptedServer) -> None:
    with SyncTracerClient(api_key="project-shop", base_url=server.url) as tracer:
        learn(tracer, server, answer(budget=THINNING))
        server.script = [answer(budget=THINNING)] * 4
        run(tracer, fails=True)
        assert names_by_batch(server) == [["call error"], ["root ok"]]


def test_the_rate_is_forgotten_with_an_answer_without_it(server: ScriptedServer) -> None:
    with SyncTracerClient(api_key="project-shop", base_url=server.url) as tracer:
        learn(tracer, server, answer(budget=THINNING), answer())
        run(tracer)
        assert sorted(names_by_batch(server)[-1]) == ["root ok"]
        assert len(server.batches) > 1


NONSENSE = [
    *(None, 7, {}, {"keep_rate": 0.2}, {"keep_rate": -1, "keep_slower_than_ms": 1}),
    *({"keep_rate": 1.0, "keep_slower_than_ms": 1}, {"keep_rate": "x", "keep_slower_than_ms": 1}),
]


@pytest.mark.parametrize("budget", NONSENSE)
def test_nonsense_is_no_budget(budget: object) -> None:
    assert thinning_of(budget) is None


def test_a_trace_that_is_slow_leaves_in_pieces_and_is_kept_so() -> None:
    class Span:
        trace_id, span_id, is_failed, size_bytes = "0" * 32, "1", False, 10
        shared_state = type("State", (), {"root_id": "2", "seen_at": None, "root_head": None})()

    groups = TraceGroups()
    groups.thinning = Sampling(0.5, True, 5e9)
    groups.add(Span(), 100.0)  # type: ignore[arg-type]
    assert groups.due_at() == 105.0
    assert groups.take(104.0, 1000, 10, is_hurried=False) == []
    assert len(groups.take(105.0, 1000, 10, is_hurried=False)) == 1
