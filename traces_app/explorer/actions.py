"""What can be done with traces: one entry in ``ACTIONS`` each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse

from traces_app import curation, queries
from traces_app.domain.ids import is_trace_id
from traces_app.domain.limits import MAX_TAG_CHARACTERS
from traces_app.explorer.confirming import NO_WRITING, confirmed, log
from traces_app.explorer.formats import moment, plural
from traces_app.explorer.pages.compare import LETTERS
from traces_app.explorer.pages.confirm import Question
from traces_app.explorer.refusals import show_not_found
from traces_app.explorer.twins import span_json, summary_json
from traces_app.explorer.visible import visible_line
from traces_app.explorer.visitor import Visitor, project_action, project_page

MAX_SELECTED: Final = 200
"""Traces in one action: more than a page shows, few enough to be read one after the other in a request."""

MAX_DATES_TOLD: Final = 3
MAX_COMPARED: Final = len(LETTERS)


@dataclass(frozen=True, slots=True)
class Action:
    run: Callable[[HttpRequest, Visitor, Sequence[str]], HttpResponseBase]
    writes: bool = False


@project_action
def act_on_selected(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    """Run the chosen action on the selected traces, as a changelist does."""
    action = ACTIONS.get(request.POST.get("action", ""))
    trace_ids = list(dict.fromkeys(request.POST.getlist("selected")))[:MAX_SELECTED]
    if action is None or not trace_ids:
        messages.warning(request, "Select at least one trace and an action.")
        return _back(request)
    if action.writes and not visitor.may_write:
        messages.warning(request, NO_WRITING)
        return _back(request)
    return action.run(request, visitor, trace_ids)


@project_page
def download(request: HttpRequest, visitor: Visitor, trace_id: str) -> HttpResponseBase:
    """One whole trace, payloads included."""
    try:
        trace = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
    except queries.TraceNotFound:
        return show_not_found(request, visitor, trace_id)
    return _attachment(f"trace-{trace_id[:32]}.json", _whole_trace(trace), "application/json")


@project_action
def score_span(request: HttpRequest, visitor: Visitor, trace_id: str, span_id: str) -> HttpResponseBase:
    """What a person thinks of a span, beside what evaluators do."""
    address = reverse("explorer:span", args=[trace_id, span_id]) + "?tab=scores"
    if not visitor.may_write:
        messages.warning(request, NO_WRITING)
        return HttpResponseRedirect(address)
    name, value, comment = (request.POST.get(field, "") for field in ("name", "value", "comment"))
    try:
        is_scored = curation.score_span(
            visitor.project,
            trace_id,
            span_id,
            name=name,
            value=value,
            comment=comment,
            who=visitor.who,
            now_ns=visitor.now_ns,
        )
    except ValueError as error:
        messages.warning(request, f"Not saved. {error}")
        return HttpResponseRedirect(address)
    if not is_scored:
        return show_not_found(request, visitor, trace_id)
    log(visitor, "score span", f"span {span_id} of trace {trace_id}")
    messages.success(request, "The score is saved.")
    return HttpResponseRedirect(address)


def _export(_request: HttpRequest, visitor: Visitor, trace_ids: Sequence[str]) -> HttpResponseBase:
    lines = (_line_of(visitor, trace_id) for trace_id in trace_ids)
    return _attachment("traces.jsonl", lines, "application/x-ndjson")


def _compare(request: HttpRequest, _visitor: Visitor, trace_ids: Sequence[str]) -> HttpResponseBase:
    if not 1 < len(trace_ids) <= MAX_COMPARED:
        messages.warning(request, f"Select two to {MAX_COMPARED} traces to compare.")
        return _back(request)
    sides = urlencode(dict(zip(LETTERS.lower(), trace_ids, strict=False)))
    return HttpResponseRedirect(f"{reverse('explorer:compare')}?{sides}")


def _tag(request: HttpRequest, visitor: Visitor, trace_ids: Sequence[str]) -> HttpResponseBase:
    tag = " ".join(request.POST.get("tag", "").split())
    if not any(map(str.isprintable, tag)) or len(tag) > MAX_TAG_CHARACTERS:
        said = f"tag: write what the selected traces shall have, at most {MAX_TAG_CHARACTERS} characters."
        messages.warning(request, said)
        return _back(request)
    tagged = sum(
        curation.tag_trace(visitor.project, trace_id, tag, now_ns=visitor.now_ns) for trace_id in trace_ids
    )
    detail = f"{plural(tagged, 'trace')} tagged {visible_line(tag)}"
    log(visitor, "tag traces", detail)
    messages.success(request, f"{detail}.")
    return _back(request)


def _delete(request: HttpRequest, visitor: Visitor, trace_ids: Sequence[str]) -> HttpResponseBase:
    count = plural(len(trace_ids), "trace")
    text = "Their spans, inputs and outputs are deleted for good, and they leave the statistics."
    question = _question(request, "delete", (f"Delete {count}?", text, f"Delete {count}"), trace_ids)
    return confirmed(request, visitor, partial(_delete_now, trace_ids=trace_ids), question)


def _delete_now(request: HttpRequest, visitor: Visitor, *, trace_ids: Sequence[str]) -> HttpResponseBase:
    deleted = [
        trace_id
        for trace_id in trace_ids
        if curation.delete_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
    ]
    log(visitor, "delete traces", f"{plural(len(deleted), 'trace')}: {', '.join(deleted)}")
    messages.success(request, f"{plural(len(deleted), 'trace')} deleted.")
    return _back(request)


def _question(
    request: HttpRequest, action: str, told: tuple[str, str, str], trace_ids: Sequence[str]
) -> Question:
    fields = [
        ("action", action),
        *((name, request.POST.get(name, "")) for name in ("back", "place")),
        *(("selected", trace_id) for trace_id in trace_ids),
    ]
    return Question(*told, fields, back_address=_back_address(request), place="traces")


def _pin(request: HttpRequest, visitor: Visitor, trace_ids: Sequence[str]) -> HttpResponseBase:
    pinned = [
        trace_id
        for trace_id in trace_ids
        if curation.pin_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
    ]
    log(visitor, "pin traces", f"{plural(len(pinned), 'trace')}: {', '.join(pinned)}")
    messages.success(request, f"{plural(len(pinned), 'trace')} pinned: kept for ever.")
    return _back(request)


def _unpin(request: HttpRequest, visitor: Visitor, trace_ids: Sequence[str]) -> HttpResponseBase:
    count = plural(len(trace_ids), "trace")
    text = "The rules of the project count again. A trace whose time has passed stays for one day more."
    question = _question(request, "unpin", (f"Unpin {count}?", text, f"Unpin {count}"), trace_ids)
    return confirmed(request, visitor, partial(_unpin_now, trace_ids=trace_ids), question)


def _unpin_now(request: HttpRequest, visitor: Visitor, *, trace_ids: Sequence[str]) -> HttpResponseBase:
    found = [
        (trace_id, unpinned)
        for trace_id in trace_ids
        if (unpinned := curation.unpin_trace(visitor.project, trace_id, now_ns=visitor.now_ns))
    ]
    count = plural(len(found), "trace")
    log(visitor, "unpin traces", f"{count}: {', '.join(trace_id for trace_id, _ in found)}")
    until = sorted({_until(one.expires_at, visitor.now_ns) for _, one in found})
    messages.success(request, f"{count} unpinned: kept {', '.join(until[:MAX_DATES_TOLD])}.")
    if overdue := sum(one.is_overdue for _, one in found):
        messages.warning(
            request, f"{plural(overdue, 'trace')} would have ended sooner by the rules: kept for one day."
        )
    return _back(request)


def _until(expires_at: int | None, now_ns: int) -> str:
    at = None if expires_at is None else moment(expires_at * 10**9, now_ns=now_ns)
    return f"until {at.day}" if at else "for ever"


ACTIONS: Final = {
    "export": Action(_export),
    "compare": Action(_compare),
    "tag": Action(_tag, writes=True),
    "pin": Action(_pin, writes=True),
    "unpin": Action(_unpin, writes=True),
    "delete": Action(_delete, writes=True),
}


def _back(request: HttpRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(_back_address(request))


def _back_address(request: HttpRequest) -> str:
    """The trace, or the list as it was: only ever its query string, never another place."""
    trace_id = request.POST.get("selected", "")
    if request.POST.get("place") == "trace" and is_trace_id(trace_id):
        address: str = reverse("explorer:trace", args=[trace_id])
        return address
    query = request.POST.get("back", "")
    return f"{reverse('explorer:traces')}{query if query.startswith('?') else ''}"


def _attachment(name: str, pieces: Iterator[str], content_type: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _line_of(visitor: Visitor, trace_id: str) -> str:
    """One whole trace a line: one in memory at a time."""
    try:
        trace = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
    except queries.TraceNotFound:
        return json.dumps({"trace_id": trace_id, "error": "not found in this project"}) + "\n"
    spans = [span_json(span) for span in trace.spans()]
    return json.dumps(summary_json(trace.summary) | {"spans": spans}) + "\n"


def _whole_trace(trace: queries.Trace) -> Iterator[str]:
    yield json.dumps(summary_json(trace.summary))[:-1] + ', "spans": ['
    for index, span in enumerate(trace.spans()):
        yield (",\n" if index else "\n") + json.dumps(span_json(span))
    yield "\n]}\n"
