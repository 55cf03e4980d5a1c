"""Links into a trace, the search in JSON, scores and shared links, in a browser."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.trace_pages import agent_trace, open_trace, title
from tests.builders import span_id
from tests.explorer.conftest import Sender

LONG = {"numbers": list(range(250)), "deep": {"a b": [{"name": "needle in it"}]}}


def test_a_link_names_a_message(page: Page, send: Sender) -> None:
    trace_id = agent_trace(send)
    open_trace(page, trace_id, f"#s={span_id(4)}&msg=5")
    pointed = page.locator(".message.pointed")
    expect(pointed).to_have_count(1)
    expect(pointed).to_contain_text("Rain")
    first = page.locator(".message").first
    first.hover()
    first.locator("[data-message-link]").click()
    expect(page).to_have_url(re.compile("msg=1"))
    expect(page.locator("[data-say]")).to_have_text("Link to this span copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert f"/s/{span_id(4)}" in link
    assert "msg=1" in link
    page.goto(link)
    expect(page.locator(".message.pointed")).to_have_count(1)
    page.locator("[data-rows]").focus()
    page.keyboard.press("k")
    expect(page).not_to_have_url(re.compile("msg="))


def test_a_link_names_a_place_in_json(page: Page, send: Sender) -> None:
    trace_id = send({"name": "tool", "kind": "tool", "input": [LONG]}, name="top")
    place = "%24%5B0%5D.numbers%5B242%5D"
    open_trace(page, trace_id, f"#s={span_id(2)}&path={place}")
    pointed = page.locator(".json-leaf.pointed")
    expect(pointed).to_have_text("242: 242")
    expect(pointed).to_be_in_viewport()
    page.locator(".json-tree .key", has_text="deep").click()
    expect(page).to_have_url(re.compile(r"path=%24%5B0%5D\.deep"))


def test_json_is_searched_whole(page: Page, send: Sender) -> None:
    trace_id = send({"name": "tool", "kind": "tool", "input": [LONG]}, name="top")
    open_trace(page, trace_id, f"#s={span_id(2)}")
    page.get_by_text("show all").first.click()
    page.get_by_label("Search in this JSON").first.fill("needle")
    page.locator(".json-found button").click()
    expect(page.locator(".json-leaf.pointed")).to_have_text('name: "needle in it"')
    page.get_by_label("Search in this JSON").first.fill("not there")
    expect(page.locator(".json-found")).to_have_text("nothing found")


def test_s_scores_the_open_span_and_its_row_tells_at_once(page: Page, send: Sender) -> None:
    open_trace(page, agent_trace(send), f"?view=tree#s={span_id(4)}&view=tree")
    expect(title(page)).to_have_text("chat two")
    row = page.locator("[data-rows] [aria-current]")
    expect(row.locator(".scores")).to_have_count(0)
    page.evaluate("window.isTheSamePage = true")
    page.keyboard.press("s")
    expect(page.locator(".score [name=value]")).to_be_focused()
    page.keyboard.type("0.75")
    page.keyboard.press("Enter")
    expect(page.locator("[data-say]")).to_contain_text("The score is saved.")
    expect(row.locator(".scores small")).to_have_text(["quality 0.75"])
    page.locator("[data-tab=scores]").click()
    expect(page.locator("[data-panel=scores]")).to_contain_text("0.75")
    assert page.evaluate("window.isTheSamePage")
    page.keyboard.press("s")
    page.keyboard.type("nan")
    page.keyboard.press("Enter")
    expect(page.locator("[data-say]")).to_contain_text("finite number")
    expect(page.locator(".score [name=value]")).to_be_visible()
    expect(page.locator(".score [name=value]")).to_have_value("nan")


def test_a_score_sent_twice_is_one_and_what_was_not_saved_stays_in_its_form(
    page: Page, send: Sender, settings: Any
) -> None:
    trace_id = agent_trace(send)
    open_trace(page, trace_id, f"?view=tree#s={span_id(4)}&view=tree")
    expect(title(page)).to_have_text("chat two")
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.keyboard.press("s")
    form = page.locator(".score form")
    form.locator("[name=value]").fill("good")
    form.locator("[name=comment]").fill("what took long to write")
    settings.API_KEY_REQUIRED = True  # as when the session is over
    form.evaluate("(form) => { form.requestSubmit(); form.requestSubmit(); }")
    expect(page.locator("[data-say]")).to_contain_text("the session is over")
    expect(form.locator("[name=comment]")).to_be_visible()
    expect(form.locator("[name=comment]")).to_have_value("what took long to write")
    assert len(posts) == 1
    settings.API_KEY_REQUIRED = False
    form.evaluate("(form) => { form.requestSubmit(); form.requestSubmit(); }")
    expect(page.locator("[data-say]")).to_contain_text("The score is saved.")
    expect(form).to_be_hidden()
    assert len(posts) == 2


def test_a_link_is_shared_followed_without_a_key_and_revoked(page: Page, send: Sender) -> None:
    open_trace(page, agent_trace(send))
    page.get_by_role("link", name="Share").click()
    page.get_by_label("Shows").select_option("texts")
    page.get_by_role("button", name="Make a link").click()
    address = page.get_by_role("link", name="open the link").get_attribute("href") or ""
    page.get_by_role("button", name="Copy the link").click()
    assert page.evaluate("navigator.clipboard.readText()") == address
    page.goto(address)
    expect(page.get_by_role("heading", name="agent run")).to_be_visible()
    page.get_by_text("chat two").click()
    expect(page.locator("details[open]", has_text="chat two")).to_contain_text("gpt-4o-mini")
    expect(page.locator("body")).not_to_contain_text("Rain")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('details.span > summary')).display") == "grid"
    )
    page.go_back()
    page.get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Revoke the link").click()
    expect(page.get_by_text("No shared links")).to_be_visible()


def test_a_link_that_names_no_view_and_no_time_of_the_trace_opens_it_whole(page: Page, send: Sender) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    trace_id = agent_trace(send)
    for hash_ in (
        "view=__proto__",
        "view=toString&z=5-1",
        "view=tree&z=1e15-1e16",
        "view=tree&z=99999-100000",
    ):
        page.goto("about:blank")
        open_trace(page, trace_id, f"#{hash_}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("3")
        expect(page).to_have_url(re.compile("view=table"))
        assert "z=" not in page.url


def test_a_trace_of_which_no_time_is_known_is_not_said_to_run(page: Page, send: Sender) -> None:
    child = {"name": "child", "start_ns": None, "end_ns": None}
    open_trace(page, send(child, name="top", start_ns=None, end_ns=None), "?view=tree")
    expect(page.locator("[data-rows]")).not_to_contain_text("running")
    page.keyboard.press("j")
    page.keyboard.press("1")
    expect(page.locator("[data-rows]")).not_to_contain_text("running")
