"""Dollars a month on AWS, ours beside the original's design, from units measured in this run.

    .venv/bin/python benchmarks/aws_cost.py [--quick]

prints the bill, and the tables of README.md and docs/deploying.md as they are to be there.

Traces of six spans with 3.9 KB of prose each (workload.py) go through the Lambda handler as our client sends
them, one trace a request or ten. Measured: write and read units as DynamoDB counts them (on the embedded
engine, which store_cost.py holds against a DynamoDB server), packed bytes kept, and CPU seconds a request
of this process. A Lambda of 1 GB has 0.58 of a processor, so a request is billed its CPU / 0.58, plus WAIT_MS
for DynamoDB. The original: a request for each start and end, two tables with an index that copies everything
(store_cost.py has the rule), the same Lambda for half our CPU a request.

Everybody reads: each day one person opens the list 20 times and 30 traces. Retention is 90 days: what is kept
is three months of traffic. Prices: us-east-1 and arm64, of domain/aws_prices.py. Not in it: data out (pages
are small), CloudWatch alarms beyond the ten free ones, taxes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "client")]

from traces_app.domain.aws_prices import prices_of  # noqa: E402

PRICES = prices_of("us-east-1", "arm64")

LOG_GB_USD = 0.50
LOG_BYTES_A_REQUEST = 350
"""START, END and REPORT lines of Lambda."""

MEMORY_GB = 1.0
PROCESSOR_SHARE = 1024 / 1769
"""Lambda gives one processor at 1,769 MB."""

WAIT_MS = 12.0
"""For DynamoDB, inside a region: one key look-up is cached, one batch is written."""

COLD_SHARE = 0.02
COLD_S = 1.5
"""Of requests that start an instance, and what each is billed for it: guesses, on the high side."""

SPANS_A_TRACE = 6
LISTS_A_DAY, OPENS_A_DAY, DAYS, KEPT_MONTHS = 20, 30, 30, 3
VOLUMES = (10_000, 100_000, 1_000_000, 10_000_000)
NOW_MS = 2_000_000_000_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="100 traces instead of 600")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        traces = make_traces(100 if arguments.quick else 600)
        single, batched = (measure(traces, size) for size in (1, 10))
        reads = measure_reads(traces)
    report(single, batched, reads, original_of(traces, single))


def prepare(folder: str) -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tracer_project.settings",
        "STORAGE_URL": f"sqlite:///{folder}/traces.sqlite3",
        "API_KEYS": "project-bench",
        "RATE_LIMIT_RPM": "0",
        "LOG_LEVEL": "ERROR",
    }


def make_traces(count: int) -> list[list[dict[str, Any]]]:
    from workload import six_span_trace

    rng = random.Random(1)
    now_ms = int(time.time() * 1000)
    return [six_span_trace(rng, now_ms - rng.randrange(3_600_000)) for _ in range(count)]


def measure(traces: list[list[dict[str, Any]]], traces_a_request: int) -> dict[str, float]:
    """Through the handler: units, CPU and bytes a span."""
    from store_cost import metered

    from tests.aws.events import Context, http_event
    from tracer_project.aws_lambda.handler import handle
    from traces_app import storage

    headers = {"content-type": "application/json", "x-api-key": "project-bench"}
    events = []
    for start in range(0, len(traces), traces_a_request):
        spans = [span for trace in traces[start : start + traces_a_request] for span in trace]
        body = json.dumps({"spans": spans})
        events.append(http_event("/api/ingest", method="POST", headers=headers, body=body))
    for event in events[:5]:
        handle(event, Context())  # what is loaded once is not a request's cost
    with metered(storage.get_store().engine.client) as counted:
        started = time.process_time()
        for event in events:
            assert handle(event, Context())["statusCode"] == 202
        cpu_s = time.process_time() - started
    spans_count = len(traces) * SPANS_A_TRACE
    return {
        "write_units": counted["units"] / spans_count,
        "requests": len(events) / spans_count,
        "cpu_ms": 1000 * cpu_s / len(events),
    }


def measure_reads(traces: list[list[dict[str, Any]]]) -> dict[str, float]:
    from store_cost import metered

    from traces_app import queries, storage

    now_ns = time.time_ns()
    client = storage.get_store().engine.client
    with metered(client) as lists:
        queries.list_traces("bench", queries.TraceFilter(), limit=50, now_ns=now_ns)
    opened = [trace[0]["trace_id"] for trace in traces[::10]]
    with metered(client) as opens:
        found = [queries.get_trace("bench", trace_id, now_ns=now_ns) for trace_id in opened]
    stored = sum(trace.summary.stored_bytes for trace in found) / len(found) / SPANS_A_TRACE
    return {"list": lists["units"], "open": opens["units"] / len(opened), "stored_bytes": stored + 100}


def original_of(traces: list[list[dict[str, Any]]], ours: dict[str, float]) -> dict[str, float]:
    """Its units by DynamoDB's rule; two requests a span and two a trace; everything stored twice."""
    from store_cost import original_units

    spans = len(traces) * SPANS_A_TRACE
    raw_bytes = sum(len(json.dumps(span).encode()) for trace in traces for span in trace) / spans
    return {
        "write_units": original_units(traces) / spans,
        "requests": 2 + 2 / SPANS_A_TRACE,
        "cpu_ms": ours["cpu_ms"] / 2,
        "stored_bytes": 2 * raw_bytes,
        "list": 50 * 0.5,
        "open": raw_bytes * SPANS_A_TRACE / 4096 / 2,
    }


