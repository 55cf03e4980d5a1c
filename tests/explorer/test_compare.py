from __future__ import annotations

import json
from typing import Any

from django.test import Client

from tests.builders import span_id
from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app.domain.span import Usage


def call(**fields: Any) -> dict[str, Any]:
    question = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}]
    return {
        "kind": "llm",
        "name": "chat",
        "model": "gpt-4o",
        "usage": Usage(100, 10),
        "input": question,
        "output": "It rains today",
        "parameters": {"temperature": 0.2},
    } | fields


def compared(browser: Client, first: str, second: str, rest: str = "") -> Any:
    response = browser.get(f"/dashboard/diff?a={first}&b={second}{rest}")
    assert response.status_code == 200
    return response.context["page"]


def test_what_changed_stands_on_top(dev: Client, send: Sender) -> None:
    prompt = [{"role": "system", "content": "Be long."}, {"role": "user", "content": "Weather?"}]
    first = send(call(), release="1")
    second = send(call(model="gpt-4o-mini", parameters={"temperature": 0.9}, input=prompt), release="2")
    changes = {change.label: change for change in compared(dev, first, second).changes}
    assert changes["Models"].values == ["gpt-4o", "gpt-4o-mini"]
    assert changes["Parameter temperature"].values == ["0.2", "0.9"]
    assert changes["Release"].values == ["1", "2"]
    pieces = changes["System prompt"].diff.pieces
    assert [(piece.kind, piece.text) for piece in pieces if piece.kind != "same"] == [
        ("removed", "brief"),
        ("added", "long"),
    ]


def test_spans_are_aligned_and_what_only_one_has_is_marked(dev: Client, send: Sender) -> None:
    first = send(call(), {"name": "old", "kind": "tool"}, call())
    second = send(call(), call(), {"name": "new", "kind": "tool"})
    rows = compared(dev, first, second).rows
    assert [(row.name, row.state) for row in rows][1:] == [
        ("chat", ""),
        ("old", "removed"),
        ("chat", ""),
        ("new", "added"),
    ]
    only = compared(dev, first, second, "&only=changed").rows
    assert [row.name for row in only] == ["old", "new"]


def test_the_chosen_pair_is_compared_word_by_word(dev: Client, send: Sender) -> None:
    first, second = send(call()), send(call(output="It snows today"))
    page = compared(dev, first, second)
    diffs = {diff.label: diff for diff in page.diffs}
    assert [(piece.kind, piece.text) for piece in diffs["Output"].pieces if piece.kind != "same"] == [
        ("removed", "rains"),
        ("added", "snows"),
    ]
    assert diffs["Input"].note == "The same in both."
    assert compared(dev, first, second, "&row=0").rows[0].is_selected


def test_three_traces_stand_side_by_side(dev: Client, send: Sender) -> None:
    ids = [send(call()), send(call(), {"name": "more"}), send(call())]
    page = compared(dev, ids[0], ids[1], f"&c={ids[2]}")
    assert [side.letter for side in page.sides] == ["A", "B", "C"]
    assert [[cell is not None for cell in row.cells] for row in page.rows] == [
        [True] * 3,
        [True] * 3,
        [False, True, False],
    ]


def test_one_trace_is_compared_with_the_last_good_run_of_its_name(dev: Client, send: Sender) -> None:
    send(name="nightly", seconds_ago=900)
    good = send(name="nightly", seconds_ago=600)
    send(name="nightly", status="error", seconds_ago=300)
    send(name="nightly report", seconds_ago=200)
    bad = send(name="nightly", status="error", seconds_ago=60)
    response = dev.get(f"/dashboard/diff?a={bad}")
    assert response.status_code == 302
    assert response["Location"] == f"/dashboard/diff?a={good}&b={bad}"


def test_without_a_good_run_the_page_asks_which(dev: Client, send: Sender) -> None:
    trace_id = send(name="first")
    page = Page(dev.get(f"/dashboard/diff?a={trace_id}"))
    assert "No earlier run" in page.text
    assert "Nothing to compare yet" in Page(dev.get("/dashboard/diff")).text


def test_a_trace_of_another_project_is_not_found(dev: Client, send: Sender) -> None:
    assert dev.get(f"/dashboard/diff?a={send()}&b={send(project='shop')}").status_code == 404


def test_compare_has_its_json(dev: Client, send: Sender) -> None:
    first, second = send(call()), send(call(model="o3"))
    response = dev.get(f"/dashboard/diff?a={first}&b={second}")
    assert f"/dashboard/diff.json?a={first}&b={second}" in response["Link"]
    found = dev.get(f"/dashboard/diff.json?a={first}&b={second}").json()
    assert found["changed"][0] == {"label": "Models", "values": ["gpt-4o", "o3"]}
    assert dev.get(f"/dashboard/diff.json?a={first}").status_code == 400


def test_odd_addresses_and_hostile_names_do_no_harm(dev: Client, send: Sender) -> None:
    evil = "<script>alert(1)</script>\x1b"
    first, second = send(call(name=evil, output=evil), name=evil), send(call(output="x"), name=evil)
    for rest in ("", "&row=999999", "&row=x&page=0", "&page=99999", "&row=²&ids=shown&only=changed"):
        response = dev.get(f"/dashboard/diff?a={first}&b={second}{rest}")
        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()
        assert Page(response).breaches() == []


