"""What keeping traces costs in DynamoDB's units: this design beside the original's, in one run.

    .venv/bin/python benchmarks/store_cost.py [--quick] [--traces 1000]

Workload: traces of six spans with varied prose, 3.9 KB of JSON a span (workload.py), sent as our client does:
one batch holds whole traces. Ours is written through ingest and counted by the engine (ConsumedCapacity),
on the local engine and, for a part of the traces, on ministack, a DynamoDB API server: the write units
must agree. (Its read units are not DynamoDB's: version 1.5 charges a Query too little.)

The original wrote two tables, each with one index that projects all attributes. Per span: put (name, input),
update (output, tokens; DynamoDB charges the larger of the item before and after), and twice a counter on the
trace's item; each write is charged once for the table and once for the index. Its units are computed by
DynamoDB's published rule (1 KB a unit, rounded up) because the local engine has no indexes.

Prices: $0.625 per million write units, $0.125 per million read units (us-east-1, on demand, since
November 2024).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from traces_app.domain.aws_prices import prices_of  # noqa: E402

WRITE_USD_PER_MILLION = prices_of("us-east-1").write_usd_per_million
BATCH_TRACES = 10
MINISTACK_TRACES = 60
NOW_MS = 2_000_000_000_000


def main() -> None:
    arguments = parse()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tracer_project.settings"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STORAGE_URL"] = f"sqlite:///{folder}/traces.sqlite3"
        import django

        django.setup()
        traces = make_traces(200 if arguments.quick else arguments.traces)
        ours = measure(traces)
        local = measure_on_new_file(traces[:MINISTACK_TRACES])
        server = None if arguments.no_ministack else measure_on_ministack(traces[:MINISTACK_TRACES])
    report(traces, ours, original_units(traces), local, server)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="200 traces")
    parser.add_argument("--traces", type=int, default=1000)
    parser.add_argument("--no-ministack", action="store_true", help="leave the comparison of engines out")
    return parser.parse_args()


def make_traces(count: int) -> list[list[dict[str, Any]]]:
    from workload import six_span_trace

    rng = random.Random(1)
    return [six_span_trace(rng, NOW_MS - rng.randrange(86_400_000)) for _ in range(count)]


def measure(traces: list[list[dict[str, Any]]]) -> dict[str, float]:
    """Write everything through ingest, list 50, open one in twenty; units as the engine counts them."""
    from traces_app import queries, storage
    from traces_app.access import Access
    from traces_app.api.body import JsonBody
    from traces_app.api.native.translate import batch_of
    from traces_app.ingest import receive

    store, now_ns, access = storage.get_store(), (NOW_MS + 1000) * 10**6, Access("bench", "all", "bench")
    with metered(store.engine.client) as writes:
        for start in range(0, len(traces), BATCH_TRACES):
            spans = [span for trace in traces[start : start + BATCH_TRACES] for span in trace]
            receipt = receive(access, batch_of(JsonBody({"spans": spans}, [])).spans, now_ns=now_ns)
            assert not receipt.rejected, receipt.rejected[0]
    with metered(store.engine.client) as lists:
        page = queries.list_traces("bench", queries.TraceFilter(), limit=50, now_ns=now_ns)
    with metered(store.engine.client) as opens:
        for trace in traces[::20]:
            queries.get_trace("bench", trace[0]["trace_id"], now_ns=now_ns)
    stored = [queries.get_trace("bench", trace[0]["trace_id"], now_ns=now_ns) for trace in traces[::20]]
    return {
        "write_units": writes["units"],
        "list_50_read_units": lists["units"],
        "listed": len(page.traces),
        "open_trace_read_units": opens["units"] / len(traces[::20]),
        "packed_bytes": sum(trace.summary.stored_bytes for trace in stored) / len(stored) / len(traces[0]),
    }


@contextmanager
def metered(client: Any) -> Iterator[dict[str, float]]:
    """Count the capacity of every call that goes to the engine."""
    counted: dict[str, float] = {"units": 0.0, "calls": 0}
    call = client._make_api_call

    def counting(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = call(operation, {**arguments, "ReturnConsumedCapacity": "TOTAL"})
        entries = answer.get("ConsumedCapacity", [])
        for entry in entries if isinstance(entries, list) else [entries]:
            counted["units"] += entry["CapacityUnits"]
        counted["calls"] += 1
        return answer

    client._make_api_call = counting
    try:
        yield counted
    finally:
        del client._make_api_call


def measure_on_new_file(traces: list[list[dict[str, Any]]]) -> dict[str, float]:
    from django.conf import settings

    from traces_app import storage

    storage.reset_store()
    settings.STORAGE_URL += ".second"
    return measure(traces)


def measure_on_ministack(traces: list[list[dict[str, Any]]]) -> dict[str, float]:
    from django.conf import settings

    from tests.ministack_server import running_ministack
    from traces_app import storage

    storage.reset_store()
    with running_ministack() as url:
        settings.STORAGE_URL, settings.DYNAMODB_ENDPOINT_URL = "dynamodb", url
        storage.create_tables()
        try:
            return measure(traces)
        finally:
            storage.reset_store()


def original_units(traces: list[list[dict[str, Any]]]) -> float:
    """Write units of the original's design for the same traces."""
    return sum(original_trace_units(trace) for trace in traces)


