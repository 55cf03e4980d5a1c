"""A project's budget and its alerts. Whoever changes something is asked once more."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase

from traces_app import budget
from traces_app.explorer.confirming import confirmed, log, to_admin
from traces_app.explorer.formats import cost_text
from traces_app.explorer.pages.budget import address_text
from traces_app.explorer.pages.confirm import Question
from traces_app.explorer.pages.forms import FORMS
from traces_app.explorer.views.rankings import MAX_LOOK_S
from traces_app.explorer.visible import visible_line
from traces_app.explorer.visitor import Visitor, project_action
from traces_app.spending import work_out

_AMOUNT: Final = ("monthly_usd", "slow_s", "expensive_usd")
_ALERT: Final = ("what", "by", "value", "limit", "to")


@project_action
def set_budget(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    fields = _typed(request, _AMOUNT)
    amount = visible_line(dict(fields)["monthly_usd"], 20)
    title = f"A budget of ${amount.removeprefix('$')} a month?" if amount else "No budget any more?"
    text = (
        "When the forecast of keeping the traces passes it, only a share of plain ones keeps its contents. "
        "Errors, slow, expensive, scored and pinned ones are kept whole, and all counts stay exact."
    )
    text = text if amount else "Everything that arrives is kept whole again."
    question = Question(title, text, "Set the budget", fields)
    check = partial(budget.read_amount, **dict(fields))
    return confirmed(request, visitor, _set_budget, question, form=FORMS["set_budget"], check=check)


@project_action
def add_alert(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    fields = _typed(request, _ALERT)
    to = visible_line(dict(fields)["to"], 100)
    question = Question(f"Tell {to}?", "Once a month, when the limit is passed.", "Add the alert", fields)
    check = partial(budget.new_alert, visitor.project, dict(fields), now_ns=visitor.now_ns)
    return confirmed(request, visitor, _add_alert, question, form=FORMS["add_alert"], check=check)


@project_action
def remove_alert(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    fields = _typed(request, ("alert",))
    question = Question("Remove the alert?", "Nobody is told by it any more.", "Remove the alert", fields)
    return confirmed(request, visitor, _remove_alert, question)


def _typed(request: HttpRequest, names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, request.POST.get(name, "").strip()) for name in names]


def _set_budget(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    project, now_ns = visitor.project, visitor.now_ns
    known = budget.set_budget(project, **dict(_typed(request, _AMOUNT)), now_ns=now_ns)
    if known.monthly_usd is None:
        log(visitor, "remove budget", "everything is kept whole")
        messages.success(request, "There is no budget any more: everything is kept whole.")
        return to_admin()
    ends_at = time.monotonic() + MAX_LOOK_S
    rate = work_out(project, is_time_up=partial(_is_past, ends_at), now_ns=now_ns)
    told = f"{cost_text(known.monthly_usd)} a month, slow from {known.slow_s:g} s"
    log(visitor, "set budget", f"{told}, expensive from {cost_text(known.expensive_usd)}")
    messages.success(request, f"The budget is set: {cost_text(known.monthly_usd)} a month; {rate}.")
    return to_admin()


def _is_past(ends_at: float) -> bool:
    return time.monotonic() > ends_at


def _add_alert(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    alert = budget.add_alert(visitor.project, dict(_typed(request, _ALERT)), now_ns=visitor.now_ns)
    told = f"{alert.subject} above {cost_text(alert.limit_usd)}: {address_text(alert)}"
    log(visitor, "add alert", told)
    messages.success(request, f"The alert is set: {visible_line(told, 300)}.")
    return to_admin()


def _remove_alert(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    found = budget.remove_alert(visitor.project, request.POST.get("alert", ""), now_ns=visitor.now_ns)
    if found is None:
        raise ValueError("There is no such alert any more.")
    log(visitor, "remove alert", f"{found.subject} above {cost_text(found.limit_usd)}: {address_text(found)}")
    messages.success(request, "The alert is removed.")
    return to_admin()
