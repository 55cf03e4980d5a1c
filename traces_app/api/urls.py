"""The API's paths, as Django includes them."""

from __future__ import annotations

from traces_app.api.api import api

urlpatterns, _, _ = api.urls