def original_trace_units(trace: list[dict[str, Any]]) -> float:
    root = trace[0]
    header = {name: root[name] for name in ("trace_id", "name", "start_time_unix_nano")}
    units = 2 * units_of(header)
    for span in trace:
        created = {name: value for name, value in span.items() if name not in ("output", "usage")}
        units += 2 * units_of(created) + 2 * units_of(span)
        units += 2 * 2 * units_of(header)  # the trace's counters, when a span is made and when it is done
    return units + 2 * units_of({**header, "output": root["output"]})


def units_of(item: dict[str, Any]) -> int:
    """DynamoDB's size of an item: names and values, strings as UTF-8; rounded up to 1 KB."""
    size = sum(len(name) + len(as_text(value).encode()) for name, value in item.items())
    return -(-size // 1024)


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def report(
    traces: list[list[dict[str, Any]]],
    ours: dict[str, float],
    original: float,
    local: dict[str, float],
    server: dict[str, float] | None,
) -> None:
    spans = sum(map(len, traces))
    raw = (
        sum(len(json.dumps(span, ensure_ascii=False).encode()) for trace in traces for span in trace) / spans
    )
    mine, theirs = ours["write_units"] / spans, original / spans
    print(f"{len(traces)} traces, {spans} spans, {raw:.0f} bytes of JSON a span")
    print(f"{'':24}{'ours':>12}{'original':>12}")
    print(f"{'write units / span':24}{mine:12.3f}{theirs:12.3f}   {theirs / mine:.1f} times ours")
    print(
        f"{'$ / million spans':24}{mine * WRITE_USD_PER_MILLION:12.2f}{theirs * WRITE_USD_PER_MILLION:12.2f}"
    )
    print(f"bytes packed / span: {ours['packed_bytes']:.0f}")
    print(f"read units (eventually consistent): list of 50 {ours['list_50_read_units']},", end=" ")
    print(f"open one trace {ours['open_trace_read_units']:.2f}")
    if server is not None:
        same = local["write_units"] == server["write_units"]
        verdict = "the same" if same else f"DIFFERENT from {local['write_units']}"
        print(
            f"the first {MINISTACK_TRACES} traces on ministack: "
            f"{server['write_units']} write units, {verdict}"
        )
    figures = {
        "write_units_per_span": round(mine, 4),
        "original_over_ours": round(theirs / mine, 2),
        "bytes_per_span": round(ours["packed_bytes"]),
        "list_50_read_units": ours["list_50_read_units"],
        "open_trace_read_units": round(ours["open_trace_read_units"], 3),
        "ministack_units_equal": None if server is None else same,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.1f} s", file=sys.stderr)
