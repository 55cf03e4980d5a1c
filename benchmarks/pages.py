"""How soon a trace can be read in a browser, and what that costs it: ours, and Phoenix's beside it.

    .venv/bin/python benchmarks/pages.py [--quick] [--phoenix FOLDER]

The same synthetic traces of 10, 100, 1,000 and 5,000 spans (a run of agents that call models and tools,
1 KB of text each) go as OpenTelemetry protobuf to `manage.py runserver` on a new file and, with
`--phoenix FOLDER`, to arize-phoenix, which is installed there where it is missing. Headless Chromium then
opens each trace with an empty cache. A trace can be read when the page was painted and the names of its
first ten spans stand in it; "ready" is when our script has taken the list over, with all spans. Medians of several openings.
Needs Chromium (`apt-get install chromium`).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.sync_api import Browser, Page, sync_playwright
from serving import free_port, phoenix_server, running

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
SIZES = (10, 100, 1000, 5000)
SPANS_A_BATCH = 500
READ_TIMEOUT_MS = 240_000
POLL_MS = 20
FIRST_NAMES = 10
WORDS = (
    "plan",
    "look",
    "know",
    "ask",
    "more",
    "before",
    "write",
    "answer",
    "search",
    "result",
    "error",
    "again",
)

READABLE = """(names) => {
    if (!performance.getEntriesByName('first-contentful-paint').length) {
        return false;
    }
    const shown = document.body?.textContent ?? '';
    return names.every((name) => shown.includes(name));
}"""
OURS_READY = "() => document.querySelector('[data-trace][data-ready]') !== null"


@dataclass(frozen=True)
class Site:
    """``address`` of the page of a trace, by its id; ``is_ready`` is asked beside the names."""

    traces: str
    address: Callable[[str], str]
    is_ready: str = "() => true"
    is_stored: Callable[[str, int], bool] = lambda _trace, _count: True


@dataclass(frozen=True)
class Opening:
    milliseconds: float
    ready_ms: float
    nodes: int
    kilobytes: float
    heap_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer openings")
    parser.add_argument("--phoenix", metavar="FOLDER", help="compare with Phoenix, installed there")
    options = parser.parse_args()
    if CHROMIUM is None:
        sys.exit("Chromium is missing: apt-get install chromium, or CHROMIUM=/path/to/chrome.")
    rounds = 3 if options.quick else 7
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with our_site(folder) as site:
            ours = race(browser, site, SIZES, rounds)
        theirs = {}
        if options.phoenix:
            sizes = SIZES[1:3] if options.quick else SIZES
            with phoenix_site(Path(options.phoenix), folder) as site:
                theirs = race(browser, site, sizes, 1 if options.quick else 3)
        browser.close()
    report(ours, theirs)


# -- the traces ------------------------------------------------------------------------------------
def names_of(count: int) -> list[str]:
    """Names no two of which are the same: nothing is grouped away, every row is a row."""
    return [f"run-{count}-root", *(f"step-{number:05d}" for number in range(1, count))]


def batches(trace_id: bytes, count: int) -> Iterator[bytes]:
    chance = random.Random(count)
    names, end_ns = names_of(count), time.time_ns()
    start_ns = end_ns - count * 20_000_000
    ids = [chance.randbytes(8) for _ in names]
    for first in range(0, count, SPANS_A_BATCH):
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add()
        group.resource.attributes.add(key="service.name").value.string_value = "benchmark"
        scope = group.scope_spans.add()
        scope.scope.name = "openinference.instrumentation.openai"
        for number in range(first, min(count, first + SPANS_A_BATCH)):
            parent = None if not number else ids[0] if number % 8 == 1 else ids[number - (number - 1) % 8]
            begin = start_ns + number * 19_000_000
            add_span(scope, chance, (trace_id, ids[number], parent), names[number])
            scope.spans[-1].start_time_unix_nano = begin if number else start_ns
            scope.spans[-1].end_time_unix_nano = (begin + chance.randint(10**6, 10**8)) if number else end_ns
        yield request.SerializeToString()


def add_span(scope: Any, chance: random.Random, ids: tuple[bytes, bytes, bytes | None], name: str) -> None:
    trace_id, span_id, parent_id = ids
    span = scope.spans.add(trace_id=trace_id, span_id=span_id, name=name)
    kind = "AGENT" if parent_id is None else chance.choice(["LLM", "LLM", "TOOL", "RETRIEVER", "CHAIN"])
    if parent_id is not None:
        span.parent_span_id = parent_id
    texts = {
        "openinference.span.kind": kind,
        "input.value": " ".join(chance.choices(WORDS, k=120)),
        "output.value": " ".join(chance.choices(WORDS, k=80)),
    }
    for key, text in texts.items():
        span.attributes.add(key=key).value.string_value = text
    if kind == "LLM":
        span.attributes.add(key="llm.model_name").value.string_value = "gpt-4o"
        for direction in ("prompt", "completion"):
            tokens = chance.randint(10, 2000)
            span.attributes.add(key=f"llm.token_count.{direction}").value.int_value = tokens


def send(site: Site, trace_id: bytes, count: int) -> None:
    headers = {"Content-Type": "application/x-protobuf", "X-API-Key": "project-dev"}
    for body in batches(trace_id, count):
        httpx.post(site.traces, content=body, headers=headers, timeout=60).raise_for_status()
    until = time.monotonic() + 120
    while not site.is_stored(trace_id.hex(), count) and time.monotonic() < until:
        time.sleep(0.3)


# -- the race --------------------------------------------------------------------------------------
def race(browser: Browser, site: Site, sizes: tuple[int, ...], rounds: int) -> dict[int, Opening]:
    found = {}
    for count in sizes:
        trace_id = random.Random(f"trace {count}").randbytes(16)
        send(site, trace_id, count)
        openings = [open_cold(browser, site, trace_id.hex(), count) for _ in range(rounds)]
        found[count] = sorted(openings, key=lambda one: one.milliseconds)[len(openings) // 2]
        print(f"{site.traces}: {count} spans {found[count]}", file=sys.stderr, flush=True)
    return found


def open_cold(browser: Browser, site: Site, trace_id: str, count: int) -> Opening:
    """A context of its own has a cache of its own, which is empty."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(READ_TIMEOUT_MS)
    counter = count_bytes(page)
    began = time.perf_counter()
    page.goto(site.address(trace_id), wait_until="commit")
    page.wait_for_function(READABLE, arg=names_of(count)[:FIRST_NAMES], polling=POLL_MS)
    readable = time.perf_counter()
    page.wait_for_function(site.is_ready, polling=POLL_MS)
    ready = time.perf_counter()
    nodes = page.evaluate("document.querySelectorAll('*').length")
    heap = heap_mb(page)
    context.close()
    return Opening(
        round(1000 * (readable - began)), round(1000 * (ready - began)), nodes, round(counter() / 1000), heap
    )


