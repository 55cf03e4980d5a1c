"""The stack beside the function: what its role may do, what is kept, who is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infrastructure.deployment import Deployment
from infrastructure.stack import TEMPLATE, only_resources
from infrastructure.template import load
from tracer_project.aws_lambda.commands import ALLOWED
from traces_app.storage.models import EXPIRY_ATTRIBUTE, MODELS

WHOLE = load(TEMPLATE.read_text())
RESOURCES: dict[str, Any] = WHOLE["Resources"]
WILDCARDS_WITH_A_REASON = {
    # Lambda names the streams of the one group itself.
    "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/llm-tracer-${Stage}:log-stream:*"
}


def of_type(kind: str) -> dict[str, Any]:
    found = {name: item["Properties"] for name, item in RESOURCES.items() if item["Type"] == kind}
    assert found, kind
    return found


def statements() -> list[dict[str, Any]]:
    (role,) = of_type("AWS::IAM::Role").values()
    return [found for policy in role["Policies"] for found in policy["PolicyDocument"]["Statement"]]


def test_the_role_reads_and_writes_items_and_logs_and_nothing_else() -> None:
    actions = {action for statement in statements() for action in statement["Action"]}
    assert actions == {
        *("dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem"),
        *("dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"),
        *("logs:CreateLogStream", "logs:PutLogEvents"),
    }
    assert not [action for action in actions if "*" in action or action.startswith(("iam:", "sts:"))]
    assert "ManagedPolicyArns" not in json.dumps(RESOURCES)


def test_every_wildcard_in_a_resource_is_written_down() -> None:
    texts = [
        resource if isinstance(resource, str) else next(iter(resource.values()))
        for statement in statements()
        for resource in (
            statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        )
    ]
    assert {text for text in texts if isinstance(text, str) and "*" in text} == WILDCARDS_WITH_A_REASON


def test_only_lambda_takes_the_role() -> None:
    (role,) = of_type("AWS::IAM::Role").values()
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_every_table_expires_its_items_and_is_kept() -> None:
    tables = of_type("AWS::DynamoDB::Table")
    assert len(tables) == len(MODELS)
    for name, table in tables.items():
        assert table["TimeToLiveSpecification"] == {"AttributeName": EXPIRY_ATTRIBUTE, "Enabled": True}
        in_prod = {"Fn::If": ["IsProd", True, False]}
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] == in_prod
        assert table["DeletionProtectionEnabled"] == in_prod
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert set(table["OnDemandThroughput"]) == {"MaxReadRequestUnits", "MaxWriteRequestUnits"}
        assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
        assert RESOURCES[name]["DeletionPolicy"] == RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


def test_every_alarm_reaches_the_mailboxes() -> None:
    alarms = of_type("AWS::CloudWatch::Alarm")
    assert {name.removesuffix("Alarm") for name in alarms} == {
        *("Errors", "ServerErrors", "Throttles", "Duration", "TableThrottles", "Cost")
    }
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == [{"Ref": "Alerts"}]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert len(alarm["AlarmDescription"]) > 20
    mails = of_type("AWS::SNS::Subscription").values()
    assert all(mail["TopicArn"] == {"Ref": "Alerts"} and mail["Protocol"] == "email" for mail in mails)


def test_the_budget_warns_at_sixty_and_at_a_hundred_percent() -> None:
    (budget,) = of_type("AWS::Budgets::Budget").values()
    told = budget["NotificationsWithSubscribers"]
    assert [entry["Notification"]["Threshold"] for entry in told] == [60, 100]
    assert all(len(entry["Subscribers"]) == 3 for entry in told)


def test_logs_end_and_the_bucket_is_closed() -> None:
    (logs,) = of_type("AWS::Logs::LogGroup").values()
    assert logs["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    (bucket,) = of_type("AWS::S3::Bucket").values()
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 7


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_names_in_the_template_are_those_the_function_is_told(stage: str) -> None:
    deployment = Deployment(stage, "us-east-1", "arm64", (), 10, 30, {})
    for logical_id, name in deployment.table_names.items():
        assert RESOURCES[logical_id]["Properties"]["TableName"]["Fn::Sub"].replace("${Stage}", stage) == name
    assert set(deployment.stack_parameters()) <= set(WHOLE["Parameters"])
    group = RESOURCES["FunctionLogs"]["Properties"]["LogGroupName"]["Fn::Sub"]
    assert group.replace("${Stage}", stage) == f"/aws/lambda/{deployment.function_name}"


def test_kept_tables_can_be_adopted_by_a_template_of_their_own() -> None:
    part = only_resources(TEMPLATE.read_text(), {"TracesTable", "SpansTable"})
    assert set(part["Resources"]) == {"TracesTable", "SpansTable"}
    assert "Outputs" not in part
    assert "!Ref" not in json.dumps(part)


def test_schedules_may_call_the_function_and_their_commands_are_allowed() -> None:
    for rule in of_type("AWS::Events::Rule").values():
        assert rule["Name"]["Fn::Sub"].startswith("llm-tracer-${Stage}-")
        (target,) = rule["Targets"]
        assert target["Arn"]["Fn::Sub"].endswith(":function:llm-tracer-${Stage}")
        assert json.loads(target["Input"])["manage"].split()[0] in ALLOWED
