"""Sessions as a list and as conversations; users with what they take and cost."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app.domain.span import Usage
from traces_app.explorer.pages.ranking import ROWS_A_PAGE
from traces_app.explorer.pages.replay import MAX_TURN_CHARACTERS, TURNS_A_PAGE

PAID = {"kind": "llm", "model": "gpt-4o", "usage": Usage(1000, 200), "cost_usd": 0.25}


def talk(send: Sender, session: str = "chat-1", **fields: object) -> None:
    send(
        PAID,
        name="first",
        input="Where is it?",
        output="On its way.",
        seconds_ago=300,
        session_id=session,
        **fields,
    )
    send(
        {
            "name": "get_orders",
            "kind": "tool",
            "status": "error",
            "error": {"type": "Timeout", "message": "10 s"},
        },
        name="second",
        input=[
            {"role": "system", "content": "Be kind"},
            {"role": "user", "content": "And the <b>invoice</b>?"},
        ],
        output={"role": "assistant", "content": "Sent."},
        seconds_ago=100,
        session_id=session,
        **fields,
    )


def test_a_session_is_listed_with_what_it_adds_up_to(dev: Client, send: Sender) -> None:
    talk(send, user_id="ana")
    send(name="no session")
    line = dev.get("/dashboard/sessions").context["page"].lines[0]
    assert (line.name, line.traces, line.errors, line.cost) == ("chat-1", "2", "1", "$0.2500")
    assert (line.owner.text, line.words, line.tokens) == ("ana", "And the <b>invoice</b>?", "1.0k → 200")


def test_a_session_reads_as_a_conversation_the_oldest_turn_first(dev: Client, send: Sender) -> None:
    talk(send)
    page = dev.get("/dashboard/session?id=chat-1").context["page"]
    assert [(turn.asked.text, turn.said.text) for turn in page.turns] == [
        ("Where is it?", "On its way."),
        ("And the <b>invoice</b>?", "Sent."),
    ]
    assert page.turns[1].tools == ["get_orders"]
    assert page.turns[1].error == "get_orders: Timeout: 10 s"
    assert dict(page.facts) == {
        "Traces": "2",
        "With a failed span": "1",
        "Tokens in → out": "1,000 → 200",
        "Cost": "$0.2500",
    }


def test_each_turn_leads_to_its_trace_and_markup_stays_text(dev: Client, send: Sender) -> None:
    talk(send)
    page = Page(dev.get("/dashboard/session?id=chat-1"))
    assert "And the <b>invoice</b>?" in page.text
    assert page.find("b") == []
    assert dev.get(page.link("first")).status_code == 200


def test_where_the_root_says_nothing_the_model_calls_speak(dev: Client, send: Sender) -> None:
    send(
        {"kind": "llm", "input": [{"role": "user", "content": "asked"}], "output": "one"},
        {"kind": "llm", "output": "two"},
        session_id="s",
    )
    turn = dev.get("/dashboard/session?id=s").context["page"].turns[0]
    assert (turn.asked.text, turn.said.text) == ("asked", "two")


def test_long_conversations_are_read_by_the_page_newest_first(dev: Client, send: Sender) -> None:
    for number in range(TURNS_A_PAGE + 3):
        send(name=f"n{number}", session_id="long", seconds_ago=1000 - number, input=f"turn {number}")
    newest = dev.get("/dashboard/session?id=long").context["page"]
    assert (newest.turns[-1].name, len(newest.turns), newest.later_address) == ("n22", TURNS_A_PAGE, "")
    earlier = dev.get("/dashboard/session" + newest.earlier_address).context["page"]
    assert [turn.name for turn in earlier.turns] == ["n0", "n1", "n2"]
    assert (earlier.earlier_address, earlier.shown) == ("", "turns 1 to 3 of 23")


def test_a_turn_of_megabytes_is_cut_and_says_so(dev: Client, send: Sender) -> None:
    send(session_id="big", input="x" * 5_000_000, output="\x1b[31m" + "y" * 10)
    response = dev.get("/dashboard/session?id=big")
    turn = response.context["page"].turns[0]
    assert len(turn.asked.text) == MAX_TURN_CHARACTERS
    assert turn.asked_note.startswith("The first 6,000 characters of 5.0 MB")
    assert turn.said.text.startswith("⟨ESC⟩[31m")
    assert len(response.content) < 60_000


@pytest.mark.parametrize("query", ["", "?id=", "?id=nothing", "?id=%00&page=99999999999"])
def test_a_session_that_is_not_there_says_what_may_be(dev: Client, query: str) -> None:
    response = dev.get(f"/dashboard/session{query}")
    assert response.status_code == 404
    assert "may have expired" in Page(response).text


def test_another_projects_sessions_and_users_are_not_seen(dev: Client, send: Sender) -> None:
    send(project="shop", session_id="secret", user_id="secret")
    assert dev.get("/dashboard/session?id=secret").status_code == 404
    for place in ("sessions", "users"):
        assert "secret" not in Page(dev.get(f"/dashboard/{place}")).text


def test_users_are_sorted_by_what_is_asked_and_found_by_a_part(dev: Client, send: Sender) -> None:
    send(PAID, user_id="ana", seconds_ago=500)
    send(user_id="bo", seconds_ago=100)
    send(user_id="bo", seconds_ago=90, status="error")

    def names(query: str) -> list[str]:
        return [line.name for line in dev.get(f"/dashboard/users{query}").context["page"].lines]

    assert names("") == ["bo", "ana"]
    assert names("?sort=cost") == ["ana", "bo"]
    assert names("?sort=errors") == ["bo", "ana"]
    assert names("?q=AN") == ["ana"]
    assert names("?sort=odd&range=odd&page=-1") == ["bo", "ana"]


def test_a_users_line_leads_to_the_users_traces(dev: Client, send: Sender) -> None:
    send(user_id="a&b", name="mine")
    send(user_id="other", name="not mine")
    address = dev.get("/dashboard/users").context["page"].lines
    mine = next(line for line in address if line.name == "a&b")
    assert mine.address == "/dashboard/?" + urlencode({"user": "a&b"})
    assert [line.name for line in dev.get(mine.address).context["page"].lines] == ["mine"]


def test_many_users_come_by_the_page(dev: Client, send: Sender) -> None:
    for number in range(ROWS_A_PAGE + 5):
        send(user_id=f"u{number:02}", seconds_ago=1000 - number)
    first = dev.get("/dashboard/users").context["page"]
    second = dev.get("/dashboard/users" + first.next_address).context["page"]
    shown = [line.name for line in (*first.lines, *second.lines)]
    assert shown == [f"u{number:02}" for number in reversed(range(ROWS_A_PAGE + 5))]
    assert (first.previous_address, second.next_address, first.found) == ("", "", "55 users")


def test_nothing_in_the_time_says_how_it_would_come(dev: Client) -> None:
    assert "session_id=" in Page(dev.get("/dashboard/sessions")).text
    assert "user_id=" in Page(dev.get("/dashboard/users")).text
    assert "matches" in Page(dev.get("/dashboard/users?q=x")).text


def test_the_json_has_the_same(dev: Client, send: Sender) -> None:
    talk(send, user_id="ana")
    sessions = dev.get("/dashboard/sessions.json").json()
    assert (sessions["sessions"][0]["session"], sessions["sessions"][0]["count"]) == ("chat-1", 2)
    users = dev.get("/dashboard/users.json").json()
    assert (users["users"][0]["user"], users["users"][0]["cost_usd"], users["is_complete"]) == (
        "ana",
        0.25,
        True,
    )
    session = dev.get("/dashboard/session.json?id=chat-1").json()
    assert [trace["name"] for trace in session["traces"]] == ["first", "second"]


def test_a_list_of_one_session_leads_to_its_conversation(dev: Client, send: Sender) -> None:
    talk(send)
    page = Page(dev.get("/dashboard/?q=session:chat-1"))
    assert dev.get(page.link("Read the conversation")).status_code == 200
