"""The open span, what holds in a block, other threads, scores, links, and headers between processes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from llm_tracer import SyncTracerClient
from llm_tracer.testing import CapturedSpans

HEADER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_the_open_span_can_be_asked_for(tracer: SyncTracerClient) -> None:
    assert not tracer.current_span()
    tracer.current_span().set_metadata(a=1)  # does nothing, and does not raise
    with tracer.trace("root") as trace, trace.span("call") as span:
        assert tracer.current_span() is span
        assert not SyncTracerClient(api_key="project-other", spool=False).current_span()
    assert not tracer.current_span()


def test_what_a_context_says_is_on_every_span_begun_inside(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    with tracer.trace("root"):
        with tracer.context(user_id="ann", session_id="s", tags=["a"], metadata={"k": 1, "l": 1}):
            with tracer.context(tags="b", metadata={"l": 2}), tracer.span("inner", metadata={"m": 3}):
                pass
            with tracer.trace("own", user_id="bob"):
                pass
        with tracer.span("after"):
            pass
    tracer.flush()
    inner, own = captured.one("inner"), captured.one("own")
    assert (inner["user_id"], inner["session_id"], inner["tags"]) == ("ann", "s", ["a", "b"])
    assert inner["metadata"] == {"k": 1, "l": 2, "m": 3}
    assert own["user_id"] == "bob"
    assert {"user_id", "session_id", "tags", "metadata"}.isdisjoint(captured.one("after"))


def test_a_wrapped_function_carries_the_open_span_to_every_thread_of_a_pool(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    gate = threading.Barrier(4)

    def work(number: int) -> None:
        gate.wait(5)
        with tracer.span(f"work {number}"):
            pass

    with tracer.trace("root") as trace, ThreadPoolExecutor(4) as pool:
        list(pool.map(tracer.wrap(work), range(4)))
    tracer.flush()
    assert {span["parent_span_id"] for span in captured.spans if span["name"] != "root"} == {trace.span_id}


def test_scores_of_the_open_span_are_part_of_it(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    with tracer.trace("root"):
        tracer.score("helpful", 0.9, comment="good")
        tracer.score("polite", True)
    tracer.score("nobody", 1)
    tracer.flush()
    assert captured.one("root")["scores"] == [
        {"name": "helpful", "value": 0.9, "comment": "good"},
        {"name": "polite", "value": True},
    ]


def test_a_score_that_comes_later_is_an_evaluation_below_what_it_judges(
    tracer: SyncTracerClient, captured: CapturedSpans
) -> None:
    with tracer.trace("root") as trace:
        pass
    tracer.score("thumbs", "up", trace_id=trace.trace_id)
    tracer.flush()
    sent = captured.one("thumbs")
    assert (sent["trace_id"], sent["parent_span_id"]) == (trace.trace_id, trace.span_id)
    assert (sent["kind"], sent["scores"]) == ("evaluator", [{"name": "thumbs", "value": "up"}])


def test_a_trace_has_a_link(tracer: SyncTracerClient) -> None:
    assert tracer.trace_url() == ""
    with tracer.trace("root") as trace:
        assert trace.url == f"http://localhost:8001/dashboard/t/{trace.trace_id}"
        assert tracer.trace_url() == tracer.trace_url(trace) == tracer.trace_url(trace.trace_id) == trace.url


def test_a_trace_goes_on_where_the_headers_say(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    with tracer.trace("server", parent={"Traceparent": HEADER}), tracer.span("inside"):
        pass
    tracer.flush()
    server = captured.one("server")
    assert server["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert server["parent_span_id"] == "b7ad6b7169203331"
    assert captured.one("inside")["parent_span_id"] == server["span_id"]


def test_headers_written_here_are_read_there(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    assert tracer.inject({}) == {}
    with tracer.trace("client") as trace:
        headers = tracer.inject({"accept": "*/*"})
    assert headers["traceparent"] == f"00-{trace.trace_id}-{trace.span_id}-01"
    with tracer.trace("server", parent=headers):
        pass
    tracer.flush()
    assert captured.one("server")["parent_span_id"] == captured.one("client")["span_id"]
    assert captured.one("server")["span_id"] != captured.one("client")["span_id"]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        HEADER.upper(),
        HEADER + "-more",
        HEADER.replace("00-", "ff-", 1),
        HEADER.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        HEADER.replace("b7ad6b7169203331", "0" * 16),
        None,
        5,
        [("a",)],
    ],
)
def test_a_header_that_is_not_valid_is_ignored(tracer: SyncTracerClient, header: object) -> None:
    trace = tracer.trace("server", parent={"traceparent": header})  # type: ignore[dict-item]
    assert (trace.parent_span_id, trace.span_id) == (None, trace.trace_id[16:])
    assert tracer.trace("server", parent=header).parent_span_id is None  # type: ignore[arg-type]


def test_later_versions_of_the_header_are_read_as_far_as_they_are_known(tracer: SyncTracerClient) -> None:
    trace = tracer.trace("server", parent=HEADER.replace("00-", "01-", 1) + "-more")
    assert trace.parent_span_id == "b7ad6b7169203331"
