"""For tests of code that traces: captured spans without a server, with ids and times that repeat.

def test_the_answer_is_traced():
    with captured_spans() as (tracer, captured):
        answer("why?", tracer)
    assert captured.one("call")["output"] == {"text": "..."}
    assert captured.tree() == {"answer": {"call": {}}}
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx

from llm_tracer import _clock, _ids
from llm_tracer._client import SyncTracerClient

__all__ = ["CapturedSpans", "captured_spans", "fixed_ids_and_clock"]

FIRST_TIME_NS: Final = 1_767_225_600_000_000_000
"""The beginning of 2026."""
TICK_NS: Final = 1_000_000
"""The fixed clock goes on by a millisecond each time it is read."""


class CapturedSpans(httpx.BaseTransport):
    """A server that takes everything. Spans are dicts in the form of ``POST /api/ingest``."""

    def __init__(self) -> None:
        self.batches: list[dict[str, Any]] = []

    @property
    def spans(self) -> list[dict[str, Any]]:
        """The newest record of each span, in the order in which the spans first came."""
        newest: dict[tuple[str, str], dict[str, Any]] = {}
        for batch in self.batches:
            newest.update({(span["trace_id"], span["span_id"]): span for span in batch["spans"]})
        return list(newest.values())

    def one(self, name: str) -> dict[str, Any]:
        """The only span of that name; ``LookupError`` if there is none or several."""
        found = [span for span in self.spans if span["name"] == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} spans are named {name!r}, of {[s['name'] for s in self.spans]}")
        return found[0]

    def tree(self) -> dict[str, Any]:
        """Names of spans below names of their parents, in the order in which they began."""
        ordered = sorted(self.spans, key=lambda span: int(span["start_time_unix_nano"]))
        known = {span["span_id"] for span in ordered}
        return _below(
            None, [(s, s["parent_span_id"] if s["parent_span_id"] in known else None) for s in ordered]
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.batches.append(json.loads(body))
        return httpx.Response(202, json={"accepted": len(self.batches[-1]["spans"]), "rejected": []})


@contextmanager
def captured_spans(**arguments: Any) -> Iterator[tuple[SyncTracerClient, CapturedSpans]]:
    """A client (``arguments`` as of ``SyncTracerClient``) and where its spans are when the block is left.

    Ids and times are fixed within, so a whole span can be compared.
    """
    captured = CapturedSpans()
    with (
        fixed_ids_and_clock(),
        SyncTracerClient(**{"api_key": "project-test", "transport": captured, **arguments}) as tracer,
    ):
        yield tracer, captured


@contextmanager
def fixed_ids_and_clock(first_time_ns: int = FIRST_TIME_NS, tick_ns: int = TICK_NS) -> Iterator[None]:
    """Ids of all clients are counted up, and times go on by ``tick_ns`` with each look at the clock.

    For one test at a time: ids and clock are the process's.
    """
    clock = _Clock(first_time_ns, tick_ns)
    counted = _CountedIds()
    real_clocks, real_source = (_clock.monotonic_ns, _clock.wall_ns), _ids.source
    _clock.use(clock.monotonic_ns, clock.wall_ns)
    _ids.use(counted.random_bytes)
    try:
        yield
    finally:
        _clock.use(*real_clocks)
        _ids.use(real_source)


class _Clock:
    def __init__(self, first_time_ns: int, tick_ns: int) -> None:
        self._first_time_ns = first_time_ns
        self._tick_ns = tick_ns
        self._ticks = 0

    def monotonic_ns(self) -> int:
        self._ticks += 1
        return self._ticks * self._tick_ns

    def wall_ns(self) -> int:
        """Of the same clock, without moving it."""
        return self._first_time_ns + (self._ticks + 1) * self._tick_ns


class _CountedIds:
    def __init__(self) -> None:
        self._count = 0

    def random_bytes(self, count: int) -> bytes:
        """Eight bytes at a time, each a number higher by one; read backwards by the pool, so written so."""
        numbers = range(self._count + count // 8, self._count, -1)
        self._count += count // 8
        return b"".join(number.to_bytes(8, "big") for number in numbers).ljust(count, b"\0")


def _below(parent_id: str | None, spans: list[tuple[dict[str, Any], str | None]]) -> dict[str, Any]:
    return {span["name"]: _below(span["span_id"], spans) for span, above in spans if above == parent_id}
