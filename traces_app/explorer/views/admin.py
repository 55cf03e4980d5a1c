"""Keys, prices, projects and the log of what was changed. Whoever changes something is asked once more."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from traces_app import access, audit, budget, erasing, prices, queries, retention
from traces_app.bill import month_of
from traces_app.domain.pricing import PRICE_LABELS
from traces_app.explorer.confirming import confirmed, log, to_admin
from traces_app.explorer.pages.admin import Administered, admin_page, audit_lines
from traces_app.explorer.pages.budget import address_text, budget_panel
from traces_app.explorer.pages.confirm import Question
from traces_app.explorer.pages.forms import FORMS
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.twins import advertise
from traces_app.explorer.visible import visible_line
from traces_app.explorer.visitor import Visitor, grant, project_action, project_json, project_page

SCOPES: Final = {
    "ingest": "may send traces, and see nothing",
    "read": "may look at everything, and change nothing",
    "all": "may send, look, delete traces and manage keys",
}


@project_page
def admin(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    found, now_ns = _read(visitor), visitor.now_ns
    panel = budget_panel(found.budget, month=month_of(now_ns).name, now_ns=now_ns)
    page = admin_page(found, visitor=visitor, budget=panel)
    twin = reverse("explorer:admin_json")
    context = {"page": page, "shell": shell_of(visitor, title="Admin", json_address=twin, place="admin")}
    return advertise(render(request, "explorer/admin.html", context), twin)


@project_json
def admin_json(_request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    """Without a secret: of keys their ids, of webhooks their hosts."""
    found = _read(visitor)
    amounts = ("monthly_usd", "slow_s", "expensive_usd", "keep_rate")
    answer = {
        "project": visitor.project,
        "projects": visitor.projects,
        "keys": [asdict(key) for key in found.keys],
        "listed_keys": found.listed_keys,
        "prices": [asdict(price) for price in found.prices],
        "retention": {
            "rules": [asdict(rule) for rule in found.kept.rules],
            "rest_days": found.kept.rest_days,
        },
        "budget": {name: getattr(found.budget, name) for name in amounts},
        "alerts": [asdict(alert) | {"to": address_text(alert)} for alert in found.budget.alerts],
        "erasures": [asdict(one) for one in found.erasures],
        "storage": found.engine,
    }
    return JsonResponse(answer)


def _read(visitor: Visitor) -> Administered:
    project, now_ns = visitor.project, visitor.now_ns
    return Administered(
        keys=access.list_keys(project, now_ns=now_ns),
        listed_keys=access.count_listed_keys(project),
        prices=prices.list_prices(project, now_ns=now_ns),
        kept=retention.read_retention(project, now_ns=now_ns),
        budget=budget.read_budget(project, now_ns=now_ns),
        erasures=erasing.list_erasures(project, now_ns=now_ns),
        engine=queries.engine_name(),
    )


@project_page
def audit_log(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    before = request.GET.get("before", "")
    found = audit.list_entries(visitor.project, before=before, now_ns=visitor.now_ns)
    twin = reverse("explorer:audit_json") + (f"?{urlencode({'before': before})}" if before else "")
    context = {
        "page": audit_lines(found, now_ns=visitor.now_ns),
        "is_older": bool(before),
        "older": urlencode({"before": found[-1].entry_id}) if len(found) == audit.MAX_LISTED else "",
        "shell": shell_of(visitor, title="Audit", json_address=twin, place="admin"),
    }
    return advertise(render(request, "explorer/audit.html", context), twin)


@project_json
def audit_json(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    before = request.GET.get("before", "")
    found = audit.list_entries(visitor.project, before=before, now_ns=visitor.now_ns)
    entries = [
        {
            "id": entry.entry_id,
            "at_ns": entry.at_ns,
            "who": entry.who,
            "action": entry.action,
            "detail": entry.detail,
        }
        for entry in found
    ]
    return JsonResponse({"project": visitor.project, "entries": entries})


@project_action
def create_key(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    scope, label = request.POST.get("scope", ""), request.POST.get("label", "").strip()
    title = f"Make a key with scope “{visible_line(scope, 20)}”?"
    text = f"It {SCOPES.get(scope, 'is of no scope that there is')} in {visitor.project}. It is shown once."
    fields = [("scope", scope), ("label", label)]
    return confirmed(
        request,
        visitor,
        _create_key,
        Question(title, text, "Make the key", fields),
        form=FORMS["create_key"],
        check=partial(access.check_new_key, visitor.project, scope, label=label),
    )


@project_action
def revoke_key(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    key_id = request.POST.get("key", "")
    own = " It is the key of your own session: you will be logged out." if key_id == visitor.key_id else ""
    text = f"Whoever uses it is refused, here at once and by other servers within half a minute.{own}"
    title, fields = f"Revoke the key {visible_line(key_id, 100)}?", [("key", key_id)]
    return confirmed(request, visitor, _revoke_key, Question(title, text, "Revoke the key", fields))


@project_action
def create_project(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    name = request.POST.get("name", "").strip()
    text = "A project begins with its first key, which may do everything in it and is shown once."
    title = f"Make the project {visible_line(name, 64)}?"
    return confirmed(
        request,
        visitor,
        _create_project,
        Question(title, text, "Make the project", [("name", name)]),
        form=FORMS["create_project"],
        check=partial(_check_new_project, name),
    )


@project_action
def set_price(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    names = ("model", "since", *(label.replace(" ", "_") for label in PRICE_LABELS))
    fields = [(name, request.POST.get(name, "").strip()) for name in names]
    text = "Calls that arrive from now on are priced so; what is stored keeps its cost."
    title = f"Set the price of {visible_line(fields[0][1], 100)}?"
    return confirmed(
        request,
        visitor,
        _set_price,
        Question(title, text, "Set the price", fields),
        form=FORMS["set_price"],
        check=lambda: prices.read_price(**_typed_price(request)),
    )


@project_action
def remove_price(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    model = request.POST.get("model", "")
    fields = [("model", model), ("since_ns", request.POST.get("since_ns", ""))]
    text = "Calls that arrive from now on are priced by the earlier price, or by this version's table."
    title = f"Remove the price of {visible_line(model, 100)}?"
    return confirmed(request, visitor, _remove_price, Question(title, text, "Remove the price", fields))


def _check_new_project(name: str) -> None:
    """Only one that nobody has: a key for another's project would open it."""
    access.check_new_key(name)
    if name in access.list_projects():
        raise ValueError(f"project: there is {visible_line(name, 64)} already; log in with one of its keys.")


