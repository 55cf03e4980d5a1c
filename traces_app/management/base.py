"""What the commands share: a person at a terminal is told the message of a store error, not its stack."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from traces_app.storage import StoreError


class StoreCommand(BaseCommand):
    """A command that asks the store."""

    def execute(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute(*args, **options)
        except StoreError as error:
            raise CommandError(str(error)) from error
