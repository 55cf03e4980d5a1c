"""Whoever changes something is asked once more, it is done once, and it is noted who did."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from traces_app import audit, once
from traces_app.explorer.pages.confirm import Question
from traces_app.explorer.pages.forms import Form
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.visitor import Visitor
from traces_app.queries import StoreUnavailable, StoreUnusable, TraceNotFound

Act = Callable[[HttpRequest, Visitor], HttpResponseBase]
Check = Callable[[], object]
NO_WRITING: Final = "The key you are logged in with may only read. Use one with scope “all”."
SENT_ALREADY: Final = (
    "This form was sent already, and nothing is done twice. What it did stands in the audit. "
    "If the store failed on the way, look whether it is done, and fill the form in anew if it is not."
)

_log: Final = logging.getLogger(__name__)


def confirmed(
    request: HttpRequest,
    visitor: Visitor,
    act: Act,
    question: Question,
    *,
    form: Form | None = None,
    check: Check | None = None,
    may_do: bool | None = None,
) -> HttpResponseBase:
    """Ask, and act on the answer. What ``check`` or ``act`` refuses is said in ``form``, beside its field.

    ``may_do`` where it takes something else than a key that may write.
    """
    if not (visitor.may_write if may_do is None else may_do):
        messages.warning(request, NO_WRITING)
        return HttpResponseRedirect(question.back_address)
    try:
        if request.POST.get("confirmed") == "yes":
            return done_once(request, visitor, act, check=check, back_address=question.back_address)
        if check is not None:
            check()
    except ValueError as error:
        if form is not None:
            return refused(request, visitor, form, dict(question.fields), str(error))
        messages.warning(request, f"Not done. {error}")
        return HttpResponseRedirect(question.back_address)
    return ask(request, visitor, question)


def ask(request: HttpRequest, visitor: Visitor, question: Question) -> HttpResponseBase:
    """The answer comes to the address of this request, and can be given once."""
    context = {
        "question": question,
        "address": request.path,
        "once": secrets.token_hex(8),
        "shell": shell_of(visitor, title=question.title, place=question.place),
    }
    return render(request, "explorer/confirm.html", context)


def done_once(
    request: HttpRequest, visitor: Visitor, act: Act, *, check: Check | None = None, back_address: str
) -> HttpResponseBase:
    """Claim the form first, then check, then act: a second one learns that it is the second, and no more.

    ``check`` writes nothing, so whatever ends it leaves the form to be sent again. ``act`` refuses before it
    writes; if it ends otherwise nobody knows what is written, and it must not be written twice.
    """
    name = request.POST.get("once", "")
    if name and not once.claim(visitor.project, name, now_ns=visitor.now_ns):
        messages.warning(request, SENT_ALREADY)
        return HttpResponseRedirect(back_address)
    if check is not None:
        with _released_on(visitor.project, name, Exception):
            check()
    with _released_on(visitor.project, name, ValueError, TraceNotFound):
        return act(request, visitor)


@contextmanager
def _released_on(project: str, name: str, *refusals: type[Exception]) -> Iterator[None]:
    try:
        yield
    except refusals:
        if name:
            _release(project, name)
        raise


def _release(project: str, name: str) -> None:
    """What was refused is told in any case, also where its form cannot be sent again."""
    try:
        once.release(project, name)
    except (StoreUnavailable, StoreUnusable) as error:
        _log.error("a form that did nothing stays claimed: %s", error)


def log(visitor: Visitor, action: str, detail: str) -> None:
    audit.record(visitor.project, who=visitor.who, action=action, detail=detail, now_ns=visitor.now_ns)


def to_admin() -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("explorer:admin"))


def refused(
    request: HttpRequest, visitor: Visitor, form: Form, typed: dict[str, str], said: str
) -> HttpResponseBase:
    shell = shell_of(visitor, title=form.title, place="admin")
    context = {"form": form.refused(typed, said), "shell": shell}
    return render(request, "explorer/refused.html", context, status=400)
