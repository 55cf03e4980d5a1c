from __future__ import annotations

import re
import time
from dataclasses import asdict
from typing import Any

import pytest
from django.test import Client

from tests.builders import put, span
from tests.explorer.conftest import Sender, log_in
from tests.explorer.pages import Page
from traces_app import access, audit, curation, erasing, queries, sharing, storage

SECRETS = (
    "the question",
    "the answer",
    "stack of it",
    "ana",
    "chat-7",
    "vip",
    "in metadata",
    "in attributes",
)


@pytest.fixture
def trace_id(send: Sender) -> str:
    return send(
        {"name": "call", "kind": "llm", "input": "the question", "output": "the answer", "model": "gpt-4o"},
        {"name": "tool", "status": "error", "error": {"type": "Timeout", "message": "stack of it"}},
        name="order",
        user_id="ana",
        session_id="chat-7",
        tags=["vip"],
        metadata={"a": "in metadata"},
        attributes={"b": "in attributes"},
        environment="live-7",
        release="build-9",
    )


def share(browser: Client, trace_id: str, **fields: str) -> str:
    values = {"trace": trace_id, "days": "7", "redaction": "nothing"} | fields
    page = browser.post("/dashboard/shares/make", values, follow=True)
    found = re.search(r'data-copy="http://testserver([^"]+)"', page.content.decode())
    assert found, Page(page).text
    return found[1]


