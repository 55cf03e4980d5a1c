"""Every page of the explorer, and beside each its JSON."""

from __future__ import annotations

from django.urls import path
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from traces_app.explorer import actions, login
from traces_app.explorer.views import (
    admin,
    compare,
    exports,
    problems,
    rankings,
    session,
    shares,
    statistics,
    trace,
    trace_data,
    traces,
    views,
)

app_name = "explorer"

urlpatterns = [
    path("", traces.traces, name="traces"),
    path("traces.json", traces.traces_json, name="traces_json"),
    path("newer.json", traces.newer_json, name="newer_json"),
    path("sessions", rankings.sessions, name="sessions"),
    path("sessions.json", rankings.sessions_json, name="sessions_json"),
    path("session", session.session, name="session"),
    path("session.json", session.session_json, name="session_json"),
    path("users", rankings.users, name="users"),
    path("users.json", rankings.users_json, name="users_json"),
    path("statistics", statistics.statistics, name="statistics"),
    path("statistics.json", statistics.statistics_json, name="statistics_json"),
    path("problems", problems.problems, name="problems"),
    path("problems.json", problems.problems_json, name="problems_json"),
    path("admin", admin.admin, name="admin"),
    path("admin/keys", admin.create_key, name="create_key"),
    path("admin/keys/revoke", admin.revoke_key, name="revoke_key"),
    path("admin/projects", admin.create_project, name="create_project"),
    path("admin/prices", admin.set_price, name="set_price"),
    path("admin/prices/remove", admin.remove_price, name="remove_price"),
    path("admin/audit", admin.audit_log, name="audit"),
    path("admin/audit.json", admin.audit_json, name="audit_json"),
    path("shares", shares.shares, name="shares"),
    path("shares.json", shares.shares_json, name="shares_json"),
    path("shares/make", shares.create_share, name="create_share"),
    path("shares/revoke", shares.revoke_share, name="revoke_share"),
    path("shared/<str:token>", shares.shared, name="shared"),
    path("views", views.views, name="views"),
    path("views/save", views.save_view, name="save_view"),
    path("views/delete", views.delete_view, name="delete_view"),
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
    path("t/<slug:trace_id>/s/<slug:span_id>/score", actions.score_span, name="score_span"),
    path("t/<slug:trace_id>/s/<slug:span_id>.json", trace.span_json, name="span_json"),
    path("t/<slug:trace_id>/s/<slug:span_id>.md", exports.span_markdown, name="span_markdown"),
    path("t/<slug:trace_id>/s/<slug:span_id>/<slug:field>.txt", trace.span_text, name="span_text"),
    path("login", sensitive_post_parameters("key")(login.log_in), name="login"),
    path("logout", require_POST(login.log_out), name="logout"),
    path("project", require_POST(login.switch_project), name="project"),
]
