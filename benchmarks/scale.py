"""Which key gets hot first, how many shards a rate needs, what it costs.

    .venv/bin/python benchmarks/scale.py [--quick]

The real store over a DynamoDB that counts every partition's units in every second, and refuses what a
partition cannot take. Packing, items, keys, batches and their back-off are those of the server; beneath them
(simulated.py) is the local engine behind a bucket for each partition (1,000 write and 3,000 read units a
second) and each table. Bursts beyond a second and the splitting of hot partitions are left out: keys that
grow with the time cannot be split usefully. Time is simulated: one task runs at a time, and sleeping costs
nothing.

Traffic: traces of six spans (workload.py, 3.9 KB of JSON a span), each with a session of its own and one of
500 users, from as many processes as PROCESSES says; each sends every 1.25 s what has ended, as the client
paces itself, waits as long as Retry-After asks, and then sends the same again. Every process of the server
is a Store of its own. "OTLP": ids are foreign, and a trace comes in two batches, the second with the root.
At the end the traces are counted through the list.

Dollars: `aws_cost.py`'s rules, with the units counted here.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aws_cost
from aws_cost import SPANS_A_TRACE
from simulated import PARTITION_READS, PARTITION_WRITES, Clock, SimulatedDynamoDB

PROJECT = "bench"
PROCESSES = {1: 1, 100: 5, 10_000: 100}
"""Programs that are traced, by spans a second."""

SERVERS = {1: 1, 100: 2, 10_000: 16}
SIMULATED_S = {1: 600.0, 100: 30.0, 10_000: 3.0}
OVERLOADED_S = 8.0
QUICK_SHARE = 0.25
SEND_EVERY_S = 1.25
"""The client's pace: 0.8 requests a second."""

MAX_REQUEST_TRACES = 512 // SPANS_A_TRACE
USERS = 500
STACK_WRITES = 1000
"""MaxWriteUnitsPerSecond of the stack, a table: the ceiling for the bill."""

NEW_TABLE_WRITES = 4000
"""What a new on-demand table takes at once; later twice its highest peak."""

TARGET_SHARE = 0.7
"""Of a partition's units that shards leave in use: traffic is no straight line."""

