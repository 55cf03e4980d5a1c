"""Charts and tables of what a project's traces add up to."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from traces_app.domain.durations import HOUR_S
from traces_app.explorer.filters import query_string, read_time_range
from traces_app.explorer.pages.ranking import measures_json
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.pages.statistics import chosen_dimension, statistics_page
from traces_app.explorer.twins import advertise, problem
from traces_app.explorer.views.rankings import DEFAULT_RANGE, look, read_parameters
from traces_app.explorer.visitor import Visitor, project_json, project_page


@project_page
def statistics(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    parameters, problems = read_parameters(request), list[str]()
    asked = read_time_range(parameters, problems, visitor.now_ns, default=DEFAULT_RANGE)
    over_time = look(visitor, "main", asked)
    by_value = look(visitor, "users", asked) if chosen_dimension(parameters) == "user" else over_time
    twin = reverse("explorer:statistics_json") + query_string(parameters)
    context = {
        "page": statistics_page(over_time, by_value, parameters, asked, now_ns=visitor.now_ns),
        "problems": problems,
        "shell": shell_of(visitor, title="Statistics", json_address=twin, place="statistics"),
    }
    return advertise(render(request, "explorer/statistics.html", context), twin)


@project_json
def statistics_json(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    """Sums over the whole time by every dimension, and of all traces by the hour."""
    problems: list[str] = []
    asked = read_time_range(read_parameters(request), problems, visitor.now_ns, default=DEFAULT_RANGE)
    if problems:
        return problem(400, "Wrong filter", " ".join(problems))
    found = look(visitor, "main", asked)
    total = found.total()
    by_dimension = {
        dimension: {value: measures_json(measures) for value, measures in values.items()}
        for dimension, values in total.items()
    }
    hours = {
        hour * HOUR_S: measures_json(measures)
        for hour, rollup in sorted(found.hours.items())
        for measures in rollup.get("all", {}).values()
    }
    is_complete = found.missing_before is None
    return JsonResponse(
        {"project": visitor.project, "total": by_dimension, "hours": hours, "is_complete": is_complete}
    )
