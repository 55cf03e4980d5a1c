from __future__ import annotations

from itertools import permutations

import pytest

from tests.builders import NOW_NS, span, span_id, trace_id
from traces_app.domain.fragments import pack_fragment, pack_without_note, unpack_fragment
from traces_app.domain.metering import NOTHING, Consumed, Metered
from traces_app.domain.preview import preview
from traces_app.domain.span import Span, Usage
from traces_app.domain.summary import ROOT_GRACE_NS, TraceSummary, fragment_of, merge

ROOT = span(
    1,
    name="run",
    kind="chain",
    session_id="s",
    user_id="u",
    tags=["a"],
    input=[{"role": "user", "content": "Where is my parcel?"}],
    output="On its way",
)


def llm(number: int, **fields: object) -> Span:
    values = {"kind": "llm", "parent_span_id": span_id(1), "usage": Usage(100, 10, 40), "cost_usd": 0.25}
    return span(number, **(values | fields))


def summary(*batches: list[Span], now_ns: int = NOW_NS) -> TraceSummary:
    """Merged as a reader does: every fragment packed and unpacked."""
    packed = [pack_fragment(fragment_of(batch)) for batch in batches]
    fragments = [unpack_fragment(data, with_entries=len(packed) > 1) for data in packed]
    return merge("dev", trace_id(1), fragments, now_ns=now_ns)


def test_one_batch_gives_the_whole_summary() -> None:
    trace = summary([llm(2, model="gpt-4o"), llm(3, model="gpt-4o", status="error"), ROOT])
    assert (trace.name, trace.status, trace.span_count, trace.error_count) == ("run", "ok", 3, 1)
    assert (trace.input_tokens, trace.output_tokens, trace.total_tokens) == (200, 20, 220)
    assert (trace.cache_read_tokens, trace.cost_usd, trace.models) == (80, 0.5, ["gpt-4o"])
    assert (trace.session_id, trace.user_id, trace.tags) == ("s", "u", ["a"])
    assert (trace.input_preview, trace.output_preview) == ("Where is my parcel?", "On its way")
    assert trace.root_span_id == span_id(1)


def test_the_order_of_batches_changes_nothing() -> None:
    batches = [[llm(2)], [llm(3, parent_span_id=span_id(2))], [ROOT]]
    assert len({str(summary(*order)) for order in permutations(batches)}) == 1


def test_a_span_that_comes_in_two_batches_counts_once() -> None:
    once = summary([llm(2), llm(3), ROOT])
    regrouped = summary([llm(2), llm(3)], [llm(3), ROOT], [llm(2)])
    assert (regrouped.span_count, regrouped.total_tokens) == (once.span_count, once.total_tokens)
    assert regrouped.cost_usd == once.cost_usd


def test_a_rollup_is_seen_across_batches() -> None:
    inner = llm(3, parent_span_id=span_id(2))
    assert summary([inner], [llm(2), ROOT]).total_tokens == 110


def test_an_announced_trace_is_pending_until_its_root_is_whole() -> None:
    announced = span(1, name="run", status="pending", end_ns=None)
    running = summary([announced], [llm(2)])
    assert (running.status, running.span_count, running.duration_ms) == ("pending", 1, None)
    assert summary([announced], [llm(2)], [ROOT]).status == "ok"


def test_a_trace_whose_root_never_comes_is_not_waited_for_for_ever() -> None:
    late = NOW_NS + ROOT_GRACE_NS + 60 * 10**9
    assert summary([llm(2)]).status == "pending"
    assert summary([llm(2)], now_ns=late).status == "ok"
    assert summary([llm(2, status="error")], now_ns=late).status == "error"
    assert summary([llm(2)], now_ns=late).root_span_id is None


def test_what_nobody_knows_is_null_and_what_is_nothing_is_zero() -> None:
    unknown = summary([span(1)])
    assert (unknown.input_tokens, unknown.cost_usd, unknown.total_tokens) == (None, None, None)
    nothing = summary([span(1, kind="llm", usage=Usage(0, 0), cost_usd=0.0)])
    assert (nothing.input_tokens, nothing.output_tokens, nothing.cost_usd) == (0, 0, 0.0)


def test_a_call_without_a_known_price_is_counted_as_unpriced() -> None:
    trace = summary([llm(2, cost_usd=None), llm(3), ROOT])
    assert (trace.unpriced_count, trace.cost_usd) == (1, 0.25)


def test_a_packed_fragment_of_six_spans_fits_one_write_unit() -> None:
    spans = [llm(number, model="claude-sonnet-4-5") for number in range(2, 7)]
    assert len(pack_fragment(fragment_of([*spans, ROOT]))) < 700


