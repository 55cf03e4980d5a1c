"""Makes the tables the models need, the same way on both engines."""

from __future__ import annotations

import time
from typing import Any, Final

from botocore.exceptions import ClientError

from traces_app.storage.dynamodb import Client
from traces_app.storage.errors import StoreUnavailable
from traces_app.storage.models import EXPIRY_ATTRIBUTE, Item

__all__ = ["create_table", "table_exists"]

MAX_STATUS_CHECKS: Final = 60
"""A table is active within seconds; after a minute something is wrong that waiting does not mend."""
STATUS_CHECK_INTERVAL_S: Final = 1.0


def table_exists(client: Client, model: type[Item]) -> bool:
    try:
        _call(client, "DescribeTable", model.Meta.table_name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return False
        raise
    return True


def create_table(client: Client, model: type[Item], *, point_in_time_recovery: bool = False) -> bool:
    """Make the model's table if it is missing, and return whether it was.

    On-demand billing, TTL on, point-in-time recovery when asked for; also switches these on for a table
    that was there without them. Two processes may do this at once.
    """
    table_name = model.Meta.table_name
    is_new = _create(client, table_name)
    _wait_until_active(client, table_name)
    _enable_expiry(client, table_name)
    if point_in_time_recovery:
        _call(
            client,
            "UpdateContinuousBackups",
            table_name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
    return is_new


def _call(client: Client, operation: str, table_name: str, **parameters: Any) -> dict[str, Any]:
    return client._make_api_call(operation, {"TableName": table_name, **parameters})  # noqa: SLF001 - the seam


def _create(client: Client, table_name: str) -> bool:
    if _status(client, table_name) is not None:
        return False
    keys = (("pk", "HASH"), ("sk", "RANGE"))
    try:
        _call(
            client,
            "CreateTable",
            table_name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            KeySchema=[{"AttributeName": name, "KeyType": key_type} for name, key_type in keys],
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceInUseException":
            return False  # another process was faster
        raise
    return True


def _status(client: Client, table_name: str) -> str | None:
    try:
        table = _call(client, "DescribeTable", table_name)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return str(table["TableStatus"])


def _wait_until_active(client: Client, table_name: str) -> None:
    for _ in range(MAX_STATUS_CHECKS):
        if _status(client, table_name) == "ACTIVE":
            return
        time.sleep(STATUS_CHECK_INTERVAL_S)
    raise StoreUnavailable(f"Table {table_name} did not become active.", retry_after_seconds=60)


def _enable_expiry(client: Client, table_name: str) -> None:
    description = _call(client, "DescribeTimeToLive", table_name)["TimeToLiveDescription"]
    if description["TimeToLiveStatus"] in {"ENABLED", "ENABLING"}:
        return
    specification = {"AttributeName": EXPIRY_ATTRIBUTE, "Enabled": True}
    try:
        _call(client, "UpdateTimeToLive", table_name, TimeToLiveSpecification=specification)
    except ClientError as error:
        if "already enabled" not in error.response["Error"]["Message"]:  # another process was faster
            raise