def _create_key(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    scope, label = request.POST.get("scope", ""), request.POST.get("label", "").strip()
    made = access.create_key(visitor.project, scope, label=label, now_ns=visitor.now_ns)
    log(visitor, "make key", f"{made.key_id} scope {scope} {label}")
    return _show_key(request, visitor, made, visitor.project)


def _create_project(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    """Whoever is logged in sees it from now on; else only the key does, which is shown this once."""
    name = request.POST.get("name", "").strip()
    made = access.create_key(name, "all", label="first key", now_ns=visitor.now_ns)
    log(visitor, "make project", f"{name}, key {made.key_id}")
    audit.record(
        name, who=visitor.who, action="make project", detail=f"key {made.key_id}", now_ns=visitor.now_ns
    )
    if visitor.is_signed_in:
        grant(request, access.Access(name, "all", made.key_id))
    return _show_key(request, visitor, made, name)


def _show_key(request: HttpRequest, visitor: Visitor, made: access.NewKey, project: str) -> HttpResponseBase:
    context = {
        "made": made,
        "project": project,
        "shell": shell_of(visitor, title="The new key", place="admin"),
    }
    return render(request, "explorer/new_key.html", context)


def _revoke_key(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    key_id = request.POST.get("key", "")
    is_ours = key_id.startswith(f"{visitor.project}:")
    if not is_ours or not access.revoke_key(key_id, now_ns=visitor.now_ns):
        raise ValueError("There is no such key in this project.")
    log(visitor, "revoke key", key_id)
    messages.success(request, f"The key {key_id} is revoked.")
    return to_admin()


def _set_price(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    price = prices.set_price(visitor.project, **_typed_price(request), now_ns=visitor.now_ns)
    since = request.POST.get("since", "").strip()
    told = ", ".join(f"{label} ${usd:g}" for label, usd in price.usd_per_million.items())
    log(visitor, "set price", f"{price.model} from {since or 'the beginning'}: {told} a million tokens")
    messages.success(request, f"The price of {visible_line(price.model, 100)} is set.")
    return to_admin()


def _typed_price(request: HttpRequest) -> dict[str, Any]:
    since = request.POST.get("since", "").strip()
    rates = {
        label: _number(label, text)
        for label in PRICE_LABELS
        if (text := request.POST.get(label.replace(" ", "_"), "").strip())
    }
    model = request.POST.get("model", "")
    return {"model": model, "since_ns": _day_ns(since) if since else 0, "usd_per_million": rates}


def _remove_price(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    model, since = request.POST.get("model", ""), request.POST.get("since_ns", "")
    is_number = since.isdecimal() and len(since) < 20  # noqa: PLR2004 - nanoseconds of this millennium
    if not is_number or not prices.remove_price(
        visitor.project, model=model, since_ns=int(since), now_ns=visitor.now_ns
    ):
        raise ValueError("There is no such price any more.")
    log(visitor, "remove price", f"{model} from {since}")
    messages.success(request, f"The price of {visible_line(model, 100)} is removed.")
    return to_admin()


def _number(label: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{label}: write dollars a million tokens, as 2.50.") from None


def _day_ns(text: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 10**9
    except ValueError:
        raise ValueError("since: write a day like 2026-11-23 (UTC).") from None
