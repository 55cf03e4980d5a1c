"""A real browser before a real server: pages as people meet them, and no complaint of the browser."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.explorer.conftest import Sender, send_trace
from tests.servers import our_server
from traces_app import access

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
HOW_TO_INSTALL = (
    "The browser tests need Chromium: `apt-get install chromium` on Debian and Ubuntu, "
    "or name one elsewhere: CHROMIUM=/path/to/chrome."
)


WAIT_MS = 20_000
"""For what takes milliseconds: a machine may be busy with other things."""

expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One for all tests here, and closed behind them: its event loop would be in the way of others."""
    if CHROMIUM is None or not Path(CHROMIUM).exists():
        pytest.fail(HOW_TO_INSTALL)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def _open_door(store: Any, settings: Any) -> None:
    settings.STATIC_ROOT = None
    settings.API_KEYS = ["project-dev"]
    settings.API_KEY_REQUIRED = False
    settings.RATE_LIMIT_RPM = 0
    access.forget_keys()


@pytest.fixture(scope="package")
def site() -> Iterator[str]:
    """One server for all tests: each has its store by the settings, which are read at every request."""
    with our_server() as address:
        yield address


@pytest.fixture
def send() -> Sender:
    return functools.partial(send_trace, iter(range(1, 10_000)))


@pytest.fixture
def page(chromium: Browser, site: str) -> Iterator[Page]:
    """A tab of a fresh browser. What the console reports as an error, also of the policy, fails the test."""
    context = chromium.new_context(
        base_url=site,
        viewport={"width": 1440, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(WAIT_MS)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield tab
    context.close()
    assert complaints == []
