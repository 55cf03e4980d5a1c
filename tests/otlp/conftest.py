from __future__ import annotations

from typing import Any

import pytest

from traces_app.storage.store import Store


@pytest.fixture(autouse=True)
def receiver(store: Store, settings: Any) -> Store:
    """A store of its own, and no rate limit: a case is posted many times."""
    settings.RATE_LIMIT_RPM = 0
    return store
