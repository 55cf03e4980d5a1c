"""The stored keys of a project, or of all projects."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from traces_app import access
from traces_app.management.base import StoreCommand


class Command(StoreCommand):
    help = "List the stored keys of a project, or of every project. Keys in API_KEYS are not stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", nargs="?", help="all projects when left out")

    def handle(self, *args: Any, project: str | None, **options: Any) -> None:
        projects = [project] if project else access.list_projects()
        try:
            found = [key for name in projects for key in access.list_keys(name, now_ns=time.time_ns())]
        except ValueError as error:
            raise CommandError(str(error)) from error
        for key in found:
            state = f"revoked {_day(key.revoked_at_ns)}" if key.revoked_at_ns else "works"
            self.stdout.write(
                f"{key.key_id}  {key.scope:<6}  made {_day(key.created_at_ns)}  {state}  {key.label}".rstrip()
            )
        if not found:
            self.stderr.write("No stored keys. Make one: manage.py create_key PROJECT")


def _day(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns // 1_000_000_000, UTC):%Y-%m-%d}"
