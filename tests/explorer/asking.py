"""What tests of changes do on the pages: ask, answer, be refused, and read what was written down."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from tests.explorer.conftest import log_in
from tests.explorer.pages import Page


def asked(browser: Client, place: str, /, **fields: str) -> dict[str, str]:
    return Page(browser.post(f"/dashboard/{place}", fields)).hidden_values()


def change(browser: Client, place: str, **fields: str) -> Any:
    """Ask, and answer yes."""
    question = browser.post(f"/dashboard/{place}", fields)
    assert question.status_code == 200, question
    page = Page(question)
    told = {name: value for name, value in page.hidden_values().items() if name != "csrfmiddlewaretoken"}
    assert told["confirmed"] == "yes"
    return browser.post(f"/dashboard/{place}", told, follow=True)


def refusal(browser: Client, place: str, **fields: str) -> Page:
    """What a form says to values that cannot be: as they were typed, before anything is asked."""
    answer = browser.post(f"/dashboard/{place}", fields)
    assert answer.status_code == 400, answer
    page = Page(answer)
    assert "confirmed" not in page.hidden_values()
    typed = {one.get("name"): one.get("value") for one in page.find("input")}
    assert {name: typed[name] for name in fields if name in typed} == {
        name: value.strip() for name, value in fields.items() if name in typed
    }
    assert page.breaches() == []
    return page


def wrong_field(page: Page) -> tuple[str, str]:
    """The one that is marked, and what stands beside it."""
    [field] = [one for one in page.elements if one.get("aria-invalid") == "true"]
    [told] = [one for one in page.find("span", "wrong") if one.get("id") == field.get("aria-describedby")]
    assert field.parent is told.parent
    assert "autofocus" in field.attributes
    return field.get("name") or "", told.text


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
