"""Make an API key and show it, once."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from traces_app import access
from traces_app.management.base import StoreCommand


class Command(StoreCommand):
    help = "Make an API key for a project. The key is shown once: only its hash is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="letters, digits, '-' and '_', for instance shop")
        parser.add_argument(
            "--scope",
            choices=access.SCOPES,
            default="all",
            help="ingest for applications, read for people and scripts that look, all for both",
        )
        parser.add_argument("--label", default="", help="what the key is for, as list_keys will show it")

    def handle(self, *args: Any, project: str, scope: str, label: str, **options: Any) -> None:
        try:
            new_key = access.create_key(project, scope, label=label, now_ns=time.time_ns())
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"Key {new_key.key_id}, scope {scope}. Keep the next line: it is not shown again.")
        self.stdout.write(new_key.key)
