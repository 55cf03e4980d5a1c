"""The batch and its receipt as the API's page describes them; nothing is validated by these."""

from __future__ import annotations

from typing import Any, cast

from ninja import Schema
from pydantic_core import CoreSchema

from traces_app.api.native.schemas import SPAN, batch_rules


class BatchDocument:
    """The batch as the API's page describes it."""

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> CoreSchema:
        return cast("CoreSchema", batch_rules(SPAN))


class RejectionOut(Schema):
    index: int
    span_id: str | None
    field: str
    reason: str


class BudgetOut(Schema):
    """Of the traces that are plain (no error, no score, not slow, not expensive) this share is kept whole."""

    keep_rate: float
    keep_slower_than_ms: float


class ReceiptOut(Schema):
    """What is accepted is stored when this is sent. ``budget`` is there only while traces are thinned."""

    accepted: int
    rejected: list[RejectionOut]
    budget: BudgetOut | None = None
