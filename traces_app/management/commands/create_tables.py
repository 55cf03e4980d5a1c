"""Makes the DynamoDB tables: on demand, expiry (TTL) on. Safe to repeat."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from traces_app.management.base import StoreCommand
from traces_app.storage import create_tables


class Command(StoreCommand):
    help = "Creates the tables that are missing (on demand, TTL on)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--point-in-time-recovery",
            action="store_true",
            help="Keep 35 days of continuous backups (about $0.20 per GB and month).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        made = create_tables(point_in_time_recovery=options["point_in_time_recovery"])
        self.stdout.write(f"Created: {', '.join(made)}" if made else "All tables are there.")
