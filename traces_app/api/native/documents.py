"""The batch and its receipt as the API's page describes them; nothing is validated by these."""

from __future__ import annotations

from ninja import Schema

from traces_app.api.native.schemas import BatchIn, SpanIn


class BatchDocument(BatchIn):
    """The batch as the API's page describes it."""

    spans: list[SpanIn]


class RejectionOut(Schema):
    index: int
    span_id: str | None
    field: str
    reason: str


class ReceiptOut(Schema):
    """What is accepted is stored when this is sent."""

    accepted: int
    rejected: list[RejectionOut]
