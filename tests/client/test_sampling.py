"""Which traces are sent."""

from __future__ import annotations

import pytest

from llm_tracer import SyncTracerClient
from llm_tracer._sampling import HeldTrace, sampling_of
from llm_tracer.testing import CapturedSpans


def client(captured: CapturedSpans, **more: object) -> SyncTracerClient:
    return SyncTracerClient(api_key="project-shop", transport=captured, **more)  # type: ignore[arg-type]


def test_a_share_of_traces_is_sent_and_each_is_whole(captured: CapturedSpans) -> None:
    with client(captured, sample_rate=0.25) as tracer:
        for _ in range(400):
            with tracer.trace("root"), tracer.span("call"):
                pass
        result = tracer.flush()
    traces = {span["trace_id"] for span in captured.spans}
    assert 50 < len(traces) < 160
    assert len(captured.spans) == 2 * len(traces)
    assert result == (2 * len(traces), 0, 0)


def test_processes_that_share_a_trace_decide_alike(captured: CapturedSpans) -> None:
    kept = {rate: sampling_of(rate, keep_errors=False, keep_slower_than=None) for rate in (0.1, 0.5)}
    for number in range(100):
        trace_id = f"{number * 7919 % 2**56:032x}"
        few, many = (kept[rate].takes(trace_id) for rate in (0.1, 0.5))
        assert many or not few
    with client(captured, sample_rate=0.0) as tracer, tracer.trace("root"):
        assert tracer.inject({})["traceparent"].endswith("-00")
    assert captured.spans == []


def test_of_the_others_those_that_fail_are_sent_whole(captured: CapturedSpans) -> None:
    with client(captured, sample_rate=0, keep_errors=True) as tracer:
        with tracer.trace("good"), tracer.span("call"):
            pass
        with tracer.trace("bad") as trace:
            with tracer.span("before"):
                pass
            with pytest.raises(ValueError, match="x"), tracer.span("fails"):
                raise ValueError("x")
        with trace.span("late"):
            pass
    assert {span["name"] for span in captured.spans} == {"before", "fails", "bad", "late"}


def test_of_the_others_those_that_take_long_are_sent(captured: CapturedSpans) -> None:
    with client(captured, sample_rate=0, keep_slower_than=0.02) as tracer:
        with tracer.trace("quick"):
            pass
        slow = tracer.trace("slow")
        slow._start_ns -= 21_000_000
        slow.finish()
    assert [span["name"] for span in captured.spans] == ["slow"]


def test_what_is_held_is_bounded_and_what_did_not_fit_is_told(
    captured: CapturedSpans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeldTrace, "MAX_SPANS", 3)
    with client(captured, sample_rate=0, keep_errors=True) as tracer, tracer.trace("root") as trace:
        for _ in range(5):
            with tracer.span("call"):
                pass
        trace.set_error("no")
    assert len(captured.spans) == 4
    assert captured.one("root")["dropped"] == {"held_full": 2}


@pytest.mark.parametrize("rate", ["many", None, float("nan"), 2])
def test_a_rate_that_is_none_sends_everything(captured: CapturedSpans, rate: object) -> None:
    with client(captured, sample_rate=rate) as tracer, tracer.trace("root"):
        pass
    assert len(captured.spans) == 1
