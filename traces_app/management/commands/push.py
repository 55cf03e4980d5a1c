"""From the store of the settings into another one, most often from the local file into DynamoDB."""

from __future__ import annotations

from typing import Any

from traces_app.management.moving import MoveCommand, other_store
from traces_app.storage import engine_options


class Command(MoveCommand):
    help = (
        "Copies traces from this store into DynamoDB, or into another file. Safe to repeat and to interrupt."
    )
    other = "to"

    def handle(self, *args: Any, **options: Any) -> None:
        self.move(engine_options(), other_store(options), options)
