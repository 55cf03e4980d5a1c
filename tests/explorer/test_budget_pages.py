"""Budget and alerts on the pages: asked once more, done, written down; and a trace without contents."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from tests.explorer.asking import audit, change, reader, refusal, wrong_field
from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app import budget
from traces_app.domain.span import Usage

CALL = {
    "kind": "llm",
    "model": "gpt-4o",
    "usage": Usage(100, 20),
    "cost_usd": 0.01,
    "input": "why",
    "output": "so",
}
NOTE = "content not kept: the month's budget was reached (1 in 100 plain traces is kept whole)"


def thin() -> None:
    now_ns = time.time_ns()
    known = budget.set_budget("dev", monthly_usd="1", slow_s="", expensive_usd="", now_ns=now_ns)
    budget.set_rate("dev", known, 0.01, "the forecast passes the budget", now_ns=now_ns)


def test_a_budget_is_set_shown_and_removed(dev: Client, send: Sender) -> None:
    send(CALL, seconds_ago=1)
    page = Page(change(dev, "admin/budget", monthly_usd="20", slow_s="10", expensive_usd="0.5"))
    assert "The budget is set: $20.00 a month; all traces are kept whole" in page.text
    assert audit(dev)[0] == ("set budget", "$20.00 a month, slow from 10 s, expensive from $0.5000")
    text = Page(dev.get("/dashboard/cost")).text
    assert "Budget of the month" in text
    assert "All traces are kept whole: the forecast is within the budget" in text
    assert dev.get("/dashboard/cost.json").json()["budget"]["monthly_usd"] == 20
    change(dev, "admin/budget", monthly_usd="", slow_s="", expensive_usd="")
    assert "There is no budget: everything is kept whole" in Page(dev.get("/dashboard/cost")).text
    assert dev.get("/dashboard/cost.json").json()["budget"] is None
    assert audit(dev)[0][0] == "remove budget"


def test_a_budget_that_the_forecast_passes_thins_at_once(dev: Client, send: Sender) -> None:
    send(CALL, seconds_ago=1)
    page = Page(change(dev, "admin/budget", monthly_usd="0.000001", slow_s="", expensive_usd=""))
    assert "1 in 100 plain traces is kept whole: the budget of the month is spent" in page.text
    send(CALL, seconds_ago=1)
    tiles = dict(dev.get("/dashboard/cost").context["budget"].tiles)
    assert (tiles["Plain traces"], tiles["Thinned this month"]) == ("1 in 100", "1")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"monthly_usd": "-1"}, "monthly amount: write dollars"),
        ({"monthly_usd": "much"}, "monthly amount: write dollars"),
        ({"monthly_usd": "1", "slow_s": "0"}, "slow: write seconds above 0, at most 86,400"),
        ({"monthly_usd": "1", "expensive_usd": "inf"}, "expensive: write dollars"),
    ],
)
def test_a_wrong_amount_is_refused_by_field_and_limit(dev: Client, fields: dict[str, str], said: str) -> None:
    typed = {"monthly_usd": "", "slow_s": "", "expensive_usd": ""} | fields
    name, told = wrong_field(refusal(dev, "admin/budget", **typed))
    assert name == next(field for field in reversed(typed) if field in fields)
    assert said in told
    assert budget.read_budget("dev", now_ns=time.time_ns()).monthly_usd is None


def test_an_alert_is_set_without_showing_its_secret_path_and_removed(dev: Client) -> None:
    fields = {"what": "models", "by": "user", "value": "<b>ana", "limit": "5"}
    response = change(dev, "admin/alerts", **fields, to="https://hooks.example.com/T0/secret")
    page = Page(response)
    assert "model spend of user <b>ana" in page.text
    assert "webhook at hooks.example.com" in page.text
    assert "secret" not in page.text
    assert page.breaches() == []
    assert "secret" not in audit(dev)[0][1]
    (alert,) = budget.read_budget("dev", now_ns=time.time_ns()).alerts
    change(dev, "admin/alerts/remove", alert=alert.alert_id)
    assert budget.read_budget("dev", now_ns=time.time_ns()).alerts == ()


def test_who_may_only_read_changes_nothing(dev: Client, other: Client) -> None:
    browser = reader(dev, other)
    for place, fields in (
        ("budget", {"monthly_usd": "1", "confirmed": "yes"}),
        ("alerts", {"what": "bill", "limit": "1", "to": "a@example.com", "confirmed": "yes"}),
    ):
        browser.post(f"/dashboard/admin/{place}", fields)
    known = budget.read_budget("dev", now_ns=time.time_ns())
    assert (known.monthly_usd, known.alerts) == (None, ())


def test_a_thinned_trace_says_so_everywhere(dev: Client, send: Sender) -> None:
    thin()
    trace_id = send(CALL, session_id="s1", user_id="ana", input="hello", output="bye")
    listed = Page(dev.get("/dashboard/"))
    assert "thinned" in listed.text
    assert NOTE in {element.get("title") for element in listed.find("em", "badge")}
    response = dev.get(f"/dashboard/t/{trace_id}")
    page = Page(response)
    assert response.status_code == 200
    assert NOTE[1:] in page.text
    facts = {fact.label: fact.value for fact in response.context["page"].facts}
    assert (facts["Spans"], facts["LLM calls"], facts["Cost"]) == ("2", "\N{EN DASH}", "$0.0100")
    assert page.breaches() == []
    twin = dev.get(f"/dashboard/t/{trace_id}.json").json()
    assert (twin["trace"]["thinned"], twin["spans"]) == (0.01, [])
    headers = {"X-API-Key": "project-dev"}
    answer = dev.get(f"/api/v1/traces/{trace_id}", headers=headers).json()
    assert (answer["trace"]["thinned"], answer["trace"]["span_count"], answer["spans"]) == (0.01, 2, [])
    assert dev.get("/api/v1/traces", headers=headers).json()["traces"][0]["thinned"] == 0.01


@pytest.mark.parametrize(
    "place",
    [
        "t/{}?view=transcript",
        "t/{}?view=table",
        "t/{}?header",
        "t/{}/receipt",
        "t/{}/receipt.json",
        "t/{}.md",
        "t/{}.html",
        "t/{}.otlp.json",
        "t/{}/skeleton",
        "t/{}/previews?spans=a",
        "t/{}/search?q=hello",
        "session?id=s1",
        "diff?a={}&b={}",
        "?q=text:hello",
        "users",
    ],
)
def test_no_page_breaks_on_a_thinned_trace(dev: Client, send: Sender, place: str) -> None:
    thin()
    trace_id = send(CALL, session_id="s1", user_id="ana", input="hello", output="bye")
    assert dev.get("/dashboard/" + place.format(trace_id, trace_id)).status_code == 200


def test_the_sender_learns_the_rate_only_while_there_is_one(dev: Client) -> None:
    def sent() -> Any:
        body = {"spans": [{"trace_id": "1" * 32, "span_id": "1" * 16, "name": "x"}]}
        headers = {"X-API-Key": "project-dev"}
        answer = dev.post("/api/ingest", body, content_type="application/json", headers=headers)
        assert answer.status_code == 202
        return answer.json()

    assert "budget" not in sent()
    thin()
    assert sent()["budget"] == {"keep_rate": 0.01, "keep_slower_than_ms": 30_000.0}
