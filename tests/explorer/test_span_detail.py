from __future__ import annotations

import base64
from typing import Any

import pytest
from django.test import Client

from tests.builders import span_id
from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app.domain.span import Usage
from traces_app.explorer.pages.content import MAX_MESSAGES, content_of


def detail(browser: Client, trace_id: str, number: int = 1) -> Any:
    return browser.get(f"/dashboard/t/{trace_id}/s/{span_id(number)}").context["detail"]


def test_an_error_comes_with_type_message_traceback_and_causes(dev: Client, send: Sender) -> None:
    error = {
        "type": "ConnectTimeout",
        "message": "no answer in 5 s",
        "stacktrace": "Traceback ...",
        "causes": [{"type": "OSError", "message": "[Errno 110]"}],
    }
    shown = detail(dev, send(status="error", error=error)).error
    assert (shown.type, shown.message.text, shown.traceback[0].text) == (
        "ConnectTimeout",
        "no answer in 5 s",
        "Traceback ...",
    )
    assert [(cause.label, cause.value) for cause in shown.causes] == [("OSError", "[Errno 110]")]


def test_a_status_of_error_without_an_error_says_that_none_was_sent(dev: Client, send: Sender) -> None:
    assert "No message was sent" in detail(dev, send(status="error")).error.message.text


def tried(browser: Client, trace_id: str, number: int = 2) -> str:
    page = Page(browser.get(f"/dashboard/t/{trace_id}/s/{span_id(number)}?pane=1"))
    return " ".join(found.text for found in page.find("p", "attempts"))


def fails(given: Any) -> dict[str, Any]:
    return {"kind": "tool", "name": "fetch", "status": "error", "input": given}


def test_a_failure_names_its_other_attempts(dev: Client, send: Sender) -> None:
    again = fails({"url": "/a"}) | {"status": "ok"}
    trace_id = send(fails({"url": "/a"}), fails({"url": "/b"}), again)
    assert tried(dev, trace_id).startswith("Tried 2 times with this input:")
    assert tried(dev, trace_id, 3) == ""


@pytest.mark.parametrize("nothing", [None, "", {}, [], {"args": [], "kwargs": {}}])
def test_what_was_given_nothing_is_not_taken_for_tried_again(dev: Client, send: Sender, nothing: Any) -> None:
    assert tried(dev, send(fails(nothing), fails(nothing))) == ""


def test_attempts_that_are_not_all_compared_are_said_to_be_more(dev: Client, send: Sender) -> None:
    assert tried(dev, send(*[fails("x")] * 20)).startswith("Tried 20 times with")
    trace_id = send(*[fails("x")] * 25)
    for number in (2, 26):
        assert tried(dev, trace_id, number).startswith("Tried 20 or more times with")


def test_tokens_are_listed_with_their_parts(dev: Client, send: Sender) -> None:
    usage = Usage(1000, 200, cache_read_tokens=750, reasoning_tokens=50)
    lines = detail(dev, send(kind="llm", model="gpt-4o-mini", usage=usage)).tokens
    assert [(line.label, line.tokens, line.is_part) for line in lines] == [
        ("Input", "1,000", False),
        ("from cache", "750", True),
        ("Output", "200", False),
        ("reasoning", "50", True),
    ]


def test_a_computed_cost_is_worked_out_and_a_reported_one_is_named(dev: Client, send: Sender) -> None:
    computed = detail(dev, send(kind="llm", model="gpt-4o-mini", usage=Usage(1000, 200))).cost
    assert computed.source == "computed from the price table"
    assert [(line.label, line.tokens) for line in computed.lines] == [("input", "1,000"), ("output", "200")]
    reported = detail(dev, send(kind="llm", cost_usd=0.5)).cost
    assert (reported.total, reported.source) == ("$0.5000", "sent by the client")


def test_a_call_of_an_unknown_model_costs_unknown(dev: Client, send: Sender) -> None:
    shown = detail(dev, send(kind="llm", model="nobody-knows-it", usage=Usage(10, 5)))
    assert shown.cost is None
    assert {fact.label: fact.value for fact in shown.facts}["Cost"] == "unknown"


def test_chat_messages_are_rendered_for_people(dev: Client, send: Sender) -> None:
    trace_id = send(
        kind="llm",
        input=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}],
        output={
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "function": {"name": "weather", "arguments": '{"city": "Delft"}'}}],
        },
    )
    shown = detail(dev, trace_id)
    assert [message.role for message in shown.input.last] == ["system", "user"]
    call = shown.output.last[0].parts[0]
    assert (call.kind, call.label, call.call_id, call.text.text) == (
        "tool_call",
        "weather",
        "c1",
        '{\n  "city": "Delft"\n}',
    )
    assert "Be brief." in Page(dev.get(f"/dashboard/t/{trace_id}")).text


def test_the_middle_of_a_long_chat_is_folded(dev: Client, send: Sender) -> None:
    messages = [{"role": "user", "content": f"message {number}"} for number in range(40)]
    shown = detail(dev, send(input=messages)).input
    assert (len(shown.first), len(shown.middle), len(shown.last)) == (1, 33, 6)
    assert shown.last[-1].parts[0].text.text == "message 39"


def test_a_chat_too_long_for_a_page_says_what_it_left_out() -> None:
    messages = [{"role": "user", "content": str(number)} for number in range(MAX_MESSAGES + 5)]
    shown = content_of("input", messages, whole_address="/whole")
    assert len(shown.first) + len(shown.middle) + len(shown.last) == MAX_MESSAGES
    assert shown.note.startswith("5 messages")


