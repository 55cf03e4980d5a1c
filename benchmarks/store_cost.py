"""What keeping traces costs in DynamoDB's units: this design beside the original's, in one run.

    .venv/bin/python benchmarks/store_cost.py [--quick] [--traces 1000]

Workload: traces of six spans with varied prose, 3.9 KB of JSON a span, and runs of an agent of 30 turns, each
call of which repeats the history (workload.py), sent as our client does: one batch holds whole traces. The
agents also as it sends turns of 5 s while they run: through its own outbox under a clock that is moved, with
the announcement of the running trace, for several shares of the trace's age that finished spans wait. Ours
is written through ingest and counted by the engine (ConsumedCapacity), on the local engine and, for a part
of the traces, on ministack, a DynamoDB API server: the write units must agree. (Its read units are not
DynamoDB's: version 1.5 charges a Query too little.)

Dictionaries: `shipped` is what every installation has; it was trained without any text of this workload.
`own` is what `manage.py train_dictionary` makes of other traces of the same generator: they share sentences
with the measured ones as traces of one application share prompts and documents. `own, unseen texts` is
trained from traces that share no sentence with the measured ones: what it is worth where nothing recurs.

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
from itertools import zip_longest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "client")]

from client_batches import Cut, Trace, as_client  # noqa: E402

from traces_app.domain.aws_prices import prices_of  # noqa: E402

WRITE_USD_PER_MILLION = prices_of("us-east-1").write_usd_per_million
BATCH_TRACES = 25
MINISTACK_TRACES = 60
TRAINING_TRACES = 500
LATE_BATCHES, STREAMED_BATCHES = 3, 30
WAITS_OF_AGE = (0.0, 0.25, 0.5, 1.0)
"""Shares of a running trace's age that its finished spans wait; 0: one second, whatever its age."""
NOW_MS = 2_000_000_000_000
NOW_NS = (NOW_MS + 1000) * 10**6
WRITES = ("BatchWriteItem", "PutItem", "UpdateItem")

Traces = list[Trace]


def main() -> None:
    arguments = parse()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tracer_project.settings"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STORAGE_URL"] = f"sqlite:///{folder}/traces.sqlite3"
        import django

        django.setup()
        traces = make_traces(200 if arguments.quick else arguments.traces)
        agents = make_agent_traces(20 if arguments.quick else 100)
        found = {
            "shipped": measure(traces, "shipped"),
            **with_other_dictionaries(traces),
            "batches": measure(traces, "batches", in_parts(LATE_BATCHES)),
            "agent": measure(agents, "agent"),
            "agent batches": measure(agents, "agent-batches", in_parts(LATE_BATCHES)),
            "agent streamed": measure(agents, "agent-streamed", in_parts(STREAMED_BATCHES)),
            **{
                waiting_name(share): measure(agents, f"agent-{share:.2f}".replace(".", "-"), as_client(share))
                for share in WAITS_OF_AGE
            },
        }
        local = measure_on_new_file(traces[:MINISTACK_TRACES])
        server = None if arguments.no_ministack else measure_on_ministack(traces[:MINISTACK_TRACES])
    same = None if server is None else local["write_units"] == server["write_units"]
    report(traces, found, same=same)
    report_agents(agents, found)
    print(json.dumps(figures(traces, agents, found, same=same)))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="200 traces")
    parser.add_argument("--traces", type=int, default=1000)
    parser.add_argument("--no-ministack", action="store_true", help="leave the comparison of engines out")
    return parser.parse_args()


def make_traces(count: int, seed: int = 1) -> Traces:
    from workload import six_span_trace

    rng = random.Random(seed)
    return [six_span_trace(rng, NOW_MS - rng.randrange(86_400_000)) for _ in range(count)]


def make_agent_traces(count: int) -> Traces:
    from workload import agent_trace

    rng = random.Random(2)
    return [agent_trace(rng, NOW_MS - rng.randrange(86_400_000)) for _ in range(count)]


def with_other_dictionaries(traces: Traces) -> dict[str, dict[str, float]]:
    from traces_app.domain import packing
    from workload import only_texts

    shipped = packing.shipped_dictionary
    packing.shipped_dictionary = lambda: None
    none = measure(traces, "none")
    packing.shipped_dictionary = shipped
    train("own", make_traces(TRAINING_TRACES, seed=3))
    with only_texts(0, 2):
        train("unseen", make_traces(TRAINING_TRACES, seed=4))
    with only_texts(1, 2):
        unseen = make_traces(len(traces), seed=1)
    return {
        "none": none,
        "own": measure(traces, "own"),
        "shipped, unseen": measure(unseen, "shipped-unseen"),
        "own, unseen": measure(unseen, "unseen"),
    }


