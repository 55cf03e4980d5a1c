"""POST /api/ingest: batches of our own client."""

from __future__ import annotations

import time
from typing import Any

from ninja import Router, Status

from traces_app import ingest
from traces_app.api.auth import KeyedRequest, RequireKey
from traces_app.api.body import read_json
from traces_app.api.native.schemas import BatchDocument, ReceiptOut
from traces_app.api.native.translate import answer_of, batch_of
from traces_app.api.openapi import body_of

router = Router(tags=["ingest"])


@router.post(
    "/ingest", auth=RequireKey("ingest"), response={202: ReceiptOut}, openapi_extra=body_of(BatchDocument)
)
def ingest_batch(request: KeyedRequest) -> Status[dict[str, Any]]:
    """Take a batch of spans.

    What is accepted is stored when the answer comes; a rejected span is named with its field and reason and
    hurts no other. Sending the same batch again changes nothing.
    """
    batch = batch_of(read_json(request))
    receipt = ingest.receive(request.auth, batch.spans, now_ns=time.time_ns(), counters=batch.counters)
    return Status(202, answer_of(batch, receipt))
