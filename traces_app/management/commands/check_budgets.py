"""Works out what each project's budget thins, and sends the alerts that are due: to be run every hour."""

from __future__ import annotations

import time
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from traces_app import access
from traces_app.management.base import StoreCommand
from traces_app.spending import check_budget

MAX_LOOK_S: Final = 20.0
"""On Lambda a run may take 30 s; what is not added up by then is by the next run."""


class Command(StoreCommand):
    help = (
        "Works out from the month's forecast what share of plain traces is kept whole, and sends the alerts "
        "that are due, each once a month. Run it every hour."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", nargs="?", help="all projects when left out")

    def handle(self, *args: Any, project: str | None, **options: Any) -> None:
        ends_at = time.monotonic() + MAX_LOOK_S
        failures = 0
        for name in [project] if project else access.list_projects():
            check = check_budget(name, is_time_up=lambda: time.monotonic() > ends_at, now_ns=time.time_ns())
            self.stdout.write(f"{name}: {check.text}")
            for alert, told in check.told:
                failures += bool(told.failure)
                became = f"failed, tried again with the next run: {told.failure}" if told.failure else "sent"
                self.stdout.write(f"{name}: {alert.subject} passed ${alert.limit_usd:,.2f}: {became}")
        if failures:
            raise CommandError(f"{failures} alert(s) could not be delivered")
