from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.test.utils import override_script_prefix

from tests.builders import span_id
from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app import access, queries, searching
from traces_app.explorer.security import CONTENT_SECURITY_POLICY

EVIL = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {{ 7|add:7 }} \x1b[31m \u202egnp\u202c "
    "<a href=javascript:alert(1)>x</a>"
)


@pytest.fixture
def hostile(send: Sender) -> str:
    return send(
        name=EVIL,
        kind="llm",
        status="error",
        error={
            "type": EVIL,
            "message": EVIL,
            "stacktrace": EVIL,
            "causes": [{"type": EVIL, "message": EVIL}, EVIL],
        },
        input=[{"role": EVIL, "name": EVIL, "content": [{"type": "text", "text": EVIL}, {"type": EVIL}]}],
        output={EVIL: {EVIL: [EVIL]}},
        model=EVIL,
        provider=EVIL,
        tags=[EVIL],
        user_id=EVIL,
        session_id=EVIL,
        environment=EVIL,
        release=EVIL,
        metadata={EVIL: EVIL},
        attributes={EVIL: EVIL},
        tool={"name": EVIL},
        documents=[EVIL, {"content": EVIL}],
        scores=[{"name": EVIL}],
        prompt={"name": EVIL},
        dropped={EVIL: 2},
    )


def pages_of(trace_id: str) -> list[str]:
    return [
        "/dashboard/",
        "/dashboard/?q=%3Cscript%3E&tag=%22onload%3D&user=<b>&from=<i>&status=<u>",
        "/dashboard/sessions?range=24h",
        "/dashboard/users?range=24h&q=%3Cscript",
        "/dashboard/session?" + urlencode({"id": EVIL}),
        *(f"/dashboard/statistics?range=24h&by={by}" for by in ("name", "model", "tag", "env", "user")),
        "/dashboard/session?id=%3Cscript%3E",
        "/dashboard/admin",
        "/dashboard/admin/audit",
        "/dashboard/views",
        f"/dashboard/t/{trace_id}",
        f"/dashboard/t/{trace_id}/s/{span_id(1)}",
        f"/dashboard/t/{trace_id}/s/{span_id(1)}?pane=1",
        "/dashboard/t/%3Cscript%3E",
        "/dashboard/t/nothing",
        "/dashboard/login",
        "/nowhere/<script>",
    ]


def test_every_page_has_the_policy_and_nothing_inline(dev: Client, hostile: str) -> None:
    for address in pages_of(hostile):
        response = dev.get(address)
        assert response["Content-Security-Policy"] == CONTENT_SECURITY_POLICY, address
        assert response["Cache-Control"] == "no-store", address
        assert Page(response).breaches() == [], address


def test_hostile_text_stays_text(dev: Client, hostile: str) -> None:
    for address in pages_of(hostile)[:-1]:
        response = dev.get(address)
        body = response.content.decode()
        assert "<script>alert" not in body, address
        assert "<img src=x" not in body, address
        assert not {"\x1b", "\u202e", "\0"} & set(body), address
    body = dev.get(f"/dashboard/t/{hostile}/s/{span_id(1)}?pane=1").content.decode()
    assert "⟨ESC⟩[31m ⟨U+202E⟩gnp" in body
    assert "{{ 7|add:7 }}" in body


def test_links_to_a_hostile_value_filter_by_that_value(dev: Client, hostile: str, send: Sender) -> None:
    send(name="harmless")
    page = Page(dev.get("/dashboard/"))
    tag = page.find("a", "tag")[0].get("href") or ""
    lines = dev.get("/dashboard/" + tag).context["page"].lines
    assert [line.trace_id for line in lines] == [hostile]


def test_framing_and_sniffing_are_off(dev: Client) -> None:
    response = dev.get("/dashboard/")
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_our_error_pages_stand_without_a_context(browser: Client) -> None:
    response = browser.get("/nowhere")
    assert response.status_code == 404
    assert "No such page" in Page(response).text


def test_a_broken_page_is_ours_too(dev: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "search_traces", _raise(RuntimeError("boom")))
    dev.raise_request_exception = False
    response = dev.get("/dashboard/")
    assert response.status_code == 500
    assert "broke" in Page(response).text
    assert "boom" not in response.content.decode()
    assert response["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


def test_a_store_that_does_not_answer_is_503_with_retry_after(
    dev: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    unavailable = queries.StoreUnavailable("throttled", retry_after_seconds=7)
    monkeypatch.setattr(searching, "search_traces", _raise(unavailable))
    response = dev.get("/dashboard/")
    assert (response.status_code, response["Retry-After"]) == (503, "7")
    assert "does not answer" in Page(response).text


@pytest.mark.parametrize("stage", ["", "/prod"])
def test_that_there_is_no_page_is_told_with_the_ways_on_also_below_a_prefix(dev: Client, stage: str) -> None:
    with override_script_prefix(f"{stage}/"):  # as a server does
        response = dev.get("/dashboard/nothing", SCRIPT_NAME=stage)
    assert response.status_code == 404
    assert response.context["shell"].project == "dev"
    assert f"{stage}/dashboard/statistics" in Page(response).links()
    assert dev.get("/v1/nothing", SCRIPT_NAME=stage).json()["title"] == "No such page"


def test_that_a_page_is_none_needs_no_store(dev: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    unavailable = queries.StoreUnavailable("throttled", retry_after_seconds=7)
    monkeypatch.setattr(access, "load_session", _raise(unavailable))
    response = dev.get("/dashboard/nothing")
    assert response.status_code == 404
    assert "No such page" in Page(response).text
    assert dev.get("/dashboard/").status_code == 503


def test_templates_switch_escaping_off_nowhere() -> None:
    templates = django_settings.BASE_DIR / "traces_app" / "explorer" / "templates"
    files = list(templates.rglob("*.html"))
    assert len(files) > 10
    for file in files:
        text = file.read_text()
        assert "|safe" not in text, file
        assert "autoescape" not in text, file
        assert len(text.splitlines()) <= 150, file


def _raise(error: Exception) -> Callable[..., Any]:
    def fail(*_arguments: Any, **_named: Any) -> Any:
        raise error

    return fail
