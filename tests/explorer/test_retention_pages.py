"""Rules, pins and erasing on the pages: asked once more, done, written down, and shown."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from tests.explorer.asking import audit, change, made_key, reader, refusal, wrong_field
from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app import curation, erasing, retention

DAY_S = 86_400


def rules_of(project: str = "dev") -> list[str]:
    return [rule.text for rule in retention.read_retention(project, now_ns=time.time_ns()).rules]


def twin(browser: Client, trace_id: str) -> dict[str, Any]:
    found: dict[str, Any] = browser.get(f"/dashboard/t/{trace_id}.json").json()["trace"]
    return found


# -- rules -----------------------------------------------------------------------------------------
def test_a_rule_is_set_shown_and_removed(dev: Client, send: Sender) -> None:
    page = Page(change(dev, "admin/retention", condition="error:true", days="180"))
    assert "The rule is set: errors: 180 days." in page.text
    assert "/dashboard/?q=error%3Atrue" in page.links()
    assert audit(dev)[0] == ("set retention", "error:true: 180 days")
    trace_id = send(status="error")
    assert "(errors: 180 days)" in Page(dev.get(f"/dashboard/t/{trace_id}")).text
    assert twin(dev, trace_id)["kept_by"] == "errors: 180 days"
    change(dev, "admin/retention/remove", condition="error:true")
    assert rules_of() == []
    assert audit(dev)[0] == ("remove retention", "error:true")
    assert twin(dev, trace_id)["kept_by"] == "by an earlier rule; today rest: 90 days"


def test_asking_sets_nothing(dev: Client) -> None:
    dev.post("/dashboard/admin/retention", {"condition": "error:true", "days": "180"})
    dev.post("/dashboard/admin/retention/rest", {"days": "1"})
    assert rules_of() == []
    assert retention.read_retention("dev", now_ns=time.time_ns()).rest_days == 90


@pytest.mark.parametrize(
    ("condition", "days", "said"),
    [
        ("error:true", "0", "days: write a whole number from 1 to 3650, or forever."),
        ("error:true", "99999", "days: write a whole number from 1 to 3650, or forever."),
        ("refund", "30", "condition: words alone are no rule"),
        ("color:red", "30", "color: is no filter"),
        ("<b>", "30", "condition:"),
    ],
)
def test_a_rule_that_is_none_is_refused_by_field_and_limit(
    dev: Client, condition: str, days: str, said: str
) -> None:
    name, told = wrong_field(refusal(dev, "admin/retention", condition=condition, days=days))
    assert said in told
    assert name == ("days" if said.startswith("days") else "condition")
    assert rules_of() == []


def test_a_project_has_at_most_twenty_rules(dev: Client) -> None:
    for number in range(20):
        retention.set_rule("dev", condition=f"tag:t{number}", days="9", now_ns=1)
    _, told = wrong_field(refusal(dev, "admin/retention", condition="tag:more", days="9"))
    assert "condition: a project has at most 20 rules" in told
    change(dev, "admin/retention", condition="tag:t3", days="8")
    assert len(rules_of()) == 20


def test_the_rest_is_set_and_goes_back_to_the_setting(dev: Client, send: Sender) -> None:
    change(dev, "admin/retention/rest", days="7")
    assert twin(dev, send())["kept_by"] == "7 days"
    page = Page(change(dev, "admin/retention/rest", days=""))
    assert "The rest is kept 90 days, as the setting says." in page.text
    assert twin(dev, send())["kept_by"] == "90 days"


def test_who_may_only_read_changes_nothing(dev: Client, other: Client, send: Sender) -> None:
    trace_id = send()
    reading = reader(dev, other)
    for place, fields in (
        ("admin/retention", {"condition": "error:true", "days": "1"}),
        ("admin/erase", {"kind": "trace", "id": trace_id}),
        ("actions", {"action": "pin", "selected": trace_id}),
    ):
        answer = reading.post(f"/dashboard/{place}", fields | {"confirmed": "yes"}, follow=True)
        assert "may only read" in Page(answer).text
    assert rules_of() == []
    assert not twin(dev, trace_id)["is_pinned"]
    shown = Page(reading.get(f"/dashboard/t/{trace_id}"))
    assert [one for one in shown.find("button") if "data-pin" in one.attributes] == []
    assert [
        one
        for one in Page(reading.get("/dashboard/admin")).find("form")
        if "erase" in (one.get("action") or "")
    ] == []


def test_rules_are_the_projects_own(dev: Client) -> None:
    change(dev, "admin/retention", condition="error:true", days="180")
    assert rules_of("shop") == []


# -- pins ------------------------------------------------------------------------------------------
def test_a_trace_is_pinned_and_unpinned_from_its_page(dev: Client, send: Sender) -> None:
    trace_id = send()
    before = twin(dev, trace_id)
    page = Page(dev.get(f"/dashboard/t/{trace_id}"))
    button = next(one for one in page.find("button") if "data-pin" in one.attributes)
    assert (button.get("name"), button.get("value"), button.text) == ("action", "pin", "Pin")
    fields = {"selected": trace_id, "place": "trace"}
    answer = dev.post("/dashboard/actions", fields | {"action": "pin"})
    assert answer["Location"] == f"/dashboard/t/{trace_id}"
    page = Page(dev.get(answer["Location"]))
    assert "keptfor ever (pinned)" in [one.text for one in page.find("li")]
    assert page.find("em", "pinned")
    assert (twin(dev, trace_id)["is_pinned"], twin(dev, trace_id)["expires_at"]) == (True, None)
    assert audit(dev)[0] == ("pin traces", f"1 trace: {trace_id}")
    dev.post("/dashboard/actions", fields | {"action": "unpin"})
    assert twin(dev, trace_id)["is_pinned"]
    confirmed = fields | {"action": "unpin", "confirmed": "yes"}
    page = Page(dev.post("/dashboard/actions", confirmed, follow=True))
    assert "1 trace unpinned: kept until" in page.text
    assert twin(dev, trace_id) == before


def test_selected_traces_are_pinned_and_found(dev: Client, send: Sender) -> None:
    one, two, three = send(), send(), send()
    dev.post("/dashboard/actions", {"action": "pin", "selected": [one, two]})
    page = Page(dev.get("/dashboard/?q=pinned:true"))
    assert len(page.find("i", "i-pin")) >= 2
    found = dev.get("/dashboard/traces.json?q=pinned:true").json()["traces"]
    assert {(trace["trace_id"], trace["kept_by"]) for trace in found} == {(one, "pinned"), (two, "pinned")}
    rest = dev.get("/dashboard/traces.json?q=-pinned:true").json()["traces"]
    assert [trace["trace_id"] for trace in rest] == [three]


def test_unpinning_says_when_the_time_had_passed(dev: Client, send: Sender) -> None:
    trace_id = send(seconds_ago=80_000)
    curation.pin_trace("dev", trace_id, now_ns=time.time_ns())
    retention.set_rest("dev", days="1", now_ns=time.time_ns())
    page = Page(change(dev, "actions", action="unpin", selected=trace_id))
    assert "1 trace would have ended sooner by the rules: kept for one day." in page.text


def test_the_way_back_is_never_another_place(dev: Client) -> None:
    for selected in ("//evil.example", "https://evil.example", "x" * 32):
        fields = {"action": "pin", "selected": selected, "place": "trace", "back": "//evil.example"}
        assert dev.post("/dashboard/actions", fields)["Location"] == "/dashboard/"


# -- erasing ---------------------------------------------------------------------------------------
def test_a_user_is_erased_with_a_receipt(dev: Client, send: Sender) -> None:
    mine, theirs = send({}, user_id="ana <b>"), send(user_id="bo")
    question = Page(dev.post("/dashboard/admin/erase", {"kind": "user", "id": "ana <b>"}))
    assert "1 trace of it is stored" in question.text
    assert dev.get(f"/dashboard/t/{mine}").status_code == 200
    answer = change(dev, "admin/erase", kind="user", id="ana <b>")
    page = Page(answer)
    assert "1 trace, 2 spans" in page.text
    assert mine in page.text
    assert "ana" not in page.text.replace("Admin", "")
    assert page.breaches() == []
    assert dev.get(f"/dashboard/t/{mine}").status_code == 404
    assert dev.get(f"/dashboard/t/{theirs}").status_code == 200
    receipt = dev.get(answer.redirect_chain[-1][0] + ".json").json()
    assert (receipt["erasure"]["traces"], receipt["traces"][0]["trace_id"]) == (1, mine)
    assert audit(dev)[0][0] == "erase user"
    assert answer.redirect_chain[-1][0] in Page(dev.get("/dashboard/admin")).links()


def test_more_than_one_request_takes_is_gone_on_with(
    dev: Client, send: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        send(session_id="s")
    monkeypatch.setattr("traces_app.explorer.views.keeping.MAX_ERASE_S", 0.0)
    fields = {"kind": "session", "id": "s", "confirmed": "yes"}
    page = Page(dev.post("/dashboard/admin/erase", fields))
    assert "1 trace erased so far" in page.text
    assert "2 traces of it are stored now." in page.text
    send(session_id="s")
    told = {name: value for name, value in page.hidden_values().items() if name != "csrfmiddlewaretoken"}
    page = Page(dev.post("/dashboard/admin/erase", told))
    assert "2 traces of it are stored now. Going on erases these, also what came meanwhile." in page.text
    told["once"] = page.hidden_values().get("once", "")
    monkeypatch.undo()
    assert "4 traces, 4 spans" in Page(dev.post("/dashboard/admin/erase", told, follow=True)).text
    assert len(erasing.list_erasures("dev", now_ns=time.time_ns())) == 1


def test_what_cannot_be_erased_is_said(dev: Client) -> None:
    for fields, said in (
        ({"kind": "trace", "id": "nonsense"}, "32 hexadecimal digits"),
        ({"kind": "world", "id": "x"}, "kind: write one of"),
        ({"kind": "user", "id": ""}, "id: write the user"),
    ):
        assert said in Page(dev.post("/dashboard/admin/erase", fields, follow=True)).text
    assert "no such receipt" in Page(dev.get("/dashboard/admin/erasures/none", follow=True)).text
    assert dev.get("/dashboard/admin/erasures/none.json").status_code == 404


def test_a_receipt_is_its_projects_own(dev: Client, other: Client, send: Sender) -> None:
    receipt = erasing.erase("shop", "user", "ana", who="k", now_ns=time.time_ns())
    assert dev.get(f"/dashboard/admin/erasures/{receipt.erasure_id}.json").status_code == 404
    assert made_key(dev, "read")
