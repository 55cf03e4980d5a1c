from __future__ import annotations

import json
import re

from django.test import Client

from tests.builders import span_id
from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app.domain.span import Usage
from traces_app.explorer.pages.trace_list import PAGE_SIZE


def test_every_page_names_its_json_and_the_json_is_there(dev: Client, send: Sender) -> None:
    trace_id = send({}, tags=["a"])
    for address in (
        "/dashboard/",
        "/dashboard/?tag=a&range=7d",
        f"/dashboard/t/{trace_id}",
        f"/dashboard/t/{trace_id}/s/{span_id(2)}",
    ):
        response = dev.get(address)
        match = re.fullmatch(r'<([^>]+)>; rel="alternate"; type="application/json"', response["Link"])
        assert match, address
        head_links = [
            link.get("href") for link in Page(response).find("link") if link.get("rel") == "alternate"
        ]
        assert head_links == [match[1]]
        twin = dev.get(match[1])
        assert (twin.status_code, twin["Content-Type"]) == (200, "application/json")


def test_the_lists_json_has_the_same_traces_and_goes_on(dev: Client, send: Sender) -> None:
    for number in range(PAGE_SIZE + 3):
        send(name=f"n{number}", seconds_ago=100 - number, tags=["t"], usage=Usage(1, 2), kind="llm")
    first = dev.get("/dashboard/traces.json?tag=t").json()
    assert (first["project"], len(first["traces"]), first["traces"][0]["total_tokens"]) == (
        "dev",
        PAGE_SIZE,
        3,
    )
    assert first["traces"][0]["started_at"].endswith("Z")
    second = dev.get(first["next"]).json()
    assert ([trace["name"] for trace in second["traces"]], second["next"]) == (["n2", "n1", "n0"], None)


def test_a_traces_json_has_the_tree_and_a_spans_json_the_payload(dev: Client, send: Sender) -> None:
    trace_id = send({"name": "child", "input": {"q": "é"}}, metadata={"a": 1})
    trace = dev.get(f"/dashboard/t/{trace_id}.json").json()
    assert trace["trace"]["metadata"] == {"a": 1}
    assert [(row["name"], row["depth"]) for row in trace["spans"]][1] == ("child", 1)
    span = dev.get(f"/dashboard/t/{trace_id}/s/{span_id(2)}.json").json()
    assert span["input"] == {"q": "é"}
    assert span["start_ns"] // 10**9 > 10**9


def test_json_without_login_is_401_and_not_a_login_page(browser: Client) -> None:
    response = browser.get("/dashboard/traces.json")
    assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")


def test_wrong_questions_are_answered_with_what_is_wrong(dev: Client) -> None:
    assert "status" in dev.get("/dashboard/traces.json?status=odd").json()["detail"]
    assert "cursor" in dev.get("/dashboard/traces.json?cursor=odd").json()["detail"]
    assert dev.get("/dashboard/t/nothing.json").status_code == 404


def test_json_holds_what_no_utf_8_can(dev: Client, send: Sender) -> None:
    trace_id = send(name="nul and more \x1b\u202e", input="\x1b")
    assert json.loads(dev.get(f"/dashboard/t/{trace_id}/s/{span_id(1)}.json").content)["input"] == "\x1b"