def train(project: str, traces: Traces) -> None:
    from traces_app.dictionaries import train_dictionary

    send(project, traces, whole)
    train_dictionary(project, max_traces=len(traces), now_ns=NOW_MS * 10**6)


def whole(trace: Trace) -> list[Trace]:
    return [trace]


def in_parts(count: int) -> Cut:
    def cut(trace: Trace) -> list[Trace]:
        return [trace[part * len(trace) // count : (part + 1) * len(trace) // count] for part in range(count)]

    return cut


def send(project: str, traces: Traces, cut: Cut) -> None:
    """Through ingest, the first pieces of some traces in one batch, then their second ones."""
    from traces_app.access import Access
    from traces_app.api.body import JsonBody
    from traces_app.api.native.translate import batch_of
    from traces_app.ingest import receive

    access = Access(project, "all", "bench")
    for start in range(0, len(traces), BATCH_TRACES):
        for pieces in zip_longest(*map(cut, traces[start : start + BATCH_TRACES]), fillvalue=[]):
            spans = [span for piece in pieces for span in piece]
            receipt = receive(access, batch_of(JsonBody({"spans": spans}, [])).spans, now_ns=NOW_NS)
            assert not receipt.rejected, receipt.rejected[0]


def measure(traces: Traces, project: str = "bench", cut: Cut = whole) -> dict[str, float]:
    """Write everything, list 50, open one in twenty; units as the engine counts them."""
    from traces_app import queries, storage

    client = storage.get_store().engine.client
    with metered(client) as writes:
        send(project, traces, cut)
    ids = [trace[0]["trace_id"] for trace in traces]
    with metered(client) as lists:
        page = queries.list_traces(project, queries.TraceFilter(), limit=50, now_ns=NOW_NS)
    with metered(client) as opens:
        for trace_id in ids[::20]:
            queries.get_trace(project, trace_id, now_ns=NOW_NS)
    stored = [queries.get_trace(project, trace_id, now_ns=NOW_NS).summary.stored_bytes for trace_id in ids]
    spans = sum(map(len, traces))
    return {
        "batches": len(cut(traces[0])),
        "write_units": writes["write_units"],
        "write_units_per_span": writes["write_units"] / spans,
        "list_50_read_units": lists["units"],
        "listed": len(page.traces),
        "open_trace_read_units": opens["units"] / len(ids[::20]),
        "packed_bytes": sum(stored) / spans,
    }


@contextmanager
def metered(client: Any) -> Iterator[dict[str, float]]:
    """Count the capacity of every call that goes to the engine."""
    counted: dict[str, float] = {"units": 0.0, "write_units": 0.0}
    call = client._make_api_call

    def counting(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = call(operation, {**arguments, "ReturnConsumedCapacity": "TOTAL"})
        entries = answer.get("ConsumedCapacity", [])
        for entry in entries if isinstance(entries, list) else [entries]:
            counted["units"] += entry["CapacityUnits"]
            counted["write_units"] += entry["CapacityUnits"] * (operation in WRITES)
        return answer

    client._make_api_call = counting
    try:
        yield counted
    finally:
        del client._make_api_call


def measure_on_new_file(traces: Traces) -> dict[str, float]:
    from django.conf import settings

    from traces_app import storage

    storage.reset_store()
    settings.STORAGE_URL += ".second"
    return measure(traces)


def measure_on_ministack(traces: Traces) -> dict[str, float]:
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


def original_units(traces: Traces) -> float:
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


def report(traces: Traces, found: dict[str, dict[str, float]], *, same: bool | None) -> None:
    spans = sum(map(len, traces))
    theirs, shipped = original_units(traces) / spans, found["shipped"]
    print(f"{len(traces)} traces of six spans, {raw_bytes(traces) / spans:.0f} bytes of JSON a span")
    print(f"{'':34}{'units/span':>12}{'$/million':>12}{'bytes/span':>12}{'original/ours':>15}")
    for label, name in SIX_SPAN_ROWS.items():
        row = found[name]
        mine = row["write_units_per_span"]
        print(f"{label:34}{mine:12.3f}{dollars(mine):12.3f}{row['packed_bytes']:12.0f}{theirs / mine:15.1f}")
    print(f"{'the original':34}{theirs:12.3f}{dollars(theirs):12.3f}")
    print(f"read units (eventually consistent): list of 50 {shipped['list_50_read_units']},", end=" ")
    print(f"open one trace {shipped['open_trace_read_units']:.2f}")
    if same is not None:
        print(f"write units of {MINISTACK_TRACES} traces on ministack: {'the same' if same else 'DIFFERENT'}")


SIX_SPAN_ROWS = {
    "without a dictionary": "none",
    "shipped dictionary": "shipped",
    "own dictionary": "own",
    "shipped, half of the texts": "shipped, unseen",
    "own of the other half of the texts": "own, unseen",
    f"shipped, each in {LATE_BATCHES} batches": "batches",
}


def report_agents(agents: Traces, found: dict[str, dict[str, float]]) -> None:
    raw, count = raw_bytes(agents), len(agents)
    spans = sum(map(len, agents))
    print(f"{count} runs of an agent, 30 turns, {raw / count / 1000:.0f} KB of JSON a run")
    print(f"{'':34}{'batches':>12}{'units/run':>12}{'$/1000 runs':>12}{'KB/run':>12}{'JSON/stored':>15}")
    for label, name in (
        ("one batch", "agent"),
        (f"{LATE_BATCHES} batches", "agent batches"),
        (f"{STREAMED_BATCHES} batches", "agent streamed"),
        *((waiting_name(share), waiting_name(share)) for share in WAITS_OF_AGE),
    ):
        units, stored = found[name]["write_units"] / count, found[name]["packed_bytes"] * spans
        print(f"{label:34}{found[name]['batches']:12}{units:12.1f}{dollars(units) / 1000:12.4f}", end="")
        print(f"{stored / count / 1000:12.1f}{raw / stored:15.1f}")
    theirs = original_units(agents) / count
    print(f"{'the original':46}{theirs:12.1f}{dollars(theirs) / 1000:12.4f}")


def waiting_name(wait_of_age: float) -> str:
    return f"as it runs, waiting {wait_of_age:.0%} of its age" if wait_of_age else "as it runs, waiting 1 s"


def figures(
    traces: Traces, agents: Traces, found: dict[str, dict[str, float]], *, same: bool | None
) -> dict[str, Any]:
    shipped, agent = found["shipped"], found["agent"]
    agent_stored = agent["packed_bytes"] * sum(map(len, agents))
    units = {
        f"write_units_per_span{suffix}": round(found[name]["write_units_per_span"], 4)
        for suffix, name in (
            ("", "shipped"),
            ("_own_dictionary", "own"),
            ("_without_dictionary", "none"),
            ("_unseen_texts", "shipped, unseen"),
            ("_own_dictionary_unseen_texts", "own, unseen"),
            (f"_{LATE_BATCHES}_batches", "batches"),
        )
    }
    return units | {
        "original_over_ours": round(original_units(traces) / shipped["write_units"], 2),
        "bytes_per_span": round(shipped["packed_bytes"]),
        "list_50_read_units": shipped["list_50_read_units"],
        "open_trace_read_units": round(shipped["open_trace_read_units"], 3),
        "agent_raw_over_stored": round(raw_bytes(agents) / agent_stored, 1),
        "agent_write_units": round(agent["write_units"] / len(agents), 2),
        "agent_write_units_3_batches": round(found["agent batches"]["write_units"] / len(agents), 2),
        "agent_write_units_30_batches": round(found["agent streamed"]["write_units"] / len(agents), 2),
        "agent_write_units_as_it_runs": {
            f"{share:.2f}": round(found[waiting_name(share)]["write_units"] / len(agents), 2)
            for share in WAITS_OF_AGE
        },
        "agent_original_over_ours": round(original_units(agents) / agent["write_units"], 1),
        "ministack_units_equal": same,
    }


def raw_bytes(traces: Traces) -> int:
    return sum(len(json.dumps(span, ensure_ascii=False).encode()) for trace in traces for span in trace)


def dollars(units: float) -> float:
    """Of so many write units, a million times."""
    return units * WRITE_USD_PER_MILLION


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.1f} s", file=sys.stderr)
