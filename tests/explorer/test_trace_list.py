from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.test import Client

from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app.domain.span import Usage
from traces_app.explorer.pages.trace_list import PAGE_SIZE
from traces_app.ingest import receive


def lines(browser: Client, address: str = "/dashboard/") -> list[Any]:
    found: list[Any] = browser.get(address).context["page"].lines
    return found


def names(browser: Client, address: str = "/dashboard/") -> list[str]:
    return [line.name for line in lines(browser, address)]


def test_the_newest_trace_comes_first(dev: Client, send: Sender) -> None:
    send(name="old", seconds_ago=300)
    send(name="new", seconds_ago=10)
    assert names(dev) == ["new", "old"]


def test_a_line_says_what_happened(dev: Client, send: Sender) -> None:
    send(
        {"name": "call", "kind": "llm", "model": "gpt-4o-mini", "usage": Usage(1204, 350)},
        {"name": "tool", "kind": "tool", "status": "error"},
        name="support chat",
        input={"question": "where is my order?"},
        user_id="ana",
        session_id="chat-1",
        tags=["vip"],
    )
    line = lines(dev)[0]
    assert (line.name, line.asked, line.spans, line.errors) == (
        "support chat",
        "where is my order?",
        "3",
        "1",
    )
    assert (line.tokens, line.models, line.user.text) == ("1.2k → 350", ["gpt-4o-mini"], "ana")
    assert line.cost.startswith("$0.000")
    assert line.duration == "252 ms"
    assert line.started.iso.endswith("Z")


def test_what_is_unknown_is_a_dash_and_never_0(dev: Client, send: Sender) -> None:
    send({"name": "call", "kind": "llm"})
    line = lines(dev)[0]
    assert (line.tokens, line.cost, line.user) == ("\N{EN DASH}", "\N{EN DASH}", None)


def test_a_call_without_a_price_makes_the_cost_unknown(dev: Client, send: Sender) -> None:
    send(kind="llm", model="nobody-knows-it", usage=Usage(10, 5))
    line = lines(dev)[0]
    assert (line.cost, line.cost_title) == ("unknown", "1 call without a known price")


def test_a_running_trace_says_so_and_has_no_duration(dev: Client, send: Sender) -> None:
    send(status="pending", end_ns=None)
    line = lines(dev)[0]
    assert (line.status, line.status_label, line.duration) == ("pending", "running", "\N{EN DASH}")


def test_a_missing_root_and_losses_are_marked(dev: Client, send: Sender) -> None:
    send(parent_span_id="00000000000000aa", dropped={"queue_full": 3})
    page = Page(dev.get("/dashboard/"))
    assert "root not received" in page.text
    assert "3 dropped: queue full" in page.text


def test_a_project_without_traces_shows_how_to_send_one(dev: Client) -> None:
    page = Page(dev.get("/dashboard/"))
    assert "No traces in dev yet" in page.text
    assert 'SyncTracerClient(base_url="http://testserver", api_key="project-dev")' in page.text


def test_the_curl_line_of_the_empty_page_sends_a_trace(dev: Client) -> None:
    page = Page(dev.get("/dashboard/"))
    command = page.find("pre", "code")[1].pieces
    body = "".join(command).split("-d '")[1].rstrip().removesuffix("'")
    response = dev.post(
        "/api/ingest", json.loads(body), content_type="application/json", headers={"X-API-Key": "project-dev"}
    )
    assert response.status_code == 202, response.content
    assert names(dev) == ["hello"]


def test_each_filter_keeps_what_matches(dev: Client, send: Sender) -> None:
    send(name="Alpha", tags=["a", "b"], user_id="u1", session_id="s1", environment="prod", status="error")
    send(name="beta", tags=["b"], user_id="u2", session_id="s2", environment="test")
    for query, expected in {
        "q=alp": ["Alpha"],
        "status=error": ["Alpha"],
        "status=ok": ["beta"],
        "tag=b": ["beta", "Alpha"],
        "tag=b&tag=a": ["Alpha"],
        "user=u2": ["beta"],
        "session=s1": ["Alpha"],
        "env=prod": ["Alpha"],
        "q=a&status=error&tag=a": ["Alpha"],
    }.items():
        assert sorted(names(dev, f"/dashboard/?{query}")) == sorted(expected), query


def test_time_ranges_keep_what_started_in_them(dev: Client, send: Sender) -> None:
    send(name="now", seconds_ago=60)
    send(name="this morning", seconds_ago=3 * 3600)
    send(name="last week", seconds_ago=6 * 24 * 3600)
    assert names(dev, "/dashboard/?range=1h") == ["now"]
    assert names(dev, "/dashboard/?range=24h") == ["now", "this morning"]
    assert len(names(dev, "/dashboard/?range=7d")) == 3
    assert names(dev, "/dashboard/?from=2001-01-01T00:00&to=2001-01-02T00:00") == []
    assert len(names(dev, "/dashboard/?from=2001-01-01T00:00")) == 3