MONTH_S = 30 * 86_400
KINDS = {
    "P": "day's list",
    "S": "session's list",
    "U": "user's list",
    "T": "spans of a trace",
    "A": "anchor of a trace",
    "D": "days of a project",
    "PROJECTS": "projects",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a quarter of the simulated seconds")
    is_quick = parser.parse_args().quick
    share = QUICK_SHARE if is_quick else 1.0
    with tempfile.TemporaryDirectory() as folder:
        aws_cost.prepare(folder)
        traces = aws_cost.make_traces(20 if is_quick else 200)
        lambdas = {rate: aws_cost.measure(traces, traces_a_request(rate)) for rate in PROCESSES}
        reads = aws_cost.measure_reads(traces)
        pool = normal_spans(40 if is_quick else 400)
        runs = {f"{rate:,}": simulate(pool, rate, seconds=share * of) for rate, of in SIMULATED_S.items()}
        runs["10,000 OTLP"] = simulate(pool, 10_000, seconds=2 * share, is_foreign=True)
        shards = shards_needed(runs["10,000"])
        overloaded = {
            number: simulate(pool, 10_000, seconds=OVERLOADED_S * share, shards=number, is_limited=True)
            for number in (1, shards)
        }
    report(runs, lambdas, reads, overloaded)


def traces_a_request(rate: int) -> int:
    return max(1, round(rate / PROCESSES[rate] / SPANS_A_TRACE * SEND_EVERY_S))


def shards_needed(run: Run) -> int:
    """They are doubled, never raised by one."""
    partitions = run.rate * run.day_units_a_span / PARTITION_WRITES / TARGET_SHARE
    return int(2 ** max(0, math.ceil(math.log2(partitions))))


# -- traffic ---------------------------------------------------------------------------------------
def normal_spans(traces: int) -> list[list[Any]]:
    """Traces as `ingest` makes them; their ids are changed before they are sent."""
    from traces_app.api.body import JsonBody
    from traces_app.api.native.translate import batch_of
    from traces_app.domain.normalize import normalize

    found = [batch_of(JsonBody({"spans": spans}, [])).spans for spans in aws_cost.make_traces(traces)]
    for trace in found:
        for span in trace:
            assert normalize(span, now_ns=time.time_ns(), own_prices=tuple) is None
    return found


@dataclass
class Run:
    rate: int
    seconds: float
    is_foreign: bool
    database: SimulatedDynamoDB
    traces: int = 0
    listed: int = 0
    requests: int = 0
    refusals: int = 0
    delays_s: list[float] = field(default_factory=list)
    ended_s: float = 0.0

    @property
    def spans(self) -> int:
        return self.traces * SPANS_A_TRACE

    def peak(self, kind: str) -> int:
        """Write units of the hottest partition of this kind in its hottest second."""
        heat = self.database.heat.items()
        return max((units for (name, _), units in heat if name.split("#")[0] == kind), default=0)

    @property
    def day_units_a_span(self) -> float:
        """In the day's list, over all shards."""
        return sum(units for (name, _), units in self.database.heat.items() if name[:2] == "P#") / self.spans

    def units_a_span(self, table: str) -> float:
        return self.database.units[table] / self.spans


def simulate(
    pool: Sequence[list[Any]],
    rate: int,
    *,
    seconds: float,
    shards: int = 1,
    is_limited: bool = False,
    is_foreign: bool = False,
) -> Run:
    from traces_app import storage
    from traces_app.storage.dynamodb import batch_put
    from traces_app.storage.engine import Engine, bind_models
    from traces_app.storage.store import Store

    class SimulatedEngine(Engine):
        """Sleeps in simulated time, and asks one after another."""

        def batch_put(self, items: Iterable[Any]) -> float:
            return batch_put(self.client, items, sleep=clock.sleep)

        def each(self, ask: Callable[[Any], Any], arguments: Sequence[Any]) -> list[Any]:
            return [ask(argument) for argument in arguments]

    storage.reset_store()
    clock, rng = Clock(), random.Random(rate + shards)
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        database = SimulatedDynamoDB(Path(folder), clock, is_limited=is_limited)
        engine = SimulatedEngine("dynamodb", database)
        bind_models(database, "traces", "spans")
        clock.start(0, engine.create_tables)
        clock.run()
        run = Run(rate, clock.now_s + seconds, is_foreign, database)
        servers = [Store(engine, shards=shards) for _ in range(SERVERS[rate])]
        for number in range(PROCESSES[rate]):
            at_s = clock.now_s + rng.random() * SEND_EVERY_S
            clock.start(at_s, send, run, pool, servers, clock, random.Random(number))
        clock.run()
        run.ended_s = clock.now_s
        clock.start(clock.now_s, count_listed, run, servers[0])
        clock.run()
        engine.close()
    return run


def memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def send(
    run: Run, pool: Sequence[list[Any]], servers: Sequence[Any], clock: Clock, rng: random.Random
) -> None:
    """One traced program: what has ended since the last request leaves with the next."""
    every_s = SPANS_A_TRACE * PROCESSES[run.rate] / run.rate
    ended_s = clock.now_s
    rest: dict[str, list[Any]] = {}
    while ended_s < run.seconds or rest:
        clock.sleep(max(SEND_EVERY_S, min(ended_s, run.seconds) - clock.now_s))
        times = []
        while ended_s <= min(clock.now_s, run.seconds) and len(times) < MAX_REQUEST_TRACES:
            times.append(ended_s)
            ended_s += every_s
        traces, rest = rest, {}
        for at_s in times:
            trace_id, spans = renamed(rng, pool, at_s, is_foreign=run.is_foreign)
            if run.is_foreign:
                rest[trace_id], spans = spans[:3], spans[3:]
            traces[trace_id] = spans
        run.traces += len(times)
        if traces:
            deliver(run, rng.choice(servers), traces, clock)
            run.delays_s += [clock.now_s - at_s for at_s in times]


def deliver(run: Run, server: Any, traces: dict[str, list[Any]], clock: Clock) -> None:
    from traces_app.storage import StoreUnavailable

    while True:
        run.requests += 1
        try:
            server.append(PROJECT, traces, stamp(clock.now_s))
        except StoreUnavailable as error:
            run.refusals += 1
            clock.sleep(error.retry_after_seconds)
        else:
            return


def renamed(
    rng: random.Random, pool: Sequence[list[Any]], at_s: float, *, is_foreign: bool
) -> tuple[str, list[Any]]:
    """A trace with ids, times and owners of its own; of a foreign one only the root names them."""
    from traces_app.domain.packing import PackedSpan, pack_payload
    from workload import moved, own_trace_id

    start_ns = aws_cost.NOW_MS * 10**6 + int(at_s * 1e9)
    trace_id = f"{rng.getrandbits(128):032x}" if is_foreign else own_trace_id(rng, start_ns // 10**6)
    owners = {"session_id": f"{rng.getrandbits(30)}", "user_id": f"user {rng.randrange(USERS)}"}
    spans = [
        span if is_foreign and span.parent_span_id else replace(span, **owners)
        for span in moved(rng.choice(pool), rng, trace_id, start_ns)
    ]
    return trace_id, [PackedSpan(span, pack_payload(span)) for span in spans]


def stamp(now_s: float) -> Any:
    from traces_app.storage import Stamp

    now_ns = aws_cost.NOW_MS * 10**6 + int(now_s * 1e9)
    return Stamp(now_ns, now_ns // 10**9 + 90 * 86_400)


def count_listed(run: Run, store: Any) -> None:
    found = Counter(
        trace.trace_id
        for _, trace in store.iterate_traces(PROJECT, page_items=1000, now_ns=stamp(run.ended_s).now_ns)
        if trace.span_count == SPANS_A_TRACE
    )
    assert set(found.values()) <= {1}, "a trace is listed twice"
    run.listed = len(found)


# -- report ----------------------------------------------------------------------------------------
def report(
    runs: dict[str, Run],
    lambdas: dict[int, dict[str, float]],
    reads: dict[str, float],
    overloaded: dict[int, Run],
) -> None:
    print(f"{'spans a second':40}" + "".join(f"{name:>14}" for name in runs))
    for kind, name in KINDS.items():
        print(f"{'worst second: ' + name:40}" + "".join(f"{run.peak(kind):14,}" for run in runs.values()))
    found = {name: facts(run, lambdas[run.rate], reads) for name, run in runs.items()}
    for name in found["1"]:
        print(f"{name:40}" + "".join(f"{column[name]:14,.2f}" for column in found.values()))
    print(f"lists of 50 a second from one day: {PARTITION_READS / reads['list']:,.0f}")
    print("\n10,000 spans a second against partitions of 1,000 units:")
    for number, run in overloaded.items():
        print(
            f"  {number} shard(s): {run.refusals} of {run.requests} requests answered 503, "
            f"{run.database.refused:,} items refused, {run.traces - run.listed} of {run.traces:,} traces "
            f"lost, delivered after {statistics.median(run.delays_s):.1f} s (last {max(run.delays_s):.1f})"
        )
    shards = max(overloaded)
    figures = {
        "write_units_per_span": round(found["10,000"]["write units a span"], 3),
        **{f"usd_a_month_{rate}": round(found[f"{rate:,}"]["dollars a month"], 2) for rate in PROCESSES},
        "hottest_units_a_second": round(10_000 * runs["10,000"].day_units_a_span),
        "shards_needed": shards,
        "refused_1_shard": round(overloaded[1].refusals / overloaded[1].requests, 3),
        "refused_enough_shards": round(overloaded[shards].refusals / overloaded[shards].requests, 3),
        "last_delivery_s_1_shard": round(max(overloaded[1].delays_s), 1),
        "lost": sum(run.traces - run.listed for run in (*runs.values(), *overloaded.values())),
    }
    print(json.dumps(figures))


def facts(run: Run, function: dict[str, float], reads: dict[str, float]) -> dict[str, float]:
    by_table = {name: run.units_a_span(name) for name in ("traces", "spans")}
    units = sum(by_table.values())
    stored_bytes = run.database.stored_bytes / run.spans
    measured = function | reads | {"write_units": units, "stored_bytes": stored_bytes}
    bill = aws_cost.dollars(run.rate * MONTH_S, measured)
    billed_s = (function["cpu_ms"] / aws_cost.PROCESSOR_SHARE + aws_cost.WAIT_MS) / 1000
    return {
        "write units a span": units,
        **{f"write units a second, {name}": value * run.rate for name, value in by_table.items()},
        "bytes stored a span": stored_bytes,
        "shards needed": shards_needed(run),
        "units a second in the day's list": run.rate * run.day_units_a_span,
        "spans/s that fill a day's list": PARTITION_WRITES / run.day_units_a_span,
        "spans/s that fill one trace": PARTITION_WRITES / by_table["spans"],
        "spans/s at the stack's ceiling": STACK_WRITES / max(by_table.values()),
        "spans/s of a new table": NEW_TABLE_WRITES / max(by_table.values()),
        "requests a second": run.rate * function["requests"],
        "Lambdas at a time": run.rate * function["requests"] * billed_s,
        "dollars a month": sum(bill.values()),
        **{f"  {name}": value for name, value in bill.items()},
    }


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.1f} s", file=sys.stderr)
