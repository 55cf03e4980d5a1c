"""POST /api/ingest, where our own client sends its batches.

A plain view: ninja, and with it the whole read API, would double what a cold start on Lambda loads. The
router beside describes it in the API's document.
"""

from __future__ import annotations

import time
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from traces_app import ingest
from traces_app.access import Access
from traces_app.api.admission import admit
from traces_app.api.body import read_json
from traces_app.api.native.translate import answer_of, batch_of
from traces_app.api.problems import ProblemError, problem_of, problem_response

__all__ = ["receive_batch", "store_batch"]


def _receive_batch(request: HttpRequest) -> Any:
    if request.method != "POST":
        return _wrong_method()
    try:
        receipt = store_batch(request, admit(request, "ingest"))
    except Exception as error:  # noqa: BLE001 - the one door of errors: problem_of logs the unexpected
        return problem_response(problem_of(error))
    return HttpResponse(orjson.dumps(receipt), status=202, content_type="application/json")


receive_batch = csrf_exempt(_receive_batch)


def _wrong_method() -> Any:
    problem = ProblemError(405, "Method Not Allowed", "Clients POST their batches here.")
    response = problem_response(problem)
    response["Allow"] = "POST"
    return response


def store_batch(request: HttpRequest, access: Access) -> dict[str, Any]:
    """The receipt: how many spans are stored, and which are not and why."""
    batch = batch_of(read_json(request))
    receipt = ingest.receive(access, batch.spans, now_ns=time.time_ns(), counters=batch.counters)
    return answer_of(batch, receipt)
