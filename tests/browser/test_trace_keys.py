"""Every key of the trace page, and that the sheet names them all."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.trace_pages import ZOOMED, agent_trace, names, open_trace, title
from tests.explorer.conftest import Sender

TREE = ["agent run", "chat one", "get_weather", "chat two", "send_mail"]


@pytest.fixture
def tree(page: Page, send: Sender) -> Page:
    open_trace(page, agent_trace(send), "?view=tree")
    return page


def test_j_and_k_move_and_open(tree: Page) -> None:
    tree.keyboard.press("j")
    expect(title(tree)).to_have_text("chat one")
    tree.keyboard.press("ArrowDown")
    expect(title(tree)).to_have_text("get_weather")
    tree.keyboard.press("k")
    expect(title(tree)).to_have_text("chat one")
    expect(tree.locator("[data-rows] [aria-selected=true]")).to_have_count(1)


def test_x_goes_from_error_to_error(tree: Page) -> None:
    tree.keyboard.press("x")
    expect(title(tree)).to_have_text("send_mail")


def test_w_goes_to_the_slowest_of_a_group(page: Page, send: Sender) -> None:
    steps = [{"name": "step", "start_ns": 10**18, "end_ns": 10**18 + 10**6 * ms} for ms in (3, 1, 9, 4, 2, 5)]
    open_trace(page, send(*steps, name="top", start_ns=10**18), "?view=tree")
    page.keyboard.press("w")
    expect(page.locator("[data-say]")).to_have_text("This span is in no group.")
    page.keyboard.press("j")
    page.keyboard.press("w")
    expect(page.locator("[data-rows] [aria-current] .c").first).to_have_text("9.0 ms")


def test_views_change_on_1_2_3(tree: Page) -> None:
    tree.keyboard.press("1")
    expect(tree.locator(".row.told")).to_have_count(5)
    expect(tree.locator(".line.said q").nth(3)).to_contain_text("Rain")
    tree.keyboard.press("3")
    expect(tree.locator("[data-rows]")).to_have_attribute("role", "grid")
    tree.keyboard.press("2")
    expect(tree.locator("[data-rows]")).to_have_attribute("role", "tree")
    expect(tree).to_have_url(re.compile("view=tree"))


def test_h_and_o_close_and_open_a_branch(tree: Page) -> None:
    tree.keyboard.press("h")
    assert names(tree) == ["agent run"]
    tree.keyboard.press("o")
    assert names(tree) == TREE
    tree.keyboard.press("j")
    tree.keyboard.press("ArrowLeft")
    expect(title(tree)).to_have_text("agent run")


def test_p_pins_and_p_again_asks_to_unpin(tree: Page) -> None:
    address = tree.url
    tree.keyboard.press("p")
    expect(tree.locator(".badge.pinned")).to_be_visible()
    expect(tree).to_have_url(address.partition("?")[0])
    expect(tree.locator("[data-trace][data-ready]")).to_be_attached()
    tree.keyboard.press("p")
    tree.get_by_role("button", name="Unpin 1 trace").click()
    expect(tree.locator(".badge.pinned")).to_have_count(0)
    expect(tree.get_by_role("button", name="Pin", exact=True)).to_be_visible()


def test_brackets_close_and_open_all(page: Page, send: Sender) -> None:
    trace_id = send({"name": "branch"}, {"name": "leaf", "parent_span_id": "0000000000000002"}, name="top")
    open_trace(page, trace_id, "?view=tree")
    page.keyboard.press("[")
    assert names(page) == ["top", "branch"]
    page.keyboard.press("]")
    assert names(page) == ["top", "branch", "leaf"]


@pytest.mark.parametrize(
    ("key", "left"),
    [
        ("e", ["agent run", "send_mail"]),
        ("l", ["agent run", "chat one", "chat two"]),
        ("t", ["agent run", "get_weather", "send_mail"]),
    ],
)
def test_filters_keep_what_leads_to_a_match(tree: Page, key: str, left: list[str]) -> None:
    tree.keyboard.press(key)
    assert names(tree) == left
    expect(tree.locator(".row.dimmed")).to_have_count(1)
    tree.keyboard.press(key)
    assert names(tree) == TREE


def test_the_shortest_duration_filters(tree: Page) -> None:
    tree.get_by_label("Shortest duration").fill("41")
    expect(tree.locator(".shortest output")).to_have_text("≥ 10.0 s")
    expect(tree.locator("[data-nothing]")).to_be_visible()
    tree.get_by_label("Shortest duration").fill("0")
    assert names(tree) == TREE


def test_slash_searches_payloads_and_n_steps(tree: Page) -> None:
    tree.keyboard.press("/")
    tree.keyboard.type("delft")
    expect(tree.locator("[data-search-note]")).to_contain_text("3 spans: 3 in input")
    tree.keyboard.press("Enter")
    expect(title(tree)).to_have_text("chat one")
    tree.locator("[data-rows]").focus()
    tree.keyboard.press("n")
    expect(title(tree)).to_have_text("get_weather")
    tree.keyboard.press("N")
    expect(title(tree)).to_have_text("chat one")
    tree.keyboard.press("/")
    tree.keyboard.press("Escape")
    expect(tree.locator("[data-rows] .row")).to_have_count(5)


def test_f_fits_the_time_and_0_shows_all_of_it(tree: Page) -> None:
    tree.keyboard.press("j")
    tree.keyboard.press("f")
    expect(tree.locator("[data-brush]")).to_be_visible()
    expect(tree).to_have_url(ZOOMED)
    tree.keyboard.press("0")
    expect(tree.locator("[data-brush]")).to_be_hidden()
    tree.keyboard.press("+")
    expect(tree).to_have_url(ZOOMED)
    tree.keyboard.press("-")
    expect(tree).not_to_have_url(ZOOMED)


def test_c_shows_the_critical_path(tree: Page) -> None:
    tree.keyboard.press("c")
    assert tree.locator(".row.critical").count() > 0
    tree.keyboard.press("c")
    expect(tree.locator(".row.critical")).to_have_count(0)


def test_y_and_m_copy(tree: Page) -> None:
    tree.keyboard.press("j")
    tree.keyboard.press("y")
    expect(tree.locator("[data-say]")).to_have_text("Link to this span copied")
    assert "/s/0000000000000002?view=tree" in tree.evaluate("navigator.clipboard.readText()")
    tree.keyboard.press("m")
    expect(tree.locator("[data-say]")).to_have_text("Markdown copied")
    assert tree.evaluate("navigator.clipboard.readText()").startswith("# agent run")


def test_g_s_and_g_u_lead_to_session_and_user(tree: Page) -> None:
    tree.keyboard.press("g")
    tree.keyboard.press("u")
    tree.wait_for_url("**user=ana*")


def test_the_sheet_opens_on_question_mark_and_keys_are_inert_while_typing(tree: Page) -> None:
    tree.keyboard.press("?")
    sheet = tree.locator("dialog.key-sheet")
    expect(sheet).to_be_visible()
    expect(sheet.locator("dd")).to_have_count(35)
    tree.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    tree.keyboard.press("/")
    tree.keyboard.type("e1jx")
    expect(tree).to_have_url(re.compile("view=tree"))
    expect(title(tree)).to_have_text("agent run")


def test_enter_leads_into_the_pane_and_escape_back(tree: Page) -> None:
    tree.locator("[data-rows]").focus()
    tree.keyboard.press("Enter")
    assert tree.evaluate("document.activeElement.matches('[data-detail]')")
    tree.keyboard.press("Escape")
    assert tree.evaluate("document.activeElement.matches('[data-rows]')")
