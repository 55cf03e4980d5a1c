"""What ``push`` and ``pull`` share: two stores, which items, and telling how it goes."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from traces_app.access import PROJECT_ID
from traces_app.management.base import StoreCommand
from traces_app.management.progress import following
from traces_app.storage import StoreUnavailable, engine_options, reset_store
from traces_app.storage.copying import Copied, Copier, Source
from traces_app.storage.engine import SQLITE_PREFIX, EngineOptions, connect, open_engine
from traces_app.storage.keys import MAX_START_MS
from traces_app.storage.selection import Selection

__all__ = ["MoveCommand", "add_times", "moment_ms"]


class MoveCommand(StoreCommand):
    """Copies between the store of the settings and another one."""

    other: str
    """Name of the argument that names the other store."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            f"--{self.other}",
            dest="other",
            default="dynamodb",
            metavar="STORE",
            help="the other store: dynamodb (the default) or sqlite:///path, as STORAGE_URL is written",
        )
        parser.add_argument("--region", help="of the other store, when it is DynamoDB (default AWS_REGION)")
        parser.add_argument("--endpoint-url", help="of a DynamoDB server that is not AWS's")
        parser.add_argument(
            "--tables", nargs=2, metavar=("TRACES", "SPANS"), help="names of the other store's tables"
        )
        parser.add_argument("--project", help="only this one (default all)")
        parser.add_argument("--as-project", help="with --project: what it is called where it goes")
        add_times(parser)
        parser.add_argument(
            "--with-keys", action="store_true", help="also stored API keys (hashes) and the audit log"
        )
        parser.add_argument(
            "--with-erased", action="store_true", help="also traces that were erased where they would go"
        )
        parser.add_argument("--dry-run", action="store_true", help="compare and count, write nothing")

    def move(self, source: EngineOptions, destination: EngineOptions, options: Mapping[str, Any]) -> None:
        """Raises CommandError when both are one store, or the store cannot go on."""
        if source == destination:
            raise CommandError("Both are the same store: name another one, or other tables.")
        selection = selection_of(options)
        _require_file(source)
        reset_store()  # the models are bound to one store: now to the one that is written
        with closing(open_engine(destination)) as to, closing(connect(source)) as from_:
            to.require_tables()
            copier = Copier(
                Source(from_, source), to, selection, time.time_ns, is_rehearsal=options["dry_run"]
            )
            self._follow(copier)

    def _follow(self, copier: Copier) -> None:
        total = Copied()
        try:
            with following(self.stderr) as progress:
                for total in copier.run():
                    text = f"{total.read:,} items read, {total.new + total.replaced:,} written"
                    progress.show(text, total.read, total.expected)
        except StoreUnavailable as error:
            raise CommandError(f"{error} {_told(total)} Run it again to go on.") from error
        self.stdout.write(("Nothing was written. " if copier.is_rehearsal else "") + _told(total))


def other_store(options: Mapping[str, Any]) -> EngineOptions:
    """The store that the arguments name; what they leave out is as in the settings."""
    url: str = options["other"]
    if url != "dynamodb" and not url.startswith(SQLITE_PREFIX):
        raise CommandError(f"{url!r} is no store: write dynamodb or sqlite:///path/to/file.sqlite3.")
    found = replace(engine_options(), storage_url=url)
    if options["tables"]:
        found = replace(found, traces_table=options["tables"][0], spans_table=options["tables"][1])
    return replace(
        found,
        region=options["region"] or found.region,
        endpoint_url=options["endpoint_url"] or found.endpoint_url,
    )


def selection_of(options: Mapping[str, Any]) -> Selection:
    for name in ("project", "as_project"):
        if options[name] and not PROJECT_ID.fullmatch(options[name]):
            raise CommandError(f"--{name.replace('_', '-')}: {options[name]!r} cannot be a project.")
    if options["as_project"] and not options["project"]:
        raise CommandError("--as-project needs --project: two projects must not become one by accident.")
    return Selection(
        options["project"],
        options["as_project"],
        since_ms=moment_ms("since", options["since"], 0),
        until_ms=moment_ms("until", options["until"], MAX_START_MS),
        with_keys=options["with_keys"],
        with_erased=options["with_erased"],
    )


def add_times(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--since",
        metavar="TIME",
        help="traces that start then or later: 2026-11-23 or 2026-11-23T14:00+02:00",
    )
    parser.add_argument("--until", metavar="TIME", help="traces that start then or earlier")


def moment_ms(name: str, text: str | None, default: int) -> int:
    """UTC where no offset is given. Raises CommandError."""
    if text is None:
        return default
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"--{name}: write a time like 2026-11-23 or 2026-11-23T14:00, not {text!r}."
        ) from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return min(max(0, int(at.timestamp() * 1000)), MAX_START_MS)


def _require_file(source: EngineOptions) -> None:
    """To read a file that is not there would make it."""
    if source.storage_url.startswith(SQLITE_PREFIX):
        path = (source.base_dir or settings.BASE_DIR) / source.storage_url.removeprefix(SQLITE_PREFIX)
        if not path.exists():
            raise CommandError(f"There is no file {path}.")


def _told(total: Copied) -> str:
    units = f" {total.write_units:,.0f} write units." if total.write_units else ""
    erased = f" {total.erased:,} of erased traces stayed away." if total.erased else ""
    return (
        f"{total.read:,} items read: {total.new:,} new, {total.replaced:,} replaced, "
        f"{total.same:,} were there already, {total.left:,} left out.{erased}{units}"
    )
