"""Stored spans read again by a better mapping: nothing lost, nothing doubled, lists and pages agree."""

from __future__ import annotations

import io
import time
from contextlib import nullcontext
from typing import Any

import pytest
from django.core.management import call_command

from tests.builders import NOW_NS, put, span, span_id, trace_id
from tests.otlp import facts
from tests.otlp.exports import CASES, expected_of, requests_of, send
from traces_app import ingest, queries
from traces_app.access import Access
from traces_app.api.body import JsonBody
from traces_app.api.native.translate import batch_of
from traces_app.domain import mapping, normalize
from traces_app.domain.span import Span, Usage
from traces_app.queries import TraceFilter
from traces_app.storage.models import MODELS, SpanItem
from traces_app.storage.store import Store

Items = dict[tuple[str, str], bytes]


def stored() -> Items:
    """Every item there is, by key."""
    return {(item.pk, item.sk): item.body for model in MODELS for item in model.scan()}


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("case", [case for case in CASES if case != "malformed-requests"])
def test_every_fact_of_a_capture_still_holds(
    case: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATE_LIMIT_RPM = 0
    for request in requests_of(case):
        send(case, request)
    monkeypatch.setattr(mapping, "VERSION", mapping.VERSION + 1)
    expected = expected_of(case)
    now_ns = time.time_ns()
    spans = sum(ingest.renormalize("dev", now_ns=now_ns))
    assert bool(spans) == bool(expected["spans_unique"])
    assert facts.check(expected).differences == []
    assert sum(ingest.renormalize("dev", now_ns=now_ns)) == 0


def call(number: int, **fields: Any) -> Span:
    """A call of a model as it comes from OpenTelemetry."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 10,
        "otel": {"scope": {"name": "x"}, "mapper": 0},
    }
    return span(number, attributes=attributes, parent_span_id=span_id(1), **fields)


@pytest.fixture
def by_old_mapping(store: Store, access: Access, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Three batches read by a mapping that knew neither kinds nor tokens, only that it was there."""
    with monkeypatch.context() as old:
        old.setattr(normalize, "map_span", mark_as_old)
        put(access, call(2), call(3))
        put(access, call(4), now_ns=NOW_NS + 10**9)
        put(access, span(1, session_id="s", user_id="u"), now_ns=NOW_NS + 2 * 10**9)
    return store


def mark_as_old(span_: Span) -> None:
    if "otel" in span_.attributes:
        span_.attributes["otel"]["mapper"] = mapping.VERSION - 1


def totals(**filters: Any) -> list[tuple[int, int | None, str | None]]:
    page = queries.list_traces("dev", TraceFilter(**filters), now_ns=NOW_NS)
    return [(trace.span_count, trace.input_tokens, trace.session_id) for trace in page.traces]


@pytest.mark.usefixtures("by_old_mapping")
def test_a_better_mapping_mends_pages_and_every_list() -> None:
    assert totals() == totals(session_id="s") == totals(user_id="u") == [(4, None, "s")]
    assert list(ingest.renormalize("dev", now_ns=NOW_NS)) == [3]
    assert totals() == totals(session_id="s") == totals(user_id="u") == [(4, 3000, "s")]
    opened = queries.get_trace("dev", trace_id(1), now_ns=NOW_NS)
    assert [row.span.kind for row in opened.rows] == ["other", "llm", "llm", "llm"]
    assert opened.summary.input_tokens == 3000
    assert opened.span(span_id(2)).attributes["otel"]["mapper"] == mapping.VERSION


def test_it_expires_when_it_did_and_leaves_nothing_behind(by_old_mapping: Store) -> None:
    expiries = {item.expires_at for model in MODELS for item in model.scan() if item.expires_at}
    before = stored()
    assert sum(ingest.renormalize("dev", now_ns=NOW_NS)) == 3
    after = stored()
    assert {item.expires_at for model in MODELS for item in model.scan() if item.expires_at} == expiries
    assert {pk for pk, _ in after} == {pk for pk, _ in before}
    assert len(after) == len(before)
    assert sum(ingest.renormalize("dev", now_ns=NOW_NS)) == 0
    assert stored() == after


def test_cut_off_before_it_deletes_it_ends_the_same(
    by_old_mapping: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_old_mapping.engine, "one_commit", nullcontext)  # as on DynamoDB
    with monkeypatch.context() as cut_off:
        cut_off.setattr(by_old_mapping.engine, "batch_delete", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            list(ingest.renormalize("dev", now_ns=NOW_NS))
    assert totals() == [(4, 3000, "s")]
    assert sum(ingest.renormalize("dev", now_ns=NOW_NS)) == 3
    assert totals() == totals(session_id="s") == [(4, 3000, "s")]
    assert sum(ingest.renormalize("dev", now_ns=NOW_NS)) == 0


@pytest.mark.usefixtures("by_old_mapping")
def test_a_trace_in_the_middle_of_a_batch_is_left_alone() -> None:
    for item in SpanItem.scan():
        item.delete()
        break
    before = stored()
    assert list(ingest.renormalize("dev", now_ns=NOW_NS)) == [None]
    assert stored() == before
    an_hour_later = NOW_NS + 3603 * 10**9
    assert list(ingest.renormalize("dev", now_ns=an_hour_later)) != [None]


@pytest.mark.usefixtures("store")
def test_what_a_native_sender_said_itself_stays(access: Access) -> None:
    said = span(1, kind="tool", model="mine", attributes={"gen_ai.request.model": "other"})
    put(access, said)
    before = stored()
    assert sum(ingest.renormalize("dev", now_ns=NOW_NS)) == 0
    assert stored() == before


@pytest.mark.usefixtures("store")
def test_a_cost_that_was_computed_is_no_report_afterwards(access: Access) -> None:
    native = span(1, kind="llm", usage=Usage(1000, 10), attributes={"gen_ai.system": "openai"})
    native.model = "gpt-4o-mini"
    put(access, native)
    before = stored()
    assert sum(filter(None, ingest.renormalize("dev", now_ns=NOW_NS))) == 0
    assert stored() == before
    assert queries.get_trace("dev", trace_id(1), now_ns=NOW_NS).span(span_id(1)).cost_source == "computed"


@pytest.mark.usefixtures("store")
def test_a_native_attribute_called_otel_makes_no_span_of_opentelemetrys(access: Access) -> None:
    said = {"otel": {"mapper": 0}, "gen_ai.request.model": "other"}
    sent = {
        "trace_id": trace_id(1),
        "span_id": span_id(1),
        "name": "n",
        "kind": "tool",
        "model": "mine",
        "attributes": said,
    }
    put(access, *batch_of(JsonBody({"spans": [sent]}, [])).spans)
    assert sum(filter(None, ingest.renormalize("dev", now_ns=NOW_NS))) == 0
    kept = queries.get_trace("dev", trace_id(1), now_ns=NOW_NS).span(span_id(1))
    assert (kept.kind, kept.model, kept.attributes["otel (attribute)"]) == ("tool", "mine", {"mapper": 0})


@pytest.mark.usefixtures("by_old_mapping")
def test_the_command_says_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: NOW_NS)
    out = io.StringIO()
    call_command("renormalize", "dev", stdout=out)
    assert out.getvalue() == "dev: 3 spans changed in 1 traces\n"
