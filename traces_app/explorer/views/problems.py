"""What senders lost, what was refused, what was not understood."""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from traces_app import queries
from traces_app.explorer.pages.problems import problems_page
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.twins import advertise
from traces_app.explorer.visitor import Visitor, project_json, project_page


@project_page
def problems(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    found = queries.get_problems(visitor.project, now_ns=visitor.now_ns)
    twin = reverse("explorer:problems_json")
    context = {
        "page": problems_page(found),
        "shell": shell_of(visitor, title="Problems", json_address=twin, place="problems"),
    }
    return advertise(render(request, "explorer/problems.html", context), twin)


@project_json
def problems_json(_request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    found = queries.get_problems(visitor.project, now_ns=visitor.now_ns)
    return JsonResponse({"project": visitor.project, "problems": [asdict(one) for one in found]})
