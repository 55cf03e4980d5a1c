"""Files of other tools into a project."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from django.conf import settings
from django.core.management.base import CommandError
from django.core.wsgi import get_wsgi_application

from traces_app.access import Access, create_key, revoke_key
from traces_app.management.base import StoreCommand
from traces_app.management.progress import Progress, following
from traces_app.storage import StoreUnavailable
from traces_app.transfer.importing import NAMES, Door, Imported, Importer, Refused
from traces_app.transfer.writers import MissingPackage

MAX_TOLD: Final = 20
UNAVAILABLE: Final = 503
OK: Final = 200


class Command(StoreCommand):
    help = (
        "Takes in exports of OpenTelemetry, Langfuse, Phoenix, LangSmith and of this server. Safe to repeat."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, help=".json, .jsonl, .csv, .parquet; also .gz")
        parser.add_argument("--project", default="dev", help="into which project (default dev)")
        parser.add_argument("--format", choices=NAMES, help="where it is not recognised by itself")

    def handle(self, *args: Any, **options: Any) -> None:
        paths: list[Path] = options["files"]
        missing = [str(path) for path in paths if not path.is_file()]
        if missing:
            raise CommandError(f"There is no file {', '.join(missing)}.")
        try:
            with following(self.stderr) as progress:
                total = self._take(progress, paths, options)
        except MissingPackage as error:
            raise CommandError(str(error)) from error
        self._sum_up(total, options["project"])

    def _take(self, progress: Progress, paths: list[Path], options: dict[str, Any]) -> Imported:
        told = 0

        def tell(refused: Refused) -> None:
            nonlocal told
            told += 1
            if told <= MAX_TOLD:
                progress.close()
                self.stderr.write(f"{refused.place}: {refused.reason}")

        size = sum(path.stat().st_size for path in paths)
        with _door(options["project"]) as door:
            importer = Importer(
                Access(options["project"], "all", "import"),
                door=door,
                now_ns=time.time_ns,
                tell=tell,
                format_name=options["format"],
            )
            for total in importer.run(paths):
                progress.show(f"{total.spans:,} spans", total.at_bytes, size)
        return importer.total

    def _sum_up(self, total: Imported, project: str) -> None:
        """The command fails where something was refused: a script should notice."""
        kinds = ", ".join(f"{count:,} {name}" for name, count in total.by_format.items())
        logs = f" and {total.logs:,} log records" if total.logs else ""
        self.stdout.write(f"{total.spans:,} spans{logs} in project {project} (entries: {kinds or 'none'}).")
        if total.refused:
            reasons = "; ".join(
                f"{reason} ({count:,})" for reason, count in total.refused.most_common(MAX_TOLD)
            )
            raise CommandError(f"{total.refused.total():,} were refused: {reasons}")


@contextmanager
def _door(project: str) -> Iterator[Door]:
    """The receiver of OTLP in this process, with a key of its own for as long as it is needed."""
    settings.RATE_LIMIT_RPM = 0  # limits are for strangers; this process serves itself
    settings.ALLOWED_HOSTS = ["localhost"]
    try:
        key = create_key(project, "ingest", label="import", now_ns=time.time_ns())
    except ValueError as error:
        raise CommandError(str(error)) from error
    transport = httpx.WSGITransport(app=get_wsgi_application())
    headers = {"X-API-Key": key.key, "Content-Type": "application/json"}
    try:
        with httpx.Client(base_url="http://localhost", transport=transport, headers=headers) as client:
            yield _sender(client)
    finally:
        revoke_key(key.key_id, now_ns=time.time_ns())


def _sender(client: httpx.Client) -> Callable[[str, bytes], tuple[int, str]]:
    def send(path: str, body: bytes) -> tuple[int, str]:
        answer = client.post(path, content=body)
        if answer.status_code == UNAVAILABLE:
            raise StoreUnavailable("The store cannot take more now. Run it again.")
        told = answer.json()
        if answer.status_code != OK:
            return 2**31, str(told.get("message"))
        partial = told.get("partialSuccess") or {}
        refused = int(partial.get("rejectedSpans") or partial.get("rejectedLogRecords") or 0)
        return refused, str(partial.get("errorMessage", ""))

    return send
