"""A server of its own: what these tests fill in would be counted by those of the lists."""

from __future__ import annotations

from tests.browser.lists.conftest import open_page, server, session

__all__ = ["open_page", "server", "session"]
