"""How soon a trace, and the list of traces, can be read in a browser, and what that costs it.

    .venv/bin/python benchmarks/pages.py [--quick] [--phoenix FOLDER] [--mlflow FOLDER]

The same synthetic traces of 10 to 20,000 spans (a run of agents that call models and tools, 1 KB of text
each), then 1,000 and 100,000 traces of one span, go as OpenTelemetry protobuf to `manage.py runserver` on a
new file and, where a folder is named, to arize-phoenix and mlflow, which are installed there where they are
missing. Headless Chromium then opens each page with an empty cache. It can be read when it was painted and
the names of its first ten spans (of the newest ten traces) stand in it; "ready" is when our script has taken
the list over, with all spans. Then 5,000 rows are scrolled by ten rows a frame: 16.7 ms is every frame of
the screen. Medians of several openings; --quick opens less often, leaves 20,000 spans and 100,000 traces
out and asks the others for 1,000 spans alone. Needs Chromium (`apt-get install chromium`).
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
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from page_sites import Site, mlflow_site, our_site, phoenix_site
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
SIZES = (10, 100, 1000, 5000, 20_000)
LISTS = (1000, 100_000)
SPANS_A_BATCH = 500
WEEK_NS = 7 * 86_400 * 10**9
READ_TIMEOUT_MS = 120_000
POLL_MS = 20
BUSY = 503
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

SCROLLED = 5000
FRAMES = 150
SCROLL = """async (frames) => {
    const list = document.querySelector('[data-scroller]');
    const taken = [];
    let before = await new Promise(requestAnimationFrame);
    for (let frame = 0; frame < frames; frame += 1) {
        list.scrollTop += 260;
        const now = await new Promise(requestAnimationFrame);
        taken.push(now - before);
        before = now;
    }
    return taken.sort((a, b) => a - b)[Math.floor(frames * 0.95)];
}"""
READABLE = """(names) => {
    if (!performance.getEntriesByName('first-contentful-paint').length) {
        return false;
    }
    const shown = document.body?.textContent ?? '';
    return names.every((name) => shown.includes(name));
}"""


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
    parser.add_argument("--mlflow", metavar="FOLDER", help="compare with MLflow, installed there")
    options = parser.parse_args()
    if CHROMIUM is None:
        sys.exit("Chromium is missing: apt-get install chromium, or CHROMIUM=/path/to/chrome.")
    found, ratios = {}, {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with our_site(folder) as site:
            sizes, lists, rounds = (SIZES[:-1], LISTS[:1], 3) if options.quick else (SIZES, LISTS, 7)
            found[site.name] = race(browser, site, sizes, lists, rounds=rounds)
            frame_ms = scrolled(browser, site)
            for open_site, home in ((phoenix_site, options.phoenix), (mlflow_site, options.mlflow)):
                if home:
                    sizes, lists, rounds = ((1000,), (), 1) if options.quick else (SIZES[:-1], LISTS, 3)
                    with open_site(Path(home), folder) as other:
                        found[other.name] = race(browser, other, sizes, lists, rounds=rounds)
                        ratios[other.name] = paired(browser, site, other, rounds)
        browser.close()
    report(found, ratios, frame_ms)


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


def many_traces(first: int, end: int, count: int) -> Iterator[bytes]:
    """Traces ``first`` to ``end`` of ``count``, the last of them the newest, spread over a week."""
    chance, now_ns = random.Random(count), time.time_ns()
    for begin in range(first, end, SPANS_A_BATCH):
        request = ExportTraceServiceRequest()
        scope = request.resource_spans.add().scope_spans.add()
        scope.scope.name = "openinference.instrumentation.openai"
        for number in range(begin, min(end, begin + SPANS_A_BATCH)):
            start_ns = now_ns - (count - number) * WEEK_NS // count
            ids = (listed_id(start_ns, number), chance.randbytes(8), None)
            add_span(scope, chance, ids, listed_name(number))
            scope.spans[-1].attributes.add(key="input.value").value.string_value = listed_name(number)
            scope.spans[-1].start_time_unix_nano = start_ns
            scope.spans[-1].end_time_unix_nano = start_ns + chance.randint(10**6, 10**9)
        yield request.SerializeToString()


def listed_name(number: int) -> str:
    return f"listed-{number:06d}"


def listed_id(start_ns: int, number: int) -> bytes:
    """As UUIDv7 has it."""
    return bytes.fromhex(f"{start_ns // 1_000_000:012x}7000b{number:015x}")


def send(site: Site, bodies: Iterable[bytes]) -> None:
    headers = {"Content-Type": "application/x-protobuf", "X-API-Key": "project-dev", **site.headers}
    for body in bodies:
        until = time.monotonic() + 600
        answer = httpx.post(site.traces, content=body, headers=headers, timeout=120)
        while answer.status_code == BUSY and time.monotonic() < until:  # Phoenix's queue is full
            time.sleep(1)
            answer = httpx.post(site.traces, content=body, headers=headers, timeout=120)
        answer.raise_for_status()


def wait_until_stored(site: Site, trace_id: str, count: int) -> None:
    until = time.monotonic() + 120
    while not site.is_stored(trace_id, count) and time.monotonic() < until:
        time.sleep(0.3)


# -- the race --------------------------------------------------------------------------------------
Places = dict[str, "Opening"]


def race(
    browser: Browser, site: Site, sizes: tuple[int, ...], lists: tuple[int, ...], *, rounds: int
) -> Places:
    found: Places = {}
    for count in sizes:
        trace_id = random.Random(f"trace {count}").randbytes(16)
        send(site, batches(trace_id, count))
        wait_until_stored(site, trace_id.hex(), count)
        names = names_of(count)[:FIRST_NAMES]
        address = site.page_of(trace_id.hex())
        found[f"{count:,} spans"] = median(browser, address, names, site.is_ready, rounds)
    done = 0
    for count in filter(lambda count: count <= site.max_traces, lists):
        send(site, many_traces(done, count, count))
        done = count
        names = [listed_name(number) for number in range(count - FIRST_NAMES, count)]
        found[f"list of {count:,}"] = median(browser, site.listing, names, "() => true", rounds)
    return found


def median(browser: Browser, address: str, names: list[str], is_ready: str, rounds: int) -> Opening | None:
    """``None``: not readable within two minutes."""
    try:
        openings = [open_cold(browser, address, names, is_ready) for _ in range(rounds)]
    except PlaywrightTimeout:
        return None
    opening = sorted(openings, key=lambda one: one.milliseconds)[len(openings) // 2]
    print(f"{address}: {opening}", file=sys.stderr, flush=True)
    return opening


def paired(browser: Browser, ours: Site, theirs: Site, rounds: int) -> float | None:
    """How often our 1,000 spans can be opened in the time of theirs: in turn, as a machine's load changes."""
    names, trace_id = names_of(1000)[:FIRST_NAMES], random.Random("trace 1000").randbytes(16).hex()
    ratios = []
    for _ in range(rounds):
        before = open_cold(browser, ours.page_of(trace_id), names, ours.is_ready)
        try:
            other = open_cold(browser, theirs.page_of(trace_id), names, theirs.is_ready)
        except PlaywrightTimeout:
            return None
        after = open_cold(browser, ours.page_of(trace_id), names, ours.is_ready)
        ratios.append(2 * other.milliseconds / (before.milliseconds + after.milliseconds))
    return round(sorted(ratios)[len(ratios) // 2], 1)


def open_cold(browser: Browser, address: str, names: list[str], is_ready: str) -> Opening:
    """A context of its own has a cache of its own, which is empty."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(READ_TIMEOUT_MS)
    counter = count_bytes(page)
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_function(READABLE, arg=names, polling=POLL_MS)
    readable = time.perf_counter()
    page.wait_for_function(is_ready, polling=POLL_MS)
    ready = time.perf_counter()
    nodes = page.evaluate("document.querySelectorAll('*').length")
    heap = heap_mb(page)
    context.close()
    return Opening(
        round(1000 * (readable - began)), round(1000 * (ready - began)), nodes, round(counter() / 1000), heap
    )


def scrolled(browser: Browser, site: Site) -> float:
    """What 95 of 100 frames took at the most, in milliseconds."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(site.page_of(random.Random(f"trace {SCROLLED}").randbytes(16).hex()), wait_until="networkidle")
    page.wait_for_function(site.is_ready)
    frame_ms = float(page.evaluate(SCROLL, FRAMES))
    page.close()
    return round(frame_ms, 1)


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


def report(found: dict[str, Places], ratios: dict[str, float | None], frame_ms: float) -> None:
    print(f"{'':16} {'':8} {'read ms':>8} {'ready ms':>8} {'nodes':>7} {'KB':>7} {'heap MB':>8}")
    for place in found["ours"]:
        for name, places in found.items():
            if place in places:
                one = places[place]
                told = "not readable in two minutes" if one is None else figures_of(one)
                print(f"{place:16} {name:8} {told}")
    ours = found["ours"]
    figures = {
        "open_100_ms": milliseconds(ours, "100 spans"),
        "open_1000_ms": milliseconds(ours, "1,000 spans"),
        "open_5000_ms": milliseconds(ours, "5,000 spans"),
        "open_20000_ms": milliseconds(ours, "20,000 spans"),
        "scroll_frame_p95_ms": frame_ms,
        "dom_nodes_5000": getattr(ours["5,000 spans"], "nodes", None),
        "heap_mb_5000": getattr(ours["5,000 spans"], "heap_mb", None),
        "list_1000_ms": milliseconds(ours, "list of 1,000"),
        "list_100000_ms": milliseconds(ours, "list of 100,000"),
        "phoenix_over_ours_1000": ratios.get("Phoenix"),
        "mlflow_over_ours_1000": ratios.get("MLflow"),
    }
    print(json.dumps(figures))


def figures_of(one: Opening) -> str:
    return f"{one.milliseconds:>8} {one.ready_ms:>8} {one.nodes:>7} {one.kilobytes:>7} {one.heap_mb:>8}"


def milliseconds(places: Places, place: str) -> float | None:
    one = places.get(place)
    return None if one is None else one.milliseconds


if __name__ == "__main__":
    main()
