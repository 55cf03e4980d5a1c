"""Every link of every page leads somewhere, and what a page needs is in its HTML."""

from __future__ import annotations

import gzip
from pathlib import Path
from urllib.parse import urldefrag, urljoin

from django.conf import settings as django_settings
from django.contrib.staticfiles import finders
from django.test import Client

from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app.domain.span import Usage


def test_every_link_leads_to_a_page(dev: Client, send: Sender) -> None:
    send(
        {"kind": "llm", "status": "error", "input": [{"role": "user", "content": "x" * 30_000}]},
        {"kind": "tool", "usage": Usage(1, 2)},
        tags=["a", "b"],
        user_id="u",
        session_id="s",
        environment="e",
        metadata={"a": "b"},
    )
    for _ in range(60):
        send(tags=["many"])
    seen: set[str] = set()
    waiting = ["/dashboard/"]
    while waiting and len(seen) < 150:
        address = waiting.pop(0)
        seen.add(address)
        response = dev.get(address, follow=True)
        assert response.status_code == 200, address
        if response.streaming or "text/html" not in response["Content-Type"]:
            continue
        links = {urldefrag(urljoin(address, link)).url for link in Page(response).links()}
        waiting += sorted(link for link in links if link not in seen and link not in waiting)
    assert len(seen) > 100


def test_scripts_styles_and_icons_are_files_of_ours(dev: Client, send: Sender) -> None:
    trace_id = send()
    for address in ("/dashboard/", f"/dashboard/t/{trace_id}", "/dashboard/login"):
        page = Page(dev.get(address))
        files = [element.get("src") for element in page.find("script")]
        files += [link.get("href") for link in page.find("link") if link.get("rel") in ("stylesheet", "icon")]
        assert len(files) >= 5
        for file in files:
            assert file is not None
            assert finders.find(file.removeprefix("/static/")), file


def test_what_only_a_script_can_do_is_hidden_without_one(dev: Client, send: Sender) -> None:
    page = Page(dev.get(f"/dashboard/t/{send()}"))
    for button in page.find("button"):
        if "data-copy" in button.attributes:
            assert "hidden" in button.attributes


def test_the_search_form_keeps_the_other_filters(dev: Client, send: Sender) -> None:
    send(tags=["a"], name="x")
    page = Page(dev.get("/dashboard/?tag=a&range=7d&q=x"))
    search = next(form for form in page.find("form") if form.get("role") == "search")
    fields = {
        element.get("name"): element.get("value")
        for element in page.find("input")
        if element.is_inside(search)
    }
    assert fields == {"range": "7d", "q": "x tag:a"}


def test_the_modules_loaded_ahead_are_the_ones_there_are(dev: Client, send: Sender) -> None:
    page = Page(dev.get(f"/dashboard/t/{send()}"))
    ahead = {link.get("href") for link in page.find("link") if link.get("rel") == "modulepreload"}
    folder = django_settings.BASE_DIR / "traces_app/explorer/static/explorer/trace"
    assert ahead == {f"/static/explorer/trace/{file.name}" for file in folder.iterdir()} - {
        "/static/explorer/trace/first.js"
    }


def test_a_pages_files_are_small(dev: Client, send: Sender) -> None:
    page = Page(dev.get(f"/dashboard/t/{send(*[{} for _ in range(200)])}"))
    addresses = {element.get("src") for element in page.find("script")}
    addresses |= {link.get("href") for link in page.find("link") if link.get("rel") != "alternate"}
    files = [finders.find(str(address).removeprefix("/static/")) for address in addresses]
    sizes = [len(gzip.compress(Path(str(file)).read_bytes())) for file in files]
    assert sum(sizes) < 100_000
