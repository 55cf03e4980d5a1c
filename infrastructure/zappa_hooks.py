"""What Zappa is told before it acts, and what is put right after it.

``complete_settings`` brings what must not stand in zappa_settings.json: secrets from the stage's untracked
file, the role and bucket that the stack made. ``narrow_public_access`` closes what Zappa leaves open.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # Zappa loads this file by its path

from infrastructure.deployment import WrongSetting, read_deployment
from infrastructure.stack import Stack

__all__ = [
    "allow_schedules",
    "complete_settings",
    "forget_removed_variables",
    "narrow_permission",
    "narrow_public_access",
]

INVOKE_SID: Final = "FunctionURLAllowPublicAccessInvoke"
"""The name of Zappa's statement. Zappa adds no statement whose name is there, so ours keeps it."""

SCHEDULES_SID: Final = "SchedulesOfThisStack"


def complete_settings(cli: Any) -> None:
    """Zappa's ``settings`` callback. Commands that need no stack (package, tail) go on without one."""
    try:
        deployment = read_deployment(cli.api_stage)
    except WrongSetting as error:
        sys.exit(str(error))
    if cli.zappa.aws_region != deployment.region:
        sys.exit(f"Set AWS_DEFAULT_REGION={deployment.region}: the stage's file names that region.")
    cli.aws_environment_variables = deployment.function_variables()
    cli.architecture = cli.zappa.architecture = deployment.architecture
    outputs = Stack(deployment, cli.zappa.boto_session).outputs()
    if not outputs and cli.command in ("deploy", "update"):
        sys.exit(f"The stack {deployment.stack_name} is missing: run `just apply-{deployment.stage}`.")
    cli.zappa.credentials_arn = outputs.get("RoleArn")
    cli.s3_bucket_name = outputs.get("DeployBucketName", cli.s3_bucket_name)
    _leave_out_wide_permission()


def narrow_public_access(cli: Any) -> None:
    """Zappa's ``post`` callback: the public may call the URL, nobody else may call the function."""
    client, name = cli.zappa.lambda_client, cli.lambda_name
    narrow_permission(client, name)
    allow_schedules(client, name)
    forget_removed_variables(client, name, read_deployment(cli.api_stage).function_variables())


def narrow_permission(client: Any, name: str) -> None:
    """Add the statement that a function URL needs, under its condition; in place of a wide one, if any."""
    statement = _statement_of(client, name, INVOKE_SID)
    if statement is not None and _is_narrow(statement):
        return
    if statement is not None:
        client.remove_permission(FunctionName=name, StatementId=INVOKE_SID)
    client.add_permission(
        FunctionName=name,
        StatementId=INVOKE_SID,
        Action="lambda:InvokeFunction",
        Principal="*",
        InvokedViaFunctionUrl=True,
    )


def allow_schedules(client: Any, name: str) -> None:
    """Rules of the template, whose names begin with the function's, may call it: of this account alone."""
    if _statement_of(client, name, SCHEDULES_SID) is not None:
        return
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    client.add_permission(
        FunctionName=name,
        StatementId=SCHEDULES_SID,
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rules_of(arn, name),
    )


def rules_of(function_arn: str, name: str) -> str:
    """Of the same partition, region and account as the function."""
    _, partition, _, region, account, *_ = function_arn.split(":")
    return f"arn:{partition}:events:{region}:{account}:rule/{name}-*"


def forget_removed_variables(client: Any, name: str, wanted: dict[str, str]) -> None:
    """Zappa keeps variables that were once set: a key taken out of the file would work for ever."""
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    current = client.get_function_configuration(FunctionName=name).get("Environment", {}).get("Variables", {})
    if current != wanted:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": wanted})
        client.get_waiter("function_updated_v2").wait(FunctionName=name)


def _leave_out_wide_permission() -> None:
    """Zappa 0.63 would let every AWS account invoke the function directly, until the next callback.

    A function URL needs lambda:InvokeFunction too, but under the condition that the call comes through it.
    """
    from zappa import core  # noqa: PLC0415 - only where Zappa runs

    rules = core.FUNCTION_URL_PUBLIC_PERMISSION_RULES
    core.FUNCTION_URL_PUBLIC_PERMISSION_RULES = tuple(rule for rule in rules if rule[0] != INVOKE_SID)


def _statement_of(client: Any, name: str, sid: str) -> dict[str, Any] | None:
    try:
        policy = json.loads(client.get_policy(FunctionName=name)["Policy"])
    except client.exceptions.ResourceNotFoundException:
        return None
    return next((found for found in policy["Statement"] if found["Sid"] == sid), None)


def _is_narrow(statement: dict[str, Any]) -> bool:
    conditions = statement.get("Condition", {}).get("Bool", {})
    return str(conditions.get("lambda:InvokedViaFunctionUrl", "")).lower() == "true"
