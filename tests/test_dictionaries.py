"""A dictionary trained from a project's traces: smaller where texts recur, nothing of one person alone."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.builders import NOW_NS, own_trace_id, put, span, span_id
from traces_app import queries
from traces_app.access import Access
from traces_app.dictionaries import train_dictionary
from traces_app.storage.store import Store

pytestmark = pytest.mark.usefixtures("store")

PROMPT = " ".join(
    f"Rule {number}: whoever asks about the {thing} is told what the {thing} costs, and when it is sent."
    for number, thing in enumerate(("saddle", "chain", "helmet", "bell", "lamp", "tyre", "pump", "lock"))
)
SECRET = "my number is 0170 5550 and I live behind the old mill"


def tell(access: Access, number: int, **fields: object) -> str:
    """One trace of a call with the prompt that all calls have, and a question of its own."""
    trace = own_trace_id(NOW_NS // 10**6 - number * 1000, number)
    asked = [{"role": "system", "content": PROMPT}, {"role": "user", "content": f"{number} " * 20}]
    put(access, span(1, trace_id=trace, span_id=span_id(number + 1), input=asked, **fields))
    return trace


def test_traces_to_come_are_smaller_and_open(access: Access) -> None:
    traces = [tell(access, number) for number in range(40)]
    before = queries.get_trace("dev", traces[0], now_ns=NOW_NS).summary.stored_bytes
    training = train_dictionary("dev", max_traces=100, now_ns=NOW_NS)
    assert (training.traces, training.number is not None) == (40, True)
    assert training.tried_bytes_after < 0.5 * training.tried_bytes_before
    later = queries.get_trace("dev", tell(access, 41), now_ns=NOW_NS)
    assert later.summary.stored_bytes < 0.75 * before
    assert later.span(span_id(42)).input[0]["content"] == PROMPT


def test_what_one_user_wrote_is_in_none(access: Access, store: Store) -> None:
    for number in range(40):
        tell(access, number, user_id="amira" if number % 2 else f"user {number}", metadata={"said": SECRET})
    for number in range(40, 60):
        tell(access, number, user_id="amira", metadata={"said": SECRET + " since May"})
    training = train_dictionary("dev", max_traces=100, now_ns=NOW_NS)
    content = store.dictionaries.find("dev", training.number or 0)
    assert content is not None
    assert b"about the saddle is told" in content.dict_content
    assert SECRET.encode() in content.dict_content
    assert b"since May" not in content.dict_content


def test_where_nothing_recurs_none_is_kept(access: Access) -> None:
    for number in range(30):
        put(access, span(1, trace_id=own_trace_id(NOW_NS // 10**6 - number, number), input=f"{number}" * 300))
    training = train_dictionary("dev", max_traces=100, now_ns=NOW_NS)
    assert (training.number, training.tried_bytes_after) == (None, training.tried_bytes_before)


def test_too_few_traces_are_refused_with_how_many_are_needed(access: Access) -> None:
    tell(access, 1)
    with pytest.raises(ValueError, match="dev has 1 traces: 25 at least are needed"):
        train_dictionary("dev", max_traces=100, now_ns=NOW_NS)


def test_the_command_says_what_it_saves(access: Access) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="25 at least are needed"):
        call_command("train_dictionary", "dev", stdout=out)
    for number in range(40):
        tell(access, number)
    call_command("train_dictionary", "dev", stdout=out)
    assert "% smaller. Servers use it within five minutes. It is never deleted." in out.getvalue()
