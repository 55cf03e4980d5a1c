"""The list's search field, scopes, presets, choices, strip and completions, as the page has them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from django.test import Client

from tests.builders import span_id
from tests.domain.test_tool_calls import ASKED
from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app.domain.span import Usage
from traces_app.explorer.formats import UNKNOWN
from traces_app.explorer.views import traces as views
from traces_app.explorer.visible import as_typed


def page_at(browser: Client, query: str = "") -> Any:
    response = browser.get(f"/dashboard/{query}")
    assert response.status_code == 200, query
    return response.context["page"]


def names(browser: Client, search: str, more: str = "") -> list[str]:
    return sorted(line.name for line in page_at(browser, f"?q={quote(search)}{more}").lines)


def test_words_and_conditions_ask_together(dev: Client, send: Sender) -> None:
    send(name="chat", input="where is my refund?", tags=["vip"], environment="prod")
    send(name="refund job", tags=["batch"], status="error", environment="test")
    assert names(dev, "refund") == ["chat", "refund job"]
    assert names(dev, "refund -tag:batch") == ["chat"]
    assert names(dev, "env:prod,test error:false") == ["chat"]
    assert names(dev, 'name:"refund job"') == ["refund job"]


def test_what_is_wrong_with_a_search_is_said_and_stays_in_the_field(dev: Client, send: Sender) -> None:
    send(name="chat")
    page = Page(dev.get("/dashboard/?q=statsu:ok+chat"))
    assert "statsu: is no filter; did you mean status:?" in page.text
    field = next(element for element in page.find("input") if element.get("name") == "q")
    assert field.get("value") == "statsu:ok chat"
    assert dev.get("/dashboard/traces.json?q=statsu:ok").status_code == 400


def test_texts_of_spans_are_searched_and_the_page_says_how_far(dev: Client, send: Sender) -> None:
    send({"output": "the sprocket is out of stock"}, name="wanted")
    send(name="other")
    page = page_at(dev, "?q=" + quote('text:"out of STOCK"'))
    assert [line.name for line in page.lines] == ["wanted"]
    assert page.searched == "searched inside 2 traces of 2 traces"


def test_a_search_that_took_too_long_says_so_and_goes_on(
    dev: Client, send: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        send({"output": "needle" if number == 0 else "hay"}, name=f"n{number}", seconds_ago=100 - number)
    monkeypatch.setattr(views, "MAX_SEARCH_S", -1)
    page = Page(dev.get("/dashboard/?q=text:needle"))
    assert "searched inside 1 of 4 traces" in page.text
    assert "Nothing matches so far" in page.text
    monkeypatch.undo()
    assert [line.name for line in page_at(dev, page.link("Search on →")).lines] == ["n0"]


def test_any_span_scope_finds_what_the_trace_does_not_say(dev: Client, send: Sender) -> None:
    send({"name": "get_orders", "kind": "tool"}, name="chat")
    assert names(dev, "name:get_orders") == []
    assert names(dev, "name:get_orders kind:tool", "&scope=any") == ["chat"]
    page = page_at(dev, "?q=kind:tool&scope=any")
    assert [(scope.text, scope.is_current) for scope in page.scopes] == [("Trace", False), ("Any span", True)]
    assert parse_qs(page.scopes[0].address[1:]) == {"q": ["kind:tool"]}


def test_presets_ask_what_is_asked_often_and_take_it_back(dev: Client, send: Sender) -> None:
    send(name="bad", status="error")
    send(name="good")
    page = page_at(dev)
    preset = {one.text: one for one in page.presets}
    assert list(preset) == ["Failed span", "Slow", "Expensive", "Missed tool call", "Running"]
    errors = page_at(dev, preset["Failed span"].address)
    assert [line.name for line in errors.lines] == ["bad"]
    current = next(one for one in errors.presets if one.is_current)
    assert (current.text, current.address) == ("Failed span", "?")


def test_slow_and_expensive_are_the_highest_twentieth_of_what_is_there(dev: Client, send: Sender) -> None:
    for number in range(39):
        send(name=f"n{number}", kind="llm", usage=Usage(1, 1), cost_usd=0.001, seconds_ago=1000 - number)
    send(name="high", kind="llm", usage=Usage(1, 1), cost_usd=7.5)
    send(name="high too", kind="llm", usage=Usage(1, 1), cost_usd=7.0)
    send(name="high three", kind="llm", usage=Usage(1, 1), cost_usd=7.0)
    expensive = next(one for one in page_at(dev).presets if one.text == "Expensive")
    assert expensive.title == "More than $5"
    assert len(page_at(dev, expensive.address).lines) == 3


def test_low_scores_are_offered_where_there_are_scores(dev: Client, send: Sender) -> None:
    send(name="poor", scores=[{"name": "quality", "value": 0.2}, {"name": "label", "value": "odd"}])
    send(name="fine", scores=[{"name": "quality", "value": 0.9}])
    low = next(one for one in page_at(dev).presets if one.text == "Low score")
    assert [line.name for line in page_at(dev, low.address).lines] == ["poor"]


def test_choices_add_to_the_search_and_take_away(dev: Client, send: Sender) -> None:
    send(name="a b", tags=["x"], model="gpt-4o", kind="llm", environment="prod")
    send(name="a b c", tags=["x", "y"])
    page = page_at(dev, "?q=tag:x")
    choices = {choice.title: choice.links for choice in page.choices}
    exact = next(link for link in choices["Name"] if link.text == "a b")
    narrowed = page_at(dev, exact.address)
    assert [line.name for line in narrowed.lines] == ["a b"]
    again = next(choice.links for choice in narrowed.choices if choice.title == "Name")[0]
    assert (again.is_current, parse_qs(again.address[1:])) == (True, {"q": ["tag:x"]})
    assert page.counted == "of all 2 traces"


def test_the_strip_counts_what_began_and_its_bars_narrow_the_time(dev: Client, send: Sender) -> None:
    send(name="early", seconds_ago=3000, status="error")
    send(name="late", seconds_ago=100)
    strip = page_at(dev, "?range=1h").density
    assert (strip.label, len(strip.bars), strip.unseen_width) == ("2 traces, 1 with a failed span", 2, "")
    assert [line.name for line in page_at(dev, strip.bars[0].address).lines] == ["early"]
    assert strip.bars[0].error_height
    assert not strip.bars[1].error_height


def test_completions_are_values_that_were_seen(dev: Client, send: Sender) -> None:
    send(name="two words", tags=["vip"], user_id="ana", environment="\x1b[31m")
    offered = page_at(dev).completions
    assert {"tag:vip", 'name:"two words"', "user:ana", "status:error", "duration:"} <= set(offered)
    assert not any("\x1b" in offer for offer in offered)


def test_previews_first_token_and_errors_stand_in_the_line(dev: Client, send: Sender) -> None:
    send(
        {"kind": "llm", "time_to_first_token_ms": 321.0, "status": "error"},
        input="asked",
        output={"role": "assistant", "content": "said"},
    )
    line = page_at(dev).lines[0]
    assert (line.asked, line.said, line.first_token, line.errors) == ("asked", "said", "321 ms", "1")


def test_times_with_an_offset_are_understood(dev: Client, send: Sender) -> None:
    send(name="now")
    assert page_at(dev, "?from=2001-01-01T00:00%2B02:00").query.time.since_ns == 978_300_000 * 10**9
    assert page_at(dev, "?from=2001-01-01T00:00+02:00").query.time.since_ns == 978_300_000 * 10**9


def test_newer_traces_are_counted_for_the_pill(dev: Client, send: Sender) -> None:
    send(name="first", seconds_ago=50)
    address = page_at(dev).newer_json
    assert dev.get(address).json() == {"newer": 0}
    send(name="second", seconds_ago=5)
    assert dev.get(address).json() == {"newer": 1}
    assert page_at(dev, "?to=2099-01-01T00:00").newer_json == ""


def test_ten_thousand_tags_and_megabytes_do_not_make_the_list_heavy(dev: Client, send: Sender) -> None:
    send(name="n" * 5000, tags=[f"tag {number}" for number in range(10_000)], input="x" * 5_000_000)
    response = dev.get("/dashboard/")
    assert len(response.content) < 60_000
    assert len(page_at(dev).lines[0].tags) == 3


def test_earlier_links_keep_working(dev: Client, send: Sender) -> None:
    send(name="chat", tags=["a b"], user_id="ana")
    page = page_at(dev, "?tag=a+b&user=ana&q=chat&status=ok")
    assert [line.name for line in page.lines] == ["chat"]
    assert page.search_text == 'chat status:ok tag:"a b" user:ana'


def test_a_failed_span_and_a_failed_trace_are_counted_apart_and_by_their_names(
    dev: Client, send: Sender
) -> None:
    send({"status": "error", "error": {"message": "no"}}, name="ended well")
    page = page_at(dev)
    status = {link.text: link for link in page.choices[0].links}
    assert (status["ok"].count, status["error"].count, status["with a failed span"].count) == ("1", "", "1")
    assert page.density.label == "1 trace, 1 with a failed span"
    assert status["with a failed span"].address == "?q=error%3Atrue"
    chosen = page_at(dev, status["with a failed span"].address).choices[0].links[-1]
    assert (chosen.is_current, chosen.address) == (True, "?")


def test_words_that_no_list_knows_are_looked_for_inside_when_asked(dev: Client, send: Sender) -> None:
    trace_id = send({"name": "step", "output": "a needle in it"}, name="job", output="done")
    page = page_at(dev, "?q=needle+name:job")
    assert (page.lines, "Search inside" in Page(dev.get("/dashboard/?q=needle+name:job")).text) == ([], True)
    found = page_at(dev, page.inside_address)
    assert found.query.text == "text:needle name:job"
    assert [line.trace_id for line in found.lines] == [trace_id]
    assert page_at(dev, "?q=name:nobody").inside_address == ""


def test_the_error_of_a_failed_trace_stands_in_its_row_and_is_found(dev: Client, send: Sender) -> None:
    error = {"type": "TimeoutError", "message": "upstream 504"}
    send({"kind": "llm", "output": "partly"}, name="job", status="error", error=error, output=None)
    [line] = page_at(dev, "?q=upstream").lines
    assert line.said == "TimeoutError: upstream 504"


def test_a_call_of_a_tool_that_nothing_answered_is_found_by_a_preset(dev: Client, send: Sender) -> None:
    call = [{"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "weather"}}]}]
    send({"kind": "llm", "output": call, "model": "small"}, name="missed")
    send({"kind": "llm", "output": call}, {"kind": "tool", "tool": {"call_id": "c1"}}, name="answered")
    send({"kind": "llm", "output": call}, name="may still be answered", status="pending", end_ns=None)
    preset = next(one for one in page_at(dev).presets if one.text == "Missed tool call")
    page = page_at(dev, preset.address)
    assert [line.name for line in page.lines] == ["missed"]
    assert page.searched == "searched inside 2 traces of 3 traces"
    assert names(dev, "missed:true model:large", "&scope=any") == []
    assert page_at(dev, "?q=-missed:true").query.problems == [
        "missed: only finds traces with such a call, not those without one."
    ]


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_a_missed_call_is_found_and_its_page_shows_it(dev: Client, send: Sender, asked: Any) -> None:
    """The search and the page read the same calls in all shapes."""
    trace_id = send({"kind": "llm", "output": asked}, name="missed")
    (line,) = page_at(dev, "?q=missed:true").lines
    assert line.name == "missed"
    detail = dev.get(f"/dashboard/t/{trace_id}/s/{span_id(2)}?pane=1").context["detail"]
    parts = [part for message in detail.output.messages for part in message.parts]
    assert [(part.label, part.call_id) for part in parts if part.kind == "tool_call"] == [("weather", "c1")]


HOSTILE = "\x1b[31m\u202egnp\u200b"


def test_hidden_characters_of_a_search_are_named_in_the_field_and_still_found(
    dev: Client, send: Sender
) -> None:
    send(name=f"evil {HOSTILE}", tags=[HOSTILE])
    send(name="plain")
    response = dev.get(f"/dashboard/?q={quote(HOSTILE)}&range=1h")
    assert not set("\x1b\u202e\u200b") & set(response.content.decode())
    page = Page(response)
    typed = next(one.get("value") for one in page.find("input") if one.get("name") == "q" and one.get("id"))
    assert typed == "⟨ESC⟩[31m⟨U+202E⟩gnp⟨U+200B⟩"
    assert names(dev, typed) == [f"evil {typed}"]
    assert f"tag:{typed}" in page_at(dev).completions
    assert names(dev, f"tag:{typed}") == [f"evil {typed}"]


def test_a_lone_surrogate_of_a_search_keeps_its_name(dev: Client, send: Sender) -> None:
    send(name="one")
    page = page_at(dev, "?q=" + quote("⟨ESC⟩⟨U+D800⟩"))
    assert (page.search_text, page.lines) == ("⟨ESC⟩⟨U+D800⟩", [])


def test_only_names_of_hidden_characters_are_read_as_those() -> None:
    assert as_typed("⟨ESC⟩ ⟨U+202E⟩") == "\x1b \u202e"
    for kept in ("⟨U+0041⟩", "⟨ETX⟩", "⟨U+FFFFF⟩", "ESC"):
        assert as_typed(kept) == kept


def test_what_is_said_of_a_search_names_hidden_characters(dev: Client, send: Sender) -> None:
    send(name="one")
    problems = page_at(dev, "?q=" + quote('"\u202eopen')).query.problems
    assert problems == ["A quote is not closed: “⟨U+202E⟩open”."]


def test_spans_of_a_trace_that_just_began_are_unknown_not_none(dev: Client, send: Sender) -> None:
    send(status="pending", end_ns=None)
    assert page_at(dev).lines[0].spans == UNKNOWN
    send({"name": "done"}, status="pending", end_ns=None, seconds_ago=30)
    assert page_at(dev).lines[0].spans == "1"


def test_scores_stand_in_the_row_the_low_ones_marked(dev: Client, send: Sender) -> None:
    scores = [
        {"name": name, "value": value} for name, value in (("a\u202e", 0.2), ("b", 1), ("c", 7.25), ("d", 1))
    ]
    send(name="judged", scores=scores)
    line = page_at(dev).lines[0]
    assert [(one.name, one.value, one.is_low) for one in line.scores] == [
        ("a⟨U+202E⟩", "0.2", True),
        ("b", "1", False),
        ("c", "7.25", False),
    ]
    assert line.more_scores == "+1"
    assert "score a⟨U+202E⟩: 0.2" in dev.get("/dashboard/").content.decode()


def test_prompts_are_chosen_by_their_version(dev: Client, send: Sender) -> None:
    for version in (1, 2, 2):
        send({"kind": "llm", "prompt": {"name": "reply", "version": version}}, name=f"run {version}")
    choices = next(one for one in page_at(dev).choices if one.title == "Prompt")
    assert [(link.text, link.count) for link in choices.links] == [("reply 2", "2"), ("reply 1", "1")]
    page = page_at(dev, choices.links[1].address)
    assert [line.name for line in page.lines] == ["run 1"]
    assert names(dev, "prompt:reply") == ["run 1", "run 2", "run 2"]
    assert 'prompt:"reply 1"' in page.completions
