"""The batches our client makes of a run that takes a while: its own outbox, under a clock that is moved."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest.mock import patch

TURN_SECONDS, LOOK_SECONDS = 5.0, 0.25

Trace = list[dict[str, Any]]
Cut = Callable[[Trace], list[Trace]]
"""A trace in the pieces it is sent in."""


def as_client(wait_of_age: float) -> Cut:
    return partial(client_batches, wait_of_age=wait_of_age)


def client_batches(trace: Trace, *, wait_of_age: float) -> list[Trace]:
    """What the client makes of a root and turns of two spans that end every 5 s; the root ends last."""
    from llm_tracer._delivery.traces import TraceGroups
    from llm_tracer._trace import start_trace

    source, outbox = client_outbox()
    batches: list[Trace] = []
    with patch.object(TraceGroups, "WAIT_OF_AGE", wait_of_age), start_trace(source, {}, "0") as root:
        seconds = 0.0
        for turn in range(1, len(trace) // 2 + 1):
            while seconds < turn * TURN_SECONDS:
                batches += due_of(outbox, seconds, trace)
                seconds += LOOK_SECONDS
            for number in (2 * turn - 1, 2 * turn):
                root.span(str(number), "tool", trace[number]["input"]).finish()
        root.finish()
        for at_seconds in (seconds, seconds + LOOK_SECONDS):
            batches += due_of(outbox, at_seconds, trace)
    assert outbox.count == 0
    return batches


def client_outbox() -> tuple[Any, Any]:
    """The client's own, without a thread and a server, and the source of its traces."""
    from llm_tracer._delivery.batch import BatchBuilder
    from llm_tracer._delivery.outbox import Outbox
    from llm_tracer._delivery.pace import Pace
    from llm_tracer._delivery.queue import SpanQueue
    from llm_tracer._mask import Mask
    from llm_tracer._record import Recorder
    from llm_tracer._settings import Settings
    from llm_tracer._state import Source

    settings = Settings("http://localhost", None, None, True, 5.0, None, None, None)
    queue = SpanQueue(lambda: None)
    return Source(queue, ""), Outbox(queue, BatchBuilder(settings), Recorder(Mask()), Pace())


def due_of(outbox: Any, now: float, trace: Trace) -> Iterator[Trace]:
    """The batches that leave now, of the workload's spans: the client's are named by their number."""
    from llm_tracer._delivery.batch import plain_body

    outbox.collect(now)
    while (due_at := outbox.due_at(now, is_hurried=False)) is not None and due_at <= now:
        batch = outbox.next_batch(now, is_hurried=False)
        sent = json.loads(plain_body(batch.body))["spans"]
        yield [as_sent(trace[int(span["name"])], is_running=span["status"] == "pending") for span in sent]


def as_sent(span: dict[str, Any], *, is_running: bool) -> dict[str, Any]:
    if not is_running:
        return span
    return {**span, "status": "pending", "end_time_unix_nano": None, "output": None}
