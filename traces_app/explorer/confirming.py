"""Whoever changes something is asked once more, it is done once, and it is noted who did."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from traces_app import audit
from traces_app.explorer.pages.confirm import Confirmation
from traces_app.explorer.pages.forms import Form
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.visitor import Visitor

Act = Callable[[HttpRequest, Visitor], HttpResponseBase]
Check = Callable[[], object]
NO_WRITING: Final = "The key you are logged in with may only read. Use one with scope “all”."
SENT_ALREADY: Final = (
    "This form was sent already, and nothing is done twice. What it did stands in the audit."
)


def confirmed(
    request: HttpRequest,
    visitor: Visitor,
    act: Act,
    question: tuple[str, str, str],
    fields: list[tuple[str, str]],
    *,
    form: Form | None = None,
    check: Check | None = None,
) -> HttpResponseBase:
    """Ask, and act on the answer. What ``check`` or ``act`` refuses is said in ``form``, beside its field."""
    if not visitor.may_write:
        messages.warning(request, NO_WRITING)
        return to_admin()
    try:
        if check is not None:
            check()
        if request.POST.get("confirmed") == "yes":
            return _act_once(request, visitor, act)
    except ValueError as error:
        return refused(request, visitor, form, dict(fields), str(error))
    title, text, button = question
    once = ("once", secrets.token_hex(8))
    page = Confirmation(title, text, request.path, [*fields, once], button, reverse("explorer:admin"))
    shell = shell_of(visitor, title=title, place="admin")
    return render(request, "explorer/confirm.html", {"page": page, "shell": shell})


def log(visitor: Visitor, action: str, detail: str) -> None:
    audit.record(visitor.project, who=visitor.who, action=action, detail=detail, now_ns=visitor.now_ns)


def to_admin() -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("explorer:admin"))


def is_sent_again(request: HttpRequest, visitor: Visitor) -> bool:
    """Whether this very form was sent before; ``once`` is in it what tells it from others."""
    once = request.POST.get("once", "")
    return bool(once) and not audit.claim(visitor.project, once, now_ns=visitor.now_ns)


def _act_once(request: HttpRequest, visitor: Visitor, act: Act) -> HttpResponseBase:
    if is_sent_again(request, visitor):
        messages.warning(request, SENT_ALREADY)
        return to_admin()
    try:
        return act(request, visitor)
    except Exception:
        if once := request.POST.get("once", ""):
            audit.release(visitor.project, once)
        raise


def refused(
    request: HttpRequest, visitor: Visitor, form: Form | None, typed: dict[str, str], said: str
) -> HttpResponseBase:
    if form is None:
        messages.warning(request, f"Not done. {said}")
        return to_admin()
    shell = shell_of(visitor, title=form.title, place="admin")
    context = {"form": form.refused(typed, said), "shell": shell}
    return render(request, "explorer/refused.html", context, status=400)
