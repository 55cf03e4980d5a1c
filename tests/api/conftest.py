"""Every test of the API has a store of its own, no rate limit, and nothing remembered from another test."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.calls import Api, browser
from traces_app import access
from traces_app.api import throttle


@pytest.fixture(autouse=True)
def _fresh(store: Any, settings: Any) -> None:
    settings.STATIC_ROOT = None
    settings.RATE_LIMIT_RPM = 0
    settings.API_KEYS = ["project-dev", "project-other"]
    settings.API_KEY_REQUIRED = True
    throttle.buckets.clear()
    access.forget_keys()


@pytest.fixture
def api() -> Api:
    """The API as the bearer of project-dev calls it."""
    return Api(browser(), "project-dev")


@pytest.fixture
def other_api() -> Api:
    """The API as another project calls it."""
    return Api(browser(), "project-other")
