"""Everything that matches a search, into one file here or on S3."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from traces_app.access import list_projects
from traces_app.domain.documents import iso_time
from traces_app.domain.durations import MILLISECOND_NS
from traces_app.domain.search import ANY_SPAN, ROOT, parse_search
from traces_app.management.base import StoreCommand
from traces_app.management.moving import add_times, moment_ms
from traces_app.management.progress import Progress, following
from traces_app.transfer.exporting import ExportConflict, Exporter, Job, Note
from traces_app.transfer.s3 import PREFIX, S3Target, UploadFailed
from traces_app.transfer.writers import FORMATS, MissingPackage, require_packages


class Command(StoreCommand):
    help = (
        "Writes all traces that match to JSON lines, CSV or Parquet. Run again, it goes on where it stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "out", help="a file, or s3://bucket/key; .jsonl, .csv or .parquet says the format"
        )
        parser.add_argument("search", nargs="?", default="", help="as in the list: 'error:true model:gpt-4o'")
        parser.add_argument("--any-span", action="store_true", help="the search may hold of any span")
        parser.add_argument("--project", help="only this one (default all)")
        parser.add_argument("--rows", choices=("spans", "traces"), default="spans", help="one row for each")
        parser.add_argument("--format", choices=FORMATS, help="where the name does not say it")
        add_times(parser)
        parser.add_argument("--overwrite", action="store_true", help="replace what is there")
        parser.add_argument("--restart", action="store_true", help="throw away what an earlier run left")
        parser.add_argument("--region", help="of the bucket (default AWS_REGION)")
        parser.add_argument("--endpoint-url", help="of an S3 server that is not AWS's")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with following(self.stderr) as progress:
                told = self._export(progress, options)
        except (ExportConflict, MissingPackage, UploadFailed) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(told)

    def _export(self, progress: Progress, options: dict[str, Any]) -> str:
        out: str = options["out"]
        job = _job_of(options)
        require_packages(job.format)
        target = _target_of(options) if out.startswith(PREFIX) else None
        if target is None and Path(out).is_dir():
            raise ExportConflict(f"{out} is a directory: name a file.")
        if not options["overwrite"] and (target.exists() if target else Path(out).exists()):
            raise ExportConflict(f"{out} is there already: name another file, or --overwrite.")
        directory = Path(f"{Path(out).name if target else out}.partial")
        exporter = Exporter(job, directory, now_ns=time.time_ns, restart=options["restart"])
        if exporter.note.parts:
            self.stderr.write(f"Going on behind {exporter.note.traces:,} traces.")
        for note in exporter.run():
            progress.show(_told(note))
        if target is None:
            exporter.finish(Path(out))
        else:
            size = exporter.joined.stat().st_size
            for sent in exporter.upload(target):
                progress.show(f"{sent / 2**20:,.0f} MB sent", sent, size)
        note = exporter.note
        return f"{note.records:,} {job.rows} of {note.traces:,} traces in {out}."


def _job_of(options: dict[str, Any]) -> Job:
    search = parse_search(options["search"], scope=ANY_SPAN if options["any_span"] else ROOT)
    if search.problems:
        raise CommandError(" ".join(search.problems))
    known = list_projects()
    if options["project"] and options["project"] not in known:
        raise CommandError(f"There is no such project; known are: {', '.join(known) or 'none'}.")
    since_ms = moment_ms("since", options["since"], -1)
    until_ms = moment_ms("until", options["until"], -1)
    return Job(
        [options["project"]] if options["project"] else known,
        search,
        options["rows"],
        options["format"] or _format_of(options["out"]),
        since_ns=None if since_ms < 0 else since_ms * MILLISECOND_NS,
        until_ns=None if until_ms < 0 else until_ms * MILLISECOND_NS,
    )


def _format_of(out: str) -> str:
    found = out.rpartition(".")[2].lower()
    if found not in FORMATS:
        raise CommandError(f"{out}: end it in .jsonl, .csv or .parquet, or name the --format.")
    return found


def _target_of(options: dict[str, Any]) -> S3Target:
    region = options["region"] or settings.AWS_REGION
    return S3Target(options["out"], region=region, endpoint_url=options["endpoint_url"])


def _told(note: Note) -> str:
    reached = f", back to {(iso_time(note.reached_ns) or '')[:16]}" if note.reached_ns else ""
    return f"{note.traces:,} traces, {note.records:,} rows{reached}"
