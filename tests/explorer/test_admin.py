"""Keys, prices, projects and views: each change is asked for once more, done, and written down."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.test import Client

from tests.explorer.conftest import Sender, log_in
from tests.explorer.pages import Page
from traces_app import access
from traces_app.domain.span import Usage


def change(browser: Client, place: str, **fields: str) -> Any:
    """Ask, and answer yes."""
    question = browser.post(f"/dashboard/{place}", fields)
    assert question.status_code == 200, question
    page = Page(question)
    told = {name: value for name, value in page.hidden_values().items() if name != "csrfmiddlewaretoken"}
    assert told["confirmed"] == "yes"
    return browser.post(f"/dashboard/{place}", told, follow=True)


def audit(browser: Client) -> list[tuple[str, str]]:
    return [(line.action, line.detail) for line in browser.get("/dashboard/admin/audit").context["page"]]


def made_key(browser: Client, scope: str, label: str = "") -> str:
    text = Page(change(browser, "admin/keys", scope=scope, label=label)).text
    found = re.search(r"project-dev\.[\w-]{43}", text)
    assert found
    return found[0]


def reader(dev: Client, browser: Client) -> Client:
    log_in(browser, made_key(dev, "read"))
    return browser


@pytest.fixture
def other(dev: Client) -> Client:
    """A second browser."""
    client = Client()
    client.handler = dev.handler
    return client


def test_a_key_is_made_shown_once_and_works(dev: Client) -> None:
    key = made_key(dev, "ingest", "laptop of Ana")
    assert access.authenticate(key, now_ns=time.time_ns()).scope == "ingest"  # type: ignore[union-attr]
    page = Page(dev.get("/dashboard/admin"))
    assert key not in page.text
    assert "laptop of Ana" in page.text
    assert audit(dev)[0][0] == "make key"
    assert key not in audit(dev)[0][1]


def test_asking_changes_nothing(dev: Client) -> None:
    dev.post("/dashboard/admin/keys", {"scope": "all"})
    assert dev.get("/dashboard/admin").context["page"].keys == []
    assert audit(dev) == []


def test_a_key_is_revoked(dev: Client) -> None:
    key = made_key(dev, "all")
    key_id = dev.get("/dashboard/admin").context["page"].keys[0].key_id
    page = Page(change(dev, "admin/keys/revoke", key=key_id))
    assert f"The key {key_id} is revoked." in page.text
    assert access.authenticate(key, now_ns=time.time_ns()) is None
    assert audit(dev)[0] == ("revoke key", key_id)


@pytest.mark.parametrize("key_id", ["", "dev:0000000000000000", "shop:0000000000000000", "<b>"])
def test_a_key_that_is_not_ours_is_not_revoked(dev: Client, key_id: str) -> None:
    theirs = access.create_key("shop", now_ns=time.time_ns())
    page = Page(change(dev, "admin/keys/revoke", key=theirs.key_id if "shop" in key_id else key_id))
    assert "There is no such key in this project." in page.text
    assert access.authenticate(theirs.key, now_ns=time.time_ns()) is not None


def test_a_wrong_scope_is_named(dev: Client) -> None:
    assert "scope must be one of" in Page(change(dev, "admin/keys", scope="root")).text


def test_who_may_only_read_changes_nothing(dev: Client, other: Client, send: Sender) -> None:
    trace = send(name="stays", tags=["a"])
    reading = reader(dev, other)
    assert "may only read" in Page(reading.get("/dashboard/admin")).text
    assert not any(
        form.get("method") == "post" and "admin" in (form.get("action") or "")
        for form in Page(reading.get("/dashboard/admin")).find("form")
    )
    for place, fields in {
        "admin/keys": {"scope": "all"},
        "admin/keys/revoke": {"key": "dev:1"},
        "admin/prices": {"model": "m"},
        "admin/prices/remove": {"model": "m"},
        "admin/projects": {"name": "new"},
        "actions": {"action": "delete", "selected": trace},
        "views/save": {"name": "n", "shared": "yes"},
    }.items():
        answer = reading.post(f"/dashboard/{place}", {**fields, "confirmed": "yes"}, follow=True)
        assert "may only read" in Page(answer).text, place
    reading.post("/dashboard/actions", {"action": "tag", "tag": "x", "selected": trace})
    assert [line.name for line in dev.get("/dashboard/?q=-tag:x").context["page"].lines] == ["stays"]


def test_a_revoked_key_ends_the_session_it_opened(dev: Client, other: Client) -> None:
    reading = reader(dev, other)
    assert reading.get("/dashboard/").status_code == 200
    key_id = dev.get("/dashboard/admin").context["page"].keys[0].key_id
    change(dev, "admin/keys/revoke", key=key_id)
    assert reading.get("/dashboard/").status_code == 302


def test_a_price_of_ones_own_comes_before_the_table(dev: Client, send: Sender) -> None:
    call = {"kind": "llm", "model": "our-guard-7b", "usage": Usage(1_000_000, 500_000)}
    send(name="before", **call)
    change(dev, "admin/prices", model="our-guard-7b", input="2", output="4", since="2020-01-01")
    send(name="after", **call)
    costs = {line.name: line.cost for line in dev.get("/dashboard/").context["page"].lines}
    assert costs == {"before": "unknown", "after": "$4.00"}
    assert audit(dev)[0][0] == "set price"


def test_a_price_begins_on_its_day(dev: Client, send: Sender) -> None:
    change(dev, "admin/prices", model="m", input="2", output="4", since="2099-01-01")
    send(kind="llm", model="m", usage=Usage(10, 5))
    assert dev.get("/dashboard/").context["page"].lines[0].cost == "unknown"


def test_a_price_is_removed(dev: Client, send: Sender) -> None:
    change(dev, "admin/prices", model="m", input="2", output="4")
    price = dev.get("/dashboard/admin").context["page"].prices[0]
    assert (price.model, price.since, price.rates[0]) == ("m", None, "$2")
    change(dev, "admin/prices/remove", model="m", since_ns=str(price.since_ns))
    assert dev.get("/dashboard/admin").context["page"].prices == []
    assert "no such price" in Page(change(dev, "admin/prices/remove", model="m", since_ns="0")).text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": "", "input": "1", "output": "1"}, "needs the name of a model"),
        ({"model": "m", "input": "1"}, "for input and for output"),
        ({"model": "m", "input": "cheap", "output": "1"}, "input: write dollars a million tokens"),
        ({"model": "m", "input": "-1", "output": "1"}, "input: from 0 to"),
        ({"model": "m", "input": "nan", "output": "1"}, "input: from 0 to"),
        ({"model": "m", "input": "1", "output": "1", "since": "soon"}, "Valid from: write a day"),
    ],
)
def test_a_wrong_price_is_named(dev: Client, fields: dict[str, str], said: str) -> None:
    assert said in Page(change(dev, "admin/prices", **fields)).text


def test_a_project_is_made_with_its_first_key(dev: Client, other: Client) -> None:
    text = Page(change(dev, "admin/projects", name="fresh")).text
    key = re.search(r"project-fresh\.[\w-]{43}", text)
    assert key
    log_in(other, key[0])
    assert "No traces in fresh yet" in Page(other.get("/dashboard/")).text


@pytest.mark.parametrize("name", ["shop", "dev", "a b", ""])
def test_a_project_that_exists_or_cannot_be_is_refused(dev: Client, name: str) -> None:
    assert "Not done." in Page(change(dev, "admin/projects", name=name)).text


def test_views_are_saved_shown_and_deleted(dev: Client, send: Sender) -> None:
    send(name="wanted", tags=["a"])
    send(name="other")
    dev.post("/dashboard/views/save", {"name": " my  view ", "query": "?q=tag%3Aa"})
    page = dev.get("/dashboard/").context["page"]
    assert [(view.text, view.title) for view in page.views] == [("my view", "yours")]
    found = dev.get("/dashboard/" + page.views[0].address).context["page"]
    assert ([line.name for line in found.lines], found.views[0].is_current) == (["wanted"], True)
    view_id = dev.get("/dashboard/views").context["page"][0].view_id
    assert "is deleted" in Page(change(dev, "views/delete", view=view_id)).text
    assert dev.get("/dashboard/").context["page"].views == []
    assert [action for action, _ in audit(dev)] == ["delete view", "save view"]


def test_own_views_are_ones_own_and_shared_ones_everybodys(dev: Client, other: Client) -> None:
    dev.post("/dashboard/views/save", {"name": "own", "query": "?"})
    dev.post("/dashboard/views/save", {"name": "shared", "query": "?", "shared": "yes"})
    reading = reader(dev, other)
    reading.post("/dashboard/views/save", {"name": "theirs", "query": "?q=x"})
    assert [view.name for view in reading.get("/dashboard/views").context["page"]] == ["shared", "theirs"]
    shared = reading.get("/dashboard/views").context["page"][0]
    answer = reading.post(
        "/dashboard/views/delete", {"view": shared.view_id, "confirmed": "yes"}, follow=True
    )
    assert "may only read" in Page(answer).text


def test_a_view_never_leads_elsewhere(dev: Client) -> None:
    answer = dev.post("/dashboard/views/save", {"name": "evil", "query": "//evil.example/?q=1"})
    assert answer["Location"] == "/dashboard/?"
    assert dev.post("/dashboard/actions", {"back": "//evil.example"})["Location"] == "/dashboard/"


@pytest.mark.parametrize("name", ["", "  ", "x" * 81])
def test_a_view_needs_a_name(dev: Client, name: str) -> None:
    answer = dev.post("/dashboard/views/save", {"name": name, "query": "?"}, follow=True)
    assert "needs a name" in Page(answer).text


def test_a_project_keeps_so_many_views(dev: Client) -> None:
    for number in range(101):
        answer = dev.post("/dashboard/views/save", {"name": f"v{number}", "query": "?"}, follow=True)
    assert "keeps 100 views" in Page(answer).text


def test_changes_need_a_post_and_its_token(dev: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = dev.cookies
    for place in (
        "admin/keys",
        "admin/keys/revoke",
        "admin/prices",
        "admin/projects",
        "views/save",
        "views/delete",
    ):
        assert dev.get(f"/dashboard/{place}").status_code == 405, place
        assert strict.post(f"/dashboard/{place}", {"confirmed": "yes"}).status_code == 403, place


def test_the_audit_is_there_as_json_and_per_project(dev: Client, other: Client) -> None:
    made_key(dev, "read")
    entries = dev.get("/dashboard/admin/audit.json").json()["entries"]
    assert (len(entries), entries[0]["action"]) == (1, "make key")
    log_in(other, "project-shop")
    assert other.get("/dashboard/admin/audit.json").json()["entries"] == []
