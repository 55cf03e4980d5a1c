from __future__ import annotations

from django.test import Client

from tests.builders import span_id
from tests.explorer.conftest import Sender
from tests.explorer.pages import Page


def score(browser: Client, trace_id: str, number: int = 2, **fields: str) -> str:
    address = f"/dashboard/t/{trace_id}/s/{span_id(number)}/score"
    values = {"name": "quality", "value": "0.5", "comment": ""} | fields
    return Page(browser.post(address, values, follow=True)).text


def listed(browser: Client) -> dict[str, float]:
    found: dict[str, float] = browser.get("/dashboard/traces.json").json()["traces"][0]["scores"]
    return found


def test_a_score_stands_in_the_span_and_the_list_and_the_last_word_holds(dev: Client, send: Sender) -> None:
    trace_id = send({"name": "call", "scores": [{"name": "quality", "value": 0.1}]})
    assert "The score is saved." in score(dev, trace_id, value="0.2", comment="too short")
    score(dev, trace_id, value="0.9")
    score(dev, trace_id, name="tone", value="kind")
    span = dev.get(f"/dashboard/t/{trace_id}/s/{span_id(2)}.json").json()
    assert [(one["name"], one.get("value", one.get("label"))) for one in span["scores"]] == [
        ("quality", 0.9),
        ("tone", "kind"),
        ("quality", 0.1),
    ]
    assert listed(dev) == {"quality": 0.9}
    trace = dev.get(f"/dashboard/t/{trace_id}.json").json()["trace"]
    assert (trace["status"], trace["span_count"]) == ("ok", 2)


def test_a_score_changes_no_duration_and_is_written_down(dev: Client, send: Sender) -> None:
    trace_id = send({"name": "call"})
    before = dev.get(f"/dashboard/t/{trace_id}.json").json()["trace"]["duration_ms"]
    score(dev, trace_id)
    assert dev.get(f"/dashboard/t/{trace_id}.json").json()["trace"]["duration_ms"] == before
    assert "score span" in Page(dev.get("/dashboard/admin/audit")).text


def test_what_is_no_score_is_named(dev: Client, send: Sender) -> None:
    trace_id = send({"name": "call"})
    for fields, said in (
        ({"name": " "}, "needs a name"),
        ({"value": ""}, "needs a number"),
        ({"value": "nan"}, "finite number"),
        ({"value": "1_000"}, "digits 0 to 9"),
        ({"value": "\u0663"}, "digits 0 to 9"),
        ({"comment": "x" * 2001}, "at most 2000"),
    ):
        assert said in score(dev, trace_id, **fields)
    assert (
        dev.post(f"/dashboard/t/{trace_id}/s/{span_id(9)}/score", {"name": "a", "value": "1"}).status_code
        == 404
    )
