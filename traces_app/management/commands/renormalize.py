"""Reads stored OpenTelemetry spans by today's conventions: a better mapping mends old traces too."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from traces_app import access, ingest
from traces_app.management.base import StoreCommand
from traces_app.management.progress import following


class Command(StoreCommand):
    help = "Reads what is stored by today's mapping of attributes to fields. Safe to repeat and to interrupt."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", nargs="?", help="all projects when left out")

    def handle(self, *args: Any, project: str | None, **options: Any) -> None:
        for name in [project] if project else access.list_projects():
            self._renormalize(name)

    def _renormalize(self, project: str) -> None:
        traces = spans = skipped = 0
        with following(self.stderr) as progress:
            for changed in ingest.renormalize(project, now_ns=time.time_ns()):
                traces, spans, skipped = traces + 1, spans + (changed or 0), skipped + (changed is None)
                progress.show(f"{project}: {traces} traces")
        self.stdout.write(f"{project}: {spans} spans changed in {traces} traces")
        if skipped:
            self.stdout.write(
                f"{project}: {skipped} traces are being written and were left alone: run it again"
            )
