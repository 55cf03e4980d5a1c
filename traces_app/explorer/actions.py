"""What can be done with traces: one entry in ``ACTIONS`` each. For now they can be taken away as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse

from traces_app import queries
from traces_app.explorer.refusals import show_not_found
from traces_app.explorer.twins import span_json, summary_json
from traces_app.explorer.visitor import Visitor, project_action, project_page

MAX_SELECTED: Final = 200
"""Traces in one action: more than a page shows, few enough to be read one after the other in a request."""


@dataclass(frozen=True, slots=True)
class Action:
    label: str
    run: Callable[[Visitor, Sequence[str]], HttpResponseBase]


@project_action
def act_on_selected(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    """Run the chosen action on the selected traces, as a changelist does."""
    action = ACTIONS.get(request.POST.get("action", ""))
    trace_ids = list(dict.fromkeys(request.POST.getlist("selected")))[:MAX_SELECTED]
    if action is None or not trace_ids:
        messages.warning(request, "Select at least one trace and an action.")
        return HttpResponseRedirect(reverse("explorer:traces"))
    return action.run(visitor, trace_ids)


@project_page
def download(request: HttpRequest, visitor: Visitor, trace_id: str) -> HttpResponseBase:
    """One whole trace, payloads included."""
    try:
        trace = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
    except queries.TraceNotFound:
        return show_not_found(request, visitor, trace_id)
    return _attachment(f"trace-{trace_id[:32]}.json", _whole_trace(trace))


def _export(visitor: Visitor, trace_ids: Sequence[str]) -> HttpResponseBase:
    return _attachment("traces.json", _whole_traces(visitor, trace_ids))


ACTIONS: Final = {"export": Action("Export as JSON", _export)}


def _attachment(name: str, pieces: Iterator[str]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _whole_traces(visitor: Visitor, trace_ids: Sequence[str]) -> Iterator[str]:
    """One trace in memory at a time."""
    yield '{"traces": ['
    for index, trace_id in enumerate(trace_ids):
        yield ",\n" if index else "\n"
        try:
            trace = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
        except queries.TraceNotFound:
            yield json.dumps({"trace_id": trace_id, "error": "not found in this project"})
        else:
            yield from _whole_trace(trace)
    yield "\n]}\n"


def _whole_trace(trace: queries.Trace) -> Iterator[str]:
    yield json.dumps(summary_json(trace.summary))[:-1] + ', "spans": ['
    for index, span in enumerate(trace.spans()):
        yield (",\n" if index else "\n") + json.dumps(span_json(span))
    yield "\n]}"
