"""The real DynamoDB: one shared botocore client, the border where its errors stop, and batched writes."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from typing import Any, Final, Protocol, TypeVar

from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import (
    ConnectionError as BotocoreConnectionError,
)
from botocore.session import Session
from pynamodb.exceptions import GetError, PutError

from traces_app.storage.errors import StoreUnavailable, StoreUnusable
from traces_app.storage.metering import metered_call
from traces_app.storage.models import MODELS, Item

__all__ = ["Client", "DynamoDBClient", "batch_delete", "batch_get", "batch_put", "batch_put_raw"]

AnyItem = TypeVar("AnyItem", bound=Item)

CONNECT_TIMEOUT_S: Final = 1.5
READ_TIMEOUT_S: Final = 4.0
"""DynamoDB answers in milliseconds; a sender waits for us, so give up early and let it send again."""
MAX_ATTEMPTS: Final = 3

BATCH_ITEMS: Final = 25
"""BatchWriteItem takes 25 items and 16 MB; 25 of 400 KB are 13.7 MB in base64, so counting is enough."""
BATCH_KEYS: Final = 100
"""What BatchGetItem takes."""

MAX_SENDS: Final = 7
"""Of one group, counting the first: six pauses of at most 3.15 s together."""
FIRST_PAUSE_S: Final = 0.05
UNPROCESSED: Final = {"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}
BATCH_ERRORS: Final = {"BatchWriteItem": PutError, "BatchGetItem": GetError}

TRANSIENT_CODES: Final = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
SERVER_ERROR: Final = 500
"""And above: what a proxy on the way answers has no code of DynamoDB's."""

CONFIGURATION_CODES: Final = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)
CALLS_ABOUT_TABLES: Final = frozenset({"DescribeTimeToLive", "UpdateTimeToLive", "UpdateContinuousBackups"})
"""Beside those with Table in their name."""

TRANSIENT_REASONS: Final = frozenset(
    {"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError", "RequestLimitExceeded"}
)


class Client(Protocol):
    """What PynamoDB's connection and this package need of the object that keeps the items."""

    def _make_api_call(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]: ...

    def one_commit(self) -> AbstractContextManager[None]: ...

    def sweep(self, now_s: int) -> int: ...

    def close(self) -> None: ...


class DynamoDBClient:
    """One botocore client for all models and threads: each further one would cost 120 ms and 10 MB.

    Weather becomes StoreUnavailable here and a wrong set-up StoreUnusable; PynamoDB lets both through.
    What a caller can act on (a failed condition, a bad request) stays the ClientError PynamoDB expects.
    """

    _request_signer = None
    """PynamoDB makes a client of its own when this one has a signer without credentials: it must not."""

    def __init__(self, *, region: str, endpoint_url: str | None = None, pool_size: int = 10) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._pool_size = pool_size
        self._lock = threading.Lock()
        self._botocore: BaseClient | None = None
        self._process_id = 0

    def warm(self) -> None:
        """Make the botocore client now (some 100 ms) rather than inside the first request."""
        self._client_of_this_process()

    def _make_api_call(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]:
        with border(), missing_tables(operation_name, operation_kwargs):
            client = self._client_of_this_process()
            return metered_call(client._make_api_call, operation_name, operation_kwargs)  # noqa: SLF001 - the seam

    def one_commit(self) -> AbstractContextManager[None]:
        """DynamoDB knows no transaction of this size: each request stands for itself."""
        return nullcontext()

    def sweep(self, now_s: int) -> int:  # noqa: ARG002 - the client's interface
        """DynamoDB's own TTL deletes what has expired."""
        return 0

    def close(self) -> None:
        """Close the connection pool."""
        with self._lock:
            if self._botocore is not None and self._process_id == os.getpid():
                self._botocore.close()
            self._botocore = None

    def _client_of_this_process(self) -> BaseClient:
        """Sockets must not be shared with a forked parent, so each process makes its own client."""
        client = self._botocore
        if client is not None and self._process_id == os.getpid():
            return client
        with self._lock:
            if self._botocore is None or self._process_id != os.getpid():
                self._botocore = self._create()
                self._process_id = os.getpid()
            return self._botocore

    def _create(self) -> BaseClient:
        session = Session()
        if self._endpoint_url:
            if "://" not in self._endpoint_url:
                raise StoreUnusable(f"DYNAMODB_ENDPOINT_URL={self._endpoint_url!r}: write http://host:port.")
            _allow_missing_credentials(session)
        return session.create_client(
            "dynamodb",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=Config(
                connect_timeout=CONNECT_TIMEOUT_S,
                read_timeout=READ_TIMEOUT_S,
                max_pool_connections=self._pool_size,
                retries={"mode": "standard", "total_max_attempts": MAX_ATTEMPTS},
                parameter_validation=False,  # PynamoDB builds the requests
                tcp_keepalive=True,
            ),
        )


def _allow_missing_credentials(session: Session) -> None:
    """A local DynamoDB server takes any key, so do not make people invent one (or wait for an EC2 host)."""
    session.get_component("credential_provider").remove("iam-role")
    if session.get_credentials() is None:
        session.set_credentials("local", "local")


@contextmanager
def border() -> Iterator[None]:
    """Where botocore's errors stop. Raises StoreUnavailable for weather, StoreUnusable for a wrong set-up."""
    try:
        yield
    except ClientError as error:
        _raise_for(error)
        raise
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise StoreUnusable(f"DynamoDB refuses us: {error}. Set AWS credentials or a role.") from error
    except (BotocoreConnectionError, HTTPClientError) as error:
        raise StoreUnavailable(f"DynamoDB cannot be reached: {error}") from error
    except BotoCoreError as error:
        raise StoreUnusable(f"DynamoDB cannot be called: {error}") from error


