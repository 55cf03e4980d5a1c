"""The page's script names what cannot be seen as the server does."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.trace_pages import agent_trace, open_trace
from tests.explorer.conftest import Sender
from traces_app.explorer.visible import visible

MAX_CODE = 0x10FFFF

SHOWN_OTHERWISE = """async (maxCode) => {
    const loaded = performance.getEntriesByType('resource').map(({name}) => name);
    const {visible} = await import(loaded.find((name) => name.includes('trace/formats.')));
    const texts = {};
    for (let code = 0; code <= maxCode; code++) {
        const character = String.fromCodePoint(code);
        const shown = visible(character);
        if (shown !== character) {
            texts[code] = shown;
        }
    }
    return [texts, visible('a\\r\\nb\\rc\\r\\r\\nd')];
}"""


def test_script_and_server_name_the_same_characters(page: Page, send: Sender) -> None:
    open_trace(page, agent_trace(send))
    texts, lines = page.evaluate(SHOWN_OTHERWISE, MAX_CODE)
    expected = {
        str(code): shown for code in range(MAX_CODE + 1) if (shown := visible(chr(code))) != chr(code)
    }
    assert len(expected) > 4000
    assert texts == expected
    assert lines == visible("a\r\nb\rc\r\r\nd") == "a\nb⟨CR⟩c⟨CR⟩\nd"
