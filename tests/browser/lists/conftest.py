"""A real server, a real browser: what only those show."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.builders import own_trace_id, span_id
from tests.servers import server_process

Open = Callable[..., Page]
WAIT_MS = 15_000
"""Generous: a busy machine is slow, and what comes in time is not waited for."""

NAMES = ("support-chat", "deep-research", "nightly-index")


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One for all tests here, with 60 traces of an hour in project dev."""
    file = tmp_path_factory.mktemp("browser") / "traces.sqlite3"
    with server_process(file) as (url, _):
        spans = [span for number in range(60) for span in spans_of(**story(number))]
        deliver(url, spans)
        yield url


@pytest.fixture(scope="package")
def session(chromium: Browser, server: str) -> Any:
    """The cookies of somebody who logged in."""
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{server}/dashboard/login")
        page.fill("#key", "project-dev")
        page.press("#key", "Enter")
        page.wait_for_url("**/dashboard/")
        return context.storage_state()


@pytest.fixture
def open_page(chromium: Browser, server: str, session: Any) -> Iterator[Open]:
    """Open a place of the dashboard. What the console reports of errors fails the test."""
    expect.set_options(timeout=WAIT_MS)
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_at(place: str = "", **options: Any) -> Page:
        size = {"width": 1440, "height": 900}
        context = chromium.new_context(viewport=size, storage_state=session, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{server}/dashboard/{place}")
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert complaints == []


def story(number: int) -> dict[str, Any]:
    return {
        "name": NAMES[number % 3],
        "number": number,
        "seconds_ago": 30 + number * 50,
        "status": "error" if number % 10 == 0 else "ok",
        "tags": ["vip"] if number % 4 == 0 else [],
        "user_id": f"user-{number % 5}",
        "session_id": f"chat-{number // 4}",
        "environment": "prod" if number % 2 else "test",
    }


def send(url: str, **fields: Any) -> None:
    """One trace more."""
    deliver(url, spans_of(**fields))


def spans_of(*, number: int, seconds_ago: float = 1.0, **fields: Any) -> list[dict[str, Any]]:
    """A trace with a call of a model in it."""
    start_ns = time.time_ns() - int(seconds_ago * 1e9)
    trace_id = own_trace_id(start_ns // 1_000_000, number)
    end_ns = start_ns + (number % 7 + 1) * 900_000_000
    own = {"trace_id": trace_id, "start_time_unix_nano": start_ns, "end_time_unix_nano": end_ns}
    root = own | {
        "span_id": span_id(1),
        "input": f"Question {number}?",
        "output": f"Answer {number}.",
        **fields,
    }
    call = own | {
        "span_id": span_id(2),
        "parent_span_id": span_id(1),
        "name": "chat gpt-4o",
        "kind": "llm",
        "model": "gpt-4o",
        "usage": {"input_tokens": 100 * (number + 1), "output_tokens": 20},
        "output": f"needle-{number}",
    }
    return [root, call]


def deliver(url: str, spans: list[dict[str, Any]]) -> None:
    answer = httpx.post(
        f"{url}/api/ingest", json={"spans": spans}, headers={"X-API-Key": "project-dev"}, timeout=30
    )
    assert answer.status_code == 202, answer.text
