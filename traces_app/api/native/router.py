"""POST /api/ingest as the API's document describes it; ``receive`` answers it."""

from __future__ import annotations

from typing import Any

from ninja import Router, Status

from traces_app.api.auth import KeyedRequest, RequireKey
from traces_app.api.native.documents import BatchDocument, ReceiptOut
from traces_app.api.native.receive import store_batch
from traces_app.api.openapi import body_of

router = Router(tags=["ingest"])


@router.post(
    "/ingest",
    auth=RequireKey("ingest"),
    response={202: ReceiptOut},
    exclude_unset=True,
    openapi_extra=body_of(BatchDocument),
)
def ingest_batch(request: KeyedRequest) -> Status[dict[str, Any]]:
    """Take a batch of spans.

    What is accepted is stored when the answer comes; a rejected span is named with its field and reason and
    hurts no other. Sending the same batch again changes nothing.
    """
    return Status(202, store_batch(request, request.auth))