def test_a_fragment_comes_back_as_it_was() -> None:
    fragment = fragment_of([ROOT, llm(2), llm(3, parent_span_id=span_id(99), usage=None, cost_usd=1e-9)])
    assert unpack_fragment(pack_fragment(fragment), with_entries=True) == fragment


WRITTEN_BY_VERSION_2 = bytes.fromhex(
    "02000000c77b2266223a7b226e223a2272756e222c2273223a313939393939393934303030313030303030302c2265223a3139"
    "39393939393934303031323030303030302c2272223a2230303030303030303030303030303031222c226b223a22636861696e"
    "222c227374223a226f6b222c226d223a5b226770742d346f225d2c227373223a2273222c2262223a3930302c227362223a3430"
    "307d2c2274223a7b226e223a322c2269223a3130302c226f223a31302c2263223a34302c2224223a3235303030303030307d7d"
    "0200000000000000010000000000000000000202de05640a2880e59a770a00"
)


def test_a_fragment_of_the_version_before_opens_and_its_cost_is_unknown() -> None:
    fragment = unpack_fragment(WRITTEN_BY_VERSION_2, with_entries=True)
    assert (fragment.facts.name, fragment.facts.raw_bytes, fragment.totals.span_count) == ("run", 900, 2)
    assert [entry.model for entry in fragment.entries] == [None, "gpt-4o"]
    assert fragment.metered is None


WRITTEN_BY_VERSION_3 = bytes.fromhex(
    "03000000e47b2266223a7b226e223a2272756e222c2273223a313939393939393934303030313030303030302c2265223a3139"
    "39393939393934303031323030303030302c2272223a2230303030303030303030303030303031222c226b223a22636861696e"
    "222c227374223a226f6b222c2275223a2275222c227373223a2273222c2274223a5b2261225d2c2269223a2257686572652069"
    "73206d792070617263656c3f222c226f223a224f6e2069747320776179227d2c2274223a7b226e223a322c2269223a3130302c"
    "226f223a31302c2263223a34302c2224223a3235303030303030307d7d0200000000000000010000000000000000000202de01"
    "640a2880e59a770a"
)


def test_spans_without_a_prompt_are_written_as_before_prompts_were_listed() -> None:
    fragment = unpack_fragment(WRITTEN_BY_VERSION_3, with_entries=True)
    assert (fragment.facts.name, fragment.facts.prompts, fragment.totals.span_count) == ("run", [], 2)
    assert pack_without_note(fragment_of([ROOT, llm(2)])) == WRITTEN_BY_VERSION_3


def test_prompts_are_listed_with_their_versions_of_all_batches_each_once() -> None:
    first = [ROOT, llm(2, prompt={"name": "reply", "version": 3}), llm(3, prompt={"version": "draft"})]
    second = [llm(4, prompt={"name": "reply", "version": 3}), llm(5, prompt={"name": "plan" * 50})]
    assert pack_fragment(fragment_of(first))[0] == 5
    assert summary(first).prompts == ["reply 3", "draft"]
    assert summary(first, second).prompts == ["reply 3", "draft", ("plan" * 50)[:80]]
    assert summary([llm(2, prompt={"template": "Say {x}"}), ROOT]).prompts == []
    many = [llm(number, prompt={"name": f"p{number}"}) for number in range(2, 30)]
    assert len(summary([ROOT, *many]).prompts) == 8


@pytest.mark.parametrize(
    "metered",
    [
        None,
        Metered(),
        Metered(Consumed(3, 0, 1, 2500), 1800),
        Metered(Consumed(3), 1800, Consumed(1, 7, 5, 12_000_000)),
    ],
)
def test_a_note_comes_back_and_its_length_does_not_tell_its_figures(metered: Metered | None) -> None:
    fragment = fragment_of([ROOT, llm(2)])
    fragment.metered = metered
    packed = pack_fragment(fragment)
    assert unpack_fragment(packed, with_entries=True) == fragment
    has_carried = metered is not None and metered.carried != NOTHING
    assert len(packed) == len(pack_without_note(fragment)) + 13 + 16 * has_carried


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("  two\n words ", "two words"),
        ({"response": "It works"}, "It works"),
        ({"a": 1, "b": 2}, '{"a":1,"b":2}'),
        ([{"role": "system", "content": "no"}, {"role": "user", "content": [{"text": "yes"}]}], "yes"),
        ({"messages": [{"role": "user", "content": "hello"}]}, "hello"),
        ([1, 2], "[1,2]"),
        ("x" * 500, "x" * 119 + "…"),
    ],
)
def test_a_preview_shows_the_words_of_a_person_first(value: object, expected: str | None) -> None:
    assert preview(value) == expected
