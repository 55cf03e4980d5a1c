"""What is hidden before it leaves the process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from llm_tracer import SyncTracerClient
from llm_tracer._encode import encode
from llm_tracer._mask import Mask
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
        ({"arguments": json.dumps({"note": f"use\n{KEY}"})}, {"arguments": '{"note": "use\\n[masked]"}'}),
        ("got {'user': 'ann', 'password': 'hunter2'}", "got {'user': 'ann', 'password': '[masked]'}"),
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


SECRETS = (
    *(KEY, "rk_test_abcdefgh12345678", "ASIAIOSFODNN7EXAMPLE", "gho_" + "b" * 20, "github_pat_" + "c" * 22),
    *(
        "xoxb-1234567890",
        "AIza" + "d" * 30,
        "hf_" + "e" * 20,
        "eyJhbGciOiJ.eyJzdWIiOi.x",
        "Bearer " + "f" * 16,
    ),
    *(
        "BASIC\t" + "g" * 16,
        "project-shop.abcdefghijklmnop",
        "https://ann:pw@host",
        "MY-SECRET=x",
        "API_KEYS=x",
    ),
    "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----",
)
AROUND: tuple[Callable[[str], Any], ...] = (
    lambda text: text,
    lambda text: f"before {text} behind",
    lambda text: f"{text}, {text}",
    lambda text: f"line\n{text}\nline",
    lambda text: f"\x1b({text})",
    lambda text: f"--------{text}",
    lambda text: f"“{text}”",
    lambda text: {"deep": [{"content": text}]},
    lambda text: repr({"content": text}),
    lambda text: json.dumps({"content": f"line\n{text}"}),
    lambda text: json.dumps({"twice": json.dumps({"content": text})}),
)


@pytest.mark.parametrize("around", AROUND)
def test_the_quick_look_overlooks_no_secret(around: Callable[[str], Any]) -> None:
    for secret in SECRETS:
        for value in (around(secret), [around(secret)], {"k": around(secret)}):
            data = encode(value)[0]
            assert b"[masked]" in Mask().content(data), value
            assert Mask().changes(b',"input":' + data)


@pytest.mark.parametrize(
    "key", ["password", "API-Key", "apiKeys", "id_token", "token", "Set-Cookie", "PASSPHRASE"]
)
@pytest.mark.parametrize("written", [json.dumps, repr, lambda value: json.dumps(json.dumps(value))])
def test_the_quick_look_overlooks_no_key(key: str, written: Callable[[Any], str]) -> None:
    for value in ({key: "hunter2"}, written({key: "hunter2"}), [f"got {written({'a': {key: 'hunter2'}})}"]):
        assert b"hunter2" not in Mask().content(encode(value)[0])


def test_harmless_content_is_not_looked_at_twice() -> None:
    text = "A task-based, risk-adjusted run of the_disk_manager: see https://x.org/a_b-c or mail a@b.org. "
    content = [
        {"role": "user", "content": text * 20, "max_tokens": 5},
        {"arguments": json.dumps({"Joe": "x=1"})},
    ]
    assert not Mask().changes(encode(content)[0])


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
