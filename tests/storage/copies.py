"""What the tests of push and pull share: two stores, and what is in them."""

from __future__ import annotations

import io
import os
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command

from tests.builders import own_trace_id, span, span_id, trace_id
from traces_app import access, audit, ingest, prices, queries, saved_views, storage
from traces_app.access import Access
from traces_app.storage.engine import EngineOptions, connect, open_engine

CHECKOUT = Path(__file__).resolve().parents[2]
HOUR_NS = 3600 * 10**9
NOW_NS = time.time_ns()
Items = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture
def cloud(ministack_url: str) -> EngineOptions:
    """Tables of its own on the DynamoDB server."""
    suffix = uuid4().hex[:12]
    options = replace(
        storage.engine_options(),
        storage_url="dynamodb",
        endpoint_url=ministack_url,
        traces_table=f"traces-{suffix}",
        spans_table=f"spans-{suffix}",
    )
    make_tables(options)
    return options


def make_tables(options: EngineOptions) -> None:
    storage.reset_store()
    with closing(open_engine(options)) as engine:
        engine.create_tables()


def here() -> EngineOptions:
    return storage.engine_options()


def items_of(options: EngineOptions) -> Items:
    """Every item of a store, as DynamoDB writes it."""
    found: Items = {}
    with closing(connect(options)) as engine:
        for table in (options.traces_table, options.spans_table):
            start: dict[str, Any] = {}
            while True:
                answer = engine.client._make_api_call("Scan", {"TableName": table, **start})
                for item in answer["Items"]:
                    if "lists" in item:
                        item["lists"]["SS"].sort()
                    key = (item["pk"]["S"], item["sk"]["S"])
                    assert key not in found
                    found[key] = item
                if "LastEvaluatedKey" not in answer:
                    break
                start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    return found


def moved(items: Items) -> Items:
    """Those that a push or pull takes."""
    left = ("SESSION#", "R#", "KEYS#", "AUDIT#", "WATCHED", "SHARES#")
    return {key: item for key, item in items.items() if not key[0].startswith(left)}


def told(name: str, other: EngineOptions, **options: Any) -> str:
    out = io.StringIO()
    direction = {"push": "to", "pull": "from"}[name]
    arguments = [f"--{direction}={other.storage_url}", "--tables", other.traces_table, other.spans_table]
    if other.endpoint_url:
        arguments += ["--endpoint-url", other.endpoint_url]
    for option, value in options.items():
        arguments += [f"--{option.replace('_', '-')}"] + ([] if value is True else [value])
    call_command(name, *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def fill(count: int, project: str = "dev", first: int = 1) -> None:
    """Traces of all sorts: own and foreign ids, in one and two batches, with sessions, users, losses."""
    mine = Access(project, "all", "test")
    for number in range(first, first + count):
        start_ns = NOW_NS - number * 10**9
        is_foreign = number % 3 == 0
        name = trace_id(number) if is_foreign else own_trace_id(start_ns // 10**6, number)
        about = {"trace_id": name, "start_ns": start_ns, "session_id": f"s#{number % 7}"}
        batch = [
            span(
                1, **about, user_id=f"u{number % 5}", input="question " * 20, kind="llm", model="gpt-4o-mini"
            ),
            span(2, **about, parent_span_id=span_id(1), output={"n": number}),
        ]
        ingest.receive(mine, batch, now_ns=NOW_NS)
        if is_foreign:
            ingest.receive(mine, [span(3, **about, parent_span_id=span_id(1))], now_ns=NOW_NS + 10**6)
    large = span(9, trace_id=trace_id(first + 10**6), start_ns=NOW_NS, input=os.urandom(700_000).hex())
    ingest.receive(mine, [large], now_ns=NOW_NS, counters={"queue full": 3})
    saved_views.save_view(project, name="v", query="?q=x", owner="k", is_shared=True, now_ns=NOW_NS)
    set_price(1.0, project)
    access.create_key(project, "all", label="secret", now_ns=NOW_NS)
    audit.record(project, who="me", action="looked", detail="", now_ns=NOW_NS)


def set_price(usd: float, project: str = "dev") -> None:
    rates = {"input": usd, "output": 2.0}
    prices.set_price(project, model="mine", since_ns=0, usd_per_million=rates, now_ns=NOW_NS)


def total_traces(project: str = "dev") -> int:
    return queries.get_stats(project, now_ns=time.time_ns()).total_traces


@pytest.fixture
def elsewhere(tmp_path: Path) -> EngineOptions:
    return replace(here(), storage_url=f"sqlite:///{tmp_path / 'other.sqlite3'}")
