from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from backports.zstd import ZstdDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import NOW_NS, span, span_id, trace_id
from traces_app.domain.packing import (
    CHUNK_VERSION,
    PackedSpan,
    content_key,
    pack_chunk,
    pack_head,
    pack_payload,
    span_from,
    unpack_chunk,
    unpack_head,
)
from traces_app.domain.recurring import Sample, dictionary_of
from traces_app.domain.span import KINDS, STATUSES, Span, Usage

counts = st.none() | st.integers(0, 2**53)
texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


SCORE = {
    "name": texts,
    "value": st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False),
    "label": texts,
    "source": texts,
    "comment": values,
}


@st.composite
def spans(draw: Any) -> Span:
    return Span(
        trace_id=trace_id(1),
        span_id=draw(st.integers(1, 2**63).map(span_id)),
        name=draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1)),
        kind=draw(st.sampled_from(KINDS)),
        parent_span_id=draw(st.none() | st.integers(1, 9).map(span_id)),
        start_ns=draw(st.none() | st.integers(0, 2**62)),
        end_ns=draw(st.none() | st.integers(0, 2**62)),
        status=draw(st.sampled_from(STATUSES)),
        input=draw(values),
        output=draw(values),
        model=draw(texts),
        usage=draw(st.none() | st.builds(Usage, st.integers(0, 9), *[counts] * 6)),
        cost_usd=draw(st.none() | st.floats(0, 1e6)),
        session_id=draw(texts),
        tags=draw(st.lists(st.text("xyz", min_size=1), max_size=3)),
        metadata=draw(st.dictionaries(st.text("abc"), values, max_size=2)),
        dropped=draw(st.dictionaries(st.text("abc"), st.integers(1, 9), max_size=2)),
        error=draw(st.none() | st.just({"type": "ValueError", "message": "x" * 400, "stacktrace": "..."})),
        tool=draw(st.none() | st.just({"name": "search", "call_id": "c1"})),
        scores=draw(st.lists(st.fixed_dictionaries({}, optional=SCORE), max_size=10)),
    )


def restored(packed: list[Span], dictionary: ZstdDict | None = None) -> list[Span]:
    chunk = pack_chunk([PackedSpan(one, pack_payload(one)) for one in packed], dictionary)
    heads, body = unpack_chunk(chunk, lambda number: dictionary)
    return [span_from(trace_id(1), head | body.payload(index)) for index, head in enumerate(heads)]


def own_dictionary() -> ZstdDict:
    found = dictionary_of(
        [Sample(str(owner), b'{"input":"A question that everybody asks."}') for owner in range(9)]
    )
    assert found is not None
    return found


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("dictionary", [None, own_dictionary()], ids=["shipped", "own"])
@given(originals=st.lists(spans(), min_size=1, max_size=5))
def test_spans_come_back_as_they_were(originals: list[Span], dictionary: ZstdDict | None) -> None:
    assert restored(originals, dictionary) == originals


def test_a_head_alone_is_enough_to_draw_the_tree() -> None:
    original = span(
        1, kind="llm", usage=Usage(5, None, 2), status="error", error={"type": "E", "message": "m"}
    )
    (head,) = unpack_head(pack_head([original]))
    drawn = span_from(trace_id(1), head)
    assert (drawn.name, drawn.kind, drawn.start_ns, drawn.end_ns) == ("span 1", "llm", *_times(original))
    assert drawn.usage == Usage(5, None, 2)
    assert drawn.error == {"type": "E", "message": "m"}


def test_a_head_tells_briefly_of_scores() -> None:
    long = {"name": "n" * 50, "label": "w" * 50, "source": "human", "comment": "because"}
    original = span(1, scores=[{"name": "quality", "value": 0.5, "comment": "short"}, long, *[{}] * 9])
    (head,) = unpack_head(pack_head([original]))
    told = head["scores"]
    assert told[0] == {"name": "quality", "value": 0.5}
    assert told[1] == {"name": "n" * 40, "label": "w" * 40, "source": "human"}
    assert len(told) == 8


def test_a_chunk_without_scores_is_of_the_version_before() -> None:
    """So that a batch sent again after an update overwrites what it wrote before."""
    plain, scored = span(1), replace(span(1), scores=[{"name": "quality", "value": 0.5}])
    versions = [pack_chunk([PackedSpan(one, pack_payload(one))])[0] for one in (plain, scored)]
    assert versions == [2, 3]


