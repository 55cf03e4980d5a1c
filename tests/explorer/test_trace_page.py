from __future__ import annotations

from typing import Any

from django.test import Client

from tests.builders import span_id
from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app.domain.span import Usage
from traces_app.explorer.pages.tree_rows import ROWS_PER_PAGE


def opened(browser: Client, trace_id: str, rest: str = "") -> Any:
    response = browser.get(f"/dashboard/t/{trace_id}{rest}")
    assert response.status_code == 200
    return response.context["page"]


def facts(page: Any) -> dict[str, str]:
    return {fact.label: fact.value for fact in page.facts}


def test_the_header_gives_the_totals(dev: Client, send: Sender) -> None:
    usage = Usage(1000, 200, cache_read_tokens=750)
    trace_id = send(
        {"kind": "llm", "model": "gpt-4o-mini", "usage": usage},
        {"kind": "tool", "status": "error", "error": {"type": "Timeout"}},
        name="run",
        user_id="ana",
        environment="prod",
        release="7",
        tags=["vip"],
        metadata={"tenant": "acme"},
    )
    page = opened(dev, trace_id)
    assert facts(page) | {"Cost": ""} == {
        "Duration": "252 ms",
        "In models": "99 %",
        "LLM calls": "1",
        "Tokens": "1,000 → 200",
        "Cost": "",
        "Spans": "3",
        "Errors": "1",
    }
    assert {fact.label: fact.note for fact in page.facts}["Tokens"] == "75 % cached"
    assert [(label.label, label.value) for label in page.labels][:3] == [
        ("user", "ana"),
        ("environment", "prod"),
        ("release", "7"),
    ]
    assert '"tenant": "acme"' in page.metadata.text


def test_the_error_count_leads_to_where_it_broke_first(dev: Client, send: Sender) -> None:
    trace_id = send(
        {"name": "passes it on", "status": "error"},
        {"name": "broke", "status": "error", "parent_span_id": span_id(2)},
        status="error",
    )
    errors = next(fact for fact in opened(dev, trace_id).facts if fact.label == "Errors")
    response = dev.get(errors.address.partition("#")[0])
    assert response.context["detail"].name == "broke"


def test_rows_come_in_tree_order_with_their_depth(dev: Client, send: Sender) -> None:
    trace_id = send({"name": "a"}, {"name": "a1", "parent_span_id": span_id(2)}, {"name": "b"}, name="root")
    rows = opened(dev, trace_id).rows
    assert [(row["name"], row["classes"].split()[1]) for row in rows] == [
        ("root", "d0"),
        ("a", "d1"),
        ("a1", "d2"),
        ("b", "d1"),
    ]


def test_bars_stand_where_and_as_long_as_their_spans(dev: Client, send: Sender) -> None:
    start_ns = 1_000_000_000
    trace_id = send(
        {"start_ns": start_ns + 250, "end_ns": start_ns + 750},
        start_ns=start_ns,
        end_ns=start_ns + 1000,
    )
    root, child = opened(dev, trace_id).rows
    assert (root["x"], root["width"], root["self_width"]) == ("0.00%", "100.00%", "50.00%")
    assert (child["x"], child["width"], child["self_width"]) == ("25.00%", "50.00%", "")


def test_orphans_and_cycles_are_shown_once_and_marked(dev: Client, send: Sender) -> None:
    trace_id = send(
        {"name": "cycle a", "parent_span_id": span_id(3)},
        {"name": "cycle b", "parent_span_id": span_id(2)},
        {"name": "orphan", "parent_span_id": "00000000000000aa"},
    )
    page = opened(dev, trace_id)
    assert sorted(row["name"] for row in page.rows)[:3] == ["cycle a", "cycle b", "orphan"]
    assert [row["note"] for row in page.rows if row["name"] == "orphan"] == ["parent missing"]
    assert any("parent that never came" in note for note in page.notes)


def test_losses_are_told_as_so_many_of_so_many(dev: Client, send: Sender) -> None:
    page = opened(dev, send({}, dropped={"queue_full": 3}))
    assert page.notes == ["2 of 5 spans, 3 dropped: queue full"]


def test_spans_are_counted_of_those_there_were(dev: Client, send: Sender) -> None:
    page = Page(dev.get(f"/dashboard/t/{send({}, dropped={'queue_full': 3})}"))
    (spans,) = [one.text for one in page.find("div", "lost")]
    assert spans == "Spans 2 of 5"


