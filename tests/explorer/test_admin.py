"""Keys, prices, projects and views: each change is asked for once more, done, and written down."""

from __future__ import annotations

import re
import time

import pytest
from django.test import Client

from tests.explorer.asking import audit, change, made_key, reader, refusal, wrong_field
from tests.explorer.conftest import Sender, log_in
from tests.explorer.pages import Page
from traces_app import access
from traces_app import audit as audit_log
from traces_app.domain.span import Usage


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
    page = refusal(dev, "admin/keys", scope="root", label="laptop")
    assert wrong_field(page) == ("scope", "scope: must be one of all, ingest, read.")


def test_a_long_label_is_refused_by_its_limit(dev: Client) -> None:
    page = refusal(dev, "admin/keys", scope="read", label="x" * 201)
    assert wrong_field(page) == ("label", "label: at most 200 characters.")


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
    assert (price.model, price.since, price.rates[0]) == ("m", None, ("input", "$2"))
    change(dev, "admin/prices/remove", model="m", since_ns=str(price.since_ns))
    assert dev.get("/dashboard/admin").context["page"].prices == []
    assert "no such price" in Page(change(dev, "admin/prices/remove", model="m", since_ns="0")).text


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"model": "", "input": "1", "output": "1"}, "model", "needs the name of a model"),
        ({"model": "m", "input": "1"}, "output", "for input and for output"),
        ({"model": "m", "input": "cheap", "output": "1"}, "input", "input: write dollars a million tokens"),
        ({"model": "m", "input": "-1", "output": "1"}, "input", "input: from 0 to"),
        ({"model": "m", "input": "nan", "output": "1"}, "input", "input: from 0 to"),
        ({"model": "m", "input": "1", "output": "1", "cache_read": "x"}, "cache_read", "cache read: write"),
        ({"model": "m", "input": "1", "output": "1", "since": "soon"}, "since", "since: write a day"),
    ],
)
def test_a_wrong_price_is_named_beside_its_field(
    dev: Client, fields: dict[str, str], field: str, said: str
) -> None:
    name, told = wrong_field(refusal(dev, "admin/prices", **fields))
    assert name == field
    assert said in told
    assert dev.get("/dashboard/admin").context["page"].prices == []


def test_a_project_is_made_with_its_first_key(dev: Client, other: Client) -> None:
    text = Page(change(dev, "admin/projects", name="fresh")).text
    key = re.search(r"project-fresh\.[\w-]{43}", text)
    assert key
    log_in(other, key[0])
    assert "No traces in fresh yet" in Page(other.get("/dashboard/")).text


@pytest.mark.parametrize("name", ["shop", "dev", "a b", ""])
def test_a_project_that_exists_or_cannot_be_is_refused(dev: Client, name: str) -> None:
    assert wrong_field(refusal(dev, "admin/projects", name=name))[0] == "name"


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


def test_older_entries_of_the_audit_are_reached(dev: Client) -> None:
    now_ns = time.time_ns()
    for number in range(audit_log.MAX_LISTED + 3):
        audit_log.record(
            "dev", who="k", action="count", detail=str(number), now_ns=now_ns - number * 1_000_000
        )
    page = Page(dev.get("/dashboard/admin/audit"))
    assert len(page.find("tr")) == 1 + audit_log.MAX_LISTED
    older = "/dashboard/admin/audit" + page.link("Older ones")
    assert [line.detail for line in dev.get(older).context["page"]] == ["200", "201", "202"]
    assert page.link("Older ones") not in Page(dev.get(older)).links()
    assert Page(dev.get(older)).link("The newest") == "/dashboard/admin/audit"
    twin = dev.get(older.replace("audit?", "audit.json?")).json()["entries"]
    assert [entry["detail"] for entry in twin] == ["200", "201", "202"]
    assert "Nothing older" in Page(dev.get("/dashboard/admin/audit?before=0")).text


def test_admin_and_views_are_there_as_json_without_secrets(dev: Client, other: Client) -> None:
    key = made_key(dev, "read", "laptop")
    change(dev, "admin/prices", model="m", input="1", output="2")
    change(dev, "admin/retention", condition="error:true", days="9")
    hook = "https://hooks.example.com/T0/secret"
    change(dev, "admin/alerts", what="bill", by="all", value="", limit="1", to=hook)
    dev.post("/dashboard/views/save", {"name": "mine", "query": "?q=a"})
    response = dev.get("/dashboard/admin.json")
    told = response.json()
    assert key.partition(".")[2] not in response.content.decode()
    assert "T0" not in response.content.decode()
    assert [one["label"] for one in told["keys"]] == ["laptop"]
    assert told["prices"] == [{"model": "m", "since_ns": 0, "usd_per_million": {"input": 1.0, "output": 2.0}}]
    assert told["retention"] == {"rules": [{"condition": "error:true", "days": 9}], "rest_days": 90}
    assert told["alerts"][0]["to"] == "webhook at hooks.example.com"
    assert [view["query"] for view in dev.get("/dashboard/views.json").json()["views"]] == ["?q=a"]
    for place in ("admin", "views"):
        assert f"/dashboard/{place}.json" in dev.get(f"/dashboard/{place}")["Link"]
    log_in(other, "project-shop")
    assert other.get("/dashboard/admin.json").json()["keys"] == []
    assert other.get("/dashboard/views.json").json()["views"] == []


def test_whoever_makes_a_project_sees_it(dev: Client) -> None:
    change(dev, "admin/projects", name="fresh")
    page = dev.get("/dashboard/admin").context["page"]
    assert (page.project, page.projects, page.may_write) == ("fresh", ["dev", "fresh"], True)


def test_a_view_saved_under_the_same_name_takes_its_place(dev: Client, other: Client) -> None:
    for query in ("?q=a", "?q=b", "?q=b"):
        dev.post("/dashboard/views/save", {"name": "mine", "query": query})
    dev.post("/dashboard/views/save", {"name": "mine", "query": "?q=c", "shared": "yes"})
    asks = sorted(view.asks for view in dev.get("/dashboard/views").context["page"])
    assert len(asks) == 2
    assert [("b" in asks[0]), ("c" in asks[1])] == [True, True]
