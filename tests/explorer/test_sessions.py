from __future__ import annotations

import time

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client

from tests.explorer.conftest import log_in
from traces_app import access
from traces_app.explorer.sessions import SessionStore

COOKIE = "tracer_session"


def test_a_cookie_copied_before_logout_is_dead_after_it(dev: Client, browser: Client) -> None:
    copied = dev.cookies[COOKIE].value
    dev.post("/dashboard/logout")
    thief = Client()
    thief.cookies[COOKIE] = copied
    assert thief.get("/dashboard/").status_code == 302


def test_the_cookie_is_closed_to_scripts_and_to_other_sites(dev: Client) -> None:
    cookie = dev.cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert "dev" not in cookie.value


def test_login_changes_the_sessions_id(browser: Client) -> None:
    log_in(browser, "project-dev")
    before = browser.cookies[COOKIE].value
    log_in(browser, "project-shop")
    assert browser.cookies[COOKIE].value != before
    assert not SessionStore().exists(before)


def test_an_id_we_did_not_hand_out_is_not_adopted(browser: Client) -> None:
    browser.cookies[COOKIE] = "a" * 32
    log_in(browser, "project-dev")
    assert browser.cookies[COOKIE].value != "a" * 32


def test_logging_out_needs_a_post(dev: Client) -> None:
    assert dev.get("/dashboard/logout").status_code == 405
    assert dev.get("/dashboard/").status_code == 200


def test_a_revoked_key_ends_what_it_opened(browser: Client) -> None:
    key = access.create_key("dev", "read", now_ns=time.time_ns())
    log_in(browser, key.key)
    assert browser.get("/dashboard/").status_code == 200
    access.revoke_key(key.key_id, now_ns=time.time_ns())
    assert browser.get("/dashboard/").status_code == 302


def test_a_revoked_key_leaves_the_other_projects_open(browser: Client) -> None:
    key = access.create_key("lab", "read", now_ns=time.time_ns())
    log_in(browser, "project-dev")
    log_in(browser, key.key)
    access.revoke_key(key.key_id, now_ns=time.time_ns())
    response = browser.get("/dashboard/")
    assert response.status_code == 200
    assert response.context["shell"].project == "dev"


def test_a_session_ended_meanwhile_is_not_brought_back() -> None:
    session = SessionStore()
    session["project"] = "dev"
    session.create()
    same = SessionStore(session.session_key)
    assert same["project"] == "dev"
    session.delete()
    same["project"] = "shop"
    with pytest.raises(UpdateError):
        same.save()
