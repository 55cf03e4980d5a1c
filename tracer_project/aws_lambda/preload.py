"""What a request for ingest needs, loaded while Lambda initialises.

Initialising has a whole processor; a request at 1 GB of memory has half of one, and its sender waits.
Pages load theirs when the first page is asked for: an instance that only takes spans in never pays for it.
"""

from __future__ import annotations

import gc
import logging
from importlib import import_module

import django

__all__ = ["load"]

PATHS_OF_INGEST = ("tracer_project.urls", "tracer_project.aws_lambda.http")

log = logging.getLogger(__name__)


def load() -> None:
    """Import the way in and open the store; a store that cannot be opened is told by the first request."""
    gc.disable()  # nothing of what is imported is ever garbage, and looking for it takes 6 % of the time
    django.setup()
    for module in PATHS_OF_INGEST:
        import_module(module)
    _load_prices()
    _open_store()
    gc.freeze()
    gc.enable()


def _load_prices() -> None:
    from traces_app.domain import price_table  # noqa: PLC0415 - as the store

    price_table.load()


def _open_store() -> None:
    from traces_app.storage import StoreError, get_store  # noqa: PLC0415 - the settings must exist

    try:
        get_store()
    except StoreError as error:
        log.error("the store cannot be opened: %s", error)  # noqa: TRY400 - the message says all
