"""What the trace page's script asks for: the columns of all spans, what some say, where a text stands."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.gzip import gzip_page

from traces_app import queries
from traces_app.explorer.pages.in_trace_search import MIN_QUERY_CHARACTERS, search_trace
from traces_app.explorer.pages.previews import previews as previews_of
from traces_app.explorer.pages.skeleton import revision
from traces_app.explorer.pages.skeleton import skeleton as skeleton_of
from traces_app.explorer.twins import problem
from traces_app.explorer.visitor import Visitor, project_json

MAX_QUERY_CHARACTERS: Final = 4000


@gzip_page
@project_json
def skeleton(request: HttpRequest, visitor: Visitor, trace_id: str) -> HttpResponseBase:
    """With ``?since=<rev>`` only the revision, while nothing has arrived since."""
    try:
        found = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
    except queries.TraceNotFound:
        return problem(404, "No such trace", f"Project {visitor.project} holds no trace {trace_id}.")
    rev = revision(found)
    if request.GET.get("since") == rev:
        return JsonResponse({"rev": rev, "pending": found.summary.status == "pending"})
    body = orjson.dumps(skeleton_of(found, now_ns=visitor.now_ns))
    return HttpResponse(body, content_type="application/json")


@gzip_page
@project_json
def previews(request: HttpRequest, visitor: Visitor, trace_id: str) -> HttpResponseBase:
    span_ids = request.GET.get("spans", "")[:MAX_QUERY_CHARACTERS].split(",")
    try:
        found = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
    except queries.TraceNotFound:
        return problem(404, "No such trace", f"Project {visitor.project} holds no trace {trace_id}.")
    return JsonResponse({span_id: asdict(one) for span_id, one in previews_of(found, span_ids).items()})


@project_json
def search(request: HttpRequest, visitor: Visitor, trace_id: str) -> HttpResponseBase:
    text = request.GET.get("q", "").strip()[:MAX_QUERY_CHARACTERS]
    if len(text) < MIN_QUERY_CHARACTERS:
        return problem(400, "Nothing to look for", f"q: at least {MIN_QUERY_CHARACTERS} characters.")
    try:
        found = queries.get_trace(visitor.project, trace_id, now_ns=visitor.now_ns)
    except queries.TraceNotFound:
        return problem(404, "No such trace", f"Project {visitor.project} holds no trace {trace_id}.")
    return JsonResponse(asdict(search_trace(found, text)))
