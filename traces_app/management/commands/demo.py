"""Fills a project with a believable week of work, sent through the real client into this server's store."""

from __future__ import annotations

import os
import random
import time
from argparse import ArgumentParser
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.core.management.base import CommandError
from django.core.wsgi import get_wsgi_application

from llm_tracer import SyncTracerClient
from traces_app.access import create_key, revoke_key
from traces_app.domain.durations import DAY_NS, HOUR_NS
from traces_app.management.base import StoreCommand
from traces_app.management.demo import DAYS, SCENARIOS, Teller
from traces_app.management.progress import Progress

LONGEST_STORY_NS: Final = HOUR_NS
DEFAULT_URL: Final = "http://localhost:8001"
DELIVERY_TIMEOUT_S: Final = 120.0
FLUSH_EVERY: Final = 25


class Command(StoreCommand):
    help = "Fills a project with several hundred traces of a believable agent workload."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--traces", type=int, default=400, help="About how many (default 400).")
        parser.add_argument("--project", default="dev", help="Into which project (default dev).")
        parser.add_argument(
            "--url",
            default=os.environ.get("TRACER_URL", "").strip() or DEFAULT_URL,
            help=f"Address of the server on this store, to say where to look (TRACER_URL, else {DEFAULT_URL}).",
        )
        parser.add_argument("--seed", type=int, default=7, help="The same seed tells the same story.")

    def handle(self, *args: Any, **options: Any) -> None:
        settings.RATE_LIMIT_RPM = 0  # limits are for strangers; this process serves itself
        settings.ALLOWED_HOSTS = ["*"]
        url = _address(options["url"])
        now_ns = time.time_ns()
        key = create_key(options["project"], "ingest", label="demo", now_ns=now_ns)
        tracer = SyncTracerClient(
            url,
            key.key,
            environment="demo",
            release="1.4.2",
            transport=httpx.WSGITransport(app=get_wsgi_application()),
        )
        self._tell(tracer, random.Random(options["seed"]), options["traces"], now_ns)
        result = tracer.close(DELIVERY_TIMEOUT_S)
        revoke_key(key.key_id, now_ns=time.time_ns())
        if result.dropped or result.pending:
            raise CommandError(f"Not everything arrived: {result}")
        self.stdout.write(
            f"{result.sent} spans in project {options['project']} of {settings.STORAGE_URL}. "
            f"See them at {url}/dashboard/, or wherever the server on that store is (--url)."
        )

    def _tell(self, tracer: SyncTracerClient, rng: random.Random, count: int, now_ns: int) -> None:
        ages_ns = sorted(
            (rng.randrange(DAYS * DAY_NS) + LONGEST_STORY_NS for _ in range(count)), reverse=True
        )
        progress = Progress(self.stderr)
        for number, age_ns in enumerate(ages_ns, 1):
            rng.choice(SCENARIOS)(Teller(tracer, rng, now_ns - age_ns))
            if number % FLUSH_EVERY == 0:
                tracer.flush(DELIVERY_TIMEOUT_S)
            progress.show(f"{number}/{count} stories", number, count)
        progress.close()


def _address(text: str) -> str:
    """Scheme, host and port; ``localhost:8057`` is what people write."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise CommandError(f"--url: {text} is not the address of a server, as {DEFAULT_URL}.")
    return f"{parts.scheme}://{parts.netloc}"
