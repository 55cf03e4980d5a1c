from __future__ import annotations

from django.apps import AppConfig


class ExplorerConfig(AppConfig):  # type: ignore[misc, unused-ignore]
    name = "traces_app.explorer"
    label = "explorer"
