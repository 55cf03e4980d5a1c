"""Every page of the explorer, and beside each its JSON."""

from __future__ import annotations

from django.urls import path
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from traces_app.explorer import actions, login, views

app_name = "explorer"

urlpatterns = [
    path("", views.traces, name="traces"),
    path("traces.json", views.traces_json, name="traces_json"),
    path("problems", views.problems, name="problems"),
    path("problems.json", views.problems_json, name="problems_json"),
    path("actions", actions.act_on_selected, name="actions"),
    path("t/<slug:trace_id>", views.trace, name="trace"),
    path("t/<slug:trace_id>.json", views.trace_json, name="trace_json"),
    path("t/<slug:trace_id>/download", actions.download, name="download"),
    path("t/<slug:trace_id>/s/<slug:span_id>", views.span, name="span"),
    path("t/<slug:trace_id>/s/<slug:span_id>.json", views.span_json, name="span_json"),
    path("t/<slug:trace_id>/s/<slug:span_id>/<slug:field>.txt", views.span_text, name="span_text"),
    path("login", sensitive_post_parameters("key")(login.log_in), name="login"),
    path("logout", require_POST(login.log_out), name="logout"),
    path("project", require_POST(login.switch_project), name="project"),
]