def dollars(spans: int, found: dict[str, float]) -> dict[str, float]:
    """A month's bill by its lines."""
    pages = DAYS * (LISTS_A_DAY + OPENS_A_DAY)
    requests = spans * found["requests"] + pages
    billed_s = (found["cpu_ms"] / PROCESSOR_SHARE + WAIT_MS) / 1000 + COLD_SHARE * COLD_S
    reads = DAYS * (LISTS_A_DAY * found["list"] + OPENS_A_DAY * found["open"])
    return {
        "writes": spans * found["write_units"] * PRICES.write_usd,
        "reads": 2 * reads * PRICES.read_half_usd,
        "storage": KEPT_MONTHS * spans * found["stored_bytes"] / 2**30 * PRICES.stored_usd_per_gb_month,
        "Lambda": requests * (PRICES.request_usd + billed_s * MEMORY_GB * PRICES.lambda_usd_per_gb_s),
        "logs": requests * LOG_BYTES_A_REQUEST / 2**30 * LOG_GB_USD,
    }


def report(
    single: dict[str, float], batched: dict[str, float], reads: dict[str, float], original: dict[str, float]
) -> None:
    designs = {
        "ours, one trace a request": single | reads,
        "ours, ten traces a request": batched | reads,
        "the original's design": original,
    }
    print(f"{'a span':28}{'write units':>12}{'requests':>10}{'CPU ms/req':>12}{'bytes kept':>12}")
    for name, found in designs.items():
        print(
            f"{name:28}{found['write_units']:12.2f}{found['requests']:10.2f}"
            f"{found['cpu_ms']:12.1f}{found['stored_bytes']:12.0f}"
        )
    totals: dict[str, list[float]] = {}
    print(f"\n{'dollars a month':28}" + "".join(f"{volume // 1000:>9,}k spans" for volume in VOLUMES))
    for name, found in designs.items():
        totals[name] = [sum(dollars(volume, found).values()) for volume in VOLUMES]
        print(f"{name:28}" + "".join(f"{total:16.2f}" for total in totals[name]))
    for line, value in dollars(VOLUMES[2], designs["ours, one trace a request"]).items():
        print(f"  of 1,000k, one a request: {line:10}{value:8.2f}")
    ours, theirs = totals["ours, one trace a request"], totals["the original's design"]
    print_tables(ours, theirs)
    figures = {f"usd_{volume // 1000}k": round(total, 2) for volume, total in zip(VOLUMES, ours, strict=True)}
    figures |= {
        "original_over_ours_1000k": round(theirs[2] / ours[2], 1),
        "cpu_ms": round(single["cpu_ms"], 1),
    }
    print(json.dumps(figures))


def print_tables(ours: list[float], theirs: list[float]) -> None:
    """As they stand in README.md and docs/deploying.md, to be copied there."""
    print("\nREADME.md:\n")
    print(row("spans a month", *(f"{volume:,}" for volume in VOLUMES)))
    print("|---" * (len(VOLUMES) + 1) + "|")
    print(row("on AWS, kept 90 days", *(f"${total:,.2f}" for total in ours)))
    print("\ndocs/deploying.md:\n")
    print(row("spans a month", "ours", "the original's design"))
    print("|---|---|---|")
    for volume, mine, other in zip(VOLUMES, ours, theirs, strict=True):
        print(row(f"{volume:,}", f"${mine:,.2f}", f"${other:,.2f}"))
    print()


def row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
