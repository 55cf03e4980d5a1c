"""The store of this process: opened from the settings when it is first asked for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from traces_app.storage.errors import StoreError, StoreUnavailable, StoreUnusable
from traces_app.storage.metering import METER
from traces_app.storage.remembered import forget_everything
from traces_app.storage.stamp import LAST_NOTICE_S, Outcome, Stamp, clock_from

if TYPE_CHECKING:
    from traces_app.storage.engine import Engine, EngineOptions
    from traces_app.storage.store import Store

__all__ = [
    "LAST_NOTICE_S",
    "Outcome",
    "Stamp",
    "StoreError",
    "StoreUnavailable",
    "StoreUnusable",
    "clock_from",
    "create_tables",
    "engine_options",
    "get_store",
    "reset_store",
]

_lock = threading.Lock()
_store: Store | None = None


def get_store() -> Store:
    """The store that the settings name. Raises StoreUnusable when it cannot be opened or has no tables.

    Without CHECK_TABLES_AT_START a missing table is found by the first question instead.
    """
    global _store  # noqa: PLW0603 - PynamoDB's models are bound to one client per process anyway
    if _store is None:
        with _lock:
            if _store is None:
                _store = _open()
    return _store


def reset_store() -> None:
    """Close the store; the next question opens it again, from the settings of that moment."""
    global _store  # noqa: PLW0603
    with _lock:
        if _store is not None:
            _store.engine.close()
        _store = None
        METER.forget()
        forget_everything()


def create_tables(*, point_in_time_recovery: bool = False) -> list[str]:
    """Make the tables that are missing; their names."""
    engine = _open_engine()
    try:
        return engine.create_tables(point_in_time_recovery=point_in_time_recovery)
    finally:
        engine.close()


def _open() -> Store:
    from django.conf import settings  # noqa: PLC0415 - the settings must exist before the store does

    from traces_app.storage.store import Store  # noqa: PLC0415 - botocore is slow to load

    engine = _open_engine()
    try:
        if settings.CHECK_TABLES_AT_START:
            engine.require_tables()
    except BaseException:
        engine.close()
        raise
    return Store(engine, shards=settings.DYNAMODB_SHARDS)


def engine_options() -> EngineOptions:
    """The store that the settings name, as what opens one takes it."""
    from django.conf import settings  # noqa: PLC0415 - the settings must exist before the store does

    from traces_app.storage.engine import EngineOptions  # noqa: PLC0415 - botocore is slow to load

    return EngineOptions(
        storage_url=settings.STORAGE_URL,
        traces_table=settings.DYNAMODB_TRACES_TABLE,
        spans_table=settings.DYNAMODB_SPANS_TABLE,
        region=settings.AWS_REGION,
        endpoint_url=settings.DYNAMODB_ENDPOINT_URL or None,
        base_dir=settings.BASE_DIR,
    )


def _open_engine() -> Engine:
    from traces_app.storage.engine import open_engine  # noqa: PLC0415 - botocore is slow to load

    return open_engine(engine_options())
