"""A project's own dictionary: trained from its newest traces, tried on others, kept when it pays."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Final

from traces_app.domain.compression import shipped_dictionary
from traces_app.domain.recurring import MIN_OWNERS, Sample, dictionary_of, packed_bytes
from traces_app.storage import get_store

__all__ = ["Training", "train_dictionary"]

TRIED_EVERY: Final = 5
"""One trace in so many is not trained from: what it takes with the dictionary says what others will."""

MAX_SAMPLE_BYTES: Final = 2**17
"""Of one trace: what recurs stands near its beginning, and all samples are in memory at once."""

WORTH_IT: Final = 0.95
"""Of the bytes with the shipped dictionary: for less, one more that can never be deleted is not worth it."""


@dataclass(slots=True, frozen=True)
class Training:
    """What became of it. ``number`` is ``None`` when no dictionary was kept."""

    traces: int
    number: int | None
    tried_bytes_before: int
    tried_bytes_after: int


def train_dictionary(project: str, *, max_traces: int, now_ns: int) -> Training:
    """Spans that come from now on are packed with the new dictionary; what is stored stays as it is.

    Reads the newest ``max_traces`` traces whole. Raises StoreUnavailable, and ValueError for too few.
    """
    samples = _samples(project, max_traces, now_ns)
    if len(samples) < TRIED_EVERY * MIN_OWNERS:
        raise ValueError(
            f"{project} has {len(samples)} traces: {TRIED_EVERY * MIN_OWNERS} at least are needed."
        )
    tried = samples[::TRIED_EVERY]
    dictionary = dictionary_of([one for place, one in enumerate(samples) if place % TRIED_EVERY])
    before = packed_bytes(tried, shipped_dictionary())
    after = before if dictionary is None else packed_bytes(tried, dictionary)
    if dictionary is None or after > WORTH_IT * before:
        return Training(len(samples), None, before, after)
    get_store().dictionaries.keep(project, dictionary, now_ns=now_ns)
    return Training(len(samples), dictionary.dict_id, before, after)


def _samples(project: str, max_traces: int, now_ns: int) -> list[Sample]:
    store, samples = get_store(), []
    for _, trace in islice(store.iterate_traces(project, now_ns=now_ns), max_traces):
        owner = trace.user_id or trace.session_id or trace.trace_id
        chunks = store.read_trace(project, trace.trace_id, now_ns=now_ns)
        text = b"\n".join(line for chunk in chunks for line in chunk.lines())
        samples.append(Sample(owner, text[:MAX_SAMPLE_BYTES]))
    return samples