def text_of(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


def test_whoever_has_the_link_reads_the_trace_without_a_key(dev: Client, trace_id: str) -> None:
    address = share(dev, trace_id)
    response = Client().get(address)
    text = text_of(response)
    assert all(secret in text for secret in ("order", "the question", "the answer", "stack of it"))
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert response["Referrer-Policy"] == "no-referrer"
    assert "script" not in response["Content-Security-Policy"]
    assert Client().get(f"/dashboard/t/{trace_id}").status_code == 302


@pytest.mark.parametrize(("redaction", "left_out"), [("people", SECRETS[3:]), ("texts", SECRETS)])
def test_what_a_link_leaves_out_is_nowhere_in_it(
    dev: Client, trace_id: str, redaction: str, left_out: tuple[str, ...]
) -> None:
    text = text_of(Client().get(share(dev, trace_id, redaction=redaction)))
    assert [secret for secret in SECRETS if secret in text] == [one for one in SECRETS if one not in left_out]
    assert "Timeout" in text
    assert "gpt-4o" in text
    assert ("live-7" in text, "build-9" in text) == (redaction == "people", redaction == "people")


def test_a_changed_a_foreign_and_a_revoked_link_open_nothing(dev: Client, trace_id: str) -> None:
    address = share(dev, trace_id)
    token = address.rsplit("/", 1)[1]
    project, share_id, expires_at, signature = token.split(".")
    forged = [
        ".".join((project, share_id, str(int(expires_at) + 9), signature)),
        ".".join((project, share_id, expires_at, "A" * 43)),
        f"shop.{share_id}.{expires_at}.{signature}",
        token[:-1],
        "nothing",
    ]
    for wrong in forged:
        assert Client().get(f"/dashboard/shared/{wrong}").status_code == 404
    assert Client().get(address).status_code == 200
    question = Page(dev.post("/dashboard/shares/revoke", {"share": share_id, "trace": trace_id}))
    assert "Revoke the link?" in question.text
    assert Client().get(address).status_code == 200
    dev.post("/dashboard/shares/revoke", {"share": share_id, "confirmed": "yes"})
    assert Client().get(address).status_code == 404


def test_a_link_ends_with_its_days(trace_id: str) -> None:
    now_ns = 1_800_000_000 * 10**9
    with pytest.raises(ValueError, match="1 to 90 days"):
        sharing.create_share("dev", trace_id, redaction="nothing", days=91, who="k", now_ns=now_ns)


def test_a_link_is_over_at_its_time(trace_id: str, settings: Any) -> None:
    now_ns = time.time_ns()
    made = sharing.create_share("dev", trace_id, redaction="nothing", days=1, who="k", now_ns=now_ns)
    sharing.open_share(made.token, now_ns=now_ns + 86_000 * 10**9)
    with pytest.raises(sharing.ShareNotFound):
        sharing.open_share(made.token, now_ns=now_ns + 86_402 * 10**9)
    assert sharing.list_shares("dev", now_ns=now_ns + 86_402 * 10**9) == []


def test_links_are_listed_and_written_down_and_need_a_key_that_writes(
    dev: Client, browser: Client, trace_id: str
) -> None:
    share(dev, trace_id, redaction="texts")
    listed = dev.get("/dashboard/shares.json").json()["shares"]
    assert [(one["trace_id"], one["redaction"]) for one in listed] == [(trace_id, "texts")]
    entry = audit.list_entries("dev", now_ns=time.time_ns())[0]
    assert (entry.action, "left out: texts" in entry.detail) == ("make link", True)
    reader = Client()
    log_in(reader, access.create_key("dev", "read", label="", now_ns=time.time_ns()).key)
    refused = reader.post("/dashboard/shares/make", {"trace": trace_id, "days": "7", "redaction": "nothing"})
    assert refused.status_code == 302
    page = reader.get("/dashboard/shares").content.decode()
    assert "/shared/" not in page
    assert len(dev.get("/dashboard/shares.json").json()["shares"]) == 1
    other = Client()
    log_in(other, "project-shop")
    assert other.get("/dashboard/shares.json").json()["shares"] == []


def test_a_wrong_choice_and_a_missing_trace_are_named(dev: Client, trace_id: str) -> None:
    for fields, said in (
        ({"days": "1000"}, "1 to 90 days"),
        ({"days": "x"}, "1 to 90 days"),
        ({"redaction": "half"}, "choose one of"),
        ({"trace": "f" * 32}, "no such trace"),
    ):
        values = {"trace": trace_id, "days": "7", "redaction": "nothing"} | fields
        assert said in Page(dev.post("/dashboard/shares/make", values, follow=True)).text


def test_a_link_without_people_says_not_who_scored(dev: Client, trace_id: str) -> None:
    now_ns = time.time_ns()
    span_id = next(queries.get_trace("dev", trace_id, now_ns=now_ns).spans()).span_id
    said: dict[str, Any] = {"name": "tone", "value": "0.25", "comment": "as Bo said", "who": "bo@example.org"}
    assert curation.score_span("dev", trace_id, span_id, **said, now_ns=now_ns)
    address = share(dev, trace_id, redaction="people")
    text = text_of(Client().get(address))
    _, trace = sharing.open_share(address.rpartition("/")[2], now_ns=now_ns)
    assert next(trace.spans()).scores == [{"name": "tone", "value": 0.25, "source": "human"}]
    assert trace.span(span_id).scores == next(trace.spans()).scores
    assert "bo@example.org" not in text
    assert "as Bo said" not in text


@pytest.mark.parametrize("way", ["delete", "erase"])
def test_what_is_taken_away_takes_its_links_along(dev: Client, trace_id: str, way: str) -> None:
    now_ns = time.time_ns()
    address = share(dev, trace_id)
    if way == "delete":
        assert curation.delete_trace("dev", trace_id, now_ns=now_ns)
    else:
        assert erasing.erase("dev", "trace", trace_id, who="dev", now_ns=now_ns).links == 1
    assert sharing.list_shares("dev", now_ns=now_ns) == []
    put(access.Access("dev", "all", "k"), span(9, trace_id=trace_id), now_ns=now_ns)
    assert Client().get(address).status_code == 404


def test_a_link_opens_traces_of_its_own_project_alone(dev: Client, trace_id: str) -> None:
    """Whatever its record says: its place is of one project."""
    now_ns = time.time_ns()
    share(dev, trace_id)
    [link] = sharing.list_shares("dev", now_ns=now_ns)
    body = asdict(link)
    storage.get_store().put_record("SHARES#shop", link.share_id, body, now_ns=now_ns)
    [moved] = sharing.list_shares("shop", now_ns=now_ns)
    for token in (moved.token, "shop" + link.token.removeprefix("dev")):
        with pytest.raises(sharing.ShareNotFound):
            sharing.open_share(token, now_ns=now_ns)


def test_the_audit_log_keeps_no_score(dev: Client, trace_id: str) -> None:
    span_id = next(queries.get_trace("dev", trace_id, now_ns=time.time_ns()).spans()).span_id
    dev.post(f"/dashboard/t/{trace_id}/s/{span_id}/score", {"name": "liked by Ana", "value": "rude"})
    entries = [one for one in audit.list_entries("dev", now_ns=time.time_ns()) if one.action == "score span"]
    assert [one.detail for one in entries] == [f"span {span_id} of trace {trace_id}"]


def test_a_form_sent_twice_makes_one_link(dev: Client, trace_id: str) -> None:
    once = Page(dev.get(f"/dashboard/shares?trace={trace_id}")).hidden_values()["once"]
    values = {"trace": trace_id, "days": "7", "redaction": "nothing", "once": once}
    for _ in range(2):
        page = Page(dev.post("/dashboard/shares/make", values, follow=True))
    assert "nothing is done twice" in page.text
    assert len(sharing.list_shares("dev", now_ns=time.time_ns())) == 1


def test_a_link_without_texts_shows_of_scores_numbers_alone(dev: Client, send: Sender) -> None:
    scores = [
        {"name": "tone", "value": "as Bo said"},
        {"name": "quality", "value": 0.5, "label": "as Bo said"},
    ]
    address = share(dev, send({"scores": scores}), redaction="texts")
    _, trace = sharing.open_share(address.rpartition("/")[2], now_ns=time.time_ns())
    told = [{"name": "tone"}, {"name": "quality", "value": 0.5}]
    assert trace.span(trace.rows[1].span.span_id).scores == trace.rows[1].span.scores == told
    assert "Bo" not in text_of(Client().get(address))
