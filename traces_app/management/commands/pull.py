"""From another store into the one of the settings, most often from DynamoDB into the local file."""

from __future__ import annotations

from typing import Any

from traces_app.management.moving import MoveCommand, other_store
from traces_app.storage import engine_options


class Command(MoveCommand):
    help = (
        "Copies traces from DynamoDB, or from another file, into this store. Safe to repeat and to interrupt."
    )
    other = "from"

    def handle(self, *args: Any, **options: Any) -> None:
        self.move(other_store(options), engine_options(), options)
