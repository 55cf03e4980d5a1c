"""What happens to the lifetime of a trace that other things happen to: more shards, changed rules, moves."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.both_engines import both, items_of, ministack_client, ministack_url
from tests.builders import NOW_NS, own_trace_id, put, span, span_id, trace_id
from traces_app import curation, erasing, retention, storage
from traces_app.access import Access
from traces_app.bill import get_receipt
from traces_app.domain.compression import shipped_dictionary
from traces_app.domain.recurring import numbered
from traces_app.queries import get_trace
from traces_app.storage.copying import Copied, Copier, Source
from traces_app.storage.engine import EngineOptions, connect, open_engine
from traces_app.storage.models import Item, TraceItem
from traces_app.storage.selection import Selection
from traces_app.storage.store import Store

__all__ = ["both", "ministack_client", "ministack_url"]

DAY_NS = 86_400 * 10**9
OWN, FOREIGN = own_trace_id(NOW_NS // 10**6 - 60_000, 7), trace_id(9)
EACH_ID = pytest.mark.parametrize("trace", [OWN, FOREIGN], ids=["own id", "foreign id"])


def moments(trace: str) -> set[int | None]:
    """When its spans, summaries and pins expire; its anchor lives on for a day."""
    return {item.expires_at for item in items_of(trace) if not item.pk.startswith("A#")}


def days_kept(trace: str) -> set[int | None]:
    return {None if moment is None else (moment - NOW_NS // 10**9) // 86_400 for moment in moments(trace)}


def listed(store: Store) -> dict[str, bool]:
    return {trace.trace_id: trace.is_pinned for _, trace in store.iterate_traces("dev", now_ns=NOW_NS)}


def position(store: Store, trace: str) -> str:
    found = store.position_of("dev", trace, now_ns=NOW_NS)
    assert found is not None
    return found


# -- more shards -----------------------------------------------------------------------------------
@pytest.mark.parametrize("number", range(1, 5))
def test_a_trace_that_is_read_again_stays_listed_when_there_are_more_shards(
    both: Store, access: Access, number: int
) -> None:
    trace = own_trace_id(NOW_NS // 10**6 - 60_000, number)
    put(access, span(1, trace_id=trace))
    raised = Store(both.engine, shards=4)
    assert raised.rewrite_trace(
        "dev", position(both, trace), lambda one: replace(one, name="new"), now_ns=NOW_NS
    )
    assert listed(raised) == {trace: False}
    assert len([item for item in TraceItem.scan() if item.pk.startswith("P#")]) == 1


@pytest.mark.parametrize("number", range(1, 5))
@pytest.mark.parametrize("days", ["30", "forever"])
def test_pins_come_and_go_when_there_are_more_shards(
    both: Store, access: Access, number: int, days: str
) -> None:
    retention.set_rest("dev", days=days, now_ns=NOW_NS)
    trace = own_trace_id(NOW_NS // 10**6 - 60_000, number)
    put(access, span(1, trace_id=trace, session_id="s"))
    place, raised = position(both, trace), Store(both.engine, shards=4)
    rules = retention.read_retention("dev", now_ns=NOW_NS)
    assert raised.lifetimes.pin("dev", place, now_ns=NOW_NS)
    assert listed(raised) == {trace: True}
    raised.lifetimes.unpin("dev", place, rules, now_ns=NOW_NS)
    assert listed(raised) == {trace: False}
    assert not [item for item in items_of(trace) if item.sk.endswith("#pin")]
    both.lifetimes.pin("dev", place, now_ns=NOW_NS)
    raised.lifetimes.unpin("dev", place, rules, now_ns=NOW_NS)
    assert not [item for item in items_of(trace) if item.sk.endswith("#pin")]


# -- changed rules ---------------------------------------------------------------------------------
CHANGES = {
    "a shorter rest": (90, lambda: retention.set_rest("dev", days="7", now_ns=NOW_NS)),
    "a longer rest": (180, lambda: retention.set_rest("dev", days="180", now_ns=NOW_NS)),
    "no rest": (120, lambda: retention.set_rest("dev", days="", now_ns=NOW_NS)),
    "no rule": (60, lambda: retention.remove_rule("dev", condition="name:root", now_ns=NOW_NS)),
    "a rule": (
        200,
        lambda: retention.set_rule("dev", condition="name:root", days="200", now_ns=NOW_NS),
    ),
}


@EACH_ID
@pytest.mark.parametrize("change", CHANGES)
def test_a_trace_that_is_open_when_rules_change_ends_in_one_moment(
    both: Store, access: Access, settings: Any, trace: str, change: str
) -> None:
    """The rules of before are long settled, and nothing but the change tells of them."""
    settings.RETENTION_DAYS = 120
    before, (days, changed) = NOW_NS - 10 * DAY_NS, CHANGES[change]
    first = "name:root" if change == "no rule" else ""
    if first:
        retention.set_rule("dev", condition=first, days="60", now_ns=before)
    retention.set_rest("dev", days="60" if first else "90", now_ns=before)
    put(access, span(1, trace_id=trace, name="root"))
    changed()
    if first:
        retention.set_rest("dev", days="20", now_ns=NOW_NS)
    put(access, span(2, trace_id=trace, parent_span_id=span_id(1)), now_ns=NOW_NS + DAY_NS // 24)
    assert days_kept(trace) == {days}


# -- erasing ---------------------------------------------------------------------------------------
@EACH_ID
def test_what_has_expired_and_is_not_swept_is_erased(both: Store, access: Access, trace: str) -> None:
    put(access, span(1, trace_id=trace, session_id="s"))
    erasure = erasing.erase("dev", "trace", trace, who="me", now_ns=NOW_NS + 92 * DAY_NS)
    assert (erasure.traces, erasure.spans) == (1, 1)
    assert [item for item in items_of(trace) if not item.pk.startswith("ERASED#")] == []


# -- unpinning -------------------------------------------------------------------------------------
@EACH_ID
def test_unpinning_what_was_never_pinned_changes_nothing(both: Store, access: Access, trace: str) -> None:
    retention.set_rest("dev", days="180", now_ns=NOW_NS)
    put(access, span(1, trace_id=trace))
    before = moments(trace)
    retention.set_rest("dev", days="7", now_ns=NOW_NS)
    unpinned = curation.unpin_trace("dev", trace, now_ns=NOW_NS)
    assert unpinned is not None
    assert {unpinned.expires_at} == moments(trace) == before


# -- moving ----------------------------------------------------------------------------------------
@pytest.fixture(params=["sqlite", "dynamodb"])
def elsewhere(request: pytest.FixtureRequest, store: Store, tmp_path: Path) -> EngineOptions:
    """Another store, on either engine."""
    options = replace(storage.engine_options(), storage_url=f"sqlite:///{tmp_path / 'other.sqlite3'}")
    if request.param == "dynamodb":
        names = {"traces_table": f"traces-{uuid4().hex[:12]}", "spans_table": f"spans-{uuid4().hex[:12]}"}
        url = request.getfixturevalue("ministack_url")
        options = replace(options, storage_url="dynamodb", endpoint_url=url, **names)
    return options


def copy(source: EngineOptions, destination: EngineOptions, stop: int | None = None) -> Copied:
    """``stop``: killed after so many pages."""
    storage.reset_store()
    with closing(open_engine(destination)) as to, closing(connect(source)) as engine:
        to.create_tables()
        copier = Copier(Source(engine, source), to, Selection(), lambda: NOW_NS)
        return list(islice(copier.run(), stop))[-1]


@EACH_ID
def test_what_was_pinned_in_the_copy_stays_pinned_whole_when_it_is_copied_again(
    elsewhere: EngineOptions, access: Access, trace: str
) -> None:
    put(access, span(1, trace_id=trace, session_id="s"))
    here = storage.engine_options()
    copy(here, elsewhere)
    with closing(open_engine(elsewhere)) as engine:
        store = Store(engine)
        store.lifetimes.pin("dev", position(store, trace), now_ns=NOW_NS)
        pinned = {(item.pk, item.sk): item.expires_at for item in items_of(trace)}
    copy(here, elsewhere)
    with closing(open_engine(elsewhere)) as engine:
        assert {(item.pk, item.sk): item.expires_at for item in items_of(trace)} == pinned
        assert listed(Store(engine)) == {trace: True}
        assert Store(engine).read_trace("dev", trace, now_ns=NOW_NS + 1000 * DAY_NS)


def test_a_pin_alone_does_not_say_that_its_trace_is_kept(both: Store, access: Access) -> None:
    put(access, span(1, trace_id=OWN))
    ends = moments(OWN).pop()
    both.lifetimes.pin("dev", position(both, OWN), now_ns=NOW_NS)
    for item in items_of(OWN):
        if not item.sk.endswith("#pin"):
            item.expires_at = ends
            item.save()
    (_, trace), *_ = both.iterate_traces("dev", now_ns=NOW_NS)
    assert (trace.expires_at, trace.is_pinned) == (ends, True)
    assert get_trace("dev", OWN, now_ns=NOW_NS).summary.expires_at == ends
    assert get_receipt("dev", OWN, now_ns=NOW_NS).expires_at == ends


def test_a_copy_that_was_killed_half_way_can_be_read(elsewhere: EngineOptions, access: Access) -> None:
    put(access, span(1, trace_id=OWN))
    here = storage.engine_options()
    copy(here, elsewhere)
    storage.reset_store()
    dictionary = numbered(shipped_dictionary().dict_content, 40_000)
    storage.get_store().dictionaries.keep("dev", dictionary, now_ns=NOW_NS)
    put(access, span(2, trace_id=OWN, parent_span_id=span_id(1), input="hello " * 200))
    copy(here, elsewhere, stop=2)  # dictionaries, spans
    with closing(open_engine(elsewhere)) as engine:
        assert len(Store(engine).read_trace("dev", OWN, now_ns=NOW_NS)) == 2
    assert copy(here, elsewhere).new == 1  # its fragment


def test_a_dictionary_is_counted_once(elsewhere: EngineOptions, access: Access) -> None:
    storage.get_store().dictionaries.keep(
        "dev", numbered(shipped_dictionary().dict_content, 40_000), now_ns=NOW_NS
    )
    put(access, span(1, trace_id=OWN))
    total = copy(storage.engine_options(), elsewhere)
    assert (total.read, total.new, total.same) == (total.expected or total.read, total.read, 0)


# -- hours of statistics ---------------------------------------------------------------------------
def test_a_run_over_an_hour_marks_it_once_and_for_longer_than_any_hour_is_kept(
    both: Store, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    began_ns = NOW_NS - 10 * DAY_NS
    for number in range(20):
        trace = own_trace_id(began_ns // 10**6, number)
        put(access, span(1, trace_id=trace, start_ns=began_ns), now_ns=began_ns)
    both.rollups.watch("dev", now_ns=began_ns)
    retention.set_rest("dev", days="50", now_ns=NOW_NS)
    written: list[Item] = []
    put_all = both.engine.batch_put

    def noting(items: Iterable[Item]) -> float:
        some = list(items)
        written.extend(some)
        return put_all(some)

    monkeypatch.setattr(both.engine, "batch_put", noting)
    assert len(list(curation.apply_retention("dev", change=True, now_ns=NOW_NS))) == 20
    (marker,) = [item for item in written if item.pk.endswith("#late")]
    kept = next(both.rollups.items("dev", "main", {1: b""}, now_ns=NOW_NS, expires_at=None))
    assert (marker.expires_at or 0) > (kept.expires_at or 0) > NOW_NS // 10**9 + 431 * 86_400


def test_a_late_batch_marks_its_hour_for_longer_than_it_is_kept(
    both: Store, access: Access, settings: Any
) -> None:
    settings.RETENTION_DAYS = 3
    both.rollups.watch("dev", now_ns=NOW_NS - DAY_NS)
    put(access, span(1, trace_id=FOREIGN, start_ns=NOW_NS - DAY_NS // 2))
    (marker,) = [item for item in TraceItem.scan() if item.pk.endswith("#late")]
    assert (marker.expires_at or 0) - NOW_NS // 10**9 > 431 * 86_400
