"""The local file with 10,000 and with 1,000,000 spans: what grows, and what must not.

    .venv/bin/python benchmarks/embedded_scale.py [--quick] [--spans 1000000]

Traces of six spans (workload.py, 3.9 KB of JSON a span) of 25 users and of sessions of ten, one in twenty
with an error, spread over 30 days in the order of their starts, go through `ingest.receive` in batches of 25
traces into two files. Then every question is asked of both in turn, in this one process: what is told is the
ratio of what the quicker half of the answers took. At last all of the large file expires at once (the clock
is moved behind its retention) while new batches come in: how long deleting takes, and the longest that one
batch had to wait meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]
SPANS_A_TRACE = 6
TRACES_A_BATCH = 25
SPANS_A_BATCH = SPANS_A_TRACE * TRACES_A_BATCH
DAY_S = 86_400
DAYS = 30
USERS = 25
PROJECT = "bench"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="3,000 and 9,000 spans")
    parser.add_argument("--spans", type=int, default=1_000_000, help="in the large file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare()
        traffic = Traffic(100 if arguments.quick else 1000)
        small = File(Path(folder) / "small.sqlite3", 3_000 if arguments.quick else 10_000)
        large = File(Path(folder) / "large.sqlite3", 9_000 if arguments.quick else arguments.spans)
        for file in (small, large):
            fill(file, traffic)
        ask_in_turns(small, large, traffic, rounds=3 if arguments.quick else 15)
        expiry = expire(large, traffic, batches=20 if arguments.quick else 300)
    report(small, large, expiry)


def prepare() -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "tracer_project.settings", "LOG_LEVEL": "ERROR"}
    import django

    django.setup()


@dataclass
class File:
    """A store, and what was measured of it: milliseconds by question."""

    path: Path
    spans: int
    first_ns: int = 0
    last_ns: int = 0
    some_ids: list[str] = field(default_factory=list)
    fill_rate: float = 0.0
    bytes_a_span: float = 0.0
    times: dict[str, list[float]] = field(default_factory=dict)

    def open(self) -> Any:
        from django.conf import settings

        from traces_app import storage

        storage.reset_store()
        settings.STORAGE_URL = f"sqlite:///{self.path}"
        return storage.get_store()

    def close(self) -> None:
        """Folds the write-ahead log into the file."""
        from traces_app import storage

        storage.reset_store()

    def usual(self) -> dict[str, float]:
        """Of the quicker half: what delays the others is the machine, not the file."""
        return {
            name: statistics.mean(sorted(found)[: len(found) // 2 + 1]) for name, found in self.times.items()
        }

    def stored_bytes(self) -> int:
        return sum(file.stat().st_size for file in self.path.parent.glob(f"{self.path.name}*"))


class Traffic:
    """Traces without end, made of some texts; making them is not part of any time."""

    def __init__(self, distinct_traces: int) -> None:
        from traces_app.api.body import JsonBody
        from traces_app.api.native.translate import batch_of
        from workload import six_span_trace

        self._rng = random.Random(1)
        self._pool = [
            batch_of(JsonBody({"spans": six_span_trace(self._rng, 10**12)}, [])).spans
            for _ in range(distinct_traces)
        ]
        self._made = 0

    def batch(self, start_ns: int) -> list[Any]:
        return [span for _ in range(TRACES_A_BATCH) for span in self._trace(start_ns)]

    def _trace(self, start_ns: int) -> Iterator[Any]:
        from workload import moved, own_trace_id

        rng, trace_id = self._rng, own_trace_id(self._rng, start_ns // 1_000_000)
        self._made += 1
        fields = {"session_id": f"session {self._made // 10}", "user_id": f"user {rng.randrange(USERS)}"}
        if self._made % 20 == 0:
            fields["status"] = "error"
        for span in moved(rng.choice(self._pool), rng, trace_id, start_ns):
            yield replace(span, **fields)


def receive(spans: list[Any], now_ns: int) -> float:
    """Seconds that one batch took."""
    from traces_app import ingest
    from traces_app.access import Access

    started = time.perf_counter()
    receipt = ingest.receive(Access(PROJECT, "all", "bench"), spans, now_ns=now_ns)
    elapsed = time.perf_counter() - started
    assert receipt.accepted == len(spans), receipt.rejected[:1]
    return elapsed


def fill(file: File, traffic: Traffic) -> None:
    file.open()
    file.last_ns = time.time_ns() - 10 * 10**9
    file.first_ns = file.last_ns - DAYS * DAY_S * 10**9
    batches = file.spans // SPANS_A_BATCH
    spent_s = 0.0
    for number in range(batches):
        at_ns = file.first_ns + (file.last_ns - file.first_ns) * (number + 1) // batches
        spans = traffic.batch(at_ns)
        if number % max(1, batches // 200) == 0:
            file.some_ids.append(spans[0].trace_id)
        spent_s += receive(spans, at_ns + 10**9)
        if number % 500 == 499:
            print(
                f"{file.path.name}: {(number + 1) * SPANS_A_BATCH:,} spans, {spent_s:.0f} s", file=sys.stderr
            )
    file.fill_rate = batches * SPANS_A_BATCH / spent_s
    file.close()
    file.bytes_a_span = file.stored_bytes() / (batches * SPANS_A_BATCH)


def ask_in_turns(small: File, large: File, traffic: Traffic, rounds: int) -> None:
    for number in range(rounds + 1):
        for file in (small, large):
            file.open()
            asked = questions(file, traffic, number)
            for name, ask in asked.items():
                started = time.perf_counter()
                ask()
                if number:  # the first round loads what is loaded once
                    file.times.setdefault(name, []).append((time.perf_counter() - started) * 1000)


def questions(file: File, traffic: Traffic, number: int) -> dict[str, Callable[[], Any]]:
    from traces_app import queries
    from traces_app.domain.durations import HOUR_NS
    from traces_app.domain.search import parse_search
    from traces_app.queries import TraceFilter
    from traces_app.searching import search_traces
    from traces_app.statistics import get_statistics

    now_ns = file.last_ns + (100 + 30 * number) * 10**9
    batch = traffic.batch(now_ns)
    opened = random.Random(number).choices(file.some_ids, k=5)
    day = {"since_ns": now_ns - 23 * HOUR_NS, "until_ns": now_ns, "now_ns": now_ns}

    def trace_list(**conditions: Any) -> None:
        page = queries.list_traces(PROJECT, TraceFilter(**conditions), limit=50, now_ns=now_ns)
        assert len(page.traces) == 50 or conditions

    def search(text: str, scope: str = "root") -> None:
        search_traces(PROJECT, parse_search(text, scope=scope), now_ns=now_ns)

    def open_five() -> None:
        for trace_id in opened:
            assert len(queries.get_trace(PROJECT, trace_id, now_ns=now_ns).rows) == SPANS_A_TRACE

    return {
        "ingest a batch of 150": lambda: receive(batch, now_ns),
        "list 50": trace_list,
        "list a user's 50": lambda: trace_list(user_id=f"user {number}"),
        "the list's page, no search": lambda: search(""),
        "open 5 traces": open_five,
        "search summaries (error:true)": lambda: search("error:true"),
        "search texts of 200 traces": lambda: search('text:"this stands nowhere"', "any"),
        "statistics of a day": lambda: get_statistics(PROJECT, "main", **day),
    }


@dataclass
class Expiry:
    items: int
    usual_ms: list[float]
    """A batch's times before anything expires."""
    own_ms: list[float]
    """While writers delete a little between their writes, as they always do."""
    swept_by_writers: int
    beside_ms: list[float]
    """While another thread deletes all the rest at once."""
    sweep_s: float
    swept: int
    again_ms: list[float]


