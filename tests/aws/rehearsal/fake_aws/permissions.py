"""What the function's role lets it do. Moto would let it do everything."""

from __future__ import annotations

import json
from typing import Any

from fake_aws.runtime import ROLE_KEY
from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import iam_backends

TARGET = "DynamoDB_20120810."


def refusal(environ: dict[str, Any], body: bytes, account: str) -> bytes | None:
    """DynamoDB's answer to a call that is signed by the function and that its role does not allow."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if not target.startswith(TARGET) or f"Credential={ROLE_KEY}/" not in environ.get(
        "HTTP_AUTHORIZATION", ""
    ):
        return None
    action = f"dynamodb:{target.removeprefix(TARGET)}"
    asked = json.loads(body)
    tables = {*asked.get("RequestItems", ()), asked.get("TableName")} - {None}
    wrong = [table for table in tables if not _allows(action, table, account)]
    if not wrong:
        return None
    said = f"User is not authorized to perform: {action} on resource: {wrong[0]}"
    return json.dumps({"__type": "com.amazon.coral.service#AccessDeniedException", "message": said}).encode()


def _allows(action: str, table: str, account: str) -> bool:
    found = dynamodb_backends[account]["us-east-1"].tables.get(table)
    if found is None:
        return True  # moto's own answer for a table that is not there
    statements = [statement for policy in _policies(account) for statement in policy["Statement"]]
    return any(action in one["Action"] and found.table_arn in one["Resource"] for one in statements)


def _policies(account: str) -> list[Any]:
    (role,) = iam_backends[account]["aws"].roles.values()
    return [json.loads(text) if isinstance(text, str) else text for text in role.policies.values()]
