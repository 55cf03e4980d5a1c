"""Rules, pins and expiry with a moved clock, on both engines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.both_engines import both, dying, items_of, ministack_client, ministack_url
from tests.builders import NOW_NS, own_trace_id, put, span, span_id, trace_id
from traces_app import curation, retention
from traces_app.access import Access
from traces_app.domain.retention import Retention
from traces_app.domain.search import parse_search
from traces_app.domain.span import Span
from traces_app.queries import TraceFilter, TraceNotFound, get_trace, list_traces
from traces_app.searching import search_traces
from traces_app.statistics import get_statistics
from traces_app.storage import keys
from traces_app.storage.models import SpanItem, TraceItem
from traces_app.storage.rollups import WATCHED_AFTER_NS
from traces_app.storage.store import Store

__all__ = ["both", "ministack_client", "ministack_url"]

DAY_NS = 86_400 * 10**9
OWN, FOREIGN = own_trace_id(NOW_NS // 10**6 - 60_000, 7), trace_id(9)


@pytest.fixture
def rules(both: Store) -> Store:
    """Errors 180 days, scored 365, the rest 30."""
    retention.set_rule("dev", condition="error:true", days="180", now_ns=NOW_NS)
    retention.set_rule("dev", condition="scored:true", days="365", now_ns=NOW_NS)
    retention.set_rest("dev", days="30", now_ns=NOW_NS)
    return both


def root(trace: str, **fields: Any) -> Span:
    return span(1, trace_id=trace, **{"name": "root", "session_id": "s", "user_id": "ana"} | fields)


def child(trace: str, number: int = 2, **fields: Any) -> Span:
    return span(number, trace_id=trace, parent_span_id=span_id(1), **fields)


def after(days: float) -> int:
    return NOW_NS + int(days * DAY_NS)


def listed(now_ns: int, **asked: Any) -> list[str]:
    return [trace.trace_id for trace in list_traces("dev", TraceFilter(**asked), now_ns=now_ns).traces]


def is_open(trace: str, now_ns: int) -> bool:
    try:
        return bool(get_trace("dev", trace, now_ns=now_ns).rows)
    except TraceNotFound:
        return False


def seen(trace: str, now_ns: int) -> set[str]:
    """Where people see it."""
    hour = NOW_NS - NOW_NS % (3_600 * 10**9)
    counted = get_statistics("dev", "main", since_ns=hour - DAY_NS, until_ns=hour + DAY_NS, now_ns=now_ns)
    places = {
        "list": trace in listed(now_ns),
        "session": trace in listed(now_ns, session_id="s"),
        "user": trace in listed(now_ns, user_id="ana"),
        "trace": is_open(trace, now_ns),
        "statistics": counted.everything().count > 0,
    }
    return {name for name, is_there in places.items() if is_there}


EVERYWHERE = {"list", "session", "user", "trace", "statistics"}


def moments(trace: str) -> set[int | None]:
    """When its spans and fragments expire; its anchor lives on for a day."""
    return {item.expires_at for item in items_of(trace) if not item.pk.startswith("A#")}


def days_kept(trace: str) -> set[int | None]:
    return {None if moment is None else (moment - NOW_NS // 10**9) // 86_400 for moment in moments(trace)}


@pytest.mark.parametrize("trace", [OWN, FOREIGN], ids=["own id", "foreign id"])
def test_a_trace_leaves_everything_at_its_time(rules: Store, access: Access, trace: str) -> None:
    put(access, root(trace))
    assert seen(trace, after(29.9)) == EVERYWHERE
    assert seen(trace, after(30.1)) == set()


def test_errors_and_scores_live_longer(rules: Store, access: Access) -> None:
    failed, scored, both = (own_trace_id(NOW_NS // 10**6, number) for number in (1, 2, 3))
    put(access, root(failed, status="error"))
    put(access, root(scored, scores=[{"name": "good", "value": 1}]))
    put(access, root(both, status="error", scores=[{"name": "good", "value": 1}]))
    put(access, root(OWN))
    assert set(listed(after(179))) == {failed, scored, both}
    assert set(listed(after(181))) == {scored, both}
    assert seen(failed, after(179)) == EVERYWHERE
    assert listed(after(366.1)) == []


def test_without_rules_the_setting_says_how_long(both: Store, access: Access, settings: Any) -> None:
    settings.RETENTION_DAYS = 7
    put(access, root(OWN))
    assert days_kept(OWN) == {7}
    assert get_trace("dev", OWN, now_ns=NOW_NS).summary.expires_at == moments(OWN).pop()


LATER = {
    "an error comes last": [[child(OWN)], [root(OWN, status="error")]],
    "an error comes first": [[child(OWN, status="error")], [root(OWN)]],
    "an error comes between": [[child(OWN)], [child(OWN, 3, status="error")], [root(OWN)]],
    "the root is announced": [
        [root(OWN, end_ns=None, status="pending")],
        [child(OWN, status="error")],
        [root(OWN)],
    ],
}


@pytest.mark.parametrize("batches", LATER.values(), ids=LATER.keys())
@pytest.mark.parametrize("is_own", [True, False], ids=["own id", "foreign id"])
def test_all_batches_of_a_trace_live_as_long_as_the_longest(
    rules: Store, access: Access, batches: list[list[Span]], *, is_own: bool
) -> None:
    trace = OWN if is_own else FOREIGN
    for seconds, batch in enumerate(batches):
        for one in batch:
            one.trace_id = trace
        put(access, *batch, now_ns=NOW_NS + seconds * 10**9)
    assert days_kept(trace) == {180}
    assert len(moments(trace)) == 1
    assert seen(trace, after(179)) == EVERYWHERE
    assert seen(trace, after(181)) == set()


def test_an_anchor_outlives_its_trace(rules: Store, access: Access) -> None:
    put(access, child(FOREIGN))
    put(access, root(FOREIGN, scores=[{"name": "good", "value": 0.5}]))
    curation.pin_trace("dev", FOREIGN, now_ns=NOW_NS)
    put(access, child(FOREIGN, 3, session_id="late"))
    anchor = TraceItem.get(keys.anchor_partition("dev", FOREIGN), keys.ONLY)
    assert (anchor.expires_at or 0) > after(36_500) // 10**9
    assert moments(FOREIGN) == {None}


def test_a_batch_days_later_takes_the_whole_trace_with_it(both: Store, access: Access) -> None:
    put(access, child(OWN))
    put(access, root(OWN), now_ns=after(80))
    assert days_kept(OWN) == {170}
    assert is_open(OWN, after(169))


def test_a_late_batch_after_a_shortening_does_not_shorten(rules: Store, access: Access) -> None:
    put(access, child(OWN, status="error"))
    retention.set_rule("dev", condition="error:true", days="10", now_ns=NOW_NS)
    put(access, root(OWN))
    assert days_kept(OWN) == {180}


def test_a_day_stays_listed_as_long_as_any_of_its_traces(both: Store, access: Access) -> None:
    retention.set_rule("dev", condition="error:true", days="400", now_ns=NOW_NS)
    put(access, root(OWN, status="error"))
    retention.remove_rule("dev", condition="error:true", now_ns=NOW_NS)
    retention.set_rest("dev", days="2", now_ns=NOW_NS)
    put(access, root(FOREIGN))
    other = Store(both.engine)
    assert listed(after(399)) == [OWN]
    assert [trace.trace_id for _, trace in other.iterate_traces("dev", now_ns=after(399))] == [OWN]


def test_expired_items_are_swept_and_a_file_does_not_grow(store: Store, access: Access) -> None:
    retention.set_rest("dev", days="30", now_ns=NOW_NS)

    def fill(now_ns: int) -> None:
        for number in range(40):
            trace = own_trace_id(now_ns // 10**6, number)
            put(access, root(trace, start_ns=now_ns, end_ns=now_ns + 1, input="x" * 3000), now_ns=now_ns)

    def pages() -> tuple[int, int]:
        with store.engine.client._database.read() as connection:  # type: ignore[attr-defined]
            return tuple(
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count")
            )

    fill(NOW_NS)
    full, _ = pages()
    assert store.engine.sweep(after(31) // 10**9) >= 40 * 4
    assert list(SpanItem.scan()) == []
    assert pages()[1] > full // 3
    fill(after(31))
    assert pages()[0] <= full + full // 4


def test_batches_in_one_moment_live_equally_long(rules: Store, access: Access) -> None:
    """Whatever order their writes and looks come in."""
    for number in range(12):
        trace = own_trace_id(NOW_NS // 10**6, number) if number % 2 else trace_id(100 + number)
        batches = [
            [child(trace)],
            [child(trace, 3, status="error")],
            [child(trace, 4, session_id="s")],
            [root(trace)],
        ]
        with ThreadPoolExecutor(len(batches)) as threads:
            list(threads.map(lambda batch: put(access, *batch), batches))
        assert days_kept(trace) == {180}


def test_days_that_an_earlier_version_listed_are_still_listed(both: Store, access: Access) -> None:
    put(access, root(OWN))
    for entry in list(TraceItem.query(keys.days_partition("dev"))):
        day, shard, _ = entry.sk.split("#")
        entry.delete()
        TraceItem(entry.pk, f"{day}#{shard}", v=1, at=1, expires_at=entry.expires_at, body=b"{}").save()
    assert listed(NOW_NS) == [OWN]
    put(access, root(FOREIGN))
    assert set(listed(NOW_NS)) == {OWN, FOREIGN}


# -- pins ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("trace", [OWN, FOREIGN], ids=["own id", "foreign id"])
def test_a_pinned_trace_is_kept_for_ever_with_what_comes_later(
    rules: Store, access: Access, trace: str
) -> None:
    put(access, child(trace, session_id="s", user_id="ana"))
    assert curation.pin_trace("dev", trace, now_ns=NOW_NS)
    assert curation.pin_trace("dev", trace, now_ns=NOW_NS)
    put(access, root(trace))
    assert moments(trace) == {None}
    assert seen(trace, after(3000)) == EVERYWHERE
    rules.engine.sweep(after(3000) // 10**9)
    found = search_traces("dev", parse_search("pinned:true"), now_ns=after(3000))
    assert [(one.trace_id, one.is_pinned, one.span_count) for one in found.traces] == [(trace, True, 2)]
    assert get_trace("dev", trace, now_ns=after(3000)).summary.is_pinned


@pytest.mark.parametrize("trace", [OWN, FOREIGN], ids=["own id", "foreign id"])
def test_a_project_without_rules_keeps_its_pins_whole(both: Store, access: Access, trace: str) -> None:
    put(access, child(trace))
    curation.pin_trace("dev", trace, now_ns=NOW_NS)
    put(access, root(trace, session_id="later"))
    assert moments(trace) == {None}
    in_session = search_traces("dev", parse_search("session:later pinned:true"), now_ns=after(500))
    assert [one.trace_id for one in in_session.traces] == [trace]


@pytest.mark.parametrize("days", [0.9, 1.1, 2.5, 80])
def test_a_batch_long_after_the_pin_is_kept_for_ever_too(both: Store, access: Access, days: float) -> None:
    put(access, child(OWN))
    curation.pin_trace("dev", OWN, now_ns=NOW_NS)
    put(access, root(OWN), now_ns=after(days))
    assert moments(OWN) == {None}


def test_a_pin_of_days_ago_costs_batches_nothing(both: Store, access: Access) -> None:
    put(access, root(OWN))
    curation.pin_trace("dev", OWN, now_ns=NOW_NS)
    assert retention.retention_of("dev", now_ns=after(1.9)).varies
    assert not retention.retention_of("dev", now_ns=after(2.1)).varies


def test_applying_mends_what_a_server_wrote_that_did_not_know_of_the_pin_yet(
    both: Store, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(access, child(OWN))
    curation.pin_trace("dev", OWN, now_ns=NOW_NS)
    monkeypatch.setitem(retention._remembered._known, "dev", (NOW_NS, Retention(90)))
    put(access, root(OWN))
    assert len(moments(OWN)) == 2
    assert list(curation.apply_retention("dev", change=True, now_ns=NOW_NS)) == ["longer"]
    assert moments(OWN) == {None}


def test_unpinning_brings_the_rule_back(rules: Store, access: Access) -> None:
    put(access, root(OWN, status="error"))
    before = moments(OWN)
    curation.pin_trace("dev", OWN, now_ns=NOW_NS)
    unpinned = curation.unpin_trace("dev", OWN, now_ns=after(10))
    assert unpinned is not None
    assert (moments(OWN), {unpinned.expires_at}, unpinned.is_overdue) == (before, before, False)
    assert not get_trace("dev", OWN, now_ns=NOW_NS).summary.is_pinned
    assert curation.unpin_trace("dev", OWN, now_ns=after(10)) == unpinned


def test_an_unpinned_trace_whose_day_has_passed_stays_a_day(rules: Store, access: Access) -> None:
    put(access, root(OWN))
    curation.pin_trace("dev", OWN, now_ns=NOW_NS)
    unpinned = curation.unpin_trace("dev", OWN, now_ns=after(100))
    assert unpinned == (after(101) // 10**9, True)
    assert is_open(OWN, after(100.9))
    assert seen(OWN, after(101.1)) == set()


def test_what_is_not_there_is_neither_pinned_nor_unpinned(both: Store, access: Access) -> None:
    for trace in (OWN, FOREIGN, "nonsense"):
        assert not curation.pin_trace("dev", trace, now_ns=NOW_NS)
        assert curation.unpin_trace("dev", trace, now_ns=NOW_NS) is None
    put(access, root(OWN))
    assert not curation.pin_trace("dev", OWN, now_ns=after(91))
    assert not curation.pin_trace("shop", OWN, now_ns=NOW_NS)


def test_a_pin_survives_reading_anew_and_a_tag(rules: Store, access: Access) -> None:
    put(access, root(OWN))
    curation.pin_trace("dev", OWN, now_ns=NOW_NS)
    curation.tag_trace("dev", OWN, "good", now_ns=after(50))
    position = rules.position_of("dev", OWN, now_ns=NOW_NS) or ""
    rules.rewrite_trace("dev", position, lambda one: one, now_ns=after(50))
    found = list_traces("dev", TraceFilter(user_id="ana"), now_ns=after(500)).traces
    assert [(one.is_pinned, one.tags, one.span_count) for one in found] == [(True, ["good"], 1)]
    assert moments(OWN) == {None}


def test_a_deleted_trace_takes_its_pin_with_it(rules: Store, access: Access) -> None:
    put(access, root(OWN))
    curation.pin_trace("dev", OWN, now_ns=NOW_NS)
    assert curation.delete_trace("dev", OWN, now_ns=NOW_NS)
    assert items_of(OWN) == []


def test_a_tag_may_keep_a_trace_longer(rules: Store, access: Access) -> None:
    retention.set_rule("dev", condition="tag:gold", days="forever", now_ns=NOW_NS)
    put(access, root(OWN))
    put(access, root(FOREIGN))
    curation.tag_trace("dev", OWN, "gold", now_ns=after(5))
    curation.tag_trace("dev", FOREIGN, "silver", now_ns=after(5))
    assert (days_kept(OWN), days_kept(FOREIGN)) == ({None}, {30})
    summary = get_trace("dev", OWN, now_ns=NOW_NS).summary
    assert (summary.expires_at, summary.is_pinned) == (None, False)


# -- a change of rules -----------------------------------------------------------------------------
def test_new_rules_are_for_new_traces_until_they_are_applied(rules: Store, access: Access) -> None:
    failed, pinned = own_trace_id(NOW_NS // 10**6, 1), own_trace_id(NOW_NS // 10**6, 2)
    put(access, root(failed, status="error"))
    put(access, root(pinned))
    put(access, child(FOREIGN))
    put(access, root(FOREIGN))
    curation.pin_trace("dev", pinned, now_ns=NOW_NS)
    retention.set_rule("dev", condition="error:true", days="20", now_ns=NOW_NS)
    retention.set_rest("dev", days="60", now_ns=NOW_NS)
    assert (days_kept(failed), days_kept(FOREIGN)) == ({180}, {30})

    def apply(*, change: bool, day: float = 1) -> list[str]:
        return sorted(curation.apply_retention("dev", change=change, now_ns=after(day)))

    assert apply(change=False) == ["longer", "same", "shorter"]
    assert (days_kept(failed), days_kept(FOREIGN)) == ({180}, {30})
    assert apply(change=True) == ["longer", "same", "shorter"]
    assert (days_kept(failed), days_kept(FOREIGN), days_kept(pinned)) == ({20}, {60}, {None})
    assert apply(change=True) == ["same", "same", "same"]


def test_applying_a_rule_that_is_over_ends_the_trace(both: Store, access: Access) -> None:
    put(access, root(OWN))
    retention.set_rest("dev", days="3", now_ns=NOW_NS)
    assert list(curation.apply_retention("dev", change=True, now_ns=after(10))) == ["ended"]
    assert seen(OWN, after(10)) == set()


def test_applying_goes_on_where_it_was_killed(both: Store, access: Access) -> None:
    put(access, child(OWN))
    put(access, root(OWN))
    retention.set_rest("dev", days="200", now_ns=NOW_NS)
    with dying(both, ["UpdateItem"], at=4):
        list(curation.apply_retention("dev", change=True, now_ns=NOW_NS))
    assert list(curation.apply_retention("dev", change=True, now_ns=NOW_NS)) == ["longer"]
    assert days_kept(OWN) == {200}


def test_kept_hours_of_statistics_end_with_the_first_of_their_traces(rules: Store, access: Access) -> None:
    put(access, root(OWN))
    put(access, root(own_trace_id(NOW_NS // 10**6 - 60_000, 8), status="error"))

    def count(now_ns: int) -> int:
        found = get_statistics("dev", "main", since_ns=NOW_NS - DAY_NS // 24, until_ns=NOW_NS, now_ns=now_ns)
        return found.everything().count

    count(after(1))
    later = after(1) + WATCHED_AFTER_NS
    assert (count(later), count(later + 1)) == (2, 2)
    assert any(item.pk.startswith("R#dev#main") for item in TraceItem.scan())
    assert count(after(31)) == 1
    assert count(after(181)) == 0