def expire(file: File, traffic: Traffic, batches: int) -> Expiry:
    store = file.open()
    now_ns = file.last_ns + 3600 * 10**9
    usual = timed_batches(traffic, now_ns, batches)
    future_ns = now_ns + 91 * DAY_S * 10**9
    future_s = future_ns // 10**9
    items = expired_items(file, future_s)
    store.engine.client._clock = lambda: future_s
    own = timed_batches(traffic, future_ns, batches)
    left = expired_items(file, future_s)
    swept: list[float] = []

    def sweep() -> None:
        started = time.perf_counter()
        swept.append(store.engine.sweep(future_s))
        swept.append(time.perf_counter() - started)

    thread = threading.Thread(target=sweep)
    thread.start()
    beside = []
    while thread.is_alive():
        beside += timed_batches(traffic, future_ns, 1)
    again = timed_batches(traffic, future_ns, batches)
    assert expired_items(file, future_s) == 0
    return Expiry(items, usual, own, items - left, beside, swept[1], int(swept[0]), again)


def timed_batches(traffic: Traffic, now_ns: int, count: int) -> list[float]:
    return [1000 * receive(traffic.batch(now_ns - 10**9), now_ns) for _ in range(count)]


def expired_items(file: File, now_s: int) -> int:
    with closing(sqlite3.connect(file.path)) as connection:
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE name GLOB 'items_[0-9]'")
        ]
        return sum(
            connection.execute(f"SELECT count(*) FROM {name} WHERE expires_at <= ?", (now_s,)).fetchone()[0]
            for name in tables
        )


def report(small: File, large: File, expiry: Expiry) -> None:
    few, many = small.usual(), large.usual()
    print(f"{'':34}{f'{small.spans:,}':>12}{f'{large.spans:,}':>12}{'ratio':>8}")
    for name, attribute in (("filled, spans/s", "fill_rate"), ("file, bytes a span", "bytes_a_span")):
        first, second = getattr(small, attribute), getattr(large, attribute)
        print(f"{name:34}{first:12.0f}{second:12.0f}{second / first:8.2f}")
    for name, value in few.items():
        print(f"{name + ', ms':34}{value:12.2f}{many[name]:12.2f}{many[name] / value:8.2f}")
    print(f"\nall {expiry.items:,} items expire at once; a batch of 150 spans waits, in ms:")
    for name, found in (
        ("before", expiry.usual_ms),
        (f"writers delete ({expiry.swept_by_writers:,})", expiry.own_ms),
        (f"another thread too ({expiry.swept:,}, {expiry.sweep_s:.1f} s)", expiry.beside_ms),
        ("afterwards", expiry.again_ms),
    ):
        print(f"  {name:44}{statistics.median(found):9.1f} median {max(found):9.1f} longest of {len(found)}")
    figures = {
        "spans": large.spans,
        "ingest_ratio": round(few["ingest a batch of 150"] / many["ingest a batch of 150"], 2),
        "bytes_a_span": round(large.bytes_a_span),
        **{
            f"{short}_growth": round(many[name] / few[name], 2)
            for short, name in (
                ("list", "list 50"),
                ("trace", "open 5 traces"),
                ("search_summaries", "search summaries (error:true)"),
                ("search_texts", "search texts of 200 traces"),
                ("statistics", "statistics of a day"),
            )
        },
        "expired_items_a_second": round(expiry.swept / expiry.sweep_s),
        "longest_wait_ms": round(max(expiry.usual_ms)),
        "longest_wait_while_expiring_ms": round(max(*expiry.own_ms, *expiry.beside_ms)),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.1f} s", file=sys.stderr)
