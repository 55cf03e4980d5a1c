"""What a span costs the program that makes it: our client against OpenTelemetry's SDK.

    python3 benchmarks/client.py [--quick] [--rounds 3]

The first run makes two virtual environments under ``.benchmarks/`` (pip). Every measurement is a process of
its own and rounds are interleaved, so only ratios mean something: a machine is never the same twice.

paced: 900 spans a second, three nested spans a trace, each with a fresh input and output of 2 KB of prose;
from one thread, and from 50 tasks of asyncio. Caller's time is what passes inside the calls of a trace, per
span. CPU is the process's, background threads and the harness included, to the end of the flush.
burst: 100,000 spans as fast as they can be made, and the memory that takes. outage: the server is away while
all are made, then comes back.
Spans are counted where they arrive. OpenTelemetry runs with its defaults: batch processor, OTLP over HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import pydoc_data.topics
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sink import Sink, unused_port

CHECKOUT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = CHECKOUT / ".benchmarks"
PACKAGES = {
    "ours": ["httpx", "orjson"],
    "otel": ["opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"],
}
SPANS_PER_SECOND = 900
CONTENT_CHARACTERS = 2_000
TASKS = 50
BURST_SPANS = 100_000
NAMES = (("agent", "agent"), ("chain", "chain"), ("chat gpt-4o", "llm"))


def main() -> None:
    arguments = parse_arguments()
    if arguments.contestant:
        print("RESULT " + json.dumps(measure(arguments)), flush=True)
        os._exit(0)
    rounds = 1 if arguments.quick else arguments.rounds
    pythons = {name: environment(name) for name in PACKAGES}
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for number in range(rounds):
        for scenario in ("sync", "async"):
            for name, python in pythons.items():
                spans = 2_400 if arguments.quick else 3_600
                result = run(python, name, scenario, spans)
                found.setdefault((scenario, name), []).append(result)
                print(number, scenario, name, result, flush=True)
    burst = run(pythons["ours"], "ours", "burst", 40_000 if arguments.quick else BURST_SPANS)
    outage = run(pythons["ours"], "ours", "outage", 1_500 if arguments.quick else 6_000)
    print("burst", burst)
    print("outage", outage)
    print(json.dumps(figures(found, burst, outage)))


def figures(
    found: dict[tuple[str, str], list[dict[str, Any]]], burst: dict[str, Any], outage: dict[str, Any]
) -> dict[str, float]:
    def ratio(scenario: str, field: str) -> float:
        ours, otel = (
            statistics.median(result[field] for result in found[scenario, name]) for name in ("ours", "otel")
        )
        return float(ours / otel)

    return {
        "caller_over_otel_sync": round(ratio("sync", "caller_us"), 3),
        "caller_over_otel_async": round(ratio("async", "caller_us"), 3),
        "caller_p99_over_otel_sync": round(ratio("sync", "caller_p99_us"), 3),
        "caller_p99_over_otel_async": round(ratio("async", "caller_p99_us"), 3),
        "cpu_over_otel": round((ratio("sync", "cpu_us") + ratio("async", "cpu_us")) / 2, 3),
        "burst_delivered": burst["arrived"] / burst["spans"],
        "burst_memory_peak_mb": burst["memory_peak_mb"],
        "burst_memory_after_mb": burst["memory_after_mb"],
        "outage_lost": (outage["spans"] - outage["arrived"]) / outage["spans"],
        "outage_memory_peak_mb": outage["memory_peak_mb"],
    }


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a span costs, against OpenTelemetry")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contestant", choices=[*PACKAGES], help=argparse.SUPPRESS)
    parser.add_argument("--scenario", default="sync", help=argparse.SUPPRESS)
    parser.add_argument("--spans", type=int, default=2_400, help=argparse.SUPPRESS)
    return parser.parse_args()


def environment(name: str) -> Path:
    python = ENVIRONMENTS / name / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENTS / name)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES[name]], check=True)
    return python


def run(python: Path, name: str, scenario: str, spans: int) -> dict[str, Any]:
    command = [str(python), __file__, "--contestant", name, "--scenario", scenario, "--spans", str(spans)]
    path = str(CHECKOUT / "client") if name == "ours" else ""
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise SystemExit(f"{name} {scenario} failed: {done.stderr[-2_000:]}")
    result: dict[str, Any] = json.loads(lines[0].removeprefix("RESULT "))
    return result


# One contestant in a process of its own


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    spans = arguments.spans // 3 * 3
    port = unused_port()
    sink = None if arguments.scenario == "outage" else Sink(port)
    contestant = Ours(port) if arguments.contestant == "ours" else OpenTelemetry(port)
    for number in range(30):
        contestant.trace(contents(number))
    contestant.flush(5 if sink else 0)
    time.sleep(0.3)
    warm = 90
    memory_mb = forget_peak_memory()
    cpu_s, began_at = time.process_time(), time.perf_counter()
    if arguments.scenario == "async":
        elapsed_ns = asyncio.run(paced_async(contestant, spans // 3))
    else:
        pace = 0 if arguments.scenario == "burst" else SPANS_PER_SECOND
        elapsed_ns = paced_sync(contestant, spans // 3, pace)
    produced_s = time.perf_counter() - began_at
    sink = sink or Sink(port)
    contestant.flush(60)
    cpu_s = time.process_time() - cpu_s
    time.sleep(0.2)
    return {
        "spans": spans,
        "arrived": sink.count() - warm,
        "caller_us": round(statistics.median(elapsed_ns) / 3_000, 2),
        "caller_p99_us": round(statistics.quantiles(elapsed_ns, n=100)[98] / 3_000, 2),
        "cpu_us": round(cpu_s / spans * 1e6, 1),
        "produced_s": round(produced_s, 2),
        "memory_peak_mb": round(memory_now_mb("VmHWM") - memory_mb, 1),
        "memory_after_mb": round(memory_now_mb() - memory_mb, 1),
    }


def forget_peak_memory() -> float:
    """The memory in use now, from which on the peak counts anew."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return memory_now_mb()


