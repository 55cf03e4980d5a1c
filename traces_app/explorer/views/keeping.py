"""How long a project keeps what, and erasing for good. Whoever changes something is asked once more."""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from traces_app import erasing, retention
from traces_app.domain.retention import days_text, read_days
from traces_app.explorer.confirming import ask, confirmed, log, refused, to_admin
from traces_app.explorer.formats import plural
from traces_app.explorer.pages.admin import erased_lines, erasure_line
from traces_app.explorer.pages.confirm import Question
from traces_app.explorer.pages.forms import FORMS
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.twins import advertise, problem
from traces_app.explorer.visible import visible_line
from traces_app.explorer.visitor import Visitor, project_action, project_json, project_page

MAX_ERASE_S: Final = 8.0
"""In one request; a server may end one after 30 s."""

MAX_LINES_SHOWN: Final = 200
FOR_NEW: Final = (
    "It counts for what arrives from now on; manage.py apply_retention brings stored traces to it."
)


@project_action
def set_rule(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    condition, days = (request.POST.get(name, "").strip() for name in ("condition", "days"))
    title = f"Keep {visible_line(condition, 100)} {_for(days)}?"
    text = f"Of several rules that hold for a trace the longest counts. {FOR_NEW}"
    fields = [("condition", condition), ("days", days)]
    return confirmed(
        request,
        visitor,
        _set_rule,
        Question(title, text, "Set the rule", fields),
        form=FORMS["set_rule"],
        check=partial(
            retention.read_rule, visitor.project, condition=condition, days=days, now_ns=visitor.now_ns
        ),
    )


@project_action
def remove_rule(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    condition = request.POST.get("condition", "")
    title, fields = f"Remove the rule {visible_line(condition, 100)}?", [("condition", condition)]
    return confirmed(request, visitor, _remove_rule, Question(title, FOR_NEW, "Remove the rule", fields))


@project_action
def set_rest(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    days = request.POST.get("days", "").strip()
    title = f"Keep the rest {_for(days)}?" if days else "Keep the rest as the setting says?"
    return confirmed(
        request,
        visitor,
        _set_rest,
        Question(title, FOR_NEW, "Set the days", [("days", days)]),
        form=FORMS["set_rest"],
        check=partial(read_days, days) if days else None,
    )


@project_action
def erase(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    kind, subject_id = request.POST.get("kind", ""), request.POST.get("id", "").strip()
    fields = [("kind", kind), ("id", subject_id)]
    try:
        count = erasing.count_traces(visitor.project, kind, subject_id, now_ns=visitor.now_ns)
    except ValueError as error:
        return refused(request, visitor, FORMS["erase"], dict(fields), str(error))
    what = f"{visible_line(kind, 20)} {visible_line(subject_id, 100)}"
    text = (
        f"{_stored(count)} Whatever arrives before you confirm is erased too. Spans, summaries in all lists, "
        "pins and sums of statistics go for good; a receipt with ids and numbers stays in the audit."
    )
    question = Question(f"Erase the {what}?", text, "Erase for good", fields)
    return confirmed(request, visitor, _erase, question, form=FORMS["erase"])


@project_page
def erasure(request: HttpRequest, visitor: Visitor, erasure_id: str) -> HttpResponseBase:
    found = erasing.get_erasure(visitor.project, erasure_id, now_ns=visitor.now_ns)
    if found is None:
        messages.warning(request, "There is no such receipt in this project.")
        return to_admin()
    lines = erasing.list_lines(visitor.project, erasure_id, now_ns=visitor.now_ns)
    twin = reverse("explorer:erasure_json", args=[erasure_id])
    context = {
        "receipt": erasure_line(found, now_ns=visitor.now_ns),
        "lines": erased_lines(lines[:MAX_LINES_SHOWN]),
        "more_lines": max(0, len(lines) - MAX_LINES_SHOWN),
        "shell": shell_of(visitor, title="Receipt of an erasure", json_address=twin, place="admin"),
    }
    return advertise(render(request, "explorer/erasure.html", context), twin)


@project_json
def erasure_json(_request: HttpRequest, visitor: Visitor, erasure_id: str) -> HttpResponseBase:
    found = erasing.get_erasure(visitor.project, erasure_id, now_ns=visitor.now_ns)
    if found is None:
        return problem(404, "No such receipt", f"Project {visitor.project} has no receipt {erasure_id[:60]}.")
    lines = erasing.list_lines(visitor.project, erasure_id, now_ns=visitor.now_ns)
    return JsonResponse({"erasure": asdict(found), "traces": [asdict(line) for line in lines]})


def _for(days: str) -> str:
    """Of what was typed; that it can be read is checked elsewhere."""
    return f"for {visible_line(days, 20)} day{'' if days == '1' else 's'}" if days.isdecimal() else "for ever"


def _set_rule(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    rule = retention.set_rule(
        visitor.project,
        condition=request.POST.get("condition", ""),
        days=request.POST.get("days", ""),
        now_ns=visitor.now_ns,
    )
    log(visitor, "set retention", f"{rule.condition}: {days_text(rule.days)}")
    messages.success(request, f"The rule is set: {visible_line(rule.text, 200)}.")
    return to_admin()


def _remove_rule(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    condition = request.POST.get("condition", "")
    if not retention.remove_rule(visitor.project, condition=condition, now_ns=visitor.now_ns):
        raise ValueError("There is no such rule any more.")
    log(visitor, "remove retention", condition)
    messages.success(request, f"The rule {visible_line(condition, 100)} is removed.")
    return to_admin()


def _set_rest(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    told = retention.set_rest(visitor.project, days=request.POST.get("days", ""), now_ns=visitor.now_ns)
    log(visitor, "set retention", f"rest: {told}")
    messages.success(request, f"The rest is kept {told}.")
    return to_admin()


def _erase(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    kind, subject_id = request.POST.get("kind", ""), request.POST.get("id", "").strip()
    ends_at = time.monotonic() + MAX_ERASE_S
    receipt = erasing.erase(
        visitor.project,
        kind,
        subject_id,
        who=visitor.who,
        is_time_up=lambda: time.monotonic() > ends_at,
        now_ns=visitor.now_ns,
    )
    if receipt.ended_at_ns is None:
        return _ask_to_go_on(request, visitor, receipt, subject_id)
    if receipt.traces:
        messages.success(request, "Erased. This is the receipt.")
    else:
        messages.warning(request, f"Nothing is stored of that {kind}: look whether the id is right.")
    return HttpResponseRedirect(reverse("explorer:erasure", args=[receipt.erasure_id]))


def _ask_to_go_on(
    request: HttpRequest, visitor: Visitor, receipt: erasing.Erasure, subject_id: str
) -> HttpResponseBase:
    count = erasing.count_traces(visitor.project, receipt.kind, subject_id, now_ns=visitor.now_ns)
    text = (
        f"{plural(receipt.traces, 'trace')} erased so far; one request takes only so long. "
        f"{_stored(count)} Going on erases these, also what came meanwhile."
    )
    fields = [("kind", receipt.kind), ("id", subject_id)]
    return ask(request, visitor, Question("More is left", text, "Go on", fields))


def _stored(count: int) -> str:
    return f"{plural(count, 'trace')} of it {'is' if count == 1 else 'are'} stored now."
