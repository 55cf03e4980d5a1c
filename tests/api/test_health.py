from __future__ import annotations

from typing import Any

import pytest

from tests.api.calls import browser
from traces_app import __version__
from traces_app.storage import reset_store


def test_a_healthy_server_says_so_without_a_key() -> None:
    answer = browser().get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "version": __version__, "storage": "sqlite"}


def test_a_server_without_its_store_says_so(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reset_store()
    settings.STORAGE_URL = "dynamodb"
    settings.DYNAMODB_ENDPOINT_URL = "http://127.0.0.1:9"  # the port where nothing listens
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    answer = browser().get("/health")
    assert answer.status_code == 503
    assert answer.json()["status"] == "store unavailable"
    assert int(answer["Retry-After"]) >= 1
