"""Thinning by a month's budget on both engines: what is kept whole, what is counted, who is told."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.both_engines import both, ministack_client, ministack_url
from tests.budgets import (
    HIGH,
    HOUR_NS,
    THINNING,
    TWIN,
    is_thinned,
    month_of_traces,
    opened,
    six_spans,
    sums_of,
    thin,
    trace_id,
)
from tests.builders import NOW_NS, put, span, span_id
from traces_app import budget, curation, retention
from traces_app.access import Access
from traces_app.bill import get_bill, month_of
from traces_app.domain.budget import mean_rate, work_out_rate
from traces_app.domain.fragments import pack_fragment, unpack_fragment
from traces_app.domain.packing import PackedSpan, pack_payload
from traces_app.domain.span import Usage
from traces_app.domain.summary import fragment_of
from traces_app.ingest import renormalize
from traces_app.queries import TraceFilter, get_trace, list_traces
from traces_app.spending import check_budget
from traces_app.storage import Stamp
from traces_app.storage.models import SpanItem
from traces_app.storage.store import Store

__all__ = ["both", "ministack_client", "ministack_url"]


# -- the store -------------------------------------------------------------------------------------
@pytest.mark.parametrize(("owners", "units"), [({}, 1), ({"session_id": "s", "user_id": "u"}, 3)])
def test_a_thinned_trace_of_six_spans_is_one_write_unit(
    both: Store, access: Access, owners: dict[str, str], units: int
) -> None:
    put(access, *six_spans(trace_id(1)))  # project and day are noted
    thin()
    assert put(access, *six_spans(trace_id(2), **owners)).write_units == units
    assert list(SpanItem.query(f"T#dev#{trace_id(2)}")) == []
    assert put(access, *six_spans(trace_id(3, HIGH), **owners)).write_units > units


def test_a_thinned_trace_opens_with_its_summary(both: Store, access: Access) -> None:
    thin()
    put(access, *six_spans(trace_id(1), tags=["t"], user_id="ana"))
    found = opened(trace_id(1))
    assert found.rows == []
    assert found.summary.thinned == 0.2
    assert (found.summary.name, found.summary.span_count, found.summary.user_id) == ("root", 6, "ana")
    assert found.summary.expires_at is not None
    listed = list_traces("dev", TraceFilter(), now_ns=NOW_NS).traces[0]
    assert (listed.thinned, listed.stored_bytes, listed.tags) == (0.2, 0, ["t"])


KEPT: dict[str, dict[str, Any]] = {
    "an error": {"status": "error"},
    "cancelled": {"status": "cancelled"},
    "slow": {"seconds": 31},
    "expensive": {"kind": "llm", "cost_usd": 0.2, "model": "m", "usage": Usage(1, 1)},
    "scored": {"scores": [{"name": "thumb", "value": "up"}]},
    "running": {"status": "pending", "end_ns": None},
    "without its root": {"parent_span_id": span_id(99)},
}


@pytest.mark.parametrize("fields", KEPT.values(), ids=KEPT.keys())
def test_what_is_not_plain_is_kept_whole(store: Store, access: Access, fields: dict[str, Any]) -> None:
    thin()
    spans = six_spans(trace_id(1), seconds=fields.get("seconds", 2))
    for name, value in fields.items():
        if name != "seconds":
            setattr(spans[0], name, value)
    if "cost_usd" in fields:
        spans = [spans[0]]
    put(access, *spans)
    assert not is_thinned(trace_id(1))


def test_what_a_rule_keeps_longer_is_kept_whole(store: Store, access: Access) -> None:
    thin()
    retention.set_rule("dev", condition="tag:gold", days="365", now_ns=NOW_NS)
    put(access, *six_spans(trace_id(1), tags=["gold"]))
    put(access, *six_spans(trace_id(2)))
    assert (is_thinned(trace_id(1)), is_thinned(trace_id(2))) == (False, True)


@pytest.mark.parametrize("foreign", [False, True])
def test_a_trace_in_pieces_is_kept_whole(both: Store, access: Access, *, foreign: bool) -> None:
    trace = "0" * 16 + "1" + "0" * 15 if foreign else trace_id(1)
    thin()
    spans = six_spans(trace)
    spans[1].status = "error"
    put(access, *spans[1:])
    put(access, spans[0])
    assert {row.span.name for row in opened(trace).rows} == {one.name for one in spans}


def test_a_pinned_trace_is_kept_when_it_comes_again(both: Store, access: Access) -> None:
    spans = six_spans(trace_id(1))
    thin()
    put(access, *spans)
    assert curation.pin_trace("dev", trace_id(1), now_ns=NOW_NS)
    put(access, *spans)
    assert not is_thinned(trace_id(1))


def test_a_batch_sent_again_changes_nothing_whatever_the_rate_is_by_then(both: Store, access: Access) -> None:
    before, during = six_spans(trace_id(1)), six_spans(trace_id(2))
    put(access, *before)
    thin()
    for rate in (0.2, 0.5, 0.01):
        thin(rate=rate)
        put(access, *before)
        put(access, *during)
    assert (is_thinned(trace_id(1)), is_thinned(trace_id(2))) == (False, True)
    assert opened(trace_id(2)).summary.thinned == 0.2
    assert len(both.read_listed("dev", trace_id(1), now_ns=NOW_NS)) == 1
    assert len(both.read_listed("dev", trace_id(2), now_ns=NOW_NS)) == 1
    budget.set_budget("dev", monthly_usd="", slow_s="", expensive_usd="", now_ns=NOW_NS)
    put(access, *during)
    assert not is_thinned(trace_id(2))
    listed = {trace.trace_id: trace for trace in list_traces("dev", TraceFilter(), now_ns=NOW_NS).traces}
    assert (listed[trace_id(2)].thinned, listed[trace_id(2)].span_count) == (None, 6)


def test_what_comes_later_is_kept_and_shown_beside_the_note(both: Store, access: Access) -> None:
    thin()
    put(access, *six_spans(trace_id(1)))
    late = span(7, trace_id=trace_id(1), parent_span_id=span_id(1), status="error", output="oh")
    put(access, late, now_ns=NOW_NS + 10**9)
    found = get_trace("dev", trace_id(1), now_ns=NOW_NS + 10**9)
    assert [row.span.span_id for row in found.rows] == [span_id(7)]
    assert (found.summary.thinned, found.summary.span_count, found.summary.error_count) == (0.2, 7, 1)
    assert found.summary.name == "root"


def test_reading_again_leaves_it_as_it_is(both: Store, access: Access) -> None:
    thin()
    put(access, *six_spans(trace_id(1)))
    late = span(7, trace_id=trace_id(1), parent_span_id=span_id(1), attributes={"gen_ai.system": "x"})
    put(access, late, now_ns=NOW_NS + 10**9)
    changed = list(renormalize("dev", now_ns=NOW_NS + 2 * 10**9))
    assert None not in changed
    found = get_trace("dev", trace_id(1), now_ns=NOW_NS + 2 * 10**9)
    assert (found.summary.thinned, found.summary.span_count) == (0.2, 7)


def test_it_is_tagged_pinned_and_deleted_as_any_other(both: Store, access: Access) -> None:
    thin()
    put(access, *six_spans(trace_id(1), session_id="s"))
    assert curation.tag_trace("dev", trace_id(1), "seen", now_ns=NOW_NS)
    said = {"name": "good", "value": "1", "comment": "", "who": "ana"}
    assert curation.score_span("dev", trace_id(1), span_id(1), **said, now_ns=NOW_NS + 10**9)
    found = get_trace("dev", trace_id(1), now_ns=NOW_NS + 10**9)
    assert (found.summary.tags, found.rows, found.summary.status) == (["seen"], [], "ok")
    (listed,) = list_traces("dev", TraceFilter(), now_ns=NOW_NS + 10**9).traces
    assert (listed.scores, listed.thinned, listed.span_count) == ({"good": 1.0}, 0.2, 6)
    assert curation.pin_trace("dev", trace_id(1), now_ns=NOW_NS)
    assert opened(trace_id(1)).summary.is_pinned
    assert curation.delete_trace("dev", trace_id(1), now_ns=NOW_NS)
    assert list_traces("dev", TraceFilter(session_id="s"), now_ns=NOW_NS).traces == []


def test_fragments_that_are_not_thinned_are_as_before() -> None:
    spans = six_spans(trace_id(1))
    whole, thinned = pack_fragment(fragment_of(spans)), pack_fragment(fragment_of(spans, thinned=0.2))
    assert (whole[0], thinned[0]) == (3, 4)
    assert unpack_fragment(whole, with_entries=True).facts.thinned is None
    assert unpack_fragment(thinned, with_entries=True).facts.thinned == 0.2


def test_a_store_without_thinning_keeps_everything(store: Store) -> None:
    packed = [PackedSpan(one, pack_payload(one)) for one in six_spans(trace_id(1))]
    store.append("dev", {trace_id(1): packed}, Stamp(NOW_NS, None))
    assert not is_thinned(trace_id(1))


# -- the rate --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("monthly", "spent", "forecast", "now", "rate"),
    [
        (None, 1.0, 9.0, 1.0, 1.0),
        (10.0, None, None, 0.2, 1.0),
        (10.0, 1.0, 9.0, 1.0, 1.0),
        (10.0, 5.0, 25.0, 1.0, 0.25),
        (10.0, 5.0, 11.0, 1.0, 0.75),
        (10.0, 10.5, 25.0, 1.0, 0.01),
        (10.0, 9.99, 25.0, 1.0, 0.01),
        (10.0, 5.0, 10.0, 0.25, 0.25),
        (10.0, 5.0, 7.5, 0.25, 0.5),
        (10.0, 1.0, 2.0, 0.25, 1.0),
    ],
)
def test_the_rate_is_what_is_left_of_what_is_to_come(
    monthly: float | None, spent: float | None, forecast: float | None, now: float, rate: float
) -> None:
    assert work_out_rate(monthly, spent, forecast, now)[0] == pytest.approx(rate)


@pytest.mark.parametrize(
    ("history", "mean"),
    [
        ([], 1.0),
        ([(50, 0.5)], 0.75),
        ([(-10, 0.2)], 0.2),
        ([(-10, 0.2), (0, 1.0), (50, 0.5)], 0.75),
        ([(25, 0.2), (75, 1.0)], 0.6),
    ],
)
def test_a_forecast_is_of_the_mean_rate(history: list[tuple[int, float]], mean: float) -> None:
    assert mean_rate(history, 0, 100) == pytest.approx(mean)


def test_looking_every_hour_does_not_thin_more_and_more(store: Store, access: Access) -> None:
    first_ns = month_of(NOW_NS).first_hour * HOUR_NS
    month_of_traces(access, first_ns, range(24))
    now_ns = first_ns + 25 * HOUR_NS
    bill = get_bill("dev", month_of(NOW_NS), now_ns=now_ns)
    assert bill.forecast is not None
    amount = str(bill.forecast.total_usd / 3)
    budget.set_budget("dev", monthly_usd=amount, slow_s="", expensive_usd="", now_ns=now_ns)
    rates = [check_budget("dev", now_ns=now_ns + hour * HOUR_NS).budget.keep_rate for hour in range(4)]
    assert len(set(rates)) == 1
    assert 0.2 <= rates[0] <= 0.34


def test_the_rate_decides_as_the_client_does(store: Store) -> None:
    from llm_tracer._sampling import Sampling

    rng = random.Random(1)
    ids = [f"{rng.getrandbits(128):032x}" for _ in range(5000)]
    ours, client = THINNING, Sampling(0.2, keeps_errors=True, slow_ns=None)
    assert [ours.takes(one) for one in ids] == [client.takes(one) for one in ids]
    assert 900 < sum(map(ours.takes, ids)) < 1100


# -- a month ---------------------------------------------------------------------------------------
def test_a_month_over_its_budget_is_thinned_and_counts_as_its_twin(both: Store, access: Access) -> None:
    first_ns = month_of(NOW_NS).first_hour * HOUR_NS
    for one in (access, TWIN):
        month_of_traces(one, first_ns, range(24))
    now_ns = first_ns + 25 * HOUR_NS
    bill = get_bill("dev", month_of(NOW_NS), now_ns=now_ns)
    assert bill.forecast is not None
    assert bill.spent is not None
    budget.set_budget(
        "dev", monthly_usd=str(bill.forecast.total_usd / 3), slow_s="30", expensive_usd="0.1", now_ns=now_ns
    )
    check = check_budget("dev", now_ns=now_ns)
    assert 0.1 <= check.budget.keep_rate <= 0.34
    assert "the forecast passes the budget" in check.text
    assert check.budget.thinned_since_ns == now_ns
    for one in (access, TWIN):
        month_of_traces(one, first_ns + 25 * HOUR_NS, range(24))
    now_ns = first_ns + 50 * HOUR_NS
    assert sums_of("dev", first_ns, now_ns) == sums_of("twin", first_ns, now_ns)
    later = [t for t in list_traces("dev", TraceFilter(), limit=1000, now_ns=now_ns).traces if t.thinned]
    plain = [t for t in later if not t.error_count and not t.scores and (t.duration_ms or 0) < 30_000]
    assert len(later) == len(plain) > 20
    thinned, twin = (
        get_bill("dev", month_of(NOW_NS), now_ns=now_ns),
        get_bill("twin", month_of(NOW_NS), now_ns=now_ns),
    )
    assert thinned.ledger.total_models().thinned == len(later)
    assert thinned.ledger.total_models().cost_nano_usd == twin.ledger.total_models().cost_nano_usd
    assert thinned.spent is not None
    assert twin.spent is not None
    assert thinned.spent.writes_usd < twin.spent.writes_usd
    assert twin.ledger.total_models().thinned == 0


def test_a_raised_budget_ends_the_thinning(store: Store, access: Access) -> None:
    put(access, *six_spans(trace_id(1)))
    thin()
    budget.set_budget("dev", monthly_usd="1000", slow_s="", expensive_usd="", now_ns=NOW_NS)
    check = check_budget("dev", now_ns=NOW_NS)
    assert (check.budget.keep_rate, check.budget.thinned_since_ns) == (1.0, None)


def test_an_unknown_forecast_keeps_everything(store: Store, access: Access, settings: Any) -> None:
    settings.AWS_REGION = "mars-north-1"
    thin()
    check = check_budget("dev", now_ns=NOW_NS)
    assert check.budget.keep_rate == 1.0
    assert "the forecast is not known" in check.text
