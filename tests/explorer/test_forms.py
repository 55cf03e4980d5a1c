"""Forms sent twice, from two tabs, out of place: done once, in the project of their page."""

from __future__ import annotations

import time

from django.test import Client

from tests.builders import span_id
from tests.explorer.asking import asked, audit, change, made_key, wrong_field
from tests.explorer.conftest import Sender, log_in
from tests.explorer.pages import Element, Page
from traces_app import access, queries


def test_a_question_answered_twice_is_done_once(dev: Client) -> None:
    told = asked(dev, "admin/keys", scope="read", label="twice")
    assert "shown this once" in Page(dev.post("/dashboard/admin/keys", told)).text
    again = Page(dev.post("/dashboard/admin/keys", told, follow=True))
    assert "nothing is done twice" in again.text
    assert [key.label for key in dev.get("/dashboard/admin").context["page"].keys] == ["twice"]
    assert [action for action, _ in audit(dev)] == ["make key"]


def test_what_was_refused_after_the_question_may_be_sent_again(dev: Client) -> None:
    told = asked(dev, "admin/projects", name="fresh")
    other_project = access.create_key("fresh", now_ns=time.time_ns())
    refused = dev.post("/dashboard/admin/projects", told)
    assert wrong_field(Page(refused))[1].startswith("project: there is fresh already")
    assert len(access.list_keys("fresh", now_ns=time.time_ns())) == 1
    assert access.authenticate(other_project.key, now_ns=time.time_ns()) is not None


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
