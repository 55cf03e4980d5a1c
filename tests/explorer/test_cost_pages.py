from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.explorer.conftest import Sender, log_in
from tests.explorer.pages import Page
from traces_app.domain.span import Usage

CALL = {"kind": "llm", "model": "gpt-4o", "usage": Usage(1000, 200), "cost_usd": 0.25}


def test_the_bill_says_what_it_would_cost_and_leaves_models_apart(dev: Client, send: Sender) -> None:
    send(CALL, seconds_ago=1)
    send(seconds_ago=1)
    response = dev.get("/dashboard/cost")
    page, text = response.context["page"], Page(response).text
    assert "would cost on AWS" in text
    assert "us-east-1" in text
    assert [line.name for line in page.lines] == ["Writes", "Reads", "Storage", "Lambda"]
    assert page.lines[0].used.endswith("units")
    assert dict(page.tiles)["Traces"] == "2"
    assert dict(page.models)["So far"] == "$0.2500"
    assert not any("0.25" in value for _, value in page.tiles)


def test_the_bill_counts_pages_and_requests_that_were_answered_before(dev: Client, send: Sender) -> None:
    send(seconds_ago=1)
    for _ in range(5):
        dev.get("/dashboard/")
    send(seconds_ago=1)
    used = dev.get("/dashboard/cost.json").json()["projects"][0]["used"]
    assert used["requests"] >= 5
    assert used["work_us"] > 0
    assert used["read_halves"] >= 10


def test_only_projects_the_visitor_may_see_are_in_the_table(browser: Client, send: Sender) -> None:
    send(seconds_ago=1)
    send(project="shop", seconds_ago=1)
    log_in(browser, "project-dev")
    assert browser.get("/dashboard/cost").context["page"].projects == []
    answer = browser.get("/dashboard/cost.json").json()
    assert [one["project"] for one in answer["projects"]] == ["dev"]
    log_in(browser, "project-shop")
    names = [line.name for line in browser.get("/dashboard/cost").context["page"].projects]
    assert names == ["dev", "shop"]


def test_earlier_months_can_be_chosen_and_wrong_ones_are_named(dev: Client, send: Sender) -> None:
    send(seconds_ago=1)
    months = dev.get("/dashboard/cost").context["page"].months
    earlier = dev.get("/dashboard/cost" + months[1].address).context["page"]
    assert (earlier.is_over, dict(earlier.tiles)["Traces"]) == (True, "0")
    assert "month: write it as 2026-11" in Page(dev.get("/dashboard/cost?month=odd")).text
    assert "month: 2099-01 has not begun" in Page(dev.get("/dashboard/cost?month=2099-01")).text
    assert dev.get("/dashboard/cost.json?month=odd").status_code == 400


def test_the_json_has_the_lines_and_the_days(dev: Client, send: Sender) -> None:
    send(CALL, seconds_ago=1)
    answer = dev.get("/dashboard/cost.json").json()
    assert answer["would"] is True
    bill = answer["projects"][0]
    parts = [bill["spent"][f"{name}_usd"] for name in ("writes", "reads", "storage", "lambda")]
    assert bill["spent"]["total_usd"] == pytest.approx(sum(parts))
    assert sum(day["spent"]["total_usd"] for day in bill["days"]) == pytest.approx(bill["spent"]["total_usd"])
    assert bill["models"]["cost_usd"] == 0.25
    assert bill["forecast"]["total_usd"] >= bill["spent"]["total_usd"]


def test_a_region_without_prices_is_said_and_units_are_still_there(
    dev: Client, send: Sender, settings: Any
) -> None:
    settings.AWS_REGION = "mars-north-1"
    trace = send(seconds_ago=1)
    for address in ("/dashboard/cost", f"/dashboard/t/{trace}/receipt"):
        assert "no prices of it are known here" in Page(dev.get(address)).text
    answer = dev.get("/dashboard/cost.json").json()
    assert answer["projects"][0]["spent"] is None
    assert answer["projects"][0]["used"]["write_units"] > 0


def test_the_receipt_names_bytes_units_spans_and_expiry(dev: Client, send: Sender) -> None:
    trace = send({"name": "<b>big</b>", "input": "x" * 5000}, seconds_ago=1)
    assert f"/dashboard/t/{trace}/receipt" in dev.get(f"/dashboard/t/{trace}").content.decode()
    response = dev.get(f"/dashboard/t/{trace}/receipt")
    page = response.context["page"]
    assert page.biggest[0].name == "<b>big</b>"
    assert "<b>big" not in response.content.decode()
    assert page.expires is not None
    answer = dev.get(f"/dashboard/t/{trace}/receipt.json").json()
    assert answer["write_units"] >= 2
    assert answer["raw_bytes"] > 5000 > answer["stored_bytes"]
    assert answer["paid"]["writes_usd"] == answer["write_units"] * 0.625e-6
    assert response.headers["Link"].startswith(f"</dashboard/t/{trace}/receipt.json>")


def test_a_receipt_of_what_is_not_there(dev: Client) -> None:
    assert dev.get(f"/dashboard/t/{'f' * 32}/receipt").status_code == 404
    assert dev.get(f"/dashboard/t/{'f' * 32}/receipt.json").status_code == 404
