"""``manage.py test`` runs pytest; whatever follows is given to it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Runs the tests (pytest); further arguments are pytest's."
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        pytest = [sys.executable, "-m", "pytest", *argv[2:]]
        raise SystemExit(subprocess.run(pytest, cwd=settings.BASE_DIR, check=False).returncode)  # noqa: S603

    def handle(self, *args: Any, **options: Any) -> None:
        self.run_from_argv(["manage.py", "test", *args])
