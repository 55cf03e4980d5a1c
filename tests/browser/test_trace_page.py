"""The trace page in a browser: large traces, deep links, the pane, a running trace, hostile content."""

from __future__ import annotations

import time
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.trace_pages import ZOOMED, agent_trace, names, open_trace, title, wide_trace
from tests.builders import span_id
from tests.explorer.conftest import Sender
from traces_app.access import Access
from traces_app.domain.span import Span
from traces_app.ingest import receive

MAX_NODES = 2500
SERIOUS = ("serious", "critical")


def node_count(page: Page) -> int:
    return int(page.evaluate("document.querySelectorAll('*').length"))


def complaints_of_axe(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in SERIOUS]


def test_a_large_trace_stays_small_in_the_page(page: Page, send: Sender) -> None:
    open_trace(page, wide_trace(send, 5000), "?view=tree")
    assert node_count(page) <= MAX_NODES
    assert page.locator("[data-rows] .row").count() <= 120
    page.keyboard.press("3")
    page.evaluate("document.querySelector('[data-scroller]').scrollTop = 1e9")
    page.wait_for_timeout(100)
    assert node_count(page) <= MAX_NODES
    assert page.locator("[data-rows] .row").count() <= 120


def test_moving_on_scrolls_the_list_with_it(page: Page, send: Sender) -> None:
    open_trace(page, send(*[{"name": f"step {number}"} for number in range(80)], name="top"), "?view=tree")
    for _ in range(50):
        page.keyboard.press("j")
    row = page.locator("[data-rows] [aria-current]")
    expect(row).to_contain_text("step 49")
    expect(row).to_be_in_viewport()


def test_alike_siblings_are_one_row_that_opens_and_errors_stay_outside(page: Page, send: Sender) -> None:
    steps: list[dict[str, Any]] = [{"name": "step"} for _ in range(8)]
    steps[4] |= {"status": "error", "error": {"message": "broke"}}
    open_trace(page, send(*steps, name="top"), "?view=tree")
    assert names(page) == ["top", "\N{MULTIPLICATION SIGN}7 step", "step"]
    page.locator(".row.group").click()
    assert names(page) == ["top", "\N{MULTIPLICATION SIGN}7 step", *["step"] * 8]


def test_columns_of_the_tree_are_chosen_and_remembered(page: Page, send: Sender) -> None:
    trace_id = agent_trace(send)
    open_trace(page, trace_id, "?view=tree")
    heads = page.locator("[data-head] > span")
    expect(heads).to_have_text(["Span", "Duration", "Tokens", "Cost"])
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("TTFT").check()
    page.get_by_label("Tokens").uncheck()
    expect(heads).to_have_text(["Span", "Duration", "TTFT", "Cost"])
    assert page.locator("[data-rows] .row").first.locator(".c").count() == 3
    open_trace(page, trace_id, "?view=tree")
    expect(heads).to_have_text(["Span", "Duration", "TTFT", "Cost"])
    page.get_by_text("Columns", exact=True).click()
    for label in ("Duration", "TTFT", "Cost"):
        page.get_by_label(label, exact=True).uncheck()
    expect(heads).to_have_text(["Span"])
    lane = page.locator("[data-rows] .row .lane").first.bounding_box()
    assert lane is not None
    assert lane["width"] > 200
    assert not complaints_of_axe(page)


def test_a_deep_link_opens_span_view_tab_and_time(page: Page, send: Sender) -> None:
    trace_id = agent_trace(send)
    open_trace(page, trace_id, f"#s={span_id(3)}&view=table&z=0-100&tab=attributes")
    expect(title(page)).to_have_text("get_weather")
    expect(page.locator("[data-rows]")).to_have_attribute("role", "grid")
    expect(page.locator("[data-tab=attributes]")).to_have_attribute("aria-selected", "true")
    expect(page.locator("[data-brush]")).to_be_visible()


def test_back_goes_to_the_span_before(page: Page, send: Sender) -> None:
    open_trace(page, agent_trace(send), "?view=tree")
    page.keyboard.press("j")
    expect(title(page)).to_have_text("chat one")
    page.keyboard.press("j")
    expect(title(page)).to_have_text("get_weather")
    page.go_back()
    expect(title(page)).to_have_text("chat one")