def test_pictures_are_shown_only_from_the_trace_itself(dev: Client, send: Sender) -> None:
    picture = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    addresses = (
        picture,
        "https://tracker.example/x.png",
        "data:image/svg+xml;base64,AAAA",
        "javascript:alert(1)",
    )
    parts = [{"type": "image_url", "image_url": {"url": address}} for address in addresses]
    trace_id = send(input=[{"role": "user", "content": parts}])
    page = Page(dev.get(f"/dashboard/t/{trace_id}"))
    assert [image.get("src") for image in page.find("img")] == [picture]
    assert "Not loaded from elsewhere: https://tracker.example/x.png" in page.text


def test_what_was_not_sent_is_named(dev: Client, send: Sender) -> None:
    trace_id = send(metadata={"a": 1})
    page = Page(dev.get(f"/dashboard/t/{trace_id}"))
    assert [absent.text for absent in page.find("p", "absent")] == ["Not sent.", "Not sent."]
    assert "Not sent: tool, documents, prompt, parameters, scores, attributes, events." in page.text


def test_everything_else_a_span_holds_is_shown(dev: Client, send: Sender) -> None:
    trace_id = send(
        parameters={"temperature": 0.25},
        tool={"name": "the_tool"},
        documents=[{"id": "doc-1"}],
        prompt={"name": "greeting", "version": "3"},
        scores=[{"name": "correct", "value": 0.75}],
        attributes={"odd.key": "odd value"},
        time_to_first_token_ms=4.5,
        provider="the-provider",
    )
    text = Page(dev.get(f"/dashboard/t/{trace_id}")).text
    for expected in (
        "0.25",
        "the_tool",
        "doc-1",
        "greeting",
        "0.75",
        "odd.key",
        "odd value",
        "4.5 ms",
        "the-provider",
    ):
        assert expected in text, expected


def test_five_megabytes_are_cut_in_the_page_and_whole_beside_it(dev: Client, send: Sender) -> None:
    text = "é" + "x" * 5_000_000
    trace_id = send(input=text, output={"blob": text, "more": text})
    response = dev.get(f"/dashboard/t/{trace_id}")
    assert len(response.content) < 200_000
    assert "The first 20,000 characters of 5.0 MB." in Page(response).text
    whole = dev.get(f"/dashboard/t/{trace_id}/s/{span_id(1)}/input.txt")
    assert whole.content.decode() == text
    assert whole["Content-Type"] == "text/plain; charset=utf-8"
    assert whole["X-Content-Type-Options"] == "nosniff"
    assert whole["Content-Disposition"].startswith("attachment;")


def test_many_texts_share_the_room_of_a_page(dev: Client, send: Sender) -> None:
    trace_id = send(input=[{"role": "user", "content": "y" * 100_000} for _ in range(150)])
    assert len(dev.get(f"/dashboard/t/{trace_id}").content) < 700_000


def test_only_known_fields_that_hold_something_can_be_taken_away(dev: Client, send: Sender) -> None:
    trace_id = send(input="here")
    for field, status in {"input": 200, "output": 404, "__class__": 404, "name": 404}.items():
        assert dev.get(f"/dashboard/t/{trace_id}/s/{span_id(1)}/{field}.txt").status_code == status, field


def test_odd_values_are_shown_and_not_fallen_over(dev: Client, send: Sender) -> None:
    nested: Any = "deep"
    for _ in range(150):
        nested = [nested]
    for value in (
        0,
        False,
        "",
        [],
        {},
        [1, "a", None],
        nested,
        {"n": 2**63},
        [{"role": 1}],
        {"choices": [None]},
        [[]],
    ):
        trace_id = send(input=value, output=value, metadata={"value": value})
        assert dev.get(f"/dashboard/t/{trace_id}").status_code == 200, value


def test_sound_can_be_heard_and_files_are_named_when_they_came_with_the_trace(
    dev: Client, send: Sender
) -> None:
    content = [
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "file", "file": {"filename": "bill.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": '"><script>', "format": "wav"}},
    ]
    trace_id = send({"kind": "llm", "input": [{"role": "user", "content": content}]})
    response = dev.get(f"/dashboard/t/{trace_id}/s/{span_id(2)}?pane=1")
    html = response.content.decode()
    assert '<audio controls preload="none" src="data:audio/wav;base64,UklGRg=="></audio>' in html
    assert "<b>bill.pdf</b> application/pdf, " in html
    assert html.count("<audio") == 1
    assert "<script" not in html
    assert "media-src data:" in response["Content-Security-Policy"]


def test_scores_and_events_stand_under_their_names(dev: Client, send: Sender) -> None:
    trace_id = send(
        {
            "scores": [
                {
                    "name": "tone",
                    "value": 0.25,
                    "source": "human",
                    "by": "bo",
                    "comment": "too stiff",
                    "k": [1],
                },
                {"name": "tone", "label": "cold"},
                *[{"name": f"s{number}"} for number in range(70)],
            ],
            "start_ns": 10**18,
            "events": [
                {"name": "retry", "time_ns": 10**18 + 5 * 10**6, "attributes": {"attempt": 2}},
                {"name": "no time"},
            ],
        }
    )
    sections = {section.title: section.fields for section in detail(dev, trace_id, 2).sections}
    scores = [(field.name, field.text.text) for field in sections["Scores"]]
    assert scores[0] == ("tone", '0.25 · human · bo\ntoo stiff\n{\n  "k": [\n    1\n  ]\n}')
    assert scores[1] == ("tone", "cold")
    assert (len(scores), scores[-1]) == (61, ("…", "12 more"))
    assert [field.name for field in sections["Events"]] == ["retry, after 5.0 ms", "no time"]
    assert '"attempt": 2' in sections["Events"][0].text.text