def test_exact_times_replace_a_range(dev: Client, send: Sender) -> None:
    send(name="now")
    page = dev.get("/dashboard/?range=1h&to=2001-01-02T00:00").context["page"]
    assert page.lines == []
    assert (page.range.label, page.range.until.day) == ("", "Jan 2, 2001")


def test_a_filter_that_cannot_be_read_is_named_and_not_applied(dev: Client, send: Sender) -> None:
    send(name="now")
    page = Page(dev.get("/dashboard/?status=odd&from=yesterday&range=9y"))
    for name in ("status: write one of", "from: write a time"):
        assert name in page.text
    assert "now" in page.text


def test_each_chip_removes_its_own_filter(dev: Client, send: Sender) -> None:
    send(name="chat", tags=["a", "b"])
    page = dev.get("/dashboard/?q=ch&tag=a&tag=b&range=7d").context["page"]
    assert [chip.text for chip in page.chips] == ["ch", "tag:a", "tag:b"]
    without_a = parse_qs(page.chips[1].address.removeprefix("?"))
    assert without_a == {"q": ["ch tag:b"], "range": ["7d"]}
    assert page.clear_address == "?"


def test_a_filtered_list_says_how_many_it_searched(dev: Client, send: Sender) -> None:
    send(name="one")
    send(name="two")
    assert "searched 2 traces" in Page(dev.get("/dashboard/?q=one")).text
    assert "searched" not in Page(dev.get("/dashboard/")).text
    nothing = Page(dev.get("/dashboard/?q=zzz"))
    assert "Nothing matches" in nothing.text
    assert "searched 2 traces" in nothing.text


def test_choices_count_what_the_page_shows(dev: Client, send: Sender) -> None:
    send(tags=["a"], status="error")
    send(tags=["a", "b"])
    choices = {one.title: one.links for one in dev.get("/dashboard/").context["page"].choices}
    assert [(link.text, link.count) for link in choices["Tag"]] == [("a", "2"), ("b", "1")]
    assert {link.text: link.count for link in choices["Status"]} == {
        "ok": "1",
        "error": "1",
        "cancelled": "",
        "running": "",
        "with a failed span": "1",
    }
    assert "Environment" not in choices


def test_older_pages_go_on_without_gap_or_repeat(dev: Client, send: Sender) -> None:
    sent = [send(name=f"number {index}", seconds_ago=1000 - index) for index in range(PAGE_SIZE + 7)]
    first = Page(dev.get("/dashboard/?tag="))
    older = first.link("older →")
    assert parse_qs(urlsplit(older).query)["cursor"]
    shown = [line.trace_id for address in ("", older) for line in lines(dev, "/dashboard/" + address)]
    assert shown == sent[::-1]
    last = Page(dev.get("/dashboard/" + older))
    assert "no older traces" in last.text
    assert names(dev, "/dashboard/" + last.link("« newest"))[0] == f"number {PAGE_SIZE + 6}"


def test_a_cursor_that_is_none_leads_back_to_the_newest(dev: Client, send: Sender) -> None:
    send(name="here")
    response = dev.get("/dashboard/?cursor=rubbish&q=he", follow=True)
    assert response.redirect_chain == [("/dashboard/?q=he", 302)]
    assert "not valid any more" in Page(response).text


def test_another_projects_traces_are_never_listed(dev: Client, send: Sender) -> None:
    send(name="secret", project="shop", tags=["x"])
    send(name="ours", tags=["x"])
    for query in ("", "?tag=x", "?project=shop", "?q=secret"):
        assert "secret" not in names(dev, f"/dashboard/{query}")


def test_losses_that_senders_report_are_shown(dev: Client, send: Sender, access: Any) -> None:
    send()
    receive(access, [], now_ns=time.time_ns(), counters={"queue_full": 12})
    assert "lost or refused: 12 queue full" in Page(dev.get("/dashboard/")).text


def test_refusals_are_told_even_where_no_trace_was_kept(dev: Client, access: Any) -> None:
    receive(access, [], now_ns=time.time_ns(), counters={"refused: name": 3})
    assert "lost or refused: 3 refused: name" in Page(dev.get("/dashboard/")).text


def test_of_many_reasons_of_losses_the_most_frequent_are_told(dev: Client, access: Any) -> None:
    counters = {f"reason {number}": number for number in range(1, 7)}
    receive(access, [], now_ns=time.time_ns(), counters=counters)
    assert "6 reason 6, 5 reason 5, 4 reason 4, 6 for other reasons" in Page(dev.get("/dashboard/")).text


def test_the_strip_shows_traces_errors_cost_or_the_slow_ones(dev: Client, send: Sender) -> None:
    send(kind="llm", cost_usd=0.5)
    send(status="error", error={"message": "broke"})
    for strip, told in (
        ("", "1 with a failed span"),
        ("errors", "1 with a failed span"),
        ("cost", "$0.5000"),
        ("p95", "p95 "),
    ):
        html = dev.get(f"/dashboard/?range=1h&strip={strip}").content.decode()
        assert told in html
        assert "strip=p95" in html or strip == "p95"
    assert "UTC</time>: 2 traces" in dev.get("/dashboard/?range=1h&strip=nonsense").content.decode()
