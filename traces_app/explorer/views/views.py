"""Saved views: searches under a name."""

from __future__ import annotations

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from traces_app import saved_views
from traces_app.explorer.confirming import NO_WRITING, log
from traces_app.explorer.pages.confirm import Confirmation
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
    if view is None:
        messages.warning(request, "There is no such view any more.")
        return HttpResponseRedirect(reverse("explorer:views"))
    if view.owner != visitor.who and not visitor.may_write:
        messages.warning(request, NO_WRITING)
        return HttpResponseRedirect(reverse("explorer:views"))
    if request.POST.get("confirmed") != "yes":
        return _ask(request, visitor, view)
    saved_views.delete_view(visitor.project, view_id, owner=visitor.who, now_ns=visitor.now_ns)
    log(visitor, "delete view", f"{view.name}: {view.query}")
    messages.success(request, f"{visible_line(view.name, 80)} is deleted.")
    return HttpResponseRedirect(reverse("explorer:views"))


def _ask(request: HttpRequest, visitor: Visitor, view: saved_views.SavedView) -> HttpResponseBase:
    name = visible_line(view.name, 80)
    page = Confirmation(
        title=f"Delete the view {name}?",
        text=f"Nobody in {visitor.project} will find it any more."
        if view.is_shared
        else "It is yours alone.",
        address=reverse("explorer:delete_view"),
        fields=[("view", view.view_id)],
        button="Delete the view",
        back_address=reverse("explorer:views"),
    )
    shell = shell_of(visitor, title=page.title, place="admin")
    return render(request, "explorer/confirm.html", {"page": page, "shell": shell})
