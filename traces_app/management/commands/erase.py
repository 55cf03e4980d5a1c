"""Erases everything of one trace, session or user, and says what there was."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from traces_app import erasing
from traces_app.management.base import StoreCommand

WHO = "manage.py"


class Command(StoreCommand):
    help = (
        "Erases everything of one trace, session or user for good, and keeps a receipt in the audit. Says "
        "how many traces there are; erases them with --yes. What was stopped goes on when asked for again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project")
        parser.add_argument("kind", choices=erasing.KINDS)
        parser.add_argument("id", help="of the trace, session or user")
        parser.add_argument(
            "--yes", action="store_true", help="erase; without it the traces are only counted"
        )

    def handle(self, *args: Any, project: str, kind: str, id: str, yes: bool, **options: Any) -> None:  # noqa: A002
        try:
            if not yes:
                count = erasing.count_traces(project, kind, id, now_ns=time.time_ns())
                self.stdout.write(f"{count} traces. Nothing was erased. Add --yes to do it.")
                return
            receipt = erasing.erase(project, kind, id, who=WHO, now_ns=time.time_ns())
        except ValueError as error:
            raise CommandError(str(error)) from error
        if not receipt.traces:
            raise CommandError(f"Nothing is stored of that {kind}. Receipt {receipt.erasure_id}.")
        self.stdout.write(
            f"Erased {receipt.traces} traces, {receipt.spans} spans, {receipt.items} items, "
            f"{receipt.size_bytes} bytes. Receipt {receipt.erasure_id}."
        )
