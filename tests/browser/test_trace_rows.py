"""Rows of the trace page in a browser: scores, groups, bars and their labels, hidden characters."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.test_trace_page import MAX_NODES, node_count
from tests.browser.trace_pages import ZOOMED, agent_trace, names, open_trace, title
from tests.builders import span_id
from tests.explorer.conftest import Sender

HIDDEN_ANYWHERE = r"""() => {
    const hidden = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
    const shown = ['title', 'aria-label', 'alt', 'placeholder'];
    return [...document.querySelectorAll('body *')].flatMap((node) => [
        ...shown.map((name) => node.getAttribute(name)),
        ...[...node.childNodes].filter((child) => child.nodeType === 3).map((child) => child.data),
        node.value,
    ]).concat(document.title).filter((text) => typeof text === 'string' && hidden.test(text));
}"""


def test_rows_show_three_scores_in_each_view(page: Page, send: Sender) -> None:
    scores = [{"name": f"+{number}", "value": number / 4} for number in range(5)]
    trace_id = send({"name": "call", "kind": "llm", "scores": scores}, {"name": "plain", "kind": "llm"})
    open_trace(page, trace_id, "?view=tree")
    for key in "123":
        page.keyboard.press(key)
        expect(page.locator(".scores")).to_have_count(1)
        expect(page.locator(".scores small")).to_have_text(["+0 0", "+1 0.25", "+2 0.5"])
        expect(page.locator(".scores")).to_contain_text("+2 0.5+2")


def test_scores_of_many_rows_stay_few_nodes(page: Page, send: Sender) -> None:
    scores = [{"name": f"s{number}", "value": number} for number in range(5)]
    open_trace(
        page, send(*[{"name": f"call {number}", "scores": scores} for number in range(500)]), "?view=tree"
    )
    page.set_viewport_size({"width": 2560, "height": 3000})
    expect(page.locator("[data-rows] .row").nth(100)).to_be_attached()
    assert page.locator("[data-rows] .row").count() <= 120
    assert node_count(page) <= MAX_NODES


def test_the_slowest_of_a_group_is_one_click_away(page: Page, send: Sender) -> None:
    steps = [
        {"name": "step", "start_ns": 10**18, "end_ns": 10**18 + 10**6 * (1 + number)} for number in range(9)
    ]
    open_trace(page, send(*steps, name="top", start_ns=10**18), "?view=tree")
    assert names(page) == ["top", "\N{MULTIPLICATION SIGN}9 step"]
    page.locator(".slowest").click()
    expect(page.locator("[data-rows] [aria-current] .c").first).to_have_text("9.0 ms")
    assert len(names(page)) == 11


def test_durations_stand_at_the_bars_where_no_column_tells_them(page: Page, send: Sender) -> None:
    open_trace(page, agent_trace(send), "?view=tree")
    labels = page.locator("[data-rows] .lane text")
    expect(labels).to_have_count(0)
    page.locator("[data-columns-menu] summary").click()
    page.get_by_label("Duration", exact=True).uncheck()
    expect(labels).to_have_text(["250 ms"] * 5)


def test_what_is_under_the_pointer_stays_there_while_zooming(page: Page, send: Sender) -> None:
    open_trace(page, agent_trace(send), "?view=tree")
    box = page.locator("[data-rows] .lane").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 2, box["y"] + 10)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_function("location.hash.includes('z=')")
    assert ZOOMED.search(page.url)
    assert "z=0-" in page.url or "z=1-" in page.url


def test_the_result_of_a_tool_stands_under_its_call(page: Page, send: Sender) -> None:
    open_trace(page, agent_trace(send), f"/s/{span_id(2)}")
    card = page.locator(".tool-card")
    expect(card.locator(".answer")).to_have_text("result")
    expect(card).to_contain_text("12345678901234567890")
    page.goto(page.url.replace(span_id(2), span_id(4)))
    expect(title(page)).to_have_text("chat two")
    expect(page.locator(".answer")).to_have_count(0)


def test_a_failed_span_tells_of_its_other_attempts(page: Page, send: Sender) -> None:
    mail = {"name": "mail", "kind": "tool", "input": {"to": "ana"}}
    failed = mail | {"status": "error", "error": {"type": "Timeout", "message": "late"}}
    open_trace(page, send(failed, failed, mail, mail | {"input": {"to": "bo"}}), f"/s/{span_id(2)}?view=tree")
    attempts = page.locator(".attempts")
    expect(attempts).to_have_text(
        "Tried 3 times with this input: this one \N{MIDDLE DOT} error, 250 ms \N{MIDDLE DOT} ok, 250 ms"
    )
    attempts.get_by_role("link").last.click()
    expect(page.locator("[data-detail] .badge")).to_have_count(0)
    expect(page.locator(".attempts")).to_have_count(0)


def test_hidden_characters_are_named_in_names_json_and_fields(page: Page, send: Sender) -> None:
    evil = 'a\x1b[31m\u202egnp\u200b "quoted"'
    trace_id = send(
        {
            "name": evil,
            "kind": "tool",
            "input": {evil: {evil: evil * 50}},
            "output": evil,
            "scores": [{"name": evil}],
        },
        name=evil,
        user_id=evil,
        metadata={evil: evil},
    )
    open_trace(page, trace_id, f"/s/{span_id(2)}?view=tree")
    for tab in ("attributes", "scores", "raw", "io"):
        page.locator(f"[data-tab={tab}]").click()
        page.locator(".json-tree summary").evaluate_all(
            "found => found.forEach((one) => { one.parentNode.open = true; })"
        )
        expect(page.locator("[data-panel]:visible")).to_contain_text(
            "⟨U+202E⟩" if tab != "attributes" else "Ids"
        )
        assert page.evaluate(HIDDEN_ANYWHERE) == []
    search = page.get_by_label("Search in this trace")
    search.fill("\x1b[31m\u202egnp")
    expect(search).to_have_value("⟨ESC⟩[31m⟨U+202E⟩gnp")
    expect(page.locator("[data-search-note]")).to_contain_text(
        "2 spans: 2 in name, 1 in metadata, 1 in input"
    )
    assert page.evaluate(HIDDEN_ANYWHERE) == []
