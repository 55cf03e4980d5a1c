"""POST /v1/traces, /v1/logs and /v1/metrics: any OpenTelemetry exporter over HTTP.

Plain views: OTLP has an error shape of its own, and its bodies are no documents of ours. Nothing here ever
redirects, and every answer has the type of its request.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from traces_app import ingest
from traces_app.access import Access
from traces_app.api.admission import admit
from traces_app.api.body import read_body
from traces_app.api.otlp import decode
from traces_app.api.otlp.answers import LOGS, METRICS, TRACES, Signal, answer, is_json, refusal
from traces_app.api.otlp.translate import Export, export_of_logs, export_of_spans
from traces_app.api.problems import ProblemError, problem_of
from traces_app.ingest import StoreUnavailable
from traces_app.queries import StoreUnusable

__all__ = ["urlpatterns"]

Receiver = Callable[[HttpRequest, Access], Export]

METRICS_WEIGHT: Final = 1 / 20
"""Of a request whose content is dropped: exporters send it every minute, and it is read all the same."""


NOTE_BODIES_EACH_NS: Final = 600 * 10**9
"""Ten minutes. An exporter sends every few seconds, and a page of problems holds 500 notes."""


def _view(signal: Signal, receive: Receiver, *, weight: float = 1.0) -> Any:
    """Whatever is raised is told as OTLP tells it, in the request's type."""

    def view(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        try:
            _check_method(request)
            access = admit(request, "ingest", weight=weight)
            return answer(request, _received(receive, request, access), signal)
        except Exception as error:  # noqa: BLE001 - the one door of errors: problem_of logs the unexpected
            return refusal(request, problem_of(error))

    return csrf_exempt(view)


def _check_method(request: HttpRequest) -> None:
    if request.method != "POST":
        raise ProblemError(405, "Method not allowed", "Exporters POST here: OTLP over HTTP.", allow="POST")


def _received(receive: Receiver, request: HttpRequest, access: Access) -> Export:
    """Exporters say nothing of a body that is refused, and drop it: the page of problems shall."""
    try:
        return receive(request, access)
    except ProblemError as problem:
        now_ns = time.time_ns()
        loss = {f"refused: body ({problem.title})": 1}
        with suppress(StoreUnavailable, StoreUnusable):  # what is wrong with the body is still to be told
            stretch_ns = now_ns - now_ns % NOTE_BODIES_EACH_NS
            ingest.note_losses(access, loss, "body", at_ns=stretch_ns, now_ns=now_ns)
        raise


def _traces(request: HttpRequest, access: Access) -> Export:
    read = decode.read_spans_json if is_json(request) else decode.read_spans_protobuf
    return _keep(access, export_of_spans(read(read_body(request))))


def _logs(request: HttpRequest, access: Access) -> Export:
    read = decode.read_logs_json if is_json(request) else decode.read_logs_protobuf
    return _keep(access, export_of_logs(read(read_body(request))))


def _metrics(request: HttpRequest, _: Access) -> Export:
    """Read and dropped: a 404 would make every exporter log an error each minute, for ever."""
    is_json(request)
    read_body(request)
    return Export()


def _keep(access: Access, export: Export) -> Export:
    receipt = ingest.receive(access, export.spans, now_ns=time.time_ns(), counters=export.counters)
    export.add_refusals(receipt)
    return export


urlpatterns = [  # below /v1/, and below /api/public/otel/v1/, where Langfuse's SDKs post
    path("traces", _view(TRACES, _traces)),
    path("logs", _view(LOGS, _logs)),
    path("metrics", _view(METRICS, _metrics, weight=METRICS_WEIGHT)),
]