def count_bytes(page: Page) -> Callable[[], float]:
    """Bytes that came over the wire, headers and all."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    received: list[float] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    return lambda: sum(received)


def heap_mb(page: Page) -> float:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return round(session.send("Runtime.getHeapUsage")["usedSize"] / 1e6, 1)


# -- servers ---------------------------------------------------------------------------------------
@contextmanager
def our_site(folder: str) -> Iterator[Site]:
    port = free_port()
    environment = os.environ | {
        "STORAGE_URL": f"sqlite:///{folder}/ours.sqlite3",
        "RATE_LIMIT_RPM": "0",
        "API_KEY_REQUIRED": "false",
        "LOG_LEVEL": "ERROR",
    }
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "manage.py", "runserver", str(port), "--noreload"]
    with running(command, environment, f"{base}/health"):
        yield Site(
            f"{base}/v1/traces", lambda trace_id: f"{base}/dashboard/t/{trace_id}?view=tree", OURS_READY
        )


@contextmanager
def phoenix_site(home: Path, folder: str) -> Iterator[Site]:
    with phoenix_server(home, folder) as (base, _):

        def is_stored(trace_id: str, count: int) -> bool:
            query = f'{{projects {{edges {{node {{trace(traceId: "{trace_id}") {{numSpans}}}}}}}}}}'
            answer = httpx.post(f"{base}/graphql", json={"query": query}, timeout=30).json()
            edges = (answer.get("data") or {}).get("projects", {}).get("edges", [])
            return any((edge["node"].get("trace") or {}).get("numSpans") == count for edge in edges)

        yield Site(
            f"{base}/v1/traces", lambda trace_id: f"{base}/redirects/traces/{trace_id}", is_stored=is_stored
        )


def report(ours: dict[int, Opening], theirs: dict[int, Opening]) -> None:
    print(f"{'spans':>6} {'':8} {'read ms':>8} {'ready ms':>8} {'nodes':>7} {'KB':>7} {'heap MB':>8}")
    for count in SIZES:
        for name, found in (("ours", ours), ("Phoenix", theirs)):
            if one := found.get(count):
                print(
                    f"{count:>6} {name:8} {one.milliseconds:>8} {one.ready_ms:>8} {one.nodes:>7} "
                    f"{one.kilobytes:>7} {one.heap_mb:>8}"
                )
    ratio = round(theirs[1000].milliseconds / ours[1000].milliseconds, 1) if 1000 in theirs else None
    figures = {
        "open_1000_ms": ours[1000].milliseconds,
        "open_5000_ms": ours[5000].milliseconds,
        "dom_nodes_5000": ours[5000].nodes,
        "heap_mb_5000": ours[5000].heap_mb,
        "phoenix_over_ours_1000": ratio,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
