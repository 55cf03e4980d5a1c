"""The session engine: one small record in the store, so that logging out ends it everywhere.

The cookie holds a random id and nothing else; who may see what is in the record.
"""

from __future__ import annotations

import json
import time
from typing import Any

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError

from traces_app import access


class SessionStore(SessionBase):  # type: ignore[misc, unused-ignore]
    def load(self) -> dict[str, Any]:
        record = _load_record(self.session_key)
        if record is None:
            self._session_key = None  # an id we did not hand out is never adopted
            return {}
        data: dict[str, Any] = json.loads(record)
        return data

    def exists(self, session_key: str) -> bool:
        return _load_record(session_key) is not None

    def create(self) -> None:
        self._session_key = self._get_new_session_key()
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's signature
        if self.session_key is None:
            self.create()
            return
        data = json.dumps(self._get_session(no_load=must_create)).encode()
        now_ns = time.time_ns()
        expires_at = now_ns // 1_000_000_000 + self.get_expiry_age()
        if not access.save_session(
            self.session_key, data, expires_at, must_create=must_create, now_ns=now_ns
        ):
            # Not to be updated: logged out by another request meanwhile, so do not bring it back.
            raise CreateError if must_create else UpdateError

    def delete(self, session_key: str | None = None) -> None:
        session_key = session_key or self.session_key
        if session_key is not None:
            access.delete_session(session_key)

    @classmethod
    def clear_expired(cls) -> None:
        """Nothing to do: the store drops what has expired."""


def _load_record(session_key: str | None) -> bytes | None:
    if not session_key:
        return None
    return access.load_session(session_key, now_ns=time.time_ns())
