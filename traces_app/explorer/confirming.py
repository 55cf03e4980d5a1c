"""Whoever changes something is asked once more, and it is noted who did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from traces_app import audit
from traces_app.explorer.pages.confirm import Confirmation
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.visitor import Visitor

Act = Callable[[HttpRequest, Visitor], HttpResponseBase]
NO_WRITING: Final = "The key you are logged in with may only read. Use one with scope “all”."


def confirmed(
    request: HttpRequest,
    visitor: Visitor,
    act: Act,
    question: tuple[str, str, str],
    fields: list[tuple[str, str]],
) -> HttpResponseBase:
    """Ask, and act on the answer. A refused value says what is wrong with it."""
    if not visitor.may_write:
        messages.warning(request, NO_WRITING)
        return to_admin()
    if request.POST.get("confirmed") == "yes":
        try:
            return act(request, visitor)
        except ValueError as error:
            messages.warning(request, f"Not done. {error}")
            return to_admin()
    title, text, button = question
    page = Confirmation(title, text, request.path, fields, button, reverse("explorer:admin"))
    shell = shell_of(visitor, title=title, place="admin")
    return render(request, "explorer/confirm.html", {"page": page, "shell": shell})


def log(visitor: Visitor, action: str, detail: str) -> None:
    audit.record(visitor.project, who=visitor.who, action=action, detail=detail, now_ns=visitor.now_ns)


def to_admin() -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("explorer:admin"))
