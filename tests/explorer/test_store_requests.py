"""What a page asks of the store does not grow with what it shows."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from tests.builders import span_id
from tests.explorer.conftest import Sender
from traces_app import sharing
from traces_app.explorer.pages.replay import TURNS_A_PAGE
from traces_app.searching import MAX_SAMPLED, SAMPLED_ITEMS
from traces_app.storage.store import Store


class Requests(list[str]):
    """The operations that reached the database, in order, and the read and write units they took."""

    units = 0.0

    def clear(self) -> None:
        super().clear()
        self.units = 0.0


@pytest.fixture
def requests(store: Store, monkeypatch: pytest.MonkeyPatch) -> Requests:
    seen = Requests()
    client: Any = store.engine.client
    original = client._make_api_call

    def listen(operation: str, parameters: Any) -> Any:
        answer = original(operation, {**parameters, "ReturnConsumedCapacity": "TOTAL"})
        consumed = answer.get("ConsumedCapacity", [])
        seen.append(operation)
        seen.units += sum(
            one["CapacityUnits"] for one in (consumed if isinstance(consumed, list) else [consumed])
        )
        return answer

    monkeypatch.setattr(client, "_make_api_call", listen)
    return seen


def asked(browser: Client, requests: Requests, address: str) -> list[str]:
    requests.clear()
    assert browser.get(address).status_code == 200
    return list(requests)


def test_the_list_asks_as_much_for_40_traces_as_for_one(
    dev: Client, send: Sender, requests: Requests
) -> None:
    send(seconds_ago=1)
    one = asked(dev, requests, "/dashboard/")
    for _ in range(39):
        send({}, {}, seconds_ago=1)
    assert asked(dev, requests, "/dashboard/") == one
    assert len(one) < 10


def test_a_trace_of_300_spans_asks_as_much_as_one_of_2(dev: Client, send: Sender, requests: Requests) -> None:
    small, large = send({}), send(*[{"input": f"number {number}"} for number in range(299)])
    asked(dev, requests, f"/dashboard/t/{small}")
    few = asked(dev, requests, f"/dashboard/t/{small}")
    assert asked(dev, requests, f"/dashboard/t/{large}") == few
    assert len(few) < 6


PAGES = {
    "/dashboard/": 45,
    "/dashboard/?q=env:prod": 45,
    "/dashboard/?strip=cost": 45,
    "/dashboard/traces.json": 45,
    "/dashboard/newer.json?after=0": 45,
    "/dashboard/sessions": 25,
    "/dashboard/sessions.json": 25,
    "/dashboard/users": 25,
    "/dashboard/users.json": 25,
    "/dashboard/statistics?range=24h": 25,
    "/dashboard/statistics?range=24h&by=user": 25,
    "/dashboard/statistics.json?range=24h": 25,
    "/dashboard/views": 3,
    "/dashboard/shares": 3,
    "/dashboard/admin": 6,
    "/dashboard/admin/audit": 3,
    "/dashboard/problems": 3,
    "/dashboard/cost": 25,
    "/dashboard/diff": 3,
}
"""Each with the read units it may take."""


@pytest.mark.parametrize("address", PAGES)
def test_a_page_asks_as_much_for_120_traces_as_for_three(
    dev: Client, send: Sender, requests: Requests, address: str
) -> None:
    for number in range(3):
        send(seconds_ago=1, user_id=f"u{number}", session_id=f"s{number}", environment="prod")
    asked(dev, requests, address)
    few = asked(dev, requests, address)
    for number in range(117):
        send({}, seconds_ago=1, user_id=f"u{number}", session_id=f"s{number}", environment="prod")
    assert asked(dev, requests, address) == few
    assert len(few) <= 12
    assert requests.units <= PAGES[address]


def test_the_list_takes_no_more_units_when_twice_as_many_traces_are_stored(
    dev: Client, send: Sender, requests: Requests
) -> None:
    addresses = ("/dashboard/", "/dashboard/?q=env:prod", "/dashboard/traces.json")

    def units() -> list[float]:
        found = []
        for address in addresses:
            asked(dev, requests, address)
            found.append(requests.units)
        return found

    for _ in range(SAMPLED_ITEMS + 20):  # more than one look reads
        send(seconds_ago=5, environment="prod")
    before = units()
    for _ in range(MAX_SAMPLED):
        send(seconds_ago=20, environment="prod")
    after = units()
    assert after[0] == pytest.approx(before[0], abs=1)
    assert after[2] == pytest.approx(before[2], abs=1)
    assert after[1] <= PAGES["/dashboard/?q=env:prod"]  # reads a thousand at a time, as few may match


@pytest.mark.parametrize(
    "rest", ["", ".json", ".html", ".otlp.json", "/download", "/s/{span}", "/s/{span}.json"]
)
def test_a_trace_in_any_form_takes_units_by_its_bytes_and_not_by_what_else_is_stored(
    dev: Client, send: Sender, requests: Requests, rest: str
) -> None:
    trace_id = send({"kind": "llm", "input": "question"})
    address = f"/dashboard/t/{trace_id}{rest.format(span=span_id(2))}"
    few = asked(dev, requests, address)
    units = requests.units
    for _ in range(40):
        send({}, seconds_ago=1)
    assert asked(dev, requests, address) == few
    assert requests.units == units <= 3


def test_a_shared_link_asks_for_itself_and_for_its_trace(
    dev: Client, send: Sender, requests: Requests
) -> None:
    trace_id = send({"kind": "llm", "input": "question"})
    for _ in range(5):
        dev.post("/dashboard/shares/make", {"trace": trace_id, "days": "1", "redaction": "nothing"})
    token = sharing.list_shares("dev", now_ns=time.time_ns())[0].token
    assert len(asked(Client(), requests, f"/dashboard/shared/{token}")) == 2


def test_a_conversation_asks_once_a_turn_and_never_more_than_a_page_of_them(
    dev: Client, send: Sender, requests: Requests
) -> None:
    for _ in range(30):
        send({}, seconds_ago=1, session_id="s")
    many = asked(dev, requests, "/dashboard/session?id=s")
    assert len(many) <= TURNS_A_PAGE + 4


@pytest.mark.parametrize(
    "rest", ["/skeleton", "/previews?spans=a", "/search?q=number", "?view=tree", ".md", "/receipt"]
)
def test_what_the_trace_page_asks_for_does_not_grow_with_its_spans(
    dev: Client, send: Sender, requests: Requests, rest: str
) -> None:
    small, large = send({}), send(*[{"kind": "llm", "input": f"number {number}"} for number in range(299)])
    few = asked(dev, requests, f"/dashboard/t/{small}{rest}")
    assert asked(dev, requests, f"/dashboard/t/{large}{rest}") == few
    assert len(few) < 6


def test_comparing_asks_for_each_trace_once_and_for_one_page_of_runs(
    dev: Client, send: Sender, requests: Requests
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
