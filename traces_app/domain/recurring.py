"""A dictionary of what a project's traces say again and again: prompts, tool definitions, known documents.

A sentence is in it only when it stood in traces of several owners (users, else sessions, else the traces
themselves): what one person wrote is never kept beyond that person's traces.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from backports import zstd

from traces_app.domain.compression import ZSTD_LEVEL, compress, shipped_dictionary

MIN_OWNERS: Final = 5
MIN_SENTENCE_BYTES: Final = 24
"""Shorter ones are mostly words, which the shipped dictionary knows."""

MAX_SENTENCE_BYTES: Final = 4096
SENTENCES_BYTES: Final = 2**16
"""Of the dictionary, besides what the shipped one holds. With 32 KB the six-span workload takes 10 % more."""

MAX_SAMPLES: Final = 500
"""Traces that the statistics of a dictionary are made from."""

ENTROPY_TABLES_BYTES: Final = 2**12
FIRST_OWN_NUMBER: Final = 2**15
"""Those below are for dictionaries that come with the program."""

_BETWEEN_SENTENCES: Final = re.compile(rb'(?<=[.!?])\s+|(?<!\\)"|\\n')


class Sample(NamedTuple):
    """Whose a trace is, and the JSON of its spans."""

    owner: str
    text: bytes


def dictionary_of(samples: Sequence[Sample]) -> zstd.ZstdDict | None:
    """``None`` when nothing recurs."""
    chosen = list(_chosen(_by_owners(samples)))
    if not chosen:
        return None
    content = shipped_dictionary().dict_content + b" ".join(reversed(chosen))  # nearer the end is cheaper
    texts = [sample.text for sample in samples[:MAX_SAMPLES]]
    max_bytes = len(content) + ENTROPY_TABLES_BYTES
    finished = zstd.finalize_dict(zstd.ZstdDict(content, is_raw=True), texts, max_bytes, ZSTD_LEVEL)
    return numbered(finished.dict_content, _number_of(finished.dict_content))


def numbered(content: bytes, number: int) -> zstd.ZstdDict:
    """The number stands behind the four bytes that each begins with, and in the header of every frame."""
    return zstd.ZstdDict(content[:4] + number.to_bytes(4, "little") + content[8:])


def packed_bytes(samples: Iterable[Sample], dictionary: zstd.ZstdDict) -> int:
    return sum(len(compress(sample.text, dictionary)) for sample in samples)


def _number_of(content: bytes) -> int:
    """From all its bytes (zstd leaves the tables out): the same in every store."""
    digest = hashlib.blake2b(content[8:], digest_size=8).digest()
    return FIRST_OWN_NUMBER + int.from_bytes(digest, "big") % (2**31 - FIRST_OWN_NUMBER)


def _by_owners(samples: Iterable[Sample]) -> Counter[bytes]:
    """How many owners' traces have each sentence."""
    seen: set[tuple[str, bytes]] = set()
    for sample in samples:
        seen.update((sample.owner, sentence) for sentence in _BETWEEN_SENTENCES.split(sample.text))
    return Counter(
        sentence for _, sentence in seen if MIN_SENTENCE_BYTES <= len(sentence) <= MAX_SENTENCE_BYTES
    )


def _chosen(owners: Counter[bytes]) -> Iterator[bytes]:
    """The most frequent first, as many as there is room for."""
    left_bytes = SENTENCES_BYTES
    for sentence, count in sorted(owners.items(), key=lambda entry: (-entry[1], entry[0])):
        if count < MIN_OWNERS:
            return
        if len(sentence) < left_bytes:
            left_bytes -= len(sentence) + 1
            yield sentence
