"""The stage's untracked file, what the function is told of it, and what Zappa is told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infrastructure.commands import NotDone, changed_variables, check_server_settings
from infrastructure.deployment import EXAMPLE, HERE, SERVER, WrongSetting, read_deployment
from infrastructure.zappa_hooks import (
    INVOKE_SID,
    allow_schedules,
    forget_removed_variables,
    narrow_permission,
)
from tests.aws.events import FUNCTION_ARN

CHECKOUT = Path(__file__).resolve().parents[2]
NAME = "llm-tracer-dev"
GOOD = {"SECRET_KEY": "k" * 48, "API_KEYS": "project-main." + "s" * 43}


def written(tmp_path: Path, **values: str) -> Path:
    file = tmp_path / "dev.env"
    file.write_text("# a comment\n\n" + "".join(f"{name}={value}\n" for name, value in values.items()))
    return file


def test_the_example_names_every_setting() -> None:
    text = EXAMPLE.read_text()
    assert [name for name in HERE | SERVER - {"DYNAMODB_SHARDS"} if f"{name}=" not in text] == []


def test_the_file_becomes_a_deployment(tmp_path: Path) -> None:
    file = written(tmp_path, **GOOD, AWS_REGION="eu-west-1", ALERT_EMAILS="a@example.com, b@example.com")
    found = read_deployment("dev", file)
    assert (found.region, found.architecture) == ("eu-west-1", "arm64")
    assert found.stack_parameters()["AlertEmails"] == "a@example.com,b@example.com"
    assert found.stack_parameters()["AlertEmailCount"] == "2"
    variables = found.function_variables()
    assert variables["ENVIRONMENT"] == "production"
    assert variables["ALLOWED_HOSTS"] == ".lambda-url.eu-west-1.on.aws"
    assert variables["DYNAMODB_SPANS_TABLE"] == "llm-tracer-dev-spans"
    assert not HERE & set(variables)


@pytest.mark.parametrize(
    "values",
    [
        {"AWS_REGION": "Virginia"},
        {"ARCHITECTURE": "mips"},
        {"ALERT_EMAILS": "nobody"},
        {"ALERT_EMAILS": "a@b.c,d@e.f,g@h.i,j@k.l"},
        {"MONTHLY_BUDGET_USD": "ten"},
        {"SECRETKEY": "misspelt"},
    ],
)
def test_a_value_that_cannot_be_right_is_named(tmp_path: Path, values: dict[str, str]) -> None:
    with pytest.raises(WrongSetting):
        read_deployment("dev", written(tmp_path, **GOOD, **values))


def test_a_missing_file_names_the_recipe(tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match="just setup-dev"):
        read_deployment("dev", tmp_path / "dev.env")
    with pytest.raises(WrongSetting, match="dev and prod"):
        read_deployment("staging")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"API_KEYS": GOOD["API_KEYS"]}, "SECRET_KEY"),
        ({**GOOD, "SECRET_KEY": "short"}, "SECRET_KEY"),
        ({**GOOD, "API_KEYS": "project-dev"}, "API_KEYS"),
        ({**GOOD, "CORS_ORIGINS": "*"}, "CORS_ORIGINS"),
        ({**GOOD, "ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({**GOOD, "RETENTION_DAYS": "0"}, "RETENTION_DAYS"),
    ],
)
def test_unsafe_server_settings_stop_before_anything_is_made(
    tmp_path: Path, values: dict[str, str], named: str
) -> None:
    if not (CHECKOUT / ".venv/bin/python").exists():
        pytest.skip("runs the settings in .venv")
    with pytest.raises(NotDone) as stopped:
        check_server_settings(read_deployment("dev", written(tmp_path, **values)))
    assert named in str(stopped.value)
    assert "s" * 43 not in str(stopped.value)


def test_a_plan_shows_names_of_variables_and_no_values(tmp_path: Path) -> None:
    deployment = read_deployment("dev", written(tmp_path, **GOOD))
    current = {"Environment": {"Variables": {"SECRET_KEY": "old", "CORS_ORIGINS": "none"}}}
    lines = changed_variables(current, deployment)
    assert {"Modify  SECRET_KEY", "Remove  CORS_ORIGINS", "Add     API_KEYS"} <= set(lines)
    assert "k" * 48 not in str(lines)


def test_no_stage_file_is_tracked() -> None:
    command = ["git", "ls-files", "infrastructure/*.env"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert listed.stdout.split() == ["infrastructure/example.env"]


def test_zappas_settings_hold_no_secret_and_are_quiet() -> None:
    settings = json.loads((CHECKOUT / "zappa_settings.json").read_text())
    assert set(settings) == {"dev", "prod"}
    both = settings["dev"] | settings["prod"]
    assert both["lambda_handler"] == "tracer_project.aws_lambda.handler.handle"
    assert not {"environment_variables", "aws_environment_variables", "remote_env"} & set(both)
    assert not both["debug"]
    assert both["log_level"] != "DEBUG"
    assert not both["manage_roles"]
    assert both["function_url_config"] == {"authorizer": "NONE", "cors": False}


class NotFound(Exception):
    pass


class FakeLambda:
    """Lambda's API as the hook uses it: statements of a policy, and variables."""

    class exceptions:  # noqa: N801 - botocore's name
        ResourceNotFoundException = NotFound

    def __init__(self, *statements: dict[str, Any], variables: dict[str, str] | None = None) -> None:
        self.statements = {statement["Sid"]: statement for statement in statements}
        self.variables = variables or {}
        self.calls: list[str] = []

    def get_policy(self, **_: Any) -> dict[str, str]:
        if not self.statements:
            raise NotFound
        return {"Policy": json.dumps({"Statement": list(self.statements.values())})}

    def remove_permission(self, *, StatementId: str, **_: Any) -> None:  # noqa: N803
        self.calls.append("remove")
        del self.statements[StatementId]

    def add_permission(self, *, StatementId: str, **asked: Any) -> None:  # noqa: N803
        self.calls.append("add")
        condition: dict[str, Any] = {}
        if via_url := asked.get("InvokedViaFunctionUrl"):
            condition = {"Bool": {"lambda:InvokedViaFunctionUrl": str(via_url).lower()}}
        if source := asked.get("SourceArn"):
            condition = {"ArnLike": {"AWS:SourceArn": source}}
        statement = {"Sid": StatementId, "Principal": asked["Principal"], "Condition": condition}
        self.statements[StatementId] = statement

    def get_waiter(self, _: str) -> Any:
        return type("Waiter", (), {"wait": staticmethod(lambda **_: None)})

    def get_function_configuration(self, **_: Any) -> dict[str, Any]:
        return {"Environment": {"Variables": self.variables}, "FunctionArn": FUNCTION_ARN}

    def update_function_configuration(self, *, Environment: dict[str, Any], **_: Any) -> None:  # noqa: N803
        self.calls.append("variables")
        self.variables = Environment["Variables"]


