"""Brings stored traces to the retention rules of today: the rules themselves count for what comes."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from django.core.management.base import CommandParser

from traces_app import access, audit, curation
from traces_app.management.base import StoreCommand
from traces_app.management.progress import following

WHO = "manage.py"


class Command(StoreCommand):
    help = (
        "Makes stored traces expire as the rules of today say. Says what it would do; does it with --yes. "
        "Safe to repeat and to interrupt."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", nargs="?", help="all projects when left out")
        parser.add_argument(
            "--yes", action="store_true", help="change them; without it they are only counted"
        )

    def handle(self, *args: Any, project: str | None, yes: bool, **options: Any) -> None:
        for name in [project] if project else access.list_projects():
            self._apply(name, change=yes)
        if not yes:
            self.stdout.write("Nothing was changed. Add --yes to do it.")

    def _apply(self, project: str, *, change: bool) -> None:
        found: Counter[str] = Counter()
        with following(self.stderr) as progress:
            for outcome in curation.apply_retention(project, change=change, now_ns=time.time_ns()):
                found[outcome] += 1
                progress.show(f"{project}: {found.total()} traces")
        told = (
            f"{found.total()} traces: {found['longer']} kept longer, {found['shorter']} kept shorter, "
            f"{found['ended']} expired at once, {found['same']} as they were"
        )
        self.stdout.write(f"{project}: {told}")
        if change:
            now_ns = time.time_ns()
            audit.record(project, who=WHO, action="apply retention", detail=told, now_ns=now_ns)
