"""Sessions, users, statistics and admin in a browser; axe finds nothing to mend, best practice included."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.lists.conftest import Open

PLACES = (
    "?q=tag:vip",
    "?q=error:true+statsu:ok&scope=any",
    "?q=nothing-at-all",
    "sessions",
    "session?id=chat-3",
    "users",
    "statistics",
    "problems",
    "admin",
    "admin/audit",
    "views",
    "shares",
    "?strip=cost",
)


def go(page: Page, place: str) -> None:
    page.goto(page.url.split("/dashboard/")[0] + "/dashboard/" + place)


def test_a_session_is_read_from_the_list_of_sessions(open_page: Open) -> None:
    page = open_page("sessions")
    page.get_by_role("link", name="chat-3", exact=True).click()
    expect(page.locator(".turn")).to_have_count(4)
    expect(page.locator(".turn").first).to_contain_text("Question 15?")
    page.get_by_role("link", name="Its traces as a list").click()
    expect(page.locator("[data-row]")).to_have_count(4)


def test_users_lead_to_their_traces(open_page: Open) -> None:
    page = open_page("users")
    page.get_by_role("navigation", name="Order").get_by_role("link", name="Cost").click()
    page.get_by_role("link", name="user-2", exact=True).click()
    expect(page.locator("[data-row]")).to_have_count(12)


def test_statistics_are_by_what_is_asked_and_have_numbers(open_page: Open) -> None:
    page = open_page("statistics")
    page.locator(".range summary").click()
    page.get_by_role("link", name="Last 24 hours").click()
    page.get_by_role("link", name="Environment").click()
    expect(page.locator("tbody th .name").first).to_be_visible()
    page.locator(".numbers summary").first.click()
    expect(page.get_by_role("region", name="Traces in numbers")).to_be_visible()
    expect(page.locator("figure.chart")).to_have_count(6)


def test_a_key_is_made_shown_once_and_revoked(open_page: Open) -> None:
    page = open_page("admin")
    page.fill("input[name=label]", "laptop")
    page.select_option("select[name=scope]", "read")
    page.get_by_role("button", name="Make a key…").click()
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator(".code")).to_contain_text("project-dev.")
    page.get_by_role("link", name="Done").click()
    line = page.get_by_role("row", name="laptop")
    line.get_by_role("button").click()
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_role("row", name="laptop")).to_contain_text("revoked")
    page.get_by_role("link", name="Audit").click()
    expect(page.locator("tbody tr").first).to_contain_text("revoke key")


def test_a_price_is_set_and_removed(open_page: Open) -> None:
    page = open_page("admin")
    for name, value in {"model": "our-guard", "input": "1.5", "output": "4", "since": "2026-01-01"}.items():
        page.fill(f"input[name={name}]:not([type=hidden])", value)
    page.locator("form", has_text="Model, as spans name it").get_by_role("button", name="Set…").click()
    page.get_by_role("button", name="Set the price").click()
    expect(page.get_by_role("row", name="our-guard")).to_contain_text("$1.5")
    page.get_by_role("button", name="Remove the price of our-guard").click()
    page.get_by_role("button", name="Remove the price").click()
    expect(page.get_by_role("row", name="our-guard")).to_have_count(0)


def test_axe_finds_nothing_to_mend(open_page: Open) -> None:
    page = open_page()
    found = {}
    for place in PLACES:
        go(page, place)
        found[place] = violations(page)
    assert {place: broken for place, broken in found.items() if broken} == {}


def violations(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"][:160]) for one in found]


def test_tab_reaches_search_choices_and_rows_in_the_order_of_the_page(open_page: Open) -> None:
    page = open_page()
    seen: list[str] = []
    while "presets" not in seen and len(seen) < 90:
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("document.activeElement.closest('nav, aside, form, details, tr')?.className ?? ''")
        )
    order = [seen.index(name) for name in ("places", "choice-group", "search", "presets") if name in seen]
    assert len(order) == 4
    assert order == sorted(order)