def test_what_is_pointed_at_is_fetched_ahead(page: Page, send: Sender) -> None:
    open_trace(page, agent_trace(send), "?view=tree")
    with page.expect_request(f"**/s/{span_id(4)}?pane=1"):
        page.locator("[data-rows] .row").nth(3).hover()


def test_messages_are_rendered_and_switch_between_raw_and_markdown(page: Page, send: Sender) -> None:
    open_trace(page, agent_trace(send), f"/s/{span_id(4)}")
    message = page.locator(".message.assistant", has_text="umbrellas")
    expect(message.locator(".md strong")).to_have_text("Rain")
    message.hover()
    message.get_by_role("button", name="Raw").click()
    expect(message.locator("pre[data-prose]")).to_contain_text("**Rain**")
    page.reload()
    expect(page.locator(".message.assistant pre[data-prose]", has_text="**Rain**")).to_be_visible()


def test_a_long_text_stands_open_as_markdown_and_folded_as_it_came(page: Page, send: Sender) -> None:
    long = "# Plan\n\n" + "- one step of many\n" * 60
    trace_id = send(
        kind="llm", input=[{"role": "user", "content": "x"}], output={"role": "assistant", "content": long}
    )
    open_trace(page, trace_id)
    message = page.locator(".message.assistant")
    expect(message.locator(".md li").last).to_be_visible()
    message.hover()
    message.get_by_role("button", name="Raw").click()
    expect(message.locator(".more")).to_be_visible()
    expect(message.locator("pre[data-prose]")).to_be_hidden()


def test_a_call_says_what_is_new_and_which_span_ran_its_tool(page: Page, send: Sender) -> None:
    open_trace(page, agent_trace(send), f"/s/{span_id(4)}?view=tree")
    expect(page.locator(".new-mark")).to_contain_text("+1 new since the previous call")
    page.locator(".new-mark a").click()
    expect(title(page)).to_have_text("chat one")
    page.locator(".tool-card .ran").click()
    expect(title(page)).to_have_text("get_weather")


def test_json_is_a_tree_that_keeps_every_digit(page: Page, send: Sender) -> None:
    open_trace(page, agent_trace(send), f"/s/{span_id(3)}#tab=raw")
    expect(page.locator("[data-raw] .json-tree")).to_be_visible()
    page.locator("[data-raw] summary", has_text="output").click()
    expect(page.locator("[data-raw]")).to_contain_text("12345678901234567890")
    page.locator("[data-raw] .key", has_text="sky").click()
    assert page.evaluate("navigator.clipboard.readText()") == "$.output.sky"


def test_the_table_sorts_and_groups(page: Page, send: Sender) -> None:
    open_trace(page, agent_trace(send), "?view=table")
    page.get_by_role("button", name="In", exact=True).click()
    assert names(page)[0] in ("chat one", "chat two")
    page.locator("[data-act=grouping]").click()
    expect(page.locator("[data-count]")).to_have_text("5 groups")


def test_a_brush_over_the_timeline_zooms(page: Page, send: Sender) -> None:
    open_trace(page, agent_trace(send), "?view=tree")
    box = page.locator("[data-timeline]").bounding_box()
    assert box
    page.mouse.move(box["x"] + 100, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 10)
    page.mouse.up()
    expect(page).to_have_url(ZOOMED)
    page.locator("[data-timeline]").dblclick()
    expect(page).not_to_have_url(ZOOMED)


def test_a_running_trace_is_followed_to_its_end(page: Page, send: Sender) -> None:
    now_ns = time.time_ns()
    trace_id = send(name="live", status="pending", end_ns=None, start_ns=now_ns - 10**9)
    open_trace(page, trace_id, "?view=tree")
    assert page.title().startswith("●")
    access = Access("dev", "all", "test")
    child = Span(
        trace_id=trace_id,
        span_id=span_id(2),
        name="came later",
        parent_span_id=span_id(1),
        start_ns=now_ns,
        end_ns=now_ns + 10**6,
    )
    receive(access, [child], now_ns=time.time_ns())
    expect(page.locator(".row.fresh b")).to_have_text(["came later"])
    root = Span(trace_id=trace_id, span_id=span_id(1), name="live", start_ns=now_ns - 10**9, end_ns=now_ns)
    receive(access, [root], now_ns=time.time_ns())
    expect(page.locator("[data-follow]")).to_be_hidden()
    assert not page.title().startswith("●")
    expect(page.locator("[data-header] .badge")).to_have_count(0)


