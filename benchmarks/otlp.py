"""How many OpenTelemetry spans a second one server process takes in, durably and readably, at how much CPU.

    .venv/bin/python benchmarks/otlp.py [--quick] [--phoenix FOLDER]

Batches of 200 spans with 4 KB each, protobuf; half of them speak OpenInference (30 attributes), half
OpenTelemetry's GenAI convention (14); texts are random words, no two spans are the same. First decode,
normalise and store apart, within one process, as CPU time; then `manage.py runserver` on a new file, over
HTTP, from 1 and 4 connections: a span counts when it is readable afterwards. `--phoenix FOLDER` installs
arize-phoenix into a virtual environment there and sends the same bodies to it, in turns with ours.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from serving import free_port, phoenix_server, running

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
HEADERS = {"X-API-Key": "project-dev", "Content-Type": "application/x-protobuf"}
SPANS_A_BATCH = 200
ROUNDS = 3
WORDS = [
    "".join(random.Random(seed).choices("aeiourstlnmdp", k=random.Random(seed).randint(2, 9)))
    for seed in range(3000)
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer batches")
    parser.add_argument("--phoenix", metavar="FOLDER", help="compare with Phoenix, installed there")
    options = parser.parse_args()
    batches = 10 if options.quick else 40
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "STORAGE_URL": f"sqlite:///{folder}/apart.sqlite3",
            "RATE_LIMIT_RPM": "0",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "tracer_project.settings",
        }
        apart = stages(batches)
        with ExitStack() as servers:
            targets = {"ours": servers.enter_context(our_server(folder))}
            if options.phoenix:
                targets["phoenix"] = servers.enter_context(phoenix(Path(options.phoenix), folder))
            report(apart, rates(targets, batches))


# -- the workload ----------------------------------------------------------------------------------


def body(seed: int) -> bytes:
    """One batch: 25 traces of 8 spans, a root and seven calls of models."""
    chance = random.Random(seed)
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "benchmark"
    scope = group.scope_spans.add()
    scope.scope.name = "openinference.instrumentation.openai"
    for _ in range(SPANS_A_BATCH // 8):
        trace_id, root_id = chance.randbytes(16), chance.randbytes(8)
        for number in range(8):
            add_span(scope, chance, trace_id, root_id, number)
    return request.SerializeToString()


def add_span(scope: Any, chance: random.Random, trace_id: bytes, root_id: bytes, number: int) -> None:
    span = scope.spans.add(trace_id=trace_id, name="ChatCompletion", kind=3)
    span.span_id = root_id if number == 0 else chance.randbytes(8)
    span.parent_span_id = b"" if number == 0 else root_id
    span.start_time_unix_nano = time.time_ns()
    span.end_time_unix_nano = span.start_time_unix_nano + chance.randint(10**8, 10**9)
    for key, value in (openinference if number % 2 else otel_genai)(chance).items():
        slot = span.attributes.add(key=key).value
        if isinstance(value, int):
            slot.int_value = value
        else:
            slot.string_value = value


def openinference(chance: random.Random) -> dict[str, Any]:
    messages = [{"role": role, "content": text(chance, 700)} for role in ("system", "user")]
    flat = {
        f"llm.input_messages.{index}.message.{name}": value
        for index, message in enumerate(messages)
        for name, value in message.items()
    }
    answer = text(chance, 500)
    return {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4o-mini",
        "llm.system": "openai",
        "llm.invocation_parameters": '{"temperature": 0.2}',
        "input.value": json.dumps({"messages": messages}),
        "input.mime_type": "application/json",
        "output.value": answer,
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": answer,
        "llm.token_count.prompt": chance.randint(100, 900),
        "llm.token_count.completion": chance.randint(100, 900),
        "session.id": f"s{chance.randint(1, 50)}",
        "metadata": '{"plan": "pro"}',
        **flat,
        **{f"app.attribute.{index}": text(chance, 12) for index in range(13)},
    }


def otel_genai(chance: random.Random) -> dict[str, Any]:
    def message(role: str, size: int) -> dict[str, Any]:
        return {"role": role, "parts": [{"type": "text", "content": text(chance, size)}]}

    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.input.messages": json.dumps([message("system", 1000), message("user", 1500)]),
        "gen_ai.output.messages": json.dumps([message("assistant", 1000)]),
        "gen_ai.usage.input_tokens": chance.randint(100, 900),
        "gen_ai.usage.output_tokens": chance.randint(100, 900),
        "gen_ai.conversation.id": f"c{chance.randint(1, 50)}",
        "gen_ai.response.id": f"r{chance.random()}",
        "server.address": "api.example.com",
        "server.port": 443,
        "gen_ai.request.temperature": "0.2",
        "app.attribute": text(chance, 12),
    }


def text(chance: random.Random, size: int) -> str:
    return " ".join(chance.choices(WORDS, k=max(1, size // 6)))[:size]


# -- within one process ----------------------------------------------------------------------------


def stages(batches: int) -> dict[str, float]:
    """CPU microseconds a span: to decode, to normalise, to store; and the three together."""
    import django

    django.setup()
    from traces_app import ingest
    from traces_app.access import Access
    from traces_app.api.otlp.decode import read_spans_protobuf
    from traces_app.api.otlp.translate import export_of_spans
    from traces_app.domain.normalize import normalize

    access = Access(project="dev", scope="all", key_id="benchmark")

    def decode(data: bytes) -> Any:
        return list(read_spans_protobuf(data))

    def normalise(data: bytes) -> None:
        for span in export_of_spans(decode(data)).spans:
            normalize(span, now_ns=time.time_ns())

    def everything(data: bytes) -> None:
        now_ns = time.time_ns()
        ingest.receive(access, export_of_spans(decode(data)).spans, now_ns=now_ns)

    everything(body(0))
    decoding, normalising = cpu_us(decode, batches, 1), cpu_us(normalise, batches, 2)
    whole = cpu_us(everything, batches, 3)
    return {
        "decode": decoding,
        "normalise": normalising - decoding,
        "store": whole - normalising,
        "all": whole,
    }


def cpu_us(work: Callable[[bytes], Any], batches: int, seed: int) -> float:
    """The median of the batches, as microseconds of CPU a span."""
    found = []
    for number in range(batches):
        data = body(1000 * seed + number)
        started = time.process_time()
        work(data)
        found.append((time.process_time() - started) * 1e6 / SPANS_A_BATCH)
    return statistics.median(found)


# -- over HTTP -------------------------------------------------------------------------------------


class Target:
    """A server that takes the bodies, and how many spans are readable in it.

    A ``slower`` one gets that many times fewer batches a round.
    """

    def __init__(self, url: str, count: Callable[[], int], slower: int = 1) -> None:
        self.url = url
        self.count = count
        self.slower = slower


def rates(targets: dict[str, Target], batches: int) -> dict[str, dict[int, float]]:
    """Readable spans a second by server and number of connections: medians of rounds that take turns."""
    found: dict[str, dict[int, list[float]]] = {name: {1: [], 4: []} for name in targets}
    for target in targets.values():
        one_round(target, 1, 2, seed=90_000)
    for number in range(ROUNDS):
        for connections in (1, 4):
            for name, target in targets.items():
                some = max(1, batches // target.slower)
                seed = 10_000 * connections + 1000 * number
                found[name][connections].append(one_round(target, connections, some, seed))
    return {
        name: {connections: statistics.median(rounds) for connections, rounds in by_connections.items()}
        for name, by_connections in found.items()
    }


def one_round(target: Target, connections: int, batches: int, seed: int) -> float:
    data = [body(seed + number) for number in range(batches)]
    expected = target.count() + batches * SPANS_A_BATCH
    started = time.perf_counter()
    with (
        httpx.Client(headers=HEADERS, timeout=60) as client,
        concurrent.futures.ThreadPoolExecutor(connections) as pool,
    ):
        answers = list(pool.map(lambda one: client.post(target.url, content=one).status_code, data))
    while target.count() < expected and time.perf_counter() - started < 120:
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    assert set(answers) == {200}, answers
    assert target.count() == expected, (target.count(), expected)
    return batches * SPANS_A_BATCH / seconds


@contextmanager
def our_server(folder: str) -> Iterator[Target]:
    port = free_port()
    environment = os.environ | {"STORAGE_URL": f"sqlite:///{folder}/served.sqlite3"}
    base = f"http://127.0.0.1:{port}"

    def count() -> int:
        return int(httpx.get(f"{base}/api/v1/stats", headers=HEADERS).json()["total_spans"])

    with running([sys.executable, "manage.py", "runserver", str(port)], environment, f"{base}/health"):
        yield Target(f"{base}/v1/traces", count)


@contextmanager
def phoenix(home: Path, folder: str) -> Iterator[Target]:
    """Spans are counted in its database: those are what its pages can show."""
    with phoenix_server(home, folder) as (base, file):

        def count() -> int:
            with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30) as connection:
                return int(connection.execute("SELECT count(*) FROM spans").fetchone()[0])

        yield Target(f"{base}/v1/traces", count, slower=20)


def report(apart: dict[str, float], found: dict[str, dict[int, float]]) -> None:
    for name, value in apart.items():
        print(f"{name:12}{value:8.0f} CPU µs a span")
    for name, by_connections in found.items():
        for connections, rate in by_connections.items():
            print(f"{name:12}{rate:8.0f} readable spans/s over {connections} connection(s)")
    best = {name: max(by_connections.values()) for name, by_connections in found.items()}
    figures = {
        "spans_per_second": round(best["ours"]),
        "cpu_us_per_span": round(apart["all"]),
        **{f"{name}_us_per_span": round(apart[name]) for name in ("decode", "normalise", "store")},
        "over_phoenix": round(best["ours"] / best["phoenix"], 1) if "phoenix" in best else None,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
