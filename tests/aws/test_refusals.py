"""What the function refuses: all that is no request, no schedule of ours, no command on the list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.aws.events import answer_of, http_event
from tests.otlp.exports import PROTOBUF
from tracer_project.aws_lambda.refusal import CommandFailed, Refused

Invoke = Callable[[Any], Any]
OUR_RULE = "arn:aws:events:us-east-1:123456789012:rule/llm-tracer-dev-warm"


def schedule(*resources: Any, **fields: Any) -> dict[str, Any]:
    event = {"source": "aws.events", "detail-type": "Scheduled Event", "resources": list(resources)}
    return event | fields


def test_raw_python_is_never_run(invoke: Invoke, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    code = f"open({str(proof)!r}, 'w').write('run')"
    for event in ({"raw_command": code}, {"manage": "check", "raw_command": code}, {"command": code}):
        with pytest.raises(Refused):
            invoke(event)
    answer = answer_of(invoke(http_event() | {"raw_command": code, "command": "os.system"}))
    assert answer.status == 200
    assert not proof.exists()


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "raw",
        1,
        {},
        {"command": "tracer_project.settings"},
        {"Records": [{"eventSource": "aws:s3", "s3": {}}]},
        {"Records": [{"Sns": {"Message": "{}"}}]},
        {"type": "TOKEN", "methodArn": "arn:aws:execute-api:us-east-1:123456789012:x/dev/GET/"},
        {"triggerSource": "PreSignUp_SignUp", "userPoolId": "x"},
        {"bot": {"name": "x"}, "currentIntent": {"name": "y"}},
        {"source": "aws.s3", "detail-type": "Scheduled Event", "resources": [OUR_RULE]},
        schedule(),
        schedule("arn:aws:events:us-east-1:999999999999:rule/llm-tracer-dev-warm"),
        schedule("arn:aws:events:eu-west-1:123456789012:rule/llm-tracer-dev-warm"),
        schedule("arn:aws:events:us-east-1:123456789012:event-bus/x"),
        schedule(OUR_RULE, "arn:aws:events:us-east-1:999999999999:rule/x"),
        schedule(OUR_RULE, 7),
        schedule(OUR_RULE, **{"detail-type": "Anything"}),
        {"manage": "list_keys", "kwargs": {}},
        {"manage": ["list_keys"]},
        {"manage": ""},
        {"manage": "create_key 'x"},
        {"manage": "create_key " + "x" * 2000},
        {"manage": "shell -c 'print(1)'"},
        {"manage": "runserver"},
        {"manage": "create_tables"},
        {"manage": "demo"},
        {"manage": "test"},
        {"manage": "CREATE_KEY shop"},
        {"manage": "../check"},
    ],
)
def test_events_of_no_kind_that_is_served_are_refused(invoke: Invoke, event: Any) -> None:
    with pytest.raises(Refused) as refused:
        invoke(event)
    assert "x" * 100 not in str(refused.value)


def test_a_schedule_of_this_account_is_welcome(invoke: Invoke) -> None:
    assert invoke(schedule(OUR_RULE)) == {"status": "warm"}


def test_a_command_on_the_list_tells_its_caller_and_nobody_else(
    invoke: Invoke, capfd: Any, caplog: Any
) -> None:
    made = invoke({"manage": "create_key shop --scope ingest --label 'the shop'"})
    key = made["stdout"].strip()
    assert key.startswith("project-shop.")
    assert "Key shop:" in made["stderr"]
    listed = invoke({"manage": "list_keys shop"})["stdout"]
    assert "the shop" in listed
    said = capfd.readouterr()
    assert key not in said.out + said.err + caplog.text


def test_a_command_that_fails_fails_loudly(invoke: Invoke) -> None:
    for line in ("create_key", "create_key 'a b'", "create_key x --scope everything", "list_keys --nonsense"):
        with pytest.raises(CommandFailed):
            invoke({"manage": line})
    assert "usage" in invoke({"manage": "create_key --help"})["stdout"]


BROKEN: list[dict[str, Any]] = [
    {"version": "1.0"},
    {"version": None},
    {"requestContext": None},
    {"requestContext": {}},
    {"requestContext": {"http": {"method": "GET"}}},
    {"requestContext": {"http": {"method": 7, "protocol": "HTTP/1.1", "sourceIp": "x"}}},
    {"headers": None},
    {"headers": [["host", "x"]]},
    {"headers": {"host": 7}},
    {"headers": {"host": ["a", "b"]}},
    {"rawPath": None},
    {"rawPath": "no-slash"},
    {"rawQueryString": None},
    {"cookies": "a=1"},
    {"cookies": [None]},
    {"body": {"spans": []}},
    {"body": "abcde", "isBase64Encoded": True},
    {"body": "\ud800", "isBase64Encoded": False},
]


@pytest.mark.parametrize("broken", BROKEN, ids=repr)
def test_a_malformed_request_is_answered_with_a_problem(invoke: Invoke, broken: dict[str, Any]) -> None:
    answer = answer_of(invoke(http_event("/api/ingest", method="POST") | broken))
    assert answer.status == 400
    assert answer.json["title"] == "Not a request"


def test_lists_of_the_other_format_are_no_requests_either(invoke: Invoke) -> None:
    rest = {"httpMethod": "GET", "path": "/health", "requestContext": {"stage": "dev"}}
    assert answer_of(invoke(rest)).status == 400


@pytest.mark.parametrize("path", ["/api/ingest", "/v1/traces"])
@pytest.mark.parametrize("content_type", ["application/json", PROTOBUF])
def test_an_oversized_body_is_refused_in_the_shape_of_its_path(
    invoke: Invoke, path: str, content_type: str
) -> None:
    event = http_event(
        path, method="POST", headers={"content-type": content_type}, body="x" * (6 * 2**20 + 1)
    )
    answer = answer_of(invoke(event))
    assert answer.status == 413
    if path == "/api/ingest":
        assert "6 MB" in answer.json["limit"]
    elif content_type == PROTOBUF:
        assert answer.body.startswith(b"\x08\x08\x12")  # google.rpc.Status: code 8, then the message
        assert answer.headers["content-type"] == PROTOBUF
    else:
        assert answer.json["code"] == 8
