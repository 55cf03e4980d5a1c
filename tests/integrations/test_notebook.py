"""trace_summary: a trace as a notebook shows it, read from a real server."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from llm_tracer import SyncTracerClient
from llm_tracer.integrations.notebook import MAX_ROWS, TraceSummary, trace_summary
from tests.servers import our_server

HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
def tracer(store: object) -> Iterator[SyncTracerClient]:
    with our_server() as url, SyncTracerClient(base_url=url, api_key="project-dev") as tracer:
        yield tracer


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: dict[str, list[dict[str, str | None]]] = {}
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.setdefault(tag, []).append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_summary_shows_the_spans_with_times_tokens_and_a_link(tracer: SyncTracerClient) -> None:
    with tracer.trace("question", input="Lisbon?") as trace:
        with trace.span("answer", "llm", model="gpt-4o") as span:
            span.set_output("tarts", tokens_input=1_200, tokens_output=80)
        trace.set_output("tarts")
    summary = trace_summary(tracer, trace)
    page = Tags(summary._repr_html_())
    assert page.seen["a"][0]["href"] == f"{tracer.base_url}/dashboard/t/{trace.trace_id}"
    assert len(page.seen["tr"]) == 1 + 2
    for shown in ("question · ok", "answer", "llm", "gpt-4o", "1,200 → 80", "$0.003800", "asked: Lisbon?"):
        assert shown in page.text
    assert "answer  llm  gpt-4o" in repr(summary)
    assert summary.trace["span_count"] == 2


def test_the_newest_trace_is_shown_when_none_is_named(tracer: SyncTracerClient) -> None:
    assert repr(trace_summary(tracer)) == "no trace: LookupError: the project has no traces yet"
    with tracer.trace("only"):
        pass
    assert trace_summary(tracer).trace["name"] == "only"


def test_every_text_is_escaped(tracer: SyncTracerClient) -> None:
    with tracer.trace(HOSTILE, input=HOSTILE) as trace:
        with trace.span(HOSTILE, "llm", model=HOSTILE):
            pass
        trace.set_output(HOSTILE)
    page = Tags(trace_summary(tracer, trace)._repr_html_())
    assert set(page.seen) <= {"p", "b", "a", "table", "thead", "tbody", "tr", "th", "td"}
    assert page.text.count(HOSTILE) == 6


def test_a_link_that_is_none_is_not_offered() -> None:
    document = {"trace": {"name": "x"}, "spans": []}
    assert "a" not in Tags(TraceSummary(document, url="javascript:alert(1)")._repr_html_()).seen


def test_a_long_trace_shows_its_beginning(tracer: SyncTracerClient) -> None:
    with tracer.trace("many") as trace:
        for _ in range(MAX_ROWS + 5):
            trace.span("step").finish()
    page = Tags(trace_summary(tracer, trace)._repr_html_())
    assert len(page.seen["tr"]) == 1 + MAX_ROWS
    assert "6 more spans" in page.text


def test_a_trace_that_is_not_there_and_a_server_that_is_away_are_said(tracer: SyncTracerClient) -> None:
    assert "404" in trace_summary(tracer, "ab" * 16)._repr_html_()
    away = SyncTracerClient(base_url="http://localhost:9", api_key="project-dev")
    assert "ConnectError" in repr(trace_summary(away, "ab" * 16))
    away.close(timeout=0)
