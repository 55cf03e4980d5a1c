"""What is hidden before it leaves the process."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_tracer import SyncTracerClient
from llm_tracer.testing import CapturedSpans

KEY = "sk-proj-abcdefghijklmnop1234"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"password": "hunter2", "user": "ann"}, {"password": "[masked]", "user": "ann"}),
        (
            {"h": {"X-Api-Key": "v", "Authorization": "x"}},
            {"h": dict.fromkeys(("X-Api-Key", "Authorization"), "[masked]")},
        ),
        ([{"db": {"client_secret": ["a", "b"]}}], [{"db": {"client_secret": "[masked]"}}]),
        ({"max_tokens": 5, "token": "abc"}, {"max_tokens": 5, "token": "[masked]"}),
        ({"uses_password": True, "password": None}, {"uses_password": True, "password": None}),
        (f"my key is {KEY}.", "my key is [masked]."),
        ("AKIAIOSFODNN7EXAMPLE", "[masked]"),
        ("ghp_" + "a" * 36, "[masked]"),
        ("AIza" + "b" * 35, "[masked]"),
        ("Authorization: Bearer abcdefghijklmnop.qrs", "Authorization: Bearer [masked]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln", "[masked]"),
        ("postgres://ann:hunter2@db/x", "postgres://ann:[masked]@db/x"),
        ("DB_PASSWORD=hunter2 run", "DB_PASSWORD=[masked] run"),
        ({"arguments": json.dumps({"password": "hunter2"})}, {"arguments": '{"password": "[masked]"}'}),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "[masked]"),
        ("task-based risk-free a_b x=1 mail@example.com", "task-based risk-free a_b x=1 mail@example.com"),
        ({"items": [{"secret": "s"}] * 100}, {"items": [{"secret": "[masked]"}] * 100}),
    ],
)
def test_secrets_are_hidden_and_nothing_else(
    tracer: SyncTracerClient, captured: CapturedSpans, value: Any, shown: Any
) -> None:
    with tracer.trace("root", {"k": value}, input=value) as trace:
        trace.set_output({"nested": [value]})
    tracer.flush()
    sent = captured.one("root")
    assert (sent["input"], sent["output"], sent["metadata"]) == (shown, {"nested": [shown]}, {"k": shown})


def test_a_secret_in_an_exception_is_hidden(tracer: SyncTracerClient, captured: CapturedSpans) -> None:
    with pytest.raises(ValueError, match="sk-"), tracer.trace("root"):
        raise ValueError(f"Incorrect API key provided: {KEY}")
    tracer.flush()
    assert captured.one("root")["error"]["message"] == "Incorrect API key provided: [masked]"
    assert KEY not in json.dumps(captured.batches)


def test_hiding_secrets_can_be_turned_off(captured: CapturedSpans) -> None:
    with (
        SyncTracerClient(api_key="project-shop", mask_secrets=False, transport=captured) as tracer,
        tracer.trace("root", input=KEY),
    ):
        pass
    assert captured.one("root")["input"] == KEY


def test_a_hook_of_the_host_sees_plain_values_and_decides(captured: CapturedSpans) -> None:
    def mask(value: Any) -> Any:
        return json.loads(json.dumps(value).replace("Ann", "<name>"))

    with (
        SyncTracerClient(api_key="project-shop", mask=mask, transport=captured) as tracer,
        tracer.trace("root", {"who": "Ann"}, input=["Ann", {"set": {1}}]) as trace,
    ):
        trace.set_output("for Ann")
        trace.set_error("Ann failed")
    sent = captured.one("root")
    assert (sent["input"], sent["output"]) == (["<name>", {"set": [1]}], "for <name>")
    assert (sent["metadata"], sent["error"]) == ({"who": "<name>"}, {"message": "<name> failed"})


def test_a_hook_that_raises_leaks_nothing_and_says_so(captured: CapturedSpans) -> None:
    def mask(value: Any) -> Any:
        raise LookupError(value)

    with (
        SyncTracerClient(api_key="project-shop", mask=mask, transport=captured) as tracer,
        tracer.trace("root", {"who": "Ann"}, input=["Ann"]) as trace,
    ):
        trace.set_output("Ann")
        trace.set_documents(["Ann"])
        trace.set_error("Ann")
    sent = captured.one("root")
    failed = "masked: hook failed"
    assert (sent["input"], sent["output"], sent["documents"]) == ([failed], failed, [failed])
    assert (sent["metadata"], sent["error"]) == ({"value": failed}, {"message": failed})
    assert "Ann" not in json.dumps(captured.batches)


def test_a_hook_may_return_what_it_likes(captured: CapturedSpans) -> None:
    with (
        SyncTracerClient(api_key="project-shop", mask=lambda _: object, transport=captured) as tracer,
        tracer.trace("root", {"who": "Ann"}, input="x"),
    ):
        pass
    assert captured.one("root")["input"] == "<class 'object'>"
    assert captured.one("root")["metadata"] == {"value": "<class 'object'>"}
