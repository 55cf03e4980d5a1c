"""A dictionary of a project's own: what is packed with it opens everywhere, for ever, on both engines."""

from __future__ import annotations

from pathlib import Path

import pytest
from backports import zstd
from backports.zstd import ZstdDict

from tests.builders import NOW_NS, span, trace_id
from tests.storage.test_store import STAMP, packed, payloads
from traces_app.domain.compression import CODEC_ZSTD_WITH_DICTIONARY
from traces_app.domain.recurring import Sample, dictionary_of
from traces_app.storage import keys
from traces_app.storage.dictionaries import REMEMBERED_NS
from traces_app.storage.engine import Engine
from traces_app.storage.items import make_item
from traces_app.storage.models import SpanItem, TraceItem
from traces_app.storage.store import Store

PROMPT = (
    "You answer customers of a shop for bicycles; you promise nothing that the warehouse has not confirmed."
)


def dictionary(prompt: str = PROMPT) -> ZstdDict:
    found = dictionary_of([Sample(str(number), f'{{"input":"{prompt}"}}'.encode()) for number in range(9)])
    assert found is not None
    return found


@pytest.fixture
def repository(engine: Engine) -> Store:
    return Store(engine)


def numbers_of(trace: str) -> set[int]:
    """Of the dictionaries that a trace's heads were packed with."""
    bodies = [item.body or b"" for item in SpanItem.query(keys.spans_partition("dev", trace))]
    starts = [body.index(bytes((CODEC_ZSTD_WITH_DICTIONARY,)) + b"\x28\xb5\x2f\xfd") + 1 for body in bodies]
    return {
        zstd.get_frame_info(body[start:]).dictionary_id for body, start in zip(bodies, starts, strict=True)
    }


def test_spans_packed_with_it_open_in_another_process(repository: Store, engine: Engine) -> None:
    own = dictionary()
    repository.dictionaries.keep("dev", own, now_ns=NOW_NS)
    repository.append("dev", {trace_id(1): packed(span(1, input=PROMPT, output="yes" * 40))}, STAMP)
    assert numbers_of(trace_id(1)) == {own.dict_id}
    assert payloads(Store(engine), trace_id(1)) == ["yes" * 40]


def test_it_is_the_projects_alone(repository: Store) -> None:
    repository.dictionaries.keep("dev", dictionary(), now_ns=NOW_NS)
    assert repository.dictionaries.of("other", NOW_NS) is None


def test_another_process_packs_with_it_within_five_minutes(repository: Store, engine: Engine) -> None:
    other, own = Store(engine), dictionary()
    assert other.dictionaries.of("dev", NOW_NS) is None
    repository.dictionaries.keep("dev", own, now_ns=NOW_NS)
    assert other.dictionaries.of("dev", NOW_NS + REMEMBERED_NS - 1) is None
    found = other.dictionaries.of("dev", NOW_NS + REMEMBERED_NS)
    assert found is not None
    assert found.dict_id == own.dict_id


def test_what_was_packed_with_an_earlier_one_still_opens(repository: Store, engine: Engine) -> None:
    for number, prompt in enumerate((PROMPT, PROMPT.replace("bicycles", "books")), 1):
        repository.dictionaries.keep("dev", dictionary(prompt), now_ns=NOW_NS)
        repository.append("dev", {trace_id(number): packed(span(1, input=prompt, output=number))}, STAMP)
    assert [payloads(Store(engine), trace_id(number)) for number in (1, 2)] == [[1], [2]]
    assert numbers_of(trace_id(1)) != numbers_of(trace_id(2))


def test_it_never_expires(repository: Store) -> None:
    own = dictionary()
    repository.dictionaries.keep("dev", own, now_ns=NOW_NS)
    kept = list(TraceItem.query(keys.dictionaries_partition("dev")))
    assert [(item.sk, item.expires_at) for item in kept] == [
        (keys.ONLY, None),
        (keys.dictionary_sort(own.dict_id), None),
    ]


def test_one_number_is_never_two_dictionaries(repository: Store) -> None:
    own = dictionary()
    partition, sort = keys.dictionaries_partition("dev"), keys.dictionary_sort(own.dict_id)
    make_item(TraceItem, partition, sort, STAMP, body=b"another").save()
    with pytest.raises(ValueError, match=f"Another dictionary has the number {own.dict_id}"):
        repository.dictionaries.keep("dev", own, now_ns=NOW_NS)


def test_spans_rewritten_are_packed_with_it_and_keep_their_payload(repository: Store) -> None:
    repository.append("dev", {trace_id(1): packed(span(1, input=PROMPT, output="a" * 99))}, STAMP)
    own = dictionary()
    repository.dictionaries.keep("dev", own, now_ns=NOW_NS)
    ((position, _),) = repository.iterate_traces("dev", now_ns=NOW_NS)
    changed = repository.rewrite_trace(
        "dev", position, lambda _: span(1, input=PROMPT, output="b" * 99), now_ns=NOW_NS
    )
    assert (changed, payloads(repository, trace_id(1))) == (1, ["b" * 99])
    assert numbers_of(trace_id(1)) == {own.dict_id}


def test_a_chunk_of_the_version_before_opens(repository: Store) -> None:
    stored = (Path(__file__).parent.parent / "domain/stored/chunk-version-1.bin").read_bytes()
    trace = "0af7651916cd43dd8448eb211c80319c"
    sort = keys.part_sort("c" * 12, 0, 1)
    make_item(SpanItem, keys.spans_partition("dev", trace), sort, STAMP, body=stored).save()
    assert payloads(repository, trace) == [
        "On its way.",
        {"role": "assistant", "content": "On its way."},
        None,
    ]
