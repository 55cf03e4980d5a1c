"""Opens the client a storage URL names and binds it to the models: the one place that does either."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, cast

from traces_app.storage.dynamodb import Client, DynamoDBClient, batch_delete, batch_get, batch_put
from traces_app.storage.errors import StoreUnusable
from traces_app.storage.models import MODELS, AnchorItem, Item, SpanItem, TraceItem
from traces_app.storage.tables import create_table, table_exists

__all__ = ["Engine", "EngineOptions", "bind_models", "connect", "open_engine"]

MIN_SIDE_BY_SIDE: Final = 3
MAX_SIDE_BY_SIDE: Final = 8
"""Requests at a time, fewer than the pool has connections."""

AnyItem = TypeVar("AnyItem", bound=Item)
Argument = TypeVar("Argument")
Answer = TypeVar("Answer")

SQLITE_PREFIX: Final = "sqlite:///"
_binding = threading.RLock()


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Where the items live.

    ``storage_url`` is ``dynamodb`` or ``sqlite:///path`` (three slashes: relative to ``base_dir``, which
    is the working directory when absent; four: absolute). Region, endpoint and pool size (connections,
    one per server thread) only matter to DynamoDB.
    """

    storage_url: str
    traces_table: str = "llm-tracer-traces"
    spans_table: str = "llm-tracer-spans"
    region: str = "us-east-1"
    endpoint_url: str | None = None
    pool_size: int = 10
    base_dir: Path | None = None


class Engine:
    """An open store under both models. Safe to use from every thread; one is open in a process at a time."""

    def __init__(self, name: Literal["sqlite", "dynamodb"], client: Client) -> None:
        self.name = name
        self.client = client

    def batch_put(self, items: Iterable[Item]) -> float:
        """Write items of either model, many at a time, and return the write units consumed.

        Raises StoreUnavailable when the store keeps refusing some; putting all of them again is safe.
        """
        with self.client.one_commit():
            return batch_put(self.client, items)

    def one_commit(self) -> AbstractContextManager[None]:
        """On the local file all writes of the block are kept together, or none; DynamoDB keeps each."""
        return self.client.one_commit()

    def each(self, ask: Callable[[Argument], Answer], arguments: Sequence[Argument]) -> list[Answer]:
        """The answers to all, in their order; side by side where each is a round trip."""
        if self.name == "sqlite" or len(arguments) < MIN_SIDE_BY_SIDE:
            return list(map(ask, arguments))
        with ThreadPoolExecutor(MAX_SIDE_BY_SIDE, thread_name_prefix="ask") as threads:
            return list(threads.map(ask, arguments))

    def batch_delete(self, items: Iterable[Item]) -> float:
        """Delete items by their keys, like ``batch_put``; what is not there is no error."""
        with self.client.one_commit():
            return batch_delete(self.client, items)

    def batch_get(self, model: type[AnyItem], keys: Iterable[tuple[str, str]]) -> list[AnyItem]:
        """Those of the items that are there, consistently. Raises StoreUnavailable as ``batch_put``."""
        return batch_get(self.client, model, keys)

    def create_tables(self, *, point_in_time_recovery: bool = False) -> list[str]:
        """Make what is missing (on demand, TTL on) and return the names of the tables made now."""
        return [
            model.Meta.table_name
            for model in MODELS
            if create_table(self.client, model, point_in_time_recovery=point_in_time_recovery)
        ]

    def require_tables(self) -> None:
        """One cheap question per table. Raises StoreUnusable, naming the command that makes them."""
        for model in MODELS:
            if not table_exists(self.client, model):
                raise StoreUnusable(
                    f"Table {model.Meta.table_name} is missing: run manage.py create_tables, "
                    "or correct DYNAMODB_TRACES_TABLE and DYNAMODB_SPANS_TABLE."
                )

    def sweep(self, now_s: int) -> int:
        """Delete expired items of the local file and return how many; DynamoDB does so itself: 0."""
        return self.client.sweep(now_s)

    def close(self) -> None:
        """Release files and sockets. Afterwards the models refuse to work until an engine is opened."""
        with _binding:
            if _bound_client() is self.client:
                bind_models(_ClosedClient(), TraceItem.Meta.table_name, SpanItem.Meta.table_name)
        self.client.close()


def open_engine(options: EngineOptions) -> Engine:
    """Open the store and bind both models to it, in place of whatever they were bound to before.

    The local file and its tables are made on first use. Raises StoreUnusable, naming STORAGE_URL, for a
    file that cannot be opened, is not ours, or was written by a newer version.
    """
    engine = connect(options)
    bind_models(engine.client, options.traces_table, options.spans_table)
    if engine.name == "sqlite":
        engine.create_tables()
    return engine


def connect(options: EngineOptions) -> Engine:
    """Open a store beside the one that the models are bound to: only for calls of its client."""
    return _open_sqlite(options) if options.storage_url != "dynamodb" else _open_dynamodb(options)


def _open_dynamodb(options: EngineOptions) -> Engine:
    client = DynamoDBClient(
        region=options.region, endpoint_url=options.endpoint_url, pool_size=options.pool_size
    )
    client.warm()
    return Engine("dynamodb", client)


def _open_sqlite(options: EngineOptions) -> Engine:
    from traces_app.storage.embedded.client import EmbeddedClient  # noqa: PLC0415 - DynamoDB needs no evaluator

    path = options.storage_url.removeprefix(SQLITE_PREFIX)
    if path == options.storage_url or path in {"", ":memory:"}:
        raise StoreUnusable(
            f"STORAGE_URL={options.storage_url!r}: write sqlite:///path/to/file.sqlite3 or dynamodb."
        )
    return Engine("sqlite", EmbeddedClient((options.base_dir or Path.cwd()) / path))


def bind_models(client: Client, traces_table: str, spans_table: str) -> None:
    """Make the models call ``client``. PynamoDB keeps its connection on the class: nobody else may know."""
    with _binding:
        for model, table_name in (
            (TraceItem, traces_table),
            (AnchorItem, traces_table),
            (SpanItem, spans_table),
        ):
            model.Meta.table_name = table_name
            model._connection = None  # noqa: SLF001 - a new table name needs a new connection
            model._get_connection().connection._client = cast(Any, client)  # noqa: SLF001 - the seam


def _bound_client() -> object:
    return TraceItem._get_connection().connection._client  # noqa: SLF001 - the seam


class _ClosedClient:
    """What the models are bound to when no engine is open, so that none reaches for a real DynamoDB."""

    _request_signer = None

    def _make_api_call(self, operation_name: str, _: dict[str, Any]) -> dict[str, Any]:
        raise StoreUnusable(f"{operation_name} was called but no store is open: call open_engine first.")

    def one_commit(self) -> AbstractContextManager[None]:
        return nullcontext()

    def sweep(self, now_s: int) -> int:  # noqa: ARG002 - the client's interface
        return 0

    def close(self) -> None:
        """Nothing is open."""
