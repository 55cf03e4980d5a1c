"""Where each part of the site begins."""

from django.urls import include, path
from django.views.generic import RedirectView

from traces_app.api.api import api

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="explorer:traces")),
    path("dashboard", RedirectView.as_view(pattern_name="explorer:traces")),
    path("", include("traces_app.api.otlp.router")),
    path("api/", api.urls),
    path("dashboard/", include("traces_app.explorer.urls")),
]
