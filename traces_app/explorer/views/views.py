"""Saved views: searches under a name."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from traces_app import saved_views
from traces_app.explorer.confirming import NO_WRITING, confirmed, log
from traces_app.explorer.pages.confirm import Question
from traces_app.explorer.pages.saved_views import views_page
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.twins import advertise
from traces_app.explorer.visible import visible_line
from traces_app.explorer.visitor import Visitor, project_action, project_json, project_page


@project_page
def views(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    found = saved_views.list_views(visitor.project, owner=visitor.who, now_ns=visitor.now_ns)
    twin = reverse("explorer:views_json")
    context = {
        "page": views_page(found, visitor=visitor),
        "shell": shell_of(visitor, title="Saved views", json_address=twin, place="admin"),
    }
    return advertise(render(request, "explorer/views.html", context), twin)


@project_json
def views_json(_request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    found = saved_views.list_views(visitor.project, owner=visitor.who, now_ns=visitor.now_ns)
    return JsonResponse({"project": visitor.project, "views": [asdict(view) for view in found]})


@project_action
def save_view(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    """Everybody keeps views of their own; shared ones are part of the project."""
    query = request.POST.get("query", "")
    query = query if query.startswith("?") else "?"
    is_shared = request.POST.get("shared") == "yes"
    if is_shared and not visitor.may_write:
        messages.warning(request, NO_WRITING)
        return HttpResponseRedirect(reverse("explorer:traces") + query)
    name = request.POST.get("name", "")
    try:
        view = saved_views.save_view(
            visitor.project,
            name=name,
            query=query,
            owner=visitor.who,
            is_shared=is_shared,
            now_ns=visitor.now_ns,
        )
    except ValueError as error:
        messages.warning(request, str(error))
    else:
        log(visitor, "save view", f"{view.name} ({'shared' if is_shared else 'own'}): {query}")
        messages.success(request, f"Saved as {visible_line(view.name, 80)}.")
    return HttpResponseRedirect(reverse("explorer:traces") + query)


@project_action
def delete_view(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    view_id = request.POST.get("view", "")
    found = saved_views.list_views(visitor.project, owner=visitor.who, now_ns=visitor.now_ns)
    view = next((one for one in found if one.view_id == view_id), None)
    title = f"Delete the view {visible_line(view.name if view else '', 80)}?"
    is_shared = view is not None and view.is_shared
    text = f"Nobody in {visitor.project} will find it any more." if is_shared else "It is yours alone."
    fields, back = [("view", view_id)], reverse("explorer:views")
    return confirmed(
        request,
        visitor,
        partial(_delete_view, view=view),
        Question(title, text, "Delete the view", fields, back_address=back),
        check=partial(_existing, view),
        may_do=visitor.may_write or view is None or view.owner == visitor.who,
    )


def _existing(view: saved_views.SavedView | None) -> saved_views.SavedView:
    if view is None:
        raise ValueError("There is no such view any more.")
    return view


def _delete_view(
    request: HttpRequest, visitor: Visitor, *, view: saved_views.SavedView | None
) -> HttpResponseBase:
    found = _existing(view)
    saved_views.delete_view(visitor.project, found.view_id, owner=visitor.who, now_ns=visitor.now_ns)
    log(visitor, "delete view", f"{found.name}: {found.query}")
    messages.success(request, f"{visible_line(found.name, 80)} is deleted.")
    return HttpResponseRedirect(reverse("explorer:views"))
