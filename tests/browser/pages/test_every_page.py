"""Every page, filled: in both themes, at every width, in any zone, by keyboard alone and without script."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.lists.conftest import Open, send

EVIL = "<script>alert(1)</script>\"'> \x1b[31m \u202egnp " + "W" * 120
Places = dict[str, str]

FORMS = {
    "admin/prices": {"model": EVIL[:80], "input": "1", "output": "2"},
    "admin/retention": {"condition": "error:true", "days": "180"},
    "admin/budget": {"monthly_usd": "5"},
    "admin/alerts": {"limit": "3", "to": "ops@example.com"},
    "admin/keys": {"label": EVIL},
    "admin/erase": {"id": "user-to-erase"},
}
NOT_IN_THE_ZONE = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
        const text = walker.currentNode.textContent.trim();
        const place = walker.currentNode.parentElement;
        if (/\\bUTC\\b|\\b[A-Z][a-z]{2} \\d+,? .*\\d\\d:\\d\\d/.test(text) &&
            !place.closest('time[datetime], [data-datetime], script, style, [data-pick-zone]')) {
            found.push(text.slice(0, 100));
        }
    }
    return found;
}"""


@pytest.fixture(scope="module")
def places(chromium: Browser, server: str, session: Any) -> Places:
    """Of every kind of page one with something in it, by the name of the kind."""
    send(server, number=70, name=EVIL, session_id=EVIL, user_id=EVIL, tags=[EVIL[:90]], environment=EVIL[:60])
    send(server, number=71, seconds_ago=3000, name="to erase", user_id="user-to-erase")
    with chromium.new_context(storage_state=session) as context:
        page = context.new_page()
        page.goto(f"{server}/dashboard/")
        trace, other = (re.findall(r"/t/([0-9a-f]{32})", page.content())[place] for place in (0, -1))
        for place, values in FORMS.items():
            answered(page, f"{server}/dashboard", place, values)
        erasure = page.url.rsplit("/", 1)[1]
        page.goto(f"{server}/dashboard/shares?trace={trace}")
        page.get_by_role("button", name="Make a link").click()
        shared = page.get_by_role("link", name="open the link").get_attribute("href") or ""
        page.goto(f"{server}/dashboard/?q=error:true")
        page.locator("details.views summary").click()
        page.fill("details.views input[name=name]", EVIL[:80])
        page.locator("details.views form button").click()
        page.goto(f"{server}/dashboard/t/{trace}")
        span = re.findall(rf"/t/{trace}/s/([0-9a-f]{{16}})", page.content())[-1]
    return {
        "list": "?range=24h",
        "sessions": "sessions",
        "session": "session?id=" + "chat-3",
        "users": "users",
        "statistics": "statistics",
        "cost": "cost",
        "cost of an empty month": "cost?month=2025-01",
        "problems": "problems",
        "admin": "admin",
        "audit": "admin/audit",
        "older audit": "admin/audit?before=0",
        "erasure": f"admin/erasures/{erasure}",
        "shares": "shares",
        "shares of a trace": f"shares?trace={trace}",
        "views": "views",
        "trace": f"t/{trace}",
        "tree": f"t/{trace}?view=tree",
        "span": f"t/{trace}/s/{span}",
        "receipt": f"t/{trace}/receipt",
        "compare": f"diff?a={trace}&b={other}",
        "choose what to compare": f"diff?a={trace}",
        "add a project": "login",
        "shared": shared.partition("/dashboard/")[2],
    }


def answered(page: Page, dashboard: str, place: str, values: dict[str, str]) -> None:
    """A form of the admin page, filled in, sent, and its question answered."""
    page.goto(f"{dashboard}/admin")
    form = page.locator(f"form[action$='{place}']").first
    for name, value in values.items():
        form.locator(f"[name={name}]").fill(value)
    if place == "admin/erase":
        form.locator("select").select_option("user")
    form.locator("button").click()
    page.locator("form[data-once] button").click()
    page.wait_for_load_state()


def found_on(page: Page, places: Places, look: Callable[[Page], Any]) -> dict[str, Any]:
    """What is found on each page, of those where anything is."""
    dashboard = page.url.split("/dashboard/")[0] + "/dashboard/"
    found = {}
    for name, place in places.items():
        page.goto(dashboard + place)
        found[name] = look(page)
    return {name: one for name, one in found.items() if one}


