"""How long finished spans of a running trace wait, under a clock that is moved."""

from __future__ import annotations

import json
import time

import pytest

from llm_tracer import SyncTracerClient
from llm_tracer._delivery.batch import BatchBuilder
from llm_tracer._delivery.outbox import Outbox
from llm_tracer._delivery.pace import Pace
from llm_tracer._delivery.queue import SpanQueue
from llm_tracer._delivery.traces import TraceGroups
from llm_tracer._mask import Mask
from llm_tracer._record import Recorder
from llm_tracer._settings import Settings
from llm_tracer._state import Source
from llm_tracer._trace import Trace, start_trace
from llm_tracer.testing import CapturedSpans

LOOK_SECONDS = 0.25


class Clocked:
    """The client's own way from the queue to batches, without its thread; seconds begin where told."""

    def __init__(self, now: float = 5000.0) -> None:
        self.began_at = self.now = now
        self.queue = SpanQueue(lambda: None)
        self.source = Source(self.queue, "")
        settings = Settings("http://localhost", None, None, True, 5.0, None, None, None)
        self.outbox = Outbox(self.queue, BatchBuilder(settings), Recorder(Mask()), Pace())
        self.sent: list[tuple[float, list[str]]] = []
        """When each batch left, from the beginning, and the names in it; those of running spans with a +."""

    def pass_seconds(self, seconds: float) -> None:
        end = self.now + seconds
        self.look()
        while self.now < end:
            self.now = min(end, self.now + LOOK_SECONDS)
            self.look()

    def look(self, *, is_hurried: bool = False) -> None:
        self.outbox.collect(self.now)
        while (due_at := self.outbox.due_at(self.now, is_hurried=is_hurried)) is not None:
            if due_at > self.now:
                return
            spans = json.loads(self.outbox.next_batch(self.now, is_hurried=is_hurried).body)["spans"]
            names = [span["name"] + "+" * (span["status"] == "pending") for span in spans]
            self.sent.append((self.now - self.began_at, names))

    def opened_trace(self, name: str = "run") -> Trace:
        trace = start_trace(self.source, {}, name)
        trace.__enter__()
        return trace


def run_of_turns(clocked: Clocked, turns: int, seconds: float) -> Trace:
    trace = clocked.opened_trace()
    for number in range(turns):
        clocked.pass_seconds(seconds)
        trace.span(f"turn {number + 1}").finish()
    return trace


def leave(clocked: Clocked, trace: Trace) -> None:
    trace.__exit__(None, None, None)
    clocked.pass_seconds(LOOK_SECONDS)


def test_a_run_of_thirty_turns_takes_few_batches_that_lag_by_half_its_age_at_most() -> None:
    clocked = Clocked()
    leave(clocked, run_of_turns(clocked, turns=30, seconds=5.0))
    assert clocked.sent[0] == (1.0, ["run+"])
    assert len(clocked.sent) <= 10
    names = [name for _, batch in clocked.sent[1:] for name in batch]
    assert names == [*(f"turn {number + 1}" for number in range(30)), "run"]
    for left_at, batch in clocked.sent[1:-1]:
        for name in batch:
            ended_at = 5.0 * int(name.split()[1])
            assert left_at - ended_at <= ended_at / 2 + LOOK_SECONDS
    assert clocked.sent[-1][0] <= 150 + LOOK_SECONDS


def test_batches_grow_with_the_logarithm_of_the_run_and_then_one_a_minute() -> None:
    counts = {}
    for turns in (100, 200, 400):
        clocked = Clocked()
        leave(clocked, run_of_turns(clocked, turns=turns, seconds=0.5))
        counts[turns] = len(clocked.sent)
    assert counts[200] - counts[100] <= 2
    assert counts[400] - counts[200] <= 2
    hour = Clocked()
    leave(hour, run_of_turns(hour, turns=360, seconds=10.0))
    gaps = [after - before for (before, _), (after, _) in zip(hour.sent, hour.sent[1:], strict=False)]
    assert max(gaps) <= TraceGroups.MAX_WAIT_SECONDS + 10.0 + LOOK_SECONDS
    assert 50 <= len(hour.sent) <= 75


def test_a_young_trace_is_shown_after_a_second_with_its_finished_spans() -> None:
    clocked = Clocked()
    trace = clocked.opened_trace()
    trace.span("first").finish()
    clocked.pass_seconds(2.0)
    assert clocked.sent == [(1.0, ["run+", "first"])]