@contextmanager
def missing_tables(operation_name: str, operation_kwargs: dict[str, Any]) -> Iterator[None]:
    """Where a table of ours that is not there becomes StoreUnusable, naming the command that makes it."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException" and _concerns_items(
            operation_name, operation_kwargs
        ):
            raise StoreUnusable(
                "A table is missing: run manage.py create_tables (on AWS: just apply-dev), "
                "or correct DYNAMODB_TRACES_TABLE and DYNAMODB_SPANS_TABLE."
            ) from error
        raise


def _concerns_items(operation_name: str, operation_kwargs: dict[str, Any]) -> bool:
    """Not a call about the table itself: to that a missing one is an answer."""
    named = {operation_kwargs.get("TableName"), *operation_kwargs.get("RequestItems", ())}
    ours = {model.Meta.table_name for model in MODELS}
    return "Table" not in operation_name and operation_name not in CALLS_ABOUT_TABLES and bool(named & ours)


def _raise_for(error: ClientError) -> None:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in TRANSIENT_CODES or status >= SERVER_ERROR or _is_conflict(error):
        raise StoreUnavailable(f"DynamoDB is busy ({code}): {message}") from error
    if code in CONFIGURATION_CODES:
        raise StoreUnusable(f"DynamoDB refuses us ({code}): {message}") from error


def _is_conflict(error: ClientError) -> bool:
    """Whether a transaction failed only because others were writing the same items."""
    codes = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])} - {None, "None"}
    return bool(codes) and codes <= TRANSIENT_REASONS


def batch_put(client: Client, items: Iterable[Item], *, sleep: Callable[[float], None] = time.sleep) -> float:
    """Put items of any model, 25 to a request, and return the write units consumed.

    What DynamoDB leaves unprocessed is sent again after a growing, fully jittered pause. Raises
    StoreUnavailable when some are still refused: earlier ones are written then, and putting all of them
    again is safe. Raises PutError for a request DynamoDB finds wrong, such as one key twice in a group.
    """
    requests = ((item.Meta.table_name, {"PutRequest": {"Item": item.serialize()}}) for item in items)
    return _batch_write(client, requests, sleep)


def batch_put_raw(
    client: Client,
    table_name: str,
    items: Iterable[dict[str, Any]],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """As ``batch_put``, of items as DynamoDB writes them."""
    return _batch_write(client, ((table_name, {"PutRequest": {"Item": item}}) for item in items), sleep)


def batch_delete(
    client: Client, items: Iterable[Item], *, sleep: Callable[[float], None] = time.sleep
) -> float:
    """Delete items by their keys; otherwise as ``batch_put``."""
    keys = ((item.Meta.table_name, {"pk": {"S": item.pk}, "sk": {"S": item.sk}}) for item in items)
    requests = ((table_name, {"DeleteRequest": {"Key": key}}) for table_name, key in keys)
    return _batch_write(client, requests, sleep)


def batch_get(
    client: Client,
    model: type[AnyItem],
    keys: Iterable[tuple[str, str]],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> list[AnyItem]:
    """Those of the items that are there, as they are now, 100 to a request; pauses as ``batch_put`` does.

    PynamoDB's own asks again without a pause and without end.
    """
    table_name = model.Meta.table_name
    wanted = ({"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys)
    found: list[AnyItem] = []
    while group := list(islice(wanted, BATCH_KEYS)):
        requests = {table_name: {"Keys": group, "ConsistentRead": True}}
        for answer in _send_all(client, "BatchGetItem", requests, sleep):
            found += map(model.from_raw_data, answer["Responses"].get(table_name, ()))
    return found


def _batch_write(
    client: Client, requests: Iterator[tuple[str, dict[str, Any]]], sleep: Callable[[float], None]
) -> float:
    consumed_units: float = 0.0
    while group := list(islice(requests, BATCH_ITEMS)):
        by_table: dict[str, list[Any]] = {}
        for table_name, request in group:
            by_table.setdefault(table_name, []).append(request)
        for answer in _send_all(client, "BatchWriteItem", by_table, sleep):
            consumed_units += sum(entry["CapacityUnits"] for entry in answer.get("ConsumedCapacity", ()))
    return consumed_units


def _send_all(
    client: Client, operation: str, requests: dict[str, Any], sleep: Callable[[float], None]
) -> Iterator[dict[str, Any]]:
    """The answers, until nothing is left unprocessed."""
    for attempt in range(MAX_SENDS):
        if attempt:
            sleep(random.uniform(0, FIRST_PAUSE_S * 2 ** (attempt - 1)))  # noqa: S311 - spreads load
        answer = _send(client, operation, requests)
        yield answer
        requests = answer.get(UNPROCESSED[operation], {})
        if not requests:
            return
    raise StoreUnavailable(f"DynamoDB left items of {operation} unprocessed after {MAX_SENDS} attempts.")


def _send(client: Client, operation: str, requests: dict[str, Any]) -> dict[str, Any]:
    parameters = {"RequestItems": requests, "ReturnConsumedCapacity": "TOTAL"}
    try:
        return client._make_api_call(operation, parameters)  # noqa: SLF001 - the seam
    except ClientError as error:
        raise BATCH_ERRORS[operation](f"{operation} failed: {error}", error) from error