def test_the_header_names_the_prompt(dev: Client, send: Sender) -> None:
    prompt = {"name": "greeting", "version": "3", "template": "Hello {name}"}
    trace_id = send({"kind": "llm", "prompt": prompt})
    send({"kind": "llm", "prompt": prompt | {"version": "4"}})
    label = next(one for one in opened(dev, trace_id).labels if one.label == "prompt")
    assert label.value == "greeting 3"
    listed = Page(dev.get(label.address)).text
    assert trace_id in dev.get(label.address).content.decode()
    assert "1 trace" in listed
    assert "greeting" not in Page(dev.get(f"/dashboard/t/{send({'kind': 'llm'})}")).text


def test_rows_show_scores_without_javascript(dev: Client, send: Sender) -> None:
    trace_id = send({"kind": "tool", "scores": [{"name": "quality", "value": 0.5}]})
    page = Page(dev.get(f"/dashboard/t/{trace_id}?view=tree"))
    assert [chips.text for chips in page.find("span", "scores")] == ["quality 0.5"]


def test_a_trace_without_root_says_so(dev: Client, send: Sender) -> None:
    assert "root was not received" in opened(dev, send(parent_span_id="00000000000000aa")).notes[0]


def test_a_running_span_reaches_to_the_right_edge(dev: Client, send: Sender) -> None:
    row = opened(dev, send(status="pending", end_ns=None)).rows[0]
    assert (row["width"], row["duration"], row["note"]) == ("100.00%", "\N{EN DASH}", "running")


def test_a_span_page_opens_that_span(dev: Client, send: Sender) -> None:
    trace_id = send({"name": "the second"})
    response = dev.get(f"/dashboard/t/{trace_id}/s/{span_id(2)}")
    assert response.context["detail"].name == "the second"
    current = [link for link in Page(response).find("a", "row") if link.get("aria-current")]
    assert [link.get("id") for link in current] == [span_id(2)]


def test_the_pane_alone_is_a_fragment(dev: Client, send: Sender) -> None:
    trace_id = send({"name": "the second"})
    response = dev.get(f"/dashboard/t/{trace_id}/s/{span_id(2)}?pane=1")
    assert "the second" in response.content.decode()
    assert "<html" not in response.content.decode()


def test_a_large_trace_comes_in_pages_of_rows(dev: Client, send: Sender) -> None:
    children = [{"name": f"step {number}"} for number in range(2 * ROWS_PER_PAGE)]
    trace_id = send(*children)
    first = opened(dev, trace_id)
    assert (len(first.rows), first.rows_shown) == (ROWS_PER_PAGE, "1 to 40 of 81")
    second = opened(dev, trace_id, first.later_rows_address)
    assert second.rows[0]["name"] == f"step {ROWS_PER_PAGE - 1}"
    last = opened(dev, trace_id, second.later_rows_address)
    assert (len(last.rows), last.later_rows_address) == (1, "")
    with_span = opened(dev, trace_id, f"/s/{span_id(70)}")
    assert span_id(70) in [row["id"] for row in with_span.rows]
    for odd in ("0", "99", "-1", "x", "9" * 400, "²"):
        assert opened(dev, trace_id, f"?rows={odd}").rows[0]["name"] == first.rows[0]["name"]


def test_another_projects_trace_is_not_found(dev: Client, send: Sender) -> None:
    trace_id = send(project="shop", name="secret")
    for rest in (
        "",
        f"/s/{span_id(1)}",
        ".json",
        f"/s/{span_id(1)}.json",
        f"/s/{span_id(1)}/input.txt",
        "/download",
    ):
        response = dev.get(f"/dashboard/t/{trace_id}{rest}")
        assert response.status_code == 404, rest
        assert "secret" not in response.content.decode()


def test_a_span_that_is_not_there_is_not_found(dev: Client, send: Sender) -> None:
    trace_id = send()
    assert dev.get(f"/dashboard/t/{trace_id}/s/{span_id(9)}").status_code == 404
    assert dev.get(f"/dashboard/t/{trace_id}/s/{span_id(9)}?pane=1").status_code == 404


def test_who_has_the_other_key_too_is_shown_the_way(dev: Client, send: Sender) -> None:
    dev.post("/dashboard/login", {"key": "project-shop"})
    dev.post("/dashboard/project", {"project": "dev"})
    trace_id = send(project="shop", name="found it")
    missing = dev.get(f"/dashboard/t/{trace_id}")
    assert missing.status_code == 404
    found = dev.get(f"/dashboard/t/{trace_id}{Page(missing).link('shop')}")
    assert "found it" in Page(found).text