def test_a_span_that_comes_after_its_root_waits_a_second_however_old_the_trace() -> None:
    clocked = Clocked()
    trace = run_of_turns(clocked, turns=1, seconds=100.0)
    late = trace.span("late")
    leave(clocked, trace)
    late.finish()
    clocked.pass_seconds(1.0)
    assert clocked.sent[-1][1] == ["late"]


def test_a_failed_span_leaves_after_a_second_with_what_waits_however_old_the_trace() -> None:
    clocked = Clocked()
    trace = run_of_turns(clocked, turns=1, seconds=100.0)
    clocked.pass_seconds(60.0)
    trace.span("waiting").finish()
    clocked.pass_seconds(5.0)
    sent = len(clocked.sent)
    failed = trace.span("failed")
    failed.set_error("out of memory")
    failed.finish()
    clocked.pass_seconds(1.25)
    assert [names for _, names in clocked.sent[sent:]] == [["waiting", "failed"]]


def test_a_short_trace_leaves_at_its_end_and_takes_no_running_one_along() -> None:
    clocked = Clocked()
    run = run_of_turns(clocked, turns=1, seconds=100.0)
    clocked.pass_seconds(1.0)
    short = clocked.opened_trace("short")
    leave(clocked, short)
    assert clocked.sent[-1][1] == ["short"]
    assert clocked.outbox.count == 1
    leave(clocked, run)
    assert clocked.sent[-1][1] == ["turn 1", "run"]


def test_who_waits_for_a_flush_gets_waiting_spans_at_once() -> None:
    clocked = Clocked()
    run_of_turns(clocked, turns=1, seconds=100.0)
    clocked.look(is_hurried=True)
    assert clocked.sent[-1] == (100.0, ["turn 1"])


@pytest.mark.parametrize(("count", "size_bytes"), [(TraceGroups.CROWDED_SPANS, 0), (90, 100_000)])
def test_waiting_spans_are_bounded_in_bytes_and_in_count(count: int, size_bytes: int) -> None:
    clocked = Clocked()
    clocked.pass_seconds(1.0)
    trace = run_of_turns(clocked, turns=1, seconds=100.0)
    for _ in range(count):
        trace.span("more", "tool", "x" * size_bytes).finish()
    clocked.look()
    assert clocked.outbox.count < count
    assert not clocked.outbox.is_full
    assert clocked.outbox.count > count / 2  # what fits may wait


def test_many_spans_of_a_running_trace_make_no_empty_batches() -> None:
    clocked = Clocked()
    trace = clocked.opened_trace()
    for _ in range(2 * Pace.BATCH_SPANS):
        trace.span("quick").finish()
    clocked.pass_seconds(3.0)
    assert all(names for _, names in clocked.sent)
    assert sum(len(names) for _, names in clocked.sent) == 2 * Pace.BATCH_SPANS + 1


def test_counts_hold_when_complete_traces_leave_in_pieces() -> None:
    clocked = Clocked()
    for _ in range(3):
        trace = clocked.opened_trace()
        for _ in range(Pace.BATCH_SPANS // 2):
            trace.span("quick").finish()
        trace.__exit__(None, None, None)
    clocked.pass_seconds(5.0)
    groups = clocked.outbox._groups
    assert (groups.count, groups.size_bytes, groups.complete_count, groups.complete_bytes) == (0, 0, 0, 0)
    assert groups.due_at() is None
    assert sum(len(names) for _, names in clocked.sent) == 3 * (Pace.BATCH_SPANS // 2 + 1)


def test_what_waits_is_counted_as_pending_and_delivered_by_the_close(captured: CapturedSpans) -> None:
    tracer = SyncTracerClient(api_key="project-shop", transport=captured)
    trace = tracer.trace("run")
    trace.__enter__()
    time.sleep(0.1)
    trace.shared_state.seen_at = time.monotonic() - 100  # the run is old
    trace.span("turn").finish()
    time.sleep(1.5)
    assert [span["name"] for span in captured.spans] == ["run"]
    assert tracer.flush(0).pending == 1
    assert tracer.close() == (1, 0, 0)
    assert {span["name"] for span in captured.spans} == {"run", "turn"}
