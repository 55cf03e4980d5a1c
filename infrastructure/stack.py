"""The stack beside Zappa's function: planned and applied as CloudFormation change sets."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError, WaiterError

from infrastructure.deployment import Deployment

__all__ = ["Change", "Stack", "StackFailed"]

TEMPLATE: Final = Path(__file__).resolve().parent / "template.yaml"
WAITING: Final = {"Delay": 3, "MaxAttempts": 200}
"""Ten minutes; making two tables takes one."""

NOTHING_TO_DO: Final = ("didn't contain changes", "No updates are to be performed")


class StackFailed(Exception):
    """AWS refused or could not do it; the message is AWS's."""


@dataclass(frozen=True)
class Change:
    action: str
    resource: str
    kind: str
    replaces: bool

    def __str__(self) -> str:
        loss = "   REPLACES what is there: its content would be lost" if self.replaces else ""
        return f"{self.action:8}{self.resource:22}{self.kind}{loss}"


class Stack:
    def __init__(self, deployment: Deployment, session: Any) -> None:
        self._deployment = deployment
        self._cloudformation = session.client("cloudformation")
        self._dynamodb = session.client("dynamodb")

    def plan(self) -> list[Change]:
        """What ``apply`` would do; nothing is done."""
        name, changes = self._change_set()
        if name:
            self._cloudformation.delete_change_set(ChangeSetName=name, StackName=self._name)
        if not self._exists() and self._status() == "REVIEW_IN_PROGRESS":
            self._cloudformation.delete_stack(StackName=self._name)  # an empty one, made by the plan
        return changes

    def apply(self) -> list[Change]:
        """Do it and wait. Tables that were kept when the stack was destroyed are adopted."""
        if not self._exists() and (kept := self._kept_tables()):
            self._adopt(kept)
        name, changes = self._change_set()
        if name:
            self._execute(name)
        return changes

    def outputs(self) -> dict[str, str]:
        """By name; none when there is no stack."""
        described = self._describe() or {}
        return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

    def destroy(self, *, with_tables: bool) -> list[str]:
        """Delete the stack, and the tables when asked; the names of tables that are still there."""
        if self._describe() is not None:
            self._cloudformation.delete_stack(StackName=self._name)
            self._wait("stack_delete_complete")
        kept = self._kept_tables()
        if not with_tables:
            return sorted(kept.values())
        for table in kept.values():
            self._dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
            self._dynamodb.get_waiter("table_exists").wait(TableName=table)
            self._dynamodb.delete_table(TableName=table)
        return []

    # -- how ---------------------------------------------------------------------------------------
    @property
    def _name(self) -> str:
        return self._deployment.stack_name

    def _describe(self) -> dict[str, Any] | None:
        try:
            stacks = self._cloudformation.describe_stacks(StackName=self._name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        found: dict[str, Any] = stacks[0]
        return None if found["StackStatus"] == "DELETE_COMPLETE" else found

    def _status(self) -> str | None:
        described = self._describe()
        return None if described is None else str(described["StackStatus"])

    def _exists(self) -> bool:
        return self._status() not in (None, "REVIEW_IN_PROGRESS")

    def _change_set(self) -> tuple[str | None, list[Change]]:
        """The name of a change set that is ready, with its changes; None when there is nothing to do."""
        kind = "UPDATE" if self._exists() else "CREATE"
        return self._create_change_set(kind, TEMPLATE.read_text())

    def _create_change_set(self, kind: str, template: str, **more: Any) -> tuple[str | None, list[Change]]:
        parameters = self._deployment.stack_parameters().items()
        made = self._cloudformation.create_change_set(
            StackName=self._name,
            ChangeSetName=f"change-{int(time.time() * 1000)}",
            ChangeSetType=kind,
            TemplateBody=template,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters],
            Tags=[{"Key": "app", "Value": "llm-tracer"}],
            **more,
        )
        try:
            self._wait("change_set_create_complete", ChangeSetName=made["Id"])
        except StackFailed as error:
            if any(text in str(error) for text in NOTHING_TO_DO):
                self._cloudformation.delete_change_set(ChangeSetName=made["Id"])
                return None, []
            raise
        return made["Id"], self._changes_of(made["Id"])

    def _changes_of(self, name: str) -> list[Change]:
        pages = self._cloudformation.get_paginator("describe_change_set")
        found = pages.paginate(ChangeSetName=name, StackName=self._name)
        return [_change_of(change["ResourceChange"]) for page in found for change in page["Changes"]]

    def _execute(self, name: str) -> None:
        waiter = "stack_update_complete" if self._exists() else "stack_create_complete"
        self._cloudformation.execute_change_set(ChangeSetName=name, StackName=self._name)
        self._wait(waiter)

    def _wait(self, waiter: str, **more: Any) -> None:
        try:
            self._cloudformation.get_waiter(waiter).wait(StackName=self._name, WaiterConfig=WAITING, **more)
        except WaiterError as error:
            raise StackFailed(self._reason(error)) from None

    def _reason(self, error: WaiterError) -> str:
        """What AWS says of the first resource that failed; the waiter itself only says that one did."""
        if reason := error.last_response.get("StatusReason"):
            return str(reason)
        try:
            events = self._cloudformation.describe_stack_events(StackName=self._name)["StackEvents"]
        except ClientError:
            return str(error)
        failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
        told = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed]
        return told[-1] if told else str(error)

    def _kept_tables(self) -> dict[str, str]:
        """Names by logical id of the tables that are there."""
        return {key: name for key, name in self._deployment.table_names.items() if self._has_table(name)}

    def _has_table(self, name: str) -> bool:
        try:
            self._dynamodb.describe_table(TableName=name)
        except self._dynamodb.exceptions.ResourceNotFoundException:
            return False
        return True

    def _adopt(self, tables: dict[str, str]) -> None:
        """Make the stack around tables that are there already; the rest follows as an ordinary update."""
        resources = [
            {
                "ResourceType": "AWS::DynamoDB::Table",
                "LogicalResourceId": key,
                "ResourceIdentifier": {"TableName": name},
            }
            for key, name in tables.items()
        ]
        template = json.dumps(only_resources(TEMPLATE.read_text(), set(tables)))
        name, _ = self._create_change_set("IMPORT", template, ResourcesToImport=resources)
        self._cloudformation.execute_change_set(ChangeSetName=name, StackName=self._name)
        self._wait("stack_import_complete")


def _change_of(change: dict[str, Any]) -> Change:
    return Change(
        action=change["Action"],
        resource=change["LogicalResourceId"],
        kind=change["ResourceType"],
        replaces=change.get("Replacement") in ("True", "Conditional"),
    )


def only_resources(template: str, names: set[str]) -> dict[str, Any]:
    """The template with these resources only, and without outputs: what an import may hold."""
    from infrastructure.template import load  # noqa: PLC0415 - PyYAML comes with the deploying tools

    whole = load(template)
    resources = {name: resource for name, resource in whole["Resources"].items() if name in names}
    return {**{key: value for key, value in whole.items() if key != "Outputs"}, "Resources": resources}
