"""Every page's test has a store of its own and a browser that nobody has logged in with yet."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.builders import own_trace_id, span_id
from traces_app import access
from traces_app.domain.span import Span
from traces_app.explorer.login import throttle
from traces_app.ingest import receive

Sender = Callable[..., str]


@pytest.fixture(autouse=True)
def _fresh(store: Any, settings: Any) -> None:
    settings.STATIC_ROOT = None
    settings.API_KEYS = ["project-dev", "project-shop"]
    settings.API_KEY_REQUIRED = True
    access.forget_keys()
    throttle.reset()


@pytest.fixture
def browser() -> Client:
    """A browser without cookies. The handler under it is shared: loading the middleware takes long."""
    client = Client()
    client.handler = _handler()
    return client


@pytest.fixture
def dev(browser: Client) -> Client:
    """A browser that is logged in to project dev."""
    log_in(browser, "project-dev")
    return browser


@pytest.fixture
def other(dev: Client) -> Client:
    """A second browser."""
    client = Client()
    client.handler = dev.handler
    return client


@pytest.fixture
def send() -> Sender:
    """Store one trace, by default a single span that ended a moment ago; returns the trace's id."""
    return functools.partial(send_trace, iter(range(1, 10_000)))


@functools.cache
def _handler() -> Any:
    return Client().handler


def log_in(browser: Client, key: str, **fields: str) -> Any:
    return browser.post("/dashboard/login", {"key": key, **fields})


def send_trace(
    numbers: Any, *children: dict[str, Any], project: str = "dev", seconds_ago: float = 60, **fields: Any
) -> str:
    number = next(numbers)
    now_ns = time.time_ns()
    start_ns = now_ns - int(seconds_ago * 1e9)
    trace_id = own_trace_id(start_ns // 1_000_000, number)
    spans = []
    for index, values in enumerate(({"name": f"trace {number}"} | fields, *children), 1):
        own = {
            "trace_id": trace_id,
            "span_id": span_id(index),
            "name": f"span {index}",
            "parent_span_id": None if index == 1 else span_id(1),
            "start_ns": start_ns + index * 1_000_000,
            "end_ns": start_ns + index * 1_000_000 + 250_000_000,
        }
        spans.append(Span(**(own | values)))
    receipt = receive(access.Access(project, "all", "test"), spans, now_ns=now_ns)
    assert not receipt.rejected
    return trace_id
