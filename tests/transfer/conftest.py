from __future__ import annotations

from tests.storage.conftest import ministack_url

__all__ = ["ministack_url"]