def memory_now_mb(field: str = "VmRSS") -> float:
    """Resident memory as Linux tells it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(rf"{field}:\s+(\d+)", status)[0]) / 1024


def paced_sync(contestant: Contestant, traces: int, spans_per_second: int) -> list[int]:
    elapsed_ns = []
    began_at = time.perf_counter()
    for number in range(traces):
        given = contents(number)
        if spans_per_second:
            time.sleep(max(0.0, began_at + number * 3 / spans_per_second - time.perf_counter()))
        before = time.perf_counter_ns()
        contestant.trace(given)
        elapsed_ns.append(time.perf_counter_ns() - before)
    return elapsed_ns


async def paced_async(contestant: Contestant, traces: int) -> list[int]:
    elapsed_ns = []
    numbers = iter(range(traces))
    began_at = time.perf_counter()
    chance = random.Random(3)

    async def work() -> None:
        for number in numbers:
            given = contents(number)
            await asyncio.sleep(max(0.0, began_at + number * 3 / SPANS_PER_SECOND - time.perf_counter()))
            paused_ns = 0

            async def pause() -> None:
                nonlocal paused_ns
                before_pause = time.perf_counter_ns()
                await asyncio.sleep(chance.random() * 0.01)
                paused_ns += time.perf_counter_ns() - before_pause

            before = time.perf_counter_ns()
            await contestant.trace_async(given, pause)
            elapsed_ns.append(time.perf_counter_ns() - before - paused_ns)

    await asyncio.gather(*(work() for _ in range(TASKS)))
    return elapsed_ns


class Contestant:
    """Three nested spans with contents and tokens; they differ in how a span is opened and told."""

    def span(self, place: int, given: Any) -> Any:
        raise NotImplementedError

    def tell(self, span: Any, answer: Any) -> None:
        raise NotImplementedError

    def flush(self, seconds: float) -> None:
        raise NotImplementedError

    def trace(self, given: list[tuple[Any, Any]]) -> None:
        (first, one), (second, two), (third, three) = given
        with self.span(0, first) as a:
            with self.span(1, second) as b:
                with self.span(2, third) as c:
                    self.tell(c, three)
                self.tell(b, two)
            self.tell(a, one)

    async def trace_async(self, given: list[tuple[Any, Any]], pause: Callable[[], Awaitable[None]]) -> None:
        (first, one), (second, two), (third, three) = given
        with self.span(0, first) as a:
            with self.span(1, second) as b:
                with self.span(2, third) as c:
                    await pause()
                    self.tell(c, three)
                await pause()
                self.tell(b, two)
            await pause()
            self.tell(a, one)


class Ours(Contestant):
    def __init__(self, port: int) -> None:
        from llm_tracer import SyncTracerClient

        folder = ENVIRONMENTS / f"spool-{os.getpid()}"
        self._tracer = SyncTracerClient(f"http://127.0.0.1:{port}", "project-bench", spool=folder)

    def span(self, place: int, given: Any) -> Any:
        name, kind = NAMES[place]
        return self._tracer.span(name, kind, given, model="gpt-4o")

    def tell(self, span: Any, answer: Any) -> None:
        span.set_output(answer, 512, 128)

    def flush(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._tracer.flush(seconds).pending and time.monotonic() < deadline:
            time.sleep(0.01)


class OpenTelemetry(Contestant):
    def __init__(self, port: int) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._provider = TracerProvider(resource=Resource.create({"service.name": "bench"}))
        exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{port}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("bench")

    def span(self, place: int, given: Any) -> Any:
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.input.messages": json.dumps(given),
        }
        return self._tracer.start_as_current_span(NAMES[place][0], attributes=attributes)

    def tell(self, span: Any, answer: Any) -> None:
        span.set_attribute("gen_ai.output.messages", json.dumps(answer))
        span.set_attribute("gen_ai.usage.input_tokens", 512)
        span.set_attribute("gen_ai.usage.output_tokens", 128)

    def flush(self, seconds: float) -> None:
        self._provider.force_flush(int(seconds * 1_000))


def prose(characters: int, chance: random.Random) -> str:
    text = ""
    while len(text) < characters:
        text += chance.choice(SENTENCES) + " "
    return text[:characters]


def contents(number: int) -> list[tuple[Any, Any]]:
    """New objects for every span, as a program has them."""
    made = []
    for place in range(3):
        asked, answered = POOL[(number * 3 + place) % len(POOL)]
        mark = f" #{number}.{place}"
        made.append(
            (
                [{"role": role, "content": text + mark} for role, text in asked],
                [{"role": "assistant", "content": answered + mark}],
            )
        )
    return made


SENTENCES = [
    sentence
    for sentence in re.split(r"(?<=[.:;])\s+|\n\n", " ".join(pydoc_data.topics.topics.values()))
    if 40 < len(sentence) < 300 and sum(map(str.isalpha, sentence)) > 0.7 * len(sentence)
]
_chance = random.Random(7)
POOL = [
    (
        [(role, prose(CONTENT_CHARACTERS // 4, _chance)) for role in ("system", "user", "assistant", "user")],
        prose(CONTENT_CHARACTERS, _chance),
    )
    for _ in range(64)
]

if __name__ == "__main__":
    main()
