from __future__ import annotations

from typing import Any

import pytest

from tests.storage.conftest import ministack_url

__all__ = ["ministack_url"]


@pytest.fixture(autouse=True)
def _restored(settings: Any) -> None:
    """The command sets both for its own process."""
    settings.RATE_LIMIT_RPM, settings.ALLOWED_HOSTS = 60, ["*"]
