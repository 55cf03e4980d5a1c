"""Every page of the explorer, and beside each its JSON."""

from __future__ import annotations

from django.urls import path
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from traces_app.explorer import actions, login
from traces_app.explorer.views import compare, exports, problems, trace, trace_data, traces

app_name = "explorer"

urlpatterns = [
    path("", traces.traces, name="traces"),
    path("traces.json", traces.traces_json, name="traces_json"),
    path("problems", problems.problems, name="problems"),
    path("problems.json", problems.problems_json, name="problems_json"),
    path("diff", compare.compare, name="compare"),
    path("diff.json", compare.compare_json, name="compare_json"),
    path("actions", actions.act_on_selected, name="actions"),
    path("t/<slug:trace_id>", trace.trace, name="trace"),
    path("t/<slug:trace_id>.json", trace.trace_json, name="trace_json"),
    path("t/<slug:trace_id>.md", exports.trace_markdown, name="trace_markdown"),
    path("t/<slug:trace_id>.html", exports.trace_html, name="trace_html"),
    path("t/<slug:trace_id>.otlp.json", exports.trace_otlp, name="trace_otlp"),
    path("t/<slug:trace_id>/skeleton", trace_data.skeleton, name="skeleton"),
    path("t/<slug:trace_id>/previews", trace_data.previews, name="previews"),
    path("t/<slug:trace_id>/search", trace_data.search, name="search"),
    path("t/<slug:trace_id>/download", actions.download, name="download"),
    path("t/<slug:trace_id>/s/<slug:span_id>", trace.span, name="span"),
    path("t/<slug:trace_id>/s/<slug:span_id>.json", trace.span_json, name="span_json"),
    path("t/<slug:trace_id>/s/<slug:span_id>.md", exports.span_markdown, name="span_markdown"),
    path("t/<slug:trace_id>/s/<slug:span_id>/<slug:field>.txt", trace.span_text, name="span_text"),
    path("login", sensitive_post_parameters("key")(login.log_in), name="login"),
    path("logout", require_POST(login.log_out), name="logout"),
    path("project", require_POST(login.switch_project), name="project"),
]
