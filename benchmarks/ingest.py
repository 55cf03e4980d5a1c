"""How many spans a second one server process accepts, durably and readably; and how long reading takes.

    .venv/bin/python benchmarks/ingest.py [--quick]

Starts `manage.py runserver` on a new file and sends native batches of 64 traces x 8 spans, 4 KB a span, over
1 and 4 connections from other processes, which make their bodies beforehand. A batch counts when its answer
has come; afterwards the spans are counted through the read API and some traces are opened. Then the store is
filled up to 100,000 traces (small ones, written below HTTP), and the list of 50 and a trace of 1,000 spans
are timed through HTTP with few and with many traces stored.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import orjson

from workload import eight_span_trace, own_trace_id, placed, span

ROOT = Path(__file__).resolve().parent.parent
KEY = {"X-API-Key": "project-dev"}
TRACES_A_BATCH = 64
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer batches, 10,000 stored traces")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "STORAGE_URL": f"sqlite:///{folder}/traces.sqlite3",
            "RATE_LIMIT_RPM": "0",
            "LOG_LEVEL": "WARNING",
        }
        os.environ.update(environment)
        with Server(environment) as url:
            rates = ingest_rates(url, batches=8 if quick else 24)
            few = reading(url)
            fill(10_000 if quick else 100_000)
            many = reading(url)
    report(rates, few, many, 10_000 if quick else 100_000)


class Server:
    """`manage.py runserver` as a user starts it."""

    def __init__(self, environment: dict[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, "manage.py", "runserver", str(self.port)]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet)

    def __enter__(self) -> str:
        url = f"http://127.0.0.1:{self.port}"
        for _ in range(200):
            try:
                if httpx.get(url + "/health").status_code == 200:
                    return url
            except httpx.ConnectError:
                time.sleep(0.05)
        raise RuntimeError("the server did not start")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def ingest_rates(url: str, batches: int) -> dict[int, list[float]]:
    """Spans a second by number of connections, one figure a round; rounds take turns."""
    rates: dict[int, list[float]] = {1: [], 4: []}
    send(url, bodies(seed=0, count=1))  # the first batch loads the price table
    for number in range(ROUNDS):
        for connections, found in rates.items():
            found.append(
                one_round(url, connections, max(1, batches // connections), seed=10 * number + connections)
            )
    return rates


def one_round(url: str, connections: int, batches: int, seed: int) -> float:
    context = multiprocessing.get_context("spawn")
    ready, go, done = context.Barrier(connections + 1), context.Event(), context.Queue()
    gates = {"ready": ready, "go": go, "done": done}
    senders = [
        context.Process(target=sender, args=(url, seed * 100 + number, batches), kwargs=gates)
        for number in range(connections)
    ]
    for process in senders:
        process.start()
    ready.wait()
    before = stored_spans(url)
    started = time.perf_counter()
    go.set()
    accepted = sum(done.get() for _ in senders)
    elapsed = time.perf_counter() - started
    for process in senders:
        process.join()
    assert stored_spans(url) - before == accepted, "acknowledged but not readable"
    return accepted / elapsed


def sender(url: str, seed: int, batches: int, *, ready: Any, go: Any, done: Any) -> None:
    made = bodies(seed, batches)
    with httpx.Client(base_url=url, headers=KEY, timeout=60) as client:
        client.get("/health")
        ready.wait()
        go.wait()
        done.put(sum(post(client, body) for body in made))


def send(url: str, made: list[bytes]) -> None:
    with httpx.Client(base_url=url, headers=KEY, timeout=60) as client:
        for body in made:
            post(client, body)


def post(client: httpx.Client, body: bytes) -> int:
    answer = client.post("/api/ingest", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 202, answer.text
    assert not answer.json()["rejected"]
    return int(answer.json()["accepted"])


def bodies(seed: int, count: int) -> list[bytes]:
    rng = random.Random(seed)
    now_ms = time.time_ns() // 10**6
    return [orjson.dumps({"spans": batch(rng, now_ms)}) for _ in range(count)]


def batch(rng: random.Random, now_ms: int) -> list[dict[str, Any]]:
    traces = (eight_span_trace(rng, now_ms - rng.randrange(10**7)) for _ in range(TRACES_A_BATCH))
    return [one for trace in traces for one in trace]


def stored_spans(url: str) -> int:
    return int(httpx.get(url + "/api/v1/stats", headers=KEY, timeout=60).json()["total_spans"])


def fill(count: int) -> None:
    """Small traces over a month, written through ingest without HTTP."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "tracer_project.settings"
    sys.path.insert(0, str(ROOT))
    django.setup()
    from traces_app import ingest
    from traces_app.access import Access
    from traces_app.domain.span import Span

    rng, now_ns, access = random.Random(5), time.time_ns(), Access("dev", "all", "fill")
    for _ in range(count // 500):
        spans = []
        for _ in range(500):
            start_ns = now_ns - rng.randrange(30 * 86_400) * 10**9
            trace_id, span_id = own_trace_id(rng, start_ns // 10**6), f"{rng.getrandbits(64):016x}"
            spans.append(
                Span(trace_id, span_id, "small", start_ns=start_ns, end_ns=start_ns + 10**8, input="hello")
            )
        ingest.receive(access, spans, now_ns=now_ns)


def reading(url: str) -> dict[str, float]:
    """Milliseconds, medians of 15."""
    rng = random.Random(6)
    big = [
        span(f"step {number % 7}", "llm", "a question " * 20, "an answer " * 30, rng)
        for number in range(1000)
    ]
    now_ms = time.time_ns() // 10**6
    trace_id = own_trace_id(rng, now_ms)
    with httpx.Client(base_url=url, headers=KEY, timeout=60, follow_redirects=True) as client:
        post(client, orjson.dumps({"spans": list(placed(big, rng, trace_id, now_ms))}))
        log_in(client)
        return {
            "list_50_ms": timed(client, "/api/v1/traces?limit=50"),
            "open_1000_spans_ms": timed(client, f"/api/v1/traces/{trace_id}"),
            "list_page_ms": timed(client, "/dashboard/"),
            "trace_page_ms": timed(client, f"/dashboard/t/{trace_id}"),
        }


def log_in(client: httpx.Client) -> None:
    page = client.get("/dashboard/login").text
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    answer = client.post("/dashboard/login", data={"csrfmiddlewaretoken": token, "key": KEY["X-API-Key"]})
    assert answer.status_code == 200, answer.status_code


def timed(client: httpx.Client, path: str) -> float:
    times = []
    for _ in range(15):
        started = time.perf_counter()
        answer = client.get(path)
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, (path, answer.status_code)
    return statistics.median(times)


def report(rates: dict[int, list[float]], few: dict[str, float], many: dict[str, float], stored: int) -> None:
    for connections, found in rates.items():
        print(
            f"{connections} connection(s): {statistics.median(found):8.0f} spans/s"
            f"  ({min(found):.0f} to {max(found):.0f})"
        )
    print(f"{'milliseconds':24}{'few traces':>12}{f'{stored:,}':>12}{'ratio':>8}")
    for name, value in few.items():
        print(f"{name:24}{value:12.1f}{many[name]:12.1f}{many[name] / value:8.2f}")
    figures = {
        "spans_per_second": round(max(map(statistics.median, rates.values()))),
        "spans_per_second_1_connection": round(statistics.median(rates[1])),
        "spans_per_second_4_connections": round(statistics.median(rates[4])),
        **{name: round(value, 1) for name, value in many.items()},
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
