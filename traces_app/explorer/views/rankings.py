"""Sessions and users: what each adds up to."""

from __future__ import annotations

import time
from typing import Final

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from traces_app import statistics
from traces_app.domain.measures import Section
from traces_app.explorer.filters import Parameters, TimeRange, query_string, read_time_range
from traces_app.explorer.pages.ranking import ranking, ranking_json
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.twins import advertise, problem
from traces_app.explorer.visitor import Visitor, project_json, project_page

MAX_LOOK_S: Final = 3.0
"""For adding up hours; what is left is said, and comes with the next look."""

DEFAULT_RANGE: Final = "7d"
FIELDS: Final = ("q", "sort", "page", "by", "range", "from", "to", "project")
MAX_VALUE_CHARACTERS: Final = 200


@project_page
def sessions(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    return _show(request, visitor, "sessions", "session")


@project_json
def sessions_json(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    return _as_json(request, visitor, "sessions", "session")


@project_page
def users(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    return _show(request, visitor, "users", "user")


@project_json
def users_json(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    return _as_json(request, visitor, "users", "user")


def read_parameters(request: HttpRequest) -> Parameters:
    values = {name: request.GET.get(name, "").strip()[:MAX_VALUE_CHARACTERS] for name in FIELDS}
    return {name: value for name, value in values.items() if value}


def look(visitor: Visitor, section: Section, asked: TimeRange) -> statistics.Statistics:
    ends_at = time.monotonic() + MAX_LOOK_S
    return statistics.get_statistics(
        visitor.project,
        section,
        since_ns=asked.since_ns or 0,
        until_ns=visitor.now_ns if asked.until_ns is None else asked.until_ns,
        is_time_up=lambda: time.monotonic() > ends_at,
        now_ns=visitor.now_ns,
    )


def _show(request: HttpRequest, visitor: Visitor, section: Section, dimension: str) -> HttpResponseBase:
    parameters, problems = read_parameters(request), list[str]()
    asked = read_time_range(parameters, problems, visitor.now_ns, default=DEFAULT_RANGE)
    found = look(visitor, section, asked)
    twin = reverse(f"explorer:{section}_json") + query_string(parameters)
    context = {
        "page": ranking(found, dimension, parameters, asked, now_ns=visitor.now_ns),
        "problems": problems,
        "shell": shell_of(visitor, title=section.capitalize(), json_address=twin, place=section),
    }
    return advertise(render(request, f"explorer/{section}.html", context), twin)


def _as_json(request: HttpRequest, visitor: Visitor, section: Section, dimension: str) -> HttpResponseBase:
    problems: list[str] = []
    asked = read_time_range(read_parameters(request), problems, visitor.now_ns, default=DEFAULT_RANGE)
    if problems:
        return problem(400, "Wrong filter", " ".join(problems))
    found = look(visitor, section, asked)
    return JsonResponse(
        {
            "project": visitor.project,
            section: ranking_json(found, dimension),
            "is_complete": found.missing_before is None,
        }
    )
