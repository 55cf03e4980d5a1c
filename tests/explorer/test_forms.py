"""Forms sent twice, from two tabs, out of place: done once, in the project of their page."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from tests.builders import span_id
from tests.explorer.asking import asked, audit, change, made_key, wrong_field
from tests.explorer.conftest import Sender, log_in
from tests.explorer.pages import Element, Page
from tests.storage.faults import WEATHER, Faults, fails, put_under
from traces_app import access, queries, sharing
from traces_app.storage.store import Store

READS = ("GetItem", "BatchGetItem", "Query")


@pytest.fixture
def faults(store: Store, monkeypatch: pytest.MonkeyPatch) -> Faults:
    return put_under(store, monkeypatch)


def test_a_question_answered_twice_is_done_once(dev: Client) -> None:
    told = asked(dev, "admin/keys", scope="read", label="twice")
    assert "shown this once" in Page(dev.post("/dashboard/admin/keys", told)).text
    again = Page(dev.post("/dashboard/admin/keys", told, follow=True))
    assert "nothing is done twice" in again.text
    assert [key.label for key in dev.get("/dashboard/admin").context["page"].keys] == ["twice"]
    assert [action for action, _ in audit(dev)] == ["make key"]


def test_a_project_asked_for_once_and_answered_twice_is_no_refusal(dev: Client) -> None:
    told = asked(dev, "admin/projects", name="fresh")
    assert "shown this once" in Page(dev.post("/dashboard/admin/projects", told)).text
    again = dev.post("/dashboard/admin/projects", told, follow=True)
    assert (again.status_code, "nothing is done twice" in Page(again).text) == (200, True)
    assert len(access.list_keys("fresh", now_ns=time.time_ns())) == 1


def test_what_was_refused_after_the_question_may_be_sent_again(dev: Client) -> None:
    told = asked(dev, "admin/prices/remove", model="m", since_ns="0")
    again = dev.post("/dashboard/admin/prices/remove", told, follow=True)
    assert "Not done. There is no such price" in Page(again).text
    change(dev, "admin/prices", model="m", input="1", output="1")
    again = dev.post("/dashboard/admin/prices/remove", told, follow=True)
    assert "The price of m is removed." in Page(again).text


def test_what_its_check_refused_after_the_question_may_be_sent_again(dev: Client, send: Sender) -> None:
    values = share_values(dev, send())
    refused = dev.post("/dashboard/shares/make", values | {"days": "1000"}, follow=True)
    assert "1 to 90 days" in Page(refused).text
    dev.post("/dashboard/shares/make", values)
    assert len(sharing.list_shares("dev", now_ns=time.time_ns())) == 1


def test_a_refusal_is_told_where_the_form_cannot_be_given_back(dev: Client, faults: Faults) -> None:
    told = asked(dev, "admin/keys/revoke", key="shop:0000000000000000")
    faults.always(fails(WEATHER["server error"]), "DeleteItem")
    again = Page(dev.post("/dashboard/admin/keys/revoke", told, follow=True))
    assert "DeleteItem" in faults.seen
    assert "Not done. There is no such key" in again.text


def test_a_project_made_in_the_meantime_is_told_beside_the_field(dev: Client) -> None:
    told = asked(dev, "admin/projects", name="fresh")
    access.create_key("fresh", now_ns=time.time_ns())
    refused = dev.post("/dashboard/admin/projects", told)
    assert wrong_field(Page(refused))[1].startswith("project: there is fresh already")
    assert len(access.list_keys("fresh", now_ns=time.time_ns())) == 1


def test_a_store_that_failed_on_the_way_makes_no_second_key(dev: Client, faults: Faults) -> None:
    """Wherever it fails: the key may be stored, though nobody has seen it."""
    made = []
    for number in range(100):
        told = asked(dev, "admin/keys", scope="read", label=f"key {number}")
        if not failed_at(number, faults, dev, "admin/keys", told):
            break
        dev.post("/dashboard/admin/keys", told)
        keys = access.list_keys("dev", now_ns=time.time_ns())
        made.append(sum(key.label == f"key {number}" for key in keys))
    assert set(made) == {0, 1}


def test_a_store_that_failed_while_a_link_was_checked_lets_it_be_sent_again(
    dev: Client, send: Sender, faults: Faults
) -> None:
    trace_id, reads, writes = send(), [], []
    for number in range(100):
        before = len(sharing.list_shares("dev", now_ns=time.time_ns()))
        values = share_values(dev, trace_id)
        if not (operation := failed_at(number, faults, dev, "shares/make", values)):
            break
        dev.post("/dashboard/shares/make", values)
        made = len(sharing.list_shares("dev", now_ns=time.time_ns())) - before
        (reads if operation in READS else writes).append(made)
    assert len(reads) > 2
    assert set(reads[:3]) == {1}
    assert set(writes) <= {0, 1}


def failed_at(number: int, faults: Faults, browser: Client, place: str, values: dict[str, str]) -> str:
    """Which operation of the answer failed, being the one of this number; "" where it has fewer."""
    faults.at(number, fails(WEATHER["server error"]))
    answer = browser.post(f"/dashboard/{place}", values)
    seen = list(faults.seen)
    faults.none()
    if number >= len(seen):
        return ""
    assert answer.status_code == 503
    return seen[number]


def share_values(browser: Client, trace_id: str) -> dict[str, str]:
    once = Page(browser.get(f"/dashboard/shares?trace={trace_id}")).hidden_values()["once"]
    return {"trace": trace_id, "days": "7", "redaction": "nothing", "once": once}


def test_deleting_asked_once_and_answered_twice_is_done_once(dev: Client, send: Sender) -> None:
    trace_id = send()
    told = asked(dev, "actions", action="delete", selected=trace_id, back="?q=x")
    assert told["project"] == "dev"
    assert "1 trace deleted." in Page(dev.post("/dashboard/actions", told, follow=True)).text
    again = dev.post("/dashboard/actions", told, follow=True)
    assert (again.redirect_chain[-1][0], "nothing is done twice" in Page(again).text) == (
        "/dashboard/?q=x", True,
    )  # fmt: skip
    assert [action for action, _ in audit(dev)] == ["delete traces"]


def test_every_question_can_be_answered_once(dev: Client, send: Sender) -> None:
    trace_id = send()
    dev.post("/dashboard/actions", {"action": "pin", "selected": trace_id})
    dev.post("/dashboard/views/save", {"name": "v", "query": "?"})
    dev.post("/dashboard/shares/make", share_values(dev, trace_id))
    share = sharing.list_shares("dev", now_ns=time.time_ns())[0]
    for place, fields in (
        ("actions", {"action": "unpin", "selected": trace_id, "place": "trace"}),
        ("views/delete", {"view": dev.get("/dashboard/views.json").json()["views"][0]["view_id"]}),
        ("shares/revoke", {"share": share.share_id, "trace": trace_id}),
        ("admin/erase", {"kind": "trace", "id": trace_id}),
    ):
        told = asked(dev, place, **fields)
        assert (told["project"], told["confirmed"], len(told["once"])) == ("dev", "yes", 16), place
        texts = [Page(dev.post(f"/dashboard/{place}", told, follow=True)).text for _ in range(2)]
        assert ["nothing is done twice" in text for text in texts] == [False, True], place


def test_a_form_acts_in_the_project_that_its_page_was_of(dev: Client) -> None:
    told = asked(dev, "admin/prices", model="m", input="1", output="1")
    assert told["project"] == "dev"
    log_in(dev, "project-shop")  # in another tab
    assert dev.get("/dashboard/admin").context["page"].project == "shop"
    dev.post("/dashboard/admin/prices", told)
    assert [price.model for price in dev.get("/dashboard/admin?project=dev").context["page"].prices] == ["m"]
    assert dev.get("/dashboard/admin?project=shop").context["page"].prices == []


def test_a_form_of_a_project_that_is_not_open_does_nothing(dev: Client) -> None:
    fields = {"scope": "all", "confirmed": "yes", "project": "shop"}
    assert "Nothing was done" in Page(dev.post("/dashboard/admin/keys", fields, follow=True)).text
    assert audit(dev) == []
    assert access.list_keys("shop", now_ns=time.time_ns()) == []


def test_every_form_says_its_project(dev: Client, send: Sender) -> None:
    made_key(dev, "read")
    change(dev, "admin/prices", model="m", input="1", output="1")
    change(dev, "admin/retention", condition="error:true", days="9")
    change(dev, "admin/alerts", what="bill", by="all", value="", limit="1", to="a@example.com")
    dev.post("/dashboard/views/save", {"name": "v", "query": "?"})
    trace_id = send()
    span = f"t/{trace_id}/s/{span_id(1)}"
    for place, forms in {
        "admin": 12,
        f"shares?trace={trace_id}": 1,
        "views": 1,
        "": 2,
        "?project=dev": 2,
        f"t/{trace_id}": 2,
        f"t/{trace_id}?header": 1,
        f"{span}?pane": 1,
    }.items():
        page = Page(dev.get(f"/dashboard/{place}"))
        assert [projects_of(page, form) for form in posting(page)] == [["dev"]] * forms, place


def posting(page: Page) -> list[Element]:
    """Logging out and choosing a project are of none."""
    none = ("/dashboard/logout", "/dashboard/project")
    return [one for one in page.find("form") if one.get("method") == "post" and one.get("action") not in none]


def projects_of(page: Page, form: Element) -> list[str | None]:
    hidden = (one for one in page.find("input") if one.get("type") == "hidden" and one.is_inside(form))
    return [one.get("value") for one in hidden if one.get("name") == "project"]


def test_the_forms_of_a_list_and_a_trace_act_in_the_project_of_their_page(dev: Client, send: Sender) -> None:
    trace_id = send()
    fields = {"project": "dev", "selected": [trace_id]}
    log_in(dev, "project-shop")  # in another tab
    dev.post("/dashboard/actions", fields | {"action": "tag", "tag": "kept"})
    dev.get("/dashboard/?project=shop")
    question = Page(dev.post("/dashboard/actions", fields | {"action": "delete"}))
    assert question.hidden_values()["project"] == "dev"
    dev.get("/dashboard/?project=shop")
    score = {"project": "dev", "name": "quality", "value": "1"}
    dev.post(f"/dashboard/t/{trace_id}/s/{span_id(1)}/score", score)
    found = queries.get_trace("dev", trace_id, now_ns=time.time_ns())
    assert found.summary.tags == ["kept"]
    assert [one["name"] for one in next(found.spans()).scores] == ["quality"]


def test_an_address_of_a_form_says_that_there_is_nothing_to_see(dev: Client) -> None:
    answer = dev.get("/dashboard/admin/keys")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "Nothing was done" in Page(answer).text
    assert Page(answer).breaches() == []


def test_a_form_sent_after_the_session_ended_says_so(browser: Client) -> None:
    answer = browser.post("/dashboard/admin/keys", {"scope": "all", "confirmed": "yes"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/dashboard/login"
    assert "Nothing was done: the session is over." in Page(answer).text
