"""What keeping traces costs: the bill of a month, and the receipt of one trace."""

from __future__ import annotations

import time
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from traces_app import queries
from traces_app.bill import Bill, Month, get_bill, get_receipt, month_named, month_of, region_problem
from traces_app.budget import read_budget
from traces_app.explorer.pages.budget import budget_json, budget_of_bill
from traces_app.explorer.pages.cost import bill_json, cost_page
from traces_app.explorer.pages.receipt import receipt_json, receipt_page
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.refusals import show_not_found
from traces_app.explorer.twins import advertise, problem
from traces_app.explorer.views.rankings import MAX_LOOK_S
from traces_app.explorer.visitor import Visitor, project_json, project_page

MAX_PROJECTS: Final = 12
"""In the table by project: each is a bill of its own, three requests to the store."""


@project_page
def cost(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    problems = [text for text in (region_problem(),) if text]
    month = _month(request, visitor, problems)
    bills = _bills(visitor, month)
    twin = f"{reverse('explorer:cost_json')}?month={month.name}"
    page = cost_page(
        bills[0],
        sorted(bills, key=lambda one: one.project),
        month=month,
        engine=queries.engine_name(),
        region=settings.AWS_REGION,
        now_ns=visitor.now_ns,
    )
    if len(bills) < len(visitor.projects):
        page.notes.append(
            f"The table has {len(bills)} of your {len(visitor.projects)} projects: switch to see others."
        )
    shell = shell_of(visitor, title="Cost", json_address=twin, place="cost")
    budget = None
    if not page.is_over:
        found = read_budget(visitor.project, now_ns=visitor.now_ns)
        budget = budget_of_bill(found, bills[0], now_ns=visitor.now_ns)
    context = {"page": page, "budget": budget, "problems": problems, "shell": shell}
    return advertise(render(request, "explorer/cost.html", context), twin)


@project_json
def cost_json(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    """``would`` is true on the local store: nothing is charged there."""
    problems: list[str] = []
    month = _month(request, visitor, problems)
    if problems:
        return problem(400, "Not a month", problems[0])
    bills = _bills(visitor, month)
    answer = {
        "budget": budget_json(read_budget(visitor.project, now_ns=visitor.now_ns), bills[0]),
        "would": queries.engine_name() == "sqlite",
        "region": settings.AWS_REGION,
        "region_problem": region_problem() or None,
        "projects": [bill_json(bill) for bill in bills],
    }
    return JsonResponse(answer)


@project_page
def receipt(request: HttpRequest, visitor: Visitor, trace_id: str) -> HttpResponseBase:
    try:
        found = get_receipt(visitor.project, trace_id, now_ns=visitor.now_ns)
    except queries.TraceNotFound:
        return show_not_found(request, visitor, trace_id)
    twin = reverse("explorer:receipt_json", args=[trace_id])
    page = receipt_page(
        found, engine=queries.engine_name(), region=settings.AWS_REGION, now_ns=visitor.now_ns
    )
    problems = [text for text in (region_problem(),) if text]
    shell = shell_of(visitor, title=f"Receipt of {page.name}", json_address=twin)
    context = {"page": page, "problems": problems, "shell": shell}
    return advertise(render(request, "explorer/receipt.html", context), twin)


@project_json
def trace_receipt_json(_request: HttpRequest, visitor: Visitor, trace_id: str) -> HttpResponseBase:
    try:
        found = get_receipt(visitor.project, trace_id, now_ns=visitor.now_ns)
    except queries.TraceNotFound:
        return problem(404, "No such trace", f"Project {visitor.project} holds no trace {trace_id}.")
    return JsonResponse(receipt_json(found))


def _month(request: HttpRequest, visitor: Visitor, problems: list[str]) -> Month:
    current = month_of(visitor.now_ns)
    try:
        asked = month_named(request.GET.get("month", "").strip() or current.name)
    except ValueError as error:
        problems.append(str(error))
        return current
    if asked.first_hour > current.first_hour:
        problems.append(f"month: {asked.name} has not begun")
        return current
    return asked


def _bills(visitor: Visitor, month: Month) -> list[Bill]:
    """Of the project shown, then of the others that the visitor may see."""
    ends_at = time.monotonic() + MAX_LOOK_S
    names = dict.fromkeys((visitor.project, *visitor.projects[:MAX_PROJECTS]))
    return [
        get_bill(name, month, is_time_up=lambda: time.monotonic() > ends_at, now_ns=visitor.now_ns)
        for name in names
    ]
