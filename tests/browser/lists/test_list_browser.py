"""The list in a browser: search, keys, selection, views, times."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lists.conftest import Open, send


def expect_rows(page: Page, count: int) -> None:
    expect(page.locator("[data-row]")).to_have_count(count)


def test_completions_lead_to_a_condition_and_its_chip_takes_it_away(open_page: Open) -> None:
    page = open_page()
    page.keyboard.press("/")
    search = page.locator("[data-search]")
    expect(search).to_be_focused()
    page.keyboard.type("sup")
    expect(page.locator("[data-offers] li").first).to_have_text("name:support-chat")
    page.keyboard.press("ArrowDown")
    expect(search).to_have_attribute("aria-activedescendant", "offer-0")
    page.keyboard.press("Enter")
    expect(search).to_have_value("name:support-chat ")
    page.keyboard.type("-tag:v")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(search).to_have_value("name:support-chat -tag:vip ")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=name*")
    expect_rows(page, 15)
    page.locator(".chips a", has_text="-tag:vip").click()
    expect_rows(page, 20)


def test_choices_presets_and_scope_narrow_the_list(open_page: Open) -> None:
    page = open_page()
    page.locator(".choices a", has_text="prod").click()
    expect(page.locator(".choices a[aria-current]")).to_contain_text("prod")
    expect_rows(page, 30)
    page.goto(page.url.split("?")[0])
    page.locator(".presets a", has_text="Failed span").click()
    expect_rows(page, 6)
    page.locator(".segments a", has_text="Any span").click()
    page.locator("[data-search]").fill("kind:llm text:needle-7")
    page.keyboard.press("Enter")
    expect(page.locator(".searched")).to_contain_text("searched inside")
    expect_rows(page, 1)


def test_a_wrong_condition_is_named(open_page: Open) -> None:
    page = open_page("?q=statsu:ok")
    expect(page.get_by_role("alert")).to_contain_text("did you mean status:?")


def test_keys_walk_select_and_open(open_page: Open) -> None:
    page = open_page()
    for key in ("j", "j", "k", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("[data-row]").nth(1)).to_have_class("at")
    expect(page.locator("[data-row]").nth(1).locator("input")).to_be_checked()
    expect(page.locator("[data-selected-count]")).to_have_text("1 selected")
    page.keyboard.press("o")
    page.wait_for_url("**/t/*")


def test_keys_are_letters_while_typing(open_page: Open) -> None:
    page = open_page()
    page.locator("[data-search]").click()
    page.keyboard.type("jxko")
    expect(page.locator("[data-search]")).to_have_value("jxko")
    expect(page.locator("tr.at")).to_have_count(0)


def test_two_selected_can_be_compared(open_page: Open) -> None:
    page = open_page()
    bar = page.locator("[data-selection-bar]")
    expect(bar).to_be_hidden()
    boxes = page.locator("input[name=selected]")
    boxes.nth(0).check()
    expect(bar.get_by_text("Compare")).to_be_disabled()
    boxes.nth(1).check()
    page.route("**/dashboard/actions", lambda route: route.fulfill(status=204))
    with page.expect_request("**/dashboard/actions") as request:
        bar.get_by_text("Compare").click()
    sent = parse_qs(request.value.post_data or "")
    assert (sent["action"], len(sent["selected"])) == (["compare"], 2)


def test_the_selected_are_exported_as_json_lines(open_page: Open) -> None:
    page = open_page()
    page.locator("[data-select-all]").check()
    expect(page.locator("[data-selected-count]")).to_have_text("50 selected")
    with page.expect_download() as download:
        page.get_by_text("Export").click()
    assert download.value.suggested_filename == "traces.jsonl"
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 50
    assert len(json.loads(lines[0])["spans"]) == 2


def test_the_selected_are_tagged_and_deleted_after_a_question(open_page: Open, server: str) -> None:
    send(server, name="short-lived", number=900)
    page = open_page("?q=short-lived")
    page.locator("input[name=selected]").first.check()
    page.fill("input[name=tag]", "to do")
    page.get_by_role("button", name="Add tag").click()
    expect(page.locator(".messagelist")).to_contain_text("1 trace tagged to do.")
    expect(page.locator("a.tag")).to_have_text("to do")
    page.locator("input[name=selected]").first.check()
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("heading")).to_have_text("Delete 1 trace?")
    page.get_by_role("link", name="Cancel").click()
    expect_rows(page, 1)
    page.locator("input[name=selected]").first.check()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete 1 trace").click()
    expect(page.locator(".messagelist")).to_contain_text("1 trace deleted.")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


def test_a_view_is_saved_opened_and_deleted(open_page: Open) -> None:
    page = open_page("?q=tag:vip")
    page.locator(".views summary").click()
    page.fill(".views input[name=name]", "Important ones")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_contain_text("Saved as Important ones.")
    page.goto(page.url.split("?")[0])
    page.locator(".views summary").click()
    page.get_by_role("link", name="Important ones").click()
    expect_rows(page, 15)
    page.locator(".views summary").click()
    page.get_by_role("link", name="Manage views…").click()
    page.get_by_role("button", name="Delete Important ones").click()
    page.get_by_role("button", name="Delete the view").click()
    expect(page.get_by_text("No saved views")).to_be_visible()


def test_times_are_shown_and_asked_for_in_the_chosen_zone(open_page: Open) -> None:
    page = open_page(timezone_id="Asia/Kolkata")
    first = page.locator("[data-row] time").first
    utc = first.text_content()
    choose_zone(page, "My own zone")
    expect(page.locator("[data-zone]")).to_have_text("+05:30")
    expect(page.locator("th.when")).to_contain_text("+05:30")
    assert first.text_content() != utc
    page.locator(".range summary").click()
    page.locator("input[name=from]").fill("2001-01-01T05:30")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**from=2001-01-01T00%3A00%3A00*")
    expect(page.locator(".range summary")).to_contain_text("Jan 1, 2001 05:30:00")
    choose_zone(page, "UTC")
    expect(page.locator(".range summary")).to_contain_text("Jan 1, 2001 00:00:00")


def choose_zone(page: Page, name: str) -> None:
    page.locator("[data-zone-menu] summary").click()
    page.locator("[data-zone-menu]").get_by_role("button", name=name, exact=True).click()


def test_a_named_zone_holds_for_every_page_and_knows_its_summers(open_page: Open) -> None:
    page = open_page("?from=2026-07-01T10:00&to=2026-12-01T10:00")
    page.locator("[data-zone-menu] summary").click()
    zone = page.get_by_label("Another")
    zone.fill("Mars/Olympus")
    page.get_by_role("button", name="Use it").click()
    expect(zone).to_be_focused()
    assert zone.evaluate("input => input.validationMessage") == "Write a zone as Europe/Berlin."
    zone.fill("europe/berlin")
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("[data-zone]")).to_contain_text("Berlin +0")
    expect(page.locator(".range summary")).to_contain_text("Jul 1 12:00:00")
    expect(page.locator(".range summary")).to_contain_text("Dec 1 11:00:00")
    page.locator(".range summary").click()
    page.locator("[data-times] input[name=from]").fill("2026-07-02T02:00")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**from=2026-07-02T00%3A00%3A00*to=2026-12-01T10%3A00%3A00*")


def test_a_pill_tells_of_newer_traces(open_page: Open, server: str) -> None:
    page = open_page()
    page.clock.install()
    page.reload()
    send(server, name="brand-new", number=901, seconds_ago=0.1)
    page.clock.fast_forward(11_000)
    pill = page.locator("[data-newer]")
    expect(pill).to_have_text("1 new trace")
    pill.click()
    expect(page.locator("[data-row] .name").first).to_contain_text("brand-new")


def test_bars_of_the_strip_narrow_the_time(open_page: Open) -> None:
    page = open_page()
    page.locator(".density svg a").last.click()
    page.wait_for_url("**from=*")
    expect(page.locator("[data-row]").nth(49)).to_have_count(0)
    expect(page.locator("[data-row]").first).to_be_visible()


@pytest.mark.parametrize("place", ["", "sessions", "users", "statistics"])
def test_everything_is_there_without_javascript(open_page: Open, place: str) -> None:
    page = open_page(place, java_script_enabled=False)
    expect(page.get_by_role("link", name="Statistics")).to_be_visible()
    assert page.locator("table tbody tr, figure").count() > 3
    if not place:
        page.fill("input[name=q]", "tag:vip")
        page.press("input[name=q]", "Enter")
        expect_rows(page, 15)
        page.locator("input[name=selected]").first.check()
        page.fill("input[name=tag]", "vip")
        page.get_by_role("button", name="Add tag").click()
        expect(page.locator(".messagelist")).to_contain_text("1 trace tagged vip.")


def test_a_trace_opened_from_the_list_leads_to_the_next_one(open_page: Open) -> None:
    page = open_page()
    page.locator("[data-row] a.name").first.click()
    page.wait_for_url("**/t/*")
    page.locator("[data-trace][data-ready]").wait_for(state="attached")
    first = page.url
    page.keyboard.press("J")
    page.wait_for_url(lambda url: "/t/" in url and url.split("#")[0] != first.split("#")[0])


def test_a_row_that_is_pointed_at_shows_its_spans_over_time(open_page: Open) -> None:
    page = open_page()
    page.locator("[data-row] .preview").first.hover()
    expect(page.locator(".peek rect")).to_have_count(2)
    expect(page.locator(".peek")).to_contain_text("Question")
    page.mouse.move(1, 1)
    expect(page.locator(".peek")).to_be_hidden()


def test_the_strip_shows_what_is_chosen_and_keeps_it(open_page: Open) -> None:
    page = open_page()
    page.locator(".density a.measure", has_text="p95").click()
    expect(page.locator(".density a.measure[aria-current]")).to_have_text("p95")
    page.locator(".presets a", has_text="Failed span").click()
    expect(page.locator(".density a.measure[aria-current]")).to_have_text("p95")


def test_a_hidden_character_is_seen_in_the_field_and_searched_for(open_page: Open, server: str) -> None:
    send(server, name="odd \u202eeman", number=902)
    page = open_page("?q=%E2%80%AEeman")
    search = page.locator("[data-search]")
    expect(search).to_have_value("⟨U+202E⟩eman")
    expect_rows(page, 1)
    search.press("Enter")
    page.wait_for_url(lambda url: "27E8" in url.upper() or "%E2%9F%A8" in url.upper())
    expect_rows(page, 1)
    expect(page.locator(".chips a span").first).to_have_text("⟨U+202E⟩eman")


def test_missed_tool_calls_are_asked_for_with_one_click_and_again_taken_back(open_page: Open) -> None:
    page = open_page()
    page.locator(".presets a", has_text="Missed tool call").click()
    expect(page.locator(".searched")).to_contain_text("searched inside")
    expect(page.locator(".presets a[aria-current]")).to_have_text("Missed tool call")
    page.locator(".presets a[aria-current]").click()
    expect_rows(page, 50)


def test_rows_say_how_long_ago_they_were(open_page: Open) -> None:
    notes = open_page().locator("[data-row] [data-relative]")
    expect(notes.nth(0)).to_have_text(re.compile(r"^\d+ (s|min) ago$"))
    expect(notes.nth(30)).to_have_text(re.compile(r"^\d\d min ago$"))
