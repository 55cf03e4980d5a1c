"""Where each part of the site begins.

What exporters post to is loaded with this module; the API and the pages when the first path of theirs is
asked for. A Lambda instance that only takes spans in never loads a page.
"""

from django.urls import include, path
from django.urls.resolvers import RoutePattern, URLResolver
from django.views.generic import RedirectView

from traces_app.api.native.receive import receive_batch

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="explorer:traces")),
    path("dashboard", RedirectView.as_view(pattern_name="explorer:traces")),
    path("", include("traces_app.api.otlp.router")),
    path("api/ingest", receive_batch),
    # A name instead of a module: Django imports it when it looks inside (``include`` would at once).
    URLResolver(RoutePattern("api/"), "traces_app.api.urls", app_name="ninja", namespace="api"),
    URLResolver(
        RoutePattern("dashboard/"), "traces_app.explorer.urls", app_name="explorer", namespace="explorer"
    ),
]
