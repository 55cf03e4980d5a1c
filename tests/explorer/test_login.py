from __future__ import annotations

import logging
import time
from typing import Any

import pytest
from django.test import Client

from tests.explorer.conftest import Sender, log_in
from tests.explorer.pages import Page
from traces_app import access
from traces_app.explorer.throttle import MAX_REFUSALS, MAX_REFUSALS_PER_ADDRESS, WINDOW_S, LoginThrottle


def test_a_key_opens_the_traces_of_its_project(browser: Client, send: Sender) -> None:
    send(name="mine")
    response = log_in(browser, "project-dev")
    assert (response.status_code, response["Location"]) == (302, "/dashboard/")
    assert "mine" in Page(browser.get("/dashboard/")).text


def test_without_login_every_page_leads_to_the_login_page(browser: Client, send: Sender) -> None:
    trace_id = send()
    for address in (f"/dashboard/t/{trace_id}", f"/dashboard/t/{trace_id}/s/x", "/dashboard/?q=a"):
        response = browser.get(address)
        assert response.status_code == 302
        assert response["Location"].startswith("/dashboard/login?next=%2Fdashboard%2F")


def test_a_wrong_key_is_refused_and_neither_shown_nor_logged(
    browser: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = log_in(browser, "project-wrong-secret-123")
    assert response.status_code == 403
    assert "not known" in Page(response).text
    assert "wrong-secret" not in response.content.decode()
    assert "wrong-secret" not in caplog.text
    assert browser.get("/dashboard/").status_code == 302


def test_a_key_that_may_only_send_may_not_log_in(browser: Client) -> None:
    key = access.create_key("dev", "ingest", now_ns=time.time_ns()).key
    response = log_in(browser, key)
    assert response.status_code == 403
    assert "only send" in Page(response).text


def test_a_key_that_may_only_read_logs_in(browser: Client) -> None:
    key = access.create_key("dev", "read", now_ns=time.time_ns()).key
    assert log_in(browser, key).status_code == 302


def test_the_login_form_needs_its_token() -> None:
    strict = Client(enforce_csrf_checks=True)
    assert log_in(strict, "project-dev").status_code == 403
    token = Page(strict.get("/dashboard/login")).hidden_values()["csrfmiddlewaretoken"]
    assert log_in(strict, "project-dev", csrfmiddlewaretoken=token).status_code == 302


def test_a_form_without_token_gets_our_page() -> None:
    response = log_in(Client(enforce_csrf_checks=True), "project-dev")
    assert "not accepted" in Page(response).text
    assert Page(response).breaches() == []


def test_after_login_the_page_asked_for_is_shown(browser: Client) -> None:
    page = Page(browser.get("/dashboard/login?next=/dashboard/%3Fq%3Dx"))
    response = log_in(browser, "project-dev", next=page.hidden_values()["next"])
    assert response["Location"] == "/dashboard/?q=x"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "///evil.example",
        "javascript:alert(1)",
        "\\\\evil.example",
        "/\t/evil.example",
        "dashboard",
    ],
)
def test_login_leads_to_no_other_site(browser: Client, address: str) -> None:
    assert "next" not in Page(browser.get("/dashboard/login", {"next": address})).hidden_values()
    assert log_in(browser, "project-dev", next=address)["Location"] == "/dashboard/"


def test_guessing_is_slowed_down(browser: Client) -> None:
    for _ in range(MAX_REFUSALS_PER_ADDRESS):
        assert log_in(browser, "project-guess").status_code == 403
    response = log_in(browser, "project-another-guess")
    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= WINDOW_S
    assert browser.get("/dashboard/").status_code == 302


def test_a_right_key_passes_whatever_others_guessed_from_the_same_address(browser: Client) -> None:
    for _ in range(MAX_REFUSALS_PER_ADDRESS + 1):
        log_in(browser, "project-guess")
    assert log_in(browser, "project-dev").status_code == 302
    assert browser.get("/dashboard/").status_code == 200


def test_another_address_is_not_slowed_down_until_all_together_are() -> None:
    throttle = LoginThrottle()
    for number in range(MAX_REFUSALS_PER_ADDRESS):
        throttle.refuse("a", now_s=number)
    assert throttle.wait_s("a", now_s=10) > 0
    assert throttle.wait_s("b", now_s=10) == 0
    assert throttle.wait_s("a", now_s=WINDOW_S + 10) == 0
    for number in range(MAX_REFUSALS):
        throttle.refuse(f"address {number}", now_s=20)
    assert throttle.wait_s("b", now_s=21) == WINDOW_S


def test_the_development_key_is_named_only_where_it_works(browser: Client, settings: Any) -> None:
    assert "project-dev" in Page(browser.get("/dashboard/login")).text
    settings.API_KEYS = ["project-shop"]
    assert "project-dev" not in Page(browser.get("/dashboard/login")).text
    settings.API_KEYS, settings.ENVIRONMENT = ["project-dev"], "production"
    assert "project-dev" not in Page(browser.get("/dashboard/login")).text


def test_a_second_key_adds_its_project_and_one_switches(browser: Client, send: Sender) -> None:
    send(name="dev trace")
    send(name="shop trace", project="shop")
    log_in(browser, "project-dev")
    log_in(browser, "project-shop")
    assert "shop trace" in Page(browser.get("/dashboard/")).text
    browser.post("/dashboard/project", {"project": "dev"})
    page = Page(browser.get("/dashboard/"))
    assert "dev trace" in page.text
    assert "shop trace" not in page.text
    assert "shop trace" in Page(browser.get("/dashboard/?project=shop")).text
    assert "shop trace" in Page(browser.get("/dashboard/")).text


def test_switching_to_a_project_without_its_key_changes_nothing(dev: Client, send: Sender) -> None:
    send(name="shop trace", project="shop")
    dev.post("/dashboard/project", {"project": "shop"})
    for address in ("/dashboard/", "/dashboard/?project=shop"):
        assert "shop trace" not in Page(dev.get(address)).text


def test_where_no_key_is_required_nobody_logs_in(browser: Client, settings: Any, send: Sender) -> None:
    settings.API_KEY_REQUIRED = False
    send(name="open to all")
    page = Page(browser.get("/dashboard/"))
    assert "open to all" in page.text
    assert "Log out" not in page.text


def test_an_address_of_nothing_leads_on(dev: Client, browser: Client) -> None:
    page = Page(dev.get("/dashboard/nothing"))
    assert "No such page" in page.text
    assert page.link("Statistics") == "/dashboard/statistics"
    for address in ("/dashboard/nothing.json", "/v1/nothing", "/api/nothing"):
        answer = dev.get(address)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert "Statistics" not in Page(Client().get("/dashboard/nothing")).text
    assert "Statistics" not in Page(dev.get("/nothing")).text
