"""The function as Lambda calls it, on a local store of the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.aws.events import Answer, Context, answer_of, http_event
from traces_app import access
from traces_app.api import throttle
from traces_app.explorer.login import throttle as login_throttle

Call = Callable[..., Answer]
KEY = "project-dev"


@pytest.fixture
def invoke(store: Any, settings: Any) -> Callable[[Any], Any]:
    """The handler with an event of any kind; what it returns."""
    from tracer_project.aws_lambda.handler import handle

    settings.STATIC_ROOT = None
    settings.RATE_LIMIT_RPM = 0
    settings.API_KEYS = [KEY, "project-other"]
    access.forget_keys()
    throttle.buckets.clear()
    login_throttle.reset()
    return lambda event: handle(event, Context())


@pytest.fixture
def call(invoke: Callable[[Any], Any]) -> Call:
    """One HTTP request through the handler, as the bearer of project-dev."""

    def send(path: str, **parts: Any) -> Answer:
        headers = {"x-api-key": KEY} | (parts.pop("headers", None) or {})
        return answer_of(invoke(http_event(path, headers=headers, **parts)))

    return send
