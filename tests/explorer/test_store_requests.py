"""What a page asks of the store does not grow with what it shows."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.explorer.conftest import Sender
from traces_app.explorer.pages.replay import TURNS_A_PAGE
from traces_app.storage.store import Store


@pytest.fixture
def requests(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that reach the database, in order."""
    seen: list[str] = []
    client: Any = store.engine.client
    original = client._make_api_call

    def listen(operation: str, parameters: Any) -> Any:
        seen.append(operation)
        return original(operation, parameters)

    monkeypatch.setattr(client, "_make_api_call", listen)
    return seen


def asked(browser: Client, requests: list[str], address: str) -> list[str]:
    requests.clear()
    assert browser.get(address).status_code == 200
    return list(requests)


def test_the_list_asks_as_much_for_40_traces_as_for_one(
    dev: Client, send: Sender, requests: list[str]
) -> None:
    send(seconds_ago=1)
    one = asked(dev, requests, "/dashboard/")
    for _ in range(39):
        send({}, {}, seconds_ago=1)
    assert asked(dev, requests, "/dashboard/") == one
    assert len(one) < 10


def test_a_trace_of_300_spans_asks_as_much_as_one_of_2(
    dev: Client, send: Sender, requests: list[str]
) -> None:
    small, large = send({}), send(*[{"input": f"number {number}"} for number in range(299)])
    asked(dev, requests, f"/dashboard/t/{small}")
    few = asked(dev, requests, f"/dashboard/t/{small}")
    assert asked(dev, requests, f"/dashboard/t/{large}") == few
    assert len(few) < 6


PAGES = (
    "/dashboard/",
    "/dashboard/?q=env:prod",
    "/dashboard/sessions",
    "/dashboard/users",
    "/dashboard/statistics?range=24h",
    "/dashboard/statistics?range=24h&by=user",
    "/dashboard/views",
    "/dashboard/admin",
    "/dashboard/admin/audit",
    "/dashboard/problems",
    "/dashboard/cost",
)


@pytest.mark.parametrize("address", PAGES)
def test_a_page_asks_as_much_for_120_traces_as_for_three(
    dev: Client, send: Sender, requests: list[str], address: str
) -> None:
    for number in range(3):
        send(seconds_ago=1, user_id=f"u{number}", session_id=f"s{number}", environment="prod")
    asked(dev, requests, address)
    few = asked(dev, requests, address)
    for number in range(117):
        send({}, seconds_ago=1, user_id=f"u{number}", session_id=f"s{number}", environment="prod")
    assert asked(dev, requests, address) == few
    assert len(few) <= 12


def test_a_conversation_asks_once_a_turn_and_never_more_than_a_page_of_them(
    dev: Client, send: Sender, requests: list[str]
) -> None:
    for _ in range(30):
        send({}, seconds_ago=1, session_id="s")
    many = asked(dev, requests, "/dashboard/session?id=s")
    assert len(many) <= TURNS_A_PAGE + 4


@pytest.mark.parametrize(
    "rest", ["/skeleton", "/previews?spans=a", "/search?q=number", "?view=tree", ".md", "/receipt"]
)
def test_what_the_trace_page_asks_for_does_not_grow_with_its_spans(
    dev: Client, send: Sender, requests: list[str], rest: str
) -> None:
    small, large = send({}), send(*[{"kind": "llm", "input": f"number {number}"} for number in range(299)])
    few = asked(dev, requests, f"/dashboard/t/{small}{rest}")
    assert asked(dev, requests, f"/dashboard/t/{large}{rest}") == few
    assert len(few) < 6


def test_comparing_asks_for_each_trace_once_and_for_one_page_of_runs(
    dev: Client, send: Sender, requests: list[str]
) -> None:
    first, second = send(name="run", seconds_ago=90), send(name="run", seconds_ago=50)
    pair = asked(dev, requests, f"/dashboard/diff?a={first}&b={second}")
    steps: list[dict[str, Any]] = [{"kind": "llm", "input": f"number {number}"} for number in range(299)]
    large = send(*steps, name="run", seconds_ago=40)
    assert asked(dev, requests, f"/dashboard/diff?a={first}&b={large}") == pair
    requests.clear()
    dev.get(f"/dashboard/diff?a={second}")
    alone = list(requests)
    for _ in range(30):
        send(name="other", seconds_ago=70)
    requests.clear()
    dev.get(f"/dashboard/diff?a={second}")
    assert requests == alone