def test_large_traces_are_shown_page_by_page(dev: Client, send: Sender) -> None:
    steps = [{"name": f"step {number}"} for number in range(250)]
    first, second = send(*steps), send(*steps[:-1])
    page = compared(dev, first, second)
    assert (len(page.rows), page.rows_shown) == (100, "1 to 100 of 251")
    last = compared(dev, first, second, "&page=3")
    assert (last.rows[-1].name, last.rows[-1].state, last.later_address) == ("step 249", "removed", "")
    assert span_id(1)


def test_json_is_compared_by_path_and_texts_in_it_by_word(dev: Client, send: Sender) -> None:
    before = {"city": "Oslo", "note": "rain in the morning", "id": "call_abcdef12", "n": 1}
    after = {"city": "Oslo", "note": "snow in the morning", "id": "call_98765432", "n": "1", "new": "\u202ex"}
    first = send({"name": "weather", "kind": "tool", "input": json.dumps(before), "output": before})
    second = send({"name": "weather", "kind": "tool", "input": json.dumps(after), "output": after})
    for diff in compared(dev, first, second, "&row=1").diffs:
        assert [(one.path, [tuple(piece) for piece in one.pieces]) for one in diff.paths] == [
            ("$.note", [("removed", "rain"), ("added", "snow"), ("same", " in the morning")]),
            ("$.n", [("removed", "1"), ("added", '"1"')]),
            ("$.new", [("added", "⟨U+202E⟩x")]),
        ]
    whole = compared(dev, first, second, "&row=1&ids=shown").diffs[0]
    assert "$.id" in [one.path for one in whole.paths]


def test_what_is_not_compared_is_said(dev: Client, send: Sender) -> None:
    same = "word " * 20_000
    first, second = (send(call(output=same + end)) for end in ("one", "two"))
    output = next(one for one in compared(dev, first, second).diffs if one.label == "Output")
    assert output.note == "No difference found. Only the first 60,000 characters of each are compared."
    first, second = (send(call(output={f"k{n}": n + add for n in range(150)})) for add in (0, 1))
    output = next(one for one in compared(dev, first, second).diffs if one.label == "Output")
    assert (len(output.paths), output.note) == (100, "Only the first 100 differences are shown.")
    first, second = send(call(output={"a": "x" * 3000})), send(call(output={"a": 1}))
    output = next(one for one in compared(dev, first, second).diffs if one.label == "Output")
    assert output.paths[0].pieces[0].text.endswith("x … 1,002 more characters")
    first, second = (send(call(output=[0] * 100_001 + [last])) for last in (0, 1))
    output = next(one for one in compared(dev, first, second).diffs if one.label == "Output")
    assert output.note == "No difference found. Only the first 60,000 characters of each are compared."


def test_of_more_than_two_the_words_of_any_are_held_against_the_first(dev: Client, send: Sender) -> None:
    ids = [send(call(output=f"It {words} today")) for words in ("rains", "snows", "thunders")]
    page = compared(dev, ids[0], ids[1], f"&c={ids[2]}")
    assert [(link.text, link.is_current) for link in page.others] == [("A and B", True), ("A and C", False)]
    page = dev.get(page.others[1].address).context["page"]
    assert page.others[1].is_current
    output = next(one for one in page.diffs if one.label == "Output")
    assert [piece.text for piece in output.pieces if piece.kind == "added"] == ["thunders"]
    assert "with=c" in page.rows[0].address
    assert compared(dev, ids[0], ids[1], "&with=c").others == []
    assert compared(dev, ids[0], ids[1], f"&c={ids[2]}&with=z").others[0].is_current


def test_many_times_as_much_is_said_in_times(dev: Client, send: Sender) -> None:
    first, second = (send(call(usage=Usage(count, 100))) for count in (10, 4815))
    tokens = {total.label: total.figures[1].delta for total in compared(dev, first, second).totals}
    assert tokens["Tokens in"] == "+4,805 (x482)"


def test_a_span_that_only_one_has_is_shown_whole(dev: Client, send: Sender) -> None:
    first = send(call(), {"name": "old", "kind": "tool", "output": {"found": "\x1bnothing"}})
    second = send(call())
    page = compared(dev, first, second, "&row=2")
    assert page.only_one == "Only A has this span."
    assert [(diff.label, diff.pieces[0].kind) for diff in page.diffs] == [("Output", "same")]
    assert "nothing" in page.diffs[0].pieces[0].text
    page = compared(dev, second, first, "&row=2")
    assert (page.only_one, len(page.diffs)) == ("Only B has this span.", 1)


def test_an_error_that_only_one_has_is_shown_field_by_field(dev: Client, send: Sender) -> None:
    error = {"type": "Timeout", "message": "too slow", "stacktrace": "line 1\nline 2"}
    first, second = send(call()), send(call(status="error", error=error))
    diff = next(one for one in compared(dev, first, second).diffs if one.label == "Error")
    assert {one.path: one.pieces[0].text for one in diff.paths} == {f"$.{key}": error[key] for key in error}
