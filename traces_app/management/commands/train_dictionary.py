"""Makes what a project stores from now on smaller, by what its traces say again and again."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from traces_app.dictionaries import train_dictionary
from traces_app.management.base import StoreCommand


class Command(StoreCommand):
    help = (
        "Trains a dictionary from a project's newest traces: prompts, tools and texts that recur are then "
        "stored once for all traces to come. It is tried on other traces, and kept only if it pays."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project")
        parser.add_argument("--traces", type=int, default=500, help="How many are read (default 500).")

    def handle(self, *args: Any, project: str, traces: int, **options: Any) -> None:
        try:
            training = train_dictionary(project, max_traces=traces, now_ns=time.time_ns())
        except ValueError as error:
            raise CommandError(str(error)) from error
        saved = 1 - training.tried_bytes_after / training.tried_bytes_before
        if training.number is None:
            self.stdout.write(f"Not kept: traces of {project} would become {saved:.0%} smaller.")
        else:
            self.stdout.write(
                f"Dictionary {training.number}: traces of {project} that it was not trained from become "
                f"{saved:.0%} smaller. Servers use it within five minutes. It is never deleted."
            )