def test_the_public_may_call_through_the_url_only() -> None:
    wide = {"Sid": INVOKE_SID, "Principal": "*", "Action": "lambda:InvokeFunction"}
    for statements in ((), (wide,)):
        client = FakeLambda(*statements)
        narrow_permission(client, NAME)
        statement = client.statements[INVOKE_SID]
        assert statement["Condition"] == {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
        before = list(client.calls)
        narrow_permission(client, NAME)
        assert client.calls == before, "a statement that is narrow is left alone: no gap in service"


def test_only_rules_of_this_account_that_are_named_after_the_function_may_call_it() -> None:
    client = FakeLambda()
    allow_schedules(client, NAME)
    (statement,) = client.statements.values()
    assert statement["Principal"] == "events.amazonaws.com"
    rules = "arn:aws:events:us-east-1:123456789012:rule/llm-tracer-dev-*"
    assert statement["Condition"] == {"ArnLike": {"AWS:SourceArn": rules}}
    allow_schedules(client, NAME)
    assert client.calls == ["add"]


def test_variables_taken_out_of_the_file_leave_the_function() -> None:
    client = FakeLambda(variables={"API_KEYS": "new", "API_KEYS_OLD": "x"})
    forget_removed_variables(client, NAME, {"API_KEYS": "new"})
    assert client.variables == {"API_KEYS": "new"}
    forget_removed_variables(client, NAME, {"API_KEYS": "new"})
    assert client.calls == ["variables"]
