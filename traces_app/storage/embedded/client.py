"""The object in the place of botocore's client."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from botocore.exceptions import ClientError

from traces_app.storage.embedded import catalogue, reads, transactions, writes
from traces_app.storage.embedded.catalogue import Answer, Catalogue, Operation, Parameters
from traces_app.storage.embedded.database import Database
from traces_app.storage.embedded.faults import Fault, no_table
from traces_app.storage.embedded.sweep import STEP_ITEMS, sweep, sweep_step
from traces_app.storage.errors import StoreUnavailable
from traces_app.storage.metering import metered_call

__all__ = ["EmbeddedClient"]

OPERATIONS: Final[dict[str, Operation]] = (
    catalogue.OPERATIONS | reads.OPERATIONS | writes.OPERATIONS | transactions.OPERATIONS
)
WRITING: Final = writes.OPERATIONS.keys() | {"TransactWriteItems"}
WRITES_BETWEEN_SWEEPS: Final = STEP_ITEMS // 25
"""Requests that write at most 25 items each: a step deletes at least as much as came in since the last."""
BAD_REQUEST: Final = 400


class EmbeddedClient:
    """DynamoDB in one file. Errors are botocore's ClientError with DynamoDB's codes, for PynamoDB to wrap;
    StoreUnavailable and StoreUnusable, when the file itself fails, pass through PynamoDB as they are.

    ``clock`` gives seconds since the epoch. Like DynamoDB's own, it only decides what the sweep between
    writes deletes; what readers see never depends on it.
    """

    _request_signer = None
    """PynamoDB looks for credentials in it, and takes None for 'needs none'."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.meta = SimpleNamespace(endpoint_url=f"sqlite:///{path}", region_name="local")
        self._clock = clock
        self._database = Database(path)
        self._catalogue = Catalogue(self._database)
        self._writes_since_sweep = 0

    def _make_api_call(self, operation_name: str, operation_kwargs: Parameters) -> Answer:
        try:
            answer = metered_call(self._perform, operation_name, operation_kwargs)
        except Fault as fault:
            raise _client_error(fault, operation_name) from None
        except UnicodeEncodeError as error:  # a lone surrogate
            refusal = Fault("SerializationException", f"A text cannot be UTF-8: {error.reason}")
            raise _client_error(refusal, operation_name) from error
        if operation_name in WRITING:
            self._sweep_now_and_then()
        return answer

    def _perform(self, operation_name: str, operation_kwargs: Parameters) -> Answer:
        operation = OPERATIONS.get(operation_name)
        if operation is None:
            raise Fault("UnknownOperationException", f"The local file has no operation {operation_name}")
        try:
            return operation(self._catalogue, operation_kwargs)
        except sqlite3.OperationalError as error:
            if "no such table: items_" in str(error):  # another process deleted it
                self._catalogue.forget_all()
                raise no_table() from error
            raise

    def _sweep_now_and_then(self) -> None:
        self._writes_since_sweep += 1  # threads may lose a count; the sweep is only a little later then
        if self._writes_since_sweep >= WRITES_BETWEEN_SWEEPS:
            self._writes_since_sweep = 0
            with suppress(StoreUnavailable):  # the write is done; the next sweep will come
                sweep_step(self._catalogue, int(self._clock()))

    def one_commit(self) -> AbstractContextManager[None]:
        """What this thread writes in the block is kept together, or not at all."""
        return self._database.one_transaction()

    def sweep(self, now_s: int) -> int:
        """Delete all that had expired by ``now_s``, seconds since the epoch, and return how many."""
        return sweep(self._catalogue, now_s)

    def close(self) -> None:
        """Close the file; whoever calls later gets StoreUnusable."""
        self._database.close()


def _client_error(fault: Fault, operation_name: str) -> ClientError:
    response: dict[str, Any] = {
        "Error": {"Code": fault.code, "Message": fault.message},
        "ResponseMetadata": {"HTTPStatusCode": BAD_REQUEST, "HTTPHeaders": {}, "RetryAttempts": 0},
        **fault.extra,
    }
    return ClientError(response, operation_name)