def test_scores_that_python_takes_for_the_same_stay_apart() -> None:
    scored = [
        replace(span(number), scores=[{"name": "q", "value": value}]) for number, value in ((1, True), (2, 1))
    ]
    told = [row["scores"][0]["value"] for row in unpack_head(pack_head(scored))]
    assert told == [True, 1]
    assert [type(value) for value in told] == [bool, int]


def test_a_chunk_of_version_2_opens() -> None:
    """Its scores stand in the body alone."""
    stored = (Path(__file__).parent / "stored" / "chunk-version-2.bin").read_bytes()
    rows, body = unpack_chunk(stored)
    assert stored[0] == 2
    assert [row["name"] for row in rows] == ["answer", "chat"]
    assert "scores" not in rows[0]
    answer = span_from("0af7651916cd43dd8448eb211c80319c", rows[0] | body.payload(0))
    assert answer.scores == [{"name": "quality", "value": 0.5, "comment": "short"}]


def _times(one: Span) -> tuple[int | None, int | None]:
    return one.start_ns, one.end_ns


def test_a_chunk_of_version_1_opens() -> None:
    """Ids in the head's columns, the body a JSON array, no dictionary."""
    stored = (Path(__file__).parent / "stored" / "chunk-version-1.bin").read_bytes()
    rows, body = unpack_chunk(stored)
    trace, session, start_ns = "0af7651916cd43dd8448eb211c80319c", "s-1", 1_760_000_000_000_000_000
    asked = "Where is my parcel? 📦"
    assert [span_from(trace, row | body.payload(index)) for index, row in enumerate(rows)] == [
        Span(
            trace,
            "00f067aa0ba902b7",
            "answer",
            kind="agent",
            start_ns=start_ns,
            end_ns=start_ns + 5 * 10**9,
            input=asked,
            output="On its way.",
            session_id=session,
            user_id="björn",
            tags=["shop"],
            metadata={"branch": "main"},
        ),
        Span(
            trace,
            "00f067aa0ba902b8",
            "chat",
            kind="llm",
            parent_span_id="00f067aa0ba902b7",
            start_ns=start_ns + 10**6,
            end_ns=start_ns + 9 * 10**8,
            input=[{"role": "user", "content": asked}],
            output={"role": "assistant", "content": "On its way."},
            model="gpt-4o",
            usage=Usage(12, None, 4),
            cost_usd=0.25,
            session_id=session,
        ),
        Span(
            trace,
            "00f067aa0ba902b9",
            "lookup",
            kind="tool",
            parent_span_id="f" * 16,
            start_ns=start_ns + 2 * 10**6,
            status="error",
            error={"type": "Timeout", "message": "no answer", "stacktrace": "x" * 400},
            tool={"name": "lookup", "call_id": "c1"},
            attributes={"a": {"b": [1, 2.5, None, True]}},
        ),
    ]


@pytest.mark.parametrize("version", [0, CHUNK_VERSION + 1])
def test_a_chunk_of_another_version_is_refused_by_name(version: int) -> None:
    chunk = pack_chunk([PackedSpan(span(1), pack_payload(span(1)))])
    with pytest.raises(ValueError, match=f"Chunk of version {version}: written by a newer version"):
        unpack_chunk(bytes((version,)) + chunk[1:])


def test_megabytes_come_back_as_they_were() -> None:
    noise = random.Random(1).randbytes(2**21).hex()
    history = [{"role": "user", "content": noise[: 2**20]}, {"role": "tool", "content": noise}]
    originals = [
        span(1, input=history[:1], output="line\nbreak \u2028"),
        span(2, input=history, output=noise),
    ]
    assert restored(originals) == originals


def test_the_same_bytes_have_the_same_name_and_others_another() -> None:
    entry = PackedSpan(span(1), pack_payload(span(1)))
    other = PackedSpan(span(1), pack_payload(span(1, output="other")))
    assert content_key(pack_chunk([entry])) == content_key(pack_chunk([entry]))
    assert content_key(pack_chunk([entry])) != content_key(pack_chunk([other]))


@pytest.mark.parametrize(("depth", "fits"), [(199, True), (202, False), (253, False), (5000, False)])
def test_values_nested_deeper_than_the_limit_are_refused(depth: int, fits: bool) -> None:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    if fits:
        assert pack_payload(span(1, input=value)).startswith(b'{"input":[[[')
    else:
        with pytest.raises(TypeError):
            pack_payload(span(1, input=value))


def test_a_packed_span_keeps_its_payload_beside_it() -> None:
    one = span(1, start_ns=NOW_NS, input={"a": 1})
    assert PackedSpan(one, pack_payload(one)).payload == b'{"input":{"a":1}}'
