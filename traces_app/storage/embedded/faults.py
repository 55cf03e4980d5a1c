"""DynamoDB's refusals. The client turns each into the ClientError botocore would have raised."""

from __future__ import annotations

from typing import Any

__all__ = ["Fault", "condition_failed", "invalid", "invalid_value", "no_table"]


class Fault(Exception):
    """``code`` and ``message`` as DynamoDB gives them; ``extra`` is what else its answer holds.

    ``cancels`` marks what a transaction reports as the reason of one of its members, not of the request.
    """

    def __init__(
        self, code: str, message: str, *, extra: dict[str, Any] | None = None, cancels: bool = False
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.extra = extra or {}
        self.cancels = cancels


def invalid(message: str, *, cancels: bool = False) -> Fault:
    return Fault("ValidationException", message, cancels=cancels)


def invalid_value(message: str, *, cancels: bool = False) -> Fault:
    return invalid(f"One or more parameter values were invalid: {message}", cancels=cancels)


def condition_failed(item: dict[str, Any] | None) -> Fault:
    """``item`` is what stands in the table, when the caller asked to be shown it."""
    return Fault(
        "ConditionalCheckFailedException",
        "The conditional request failed",
        extra={"Item": item} if item else None,
        cancels=True,
    )


def no_table(table_name: str | None = None) -> Fault:
    """Only the operations on tables, not those on items, name the table."""
    suffix = f": Table: {table_name} not found" if table_name else ""
    return Fault("ResourceNotFoundException", f"Requested resource not found{suffix}")
