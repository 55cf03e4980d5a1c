"""Stop a stored key."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from traces_app import access
from traces_app.management.base import StoreCommand


class Command(StoreCommand):
    help = "Revoke a stored key by its id (list_keys shows ids). A key in API_KEYS is removed there."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key_id", help="for instance shop:0123456789abcdef")

    def handle(self, *args: Any, key_id: str, **options: Any) -> None:
        if not access.revoke_key(key_id, now_ns=time.time_ns()):
            raise CommandError(f"There is no stored key {key_id!r}: see manage.py list_keys.")
        self.stdout.write(
            f"Revoked {key_id}. Running servers stop accepting it within {access.KEY_CACHE_SECONDS} seconds."
        )
