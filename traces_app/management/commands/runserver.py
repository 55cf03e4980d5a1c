"""Django's own development server on port 8001, nothing to migrate; ``--reload`` follows the code."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.runserver import Command as RunserverCommand
from django.core.servers.basehttp import WSGIRequestHandler

from traces_app import __version__
from traces_app.management.chunked import ChunkedServer
from traces_app.storage import StoreError, get_store


class Command(RunserverCommand):
    help = "Starts LLM Tracer on http://localhost:8001 (dashboard at /dashboard/)."
    default_port = "8001"
    server_cls = ChunkedServer

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reload", action="store_true", help="Restart when the code changes.")

    def handle(self, *args: Any, **options: Any) -> None:
        options["use_reloader"] = options["reload"]
        try:
            get_store()  # a file or table that cannot be used should stop the start, not the first trace
        except StoreError as error:
            raise CommandError(str(error)) from error
        WSGIRequestHandler.disable_nagle_algorithm = True  # headers and body are two writes: 40 ms apart
        super().handle(*args, **options)

    def check_migrations(self) -> None:
        """There is no relational database."""

    def on_bind(self, server_port: int) -> None:
        address = f"[{self.addr}]" if self._raw_ipv6 else self.addr
        host = "localhost" if address in {"127.0.0.1", "0.0.0.0"} else address  # noqa: S104 - only printed
        self.stdout.write(
            f"LLM Tracer {__version__}: http://{host}:{server_port}/dashboard/ (stop with Control-C)"
        )