def violations(page: Page) -> list[tuple[str, str]]:
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    found = Axe().run(page, options=options).response["violations"]
    return [(one["id"], one["nodes"][0]["html"][:160]) for one in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_to_mend(open_page: Open, places: Places, theme: str) -> None:
    assert found_on(open_page(color_scheme=theme), places, violations) == {}


def test_no_page_is_wider_than_the_window(open_page: Open, places: Places) -> None:
    def widths(page: Page) -> list[int]:
        wide = []
        for width in (390, 768, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append(width)
        return wide

    assert found_on(open_page(), places, widths) == {}


def test_a_project_with_the_longest_name_fits_its_pages(chromium: Browser, server: str) -> None:
    with chromium.new_context(viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.goto(f"{server}/dashboard/login")
        page.fill("#key", "project-dev")
        page.press("#key", "Enter")
        page.wait_for_url("**/dashboard/")
        answered(page, f"{server}/dashboard", "admin/projects", {"name": "W" * 64})
        expect(page.locator(".code")).to_contain_text("W" * 64)
        for place in ("", "admin", "login", "cost", "sessions", "admin/audit", "t/" + "f" * 32):
            page.goto(f"{server}/dashboard/{place}")
            assert page.evaluate("document.documentElement.scrollWidth") == 390, place


def test_the_chosen_zone_holds_for_every_time_on_every_page(open_page: Open, places: Places) -> None:
    page = open_page(timezone_id="Asia/Kolkata")
    page.evaluate("localStorage.setItem('zone', 'local')")
    with_zone = {name: place for name, place in places.items() if name not in ("shared", "add a project")}
    assert found_on(page, with_zone, lambda page: page.evaluate(NOT_IN_THE_ZONE)) == {}
    expect(page.locator("[data-zone]")).to_have_text("+05:30")


def test_every_page_is_read_without_script(open_page: Open, places: Places) -> None:
    def lacks(page: Page) -> list[str]:
        return (
            []
            if page.locator("h1").first.is_visible() and not page.locator("[data-copy]:visible").count()
            else ["h1"]
        )

    page = open_page(java_script_enabled=False)
    assert found_on(page, places, lacks) == {}


def test_forms_are_sent_and_answered_without_script(open_page: Open, places: Places) -> None:
    page = open_page(java_script_enabled=False)
    dashboard = page.url.split("/dashboard/")[0] + "/dashboard"
    answered(page, dashboard, "admin/retention", {"condition": "tag:quiet", "days": "7"})
    expect(page.get_by_role("row", name="tag:quiet")).to_contain_text("7 days")
    page.get_by_role("button", name="Remove the rule tag:quiet").click()
    page.get_by_role("button", name="Remove the rule").click()
    expect(page.get_by_role("row", name="tag:quiet")).to_have_count(0)


def test_a_value_that_cannot_be_is_told_beside_its_field_which_has_the_focus(
    chromium: Browser, server: str, session: Any
) -> None:
    with chromium.new_context(storage_state=session) as context:
        page = context.new_page()
        page.goto(f"{server}/dashboard/admin")
        form = page.locator("form[action$='admin/prices']")
        for name, value in {"model": "ours", "input": "cheap", "output": "2"}.items():
            form.locator(f"[name={name}]").fill(value)
        form.locator("button").click()
        expect(page.locator("[name=input]")).to_be_focused()
        expect(page.locator("[name=input]")).to_have_accessible_description(
            "input: write dollars a million tokens, as 2.50."
        )
        expect(page.locator("[name=output]")).to_have_value("2")
        assert violations(page) == []
        page.fill("[name=input]", "1.5")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Set the price of ours?")).to_be_visible()


def test_a_button_pressed_twice_makes_one_key_and_shows_it(open_page: Open) -> None:
    page = open_page("admin")
    form = page.locator("form[action$='admin/keys']")
    form.locator("[name=label]").fill("pressed twice")
    form.locator("button").click()
    page.get_by_role("button", name="Make the key").dblclick()
    expect(page.locator(".code")).to_contain_text("project-dev.")
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("row", name="pressed twice")).to_have_count(1)


REACHED = """() => {
    const at = document.activeElement, style = getComputedStyle(at);
    const named = `${at.closest('form')?.getAttribute('action') ?? ''} ${at.name ?? ''}`;
    const told = `${at.tagName} ${at.textContent.trim().slice(0, 40)} ${named}`;
    return [at === document.body, at.dataset.number ?? '', told, style.outlineStyle !== 'none'];
}"""
WANTED = """() => {
    const all = document.querySelectorAll('a[href], summary, button, select, input:not([type=hidden])');
    const seen = [...all].filter((at) => at.checkVisibility() && !at.disabled && at.tabIndex >= 0);
    seen.forEach((at, number) => { at.dataset.number = number; });
    return seen.map((at) => `${at.dataset.number} ${at.tagName} ${at.textContent.trim()} ${at.name ?? ''}`);
}"""


@pytest.mark.parametrize("place", ["admin", "", "statistics"])
def test_tab_reaches_every_control_and_each_shows_that_it_is_reached(
    open_page: Open, places: Places, place: str
) -> None:
    page = open_page(place)
    wanted = page.evaluate(WANTED)
    reached, unseen = set(), []
    for _ in range(len(wanted) + 20):
        page.keyboard.press("Tab")
        is_body, number, told, is_seen = page.evaluate(REACHED)
        reached.add(number)
        if not is_seen and not is_body:
            unseen.append(told)
    assert [one for one in wanted if one.split(" ")[0] not in reached] == []
    assert len(wanted) > 20
    assert unseen == []


def test_the_button_of_the_search_is_seen_when_it_is_reached(open_page: Open) -> None:
    page = open_page()
    page.locator("input[type=search]").focus()
    page.keyboard.press("Tab")  # the help
    page.keyboard.press("Tab")
    button = page.get_by_role("button", name="Search", exact=True)
    expect(button).to_be_focused()
    box = button.bounding_box()
    assert box is not None
    assert (box["width"] > 40, box["height"] > 20) == (True, True)


def test_a_saved_file_opens_without_a_network(
    open_page: Open, places: Places, chromium: Browser, tmp_path: Path
) -> None:
    page = open_page(places["trace"])
    page.locator(".trace-tools summary", has_text="Export").click()
    with page.expect_download() as download:
        page.locator(".trace-tools a[href$='.html']").click()
    file = tmp_path / "trace.html"
    download.value.save_as(file)
    with chromium.new_context(offline=True) as context:
        saved = context.new_page()
        complaints: list[str] = []
        saved.on("console", lambda said: complaints.append(said.text))
        saved.on(
            "request", lambda asked: complaints.append(asked.url) if asked.url != file.as_uri() else None
        )
        saved.goto(file.as_uri())
        expect(saved.locator("details.span[open]")).to_have_count(1)
        saved.locator("details.span:not([open]) > summary").first.press("Enter")
        expect(saved.locator("details.span[open]")).to_have_count(2)
        assert complaints == []