def test_hostile_content_stays_text(page: Page, send: Sender) -> None:
    evil = (
        "<img src=x onerror=alert(1)> <script>alert(1)</script> \x1b[31m \u202egnp "
        "[x](javascript:alert(1)) ![t](https://tracker.example/a.png) **bold**"
    )
    trace_id = send(
        {
            "name": evil,
            "kind": "llm",
            "input": [{"role": "user", "content": evil}],
            "output": [{"role": "assistant", "content": evil}],
            "attributes": {evil: [evil] * 3},
        },
        name=evil,
        tags=[f"tag {number} {evil}" for number in range(150)],
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_trace(page, trace_id, f"/s/{span_id(2)}")
    for key in "123":
        page.keyboard.press(key)
    for tab in ("attributes", "raw", "messages"):
        page.locator(f"[data-tab={tab}]").click()
    assert page.locator("[data-detail] img, [data-detail] script").count() == 0
    assert page.locator("[data-detail] a[href^='javascript']").count() == 0
    assert not [url for url in asked if "tracker" in url]
    assert node_count(page) <= MAX_NODES


def test_compare_leads_to_the_last_good_run(page: Page, send: Sender) -> None:
    agent_trace(send, seconds_ago=600)
    open_trace(page, agent_trace(send), "?view=tree")
    page.keyboard.press("d")
    page.wait_for_url("**/diff?a=*&b=*")
    expect(page.get_by_role("heading", name="Compare 2 traces")).to_be_visible()
    assert complaints_of_axe(page) == []


def test_assistive_technology_finds_its_way(page: Page, send: Sender) -> None:
    open_trace(page, agent_trace(send), f"/s/{span_id(4)}")
    for key in "123":
        page.keyboard.press(key)
        page.wait_for_timeout(150)
        assert complaints_of_axe(page) == []
    active = page.locator("[data-rows]").get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").count() == 1


def test_a_phone_opens_a_span_as_a_sheet(page: Page, send: Sender) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_trace(page, agent_trace(send), "?view=tree")
    expect(page.locator("[data-detail]")).to_be_hidden()
    bar, lane = (page.locator(f".row .{name}").first.bounding_box() for name in ("bar", "lane"))
    assert bar
    assert lane
    assert (bar["y"], bar["height"]) == (lane["y"], lane["height"])
    page.locator(".row", has_text="send_mail").click()
    expect(title(page)).to_have_text("send_mail")
    assert page.locator("[data-detail]").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    page.get_by_role("button", name="Back to the list").click()
    expect(page.locator("[data-detail]")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_javascript_list_tree_and_detail_are_there(
    chromium: Browser, site: str, send: Sender
) -> None:
    context = chromium.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/dashboard/t/{agent_trace(send)}?view=tree")
    page.locator(".row", has_text="send_mail").click()
    expect(title(page)).to_have_text("send_mail")
    expect(page.locator(".span-error")).to_contain_text("no answer in 5 s")
    expect(page.locator(".row")).to_have_count(5 + 1)
    context.close()


def test_the_exported_file_opens_offline(page: Page, chromium: Browser, send: Sender, tmp_path: Any) -> None:
    trace_id = agent_trace(send)
    file = tmp_path / "trace.html"
    file.write_bytes(page.request.get(f"/dashboard/t/{trace_id}.html").body())
    context = chromium.new_context(offline=True)
    saved = context.new_page()
    saved.goto(file.as_uri())
    saved.locator("details.span > summary", has_text="get_weather").click()
    expect(saved.locator("details[open]", has_text="get_weather")).to_contain_text("rain")
    context.close()
