"""Faults put under the store, at the one method through which everything goes, whatever keeps the items."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from traces_app.storage.dynamodb import border
from traces_app.storage.store import Store

Answer = dict[str, Any]
Perform = Callable[[str, dict[str, Any]], Answer]
Fault = Callable[[Perform, str, dict[str, Any]], Answer]
"""In the place of one call: may carry it out, or a part of it, or not."""


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "because"}}, "AnyOperation")


SOMEWHERE: Final = "http://dynamodb.test"
WEATHER: Final[dict[str, Exception]] = {
    "partition throttled": refusal("ProvisionedThroughputExceededException"),
    "table throttled": refusal("ThrottlingException"),
    "account throttled": refusal("RequestLimitExceeded"),
    "server error": refusal("InternalServerError"),
    "slow answer": ReadTimeoutError(endpoint_url=SOMEWHERE),
    "slow connection": ConnectTimeoutError(endpoint_url=SOMEWHERE),
    "no connection": EndpointConnectionError(endpoint_url=SOMEWHERE, error="refused"),
    "connection lost": ConnectionClosedError(endpoint_url=SOMEWHERE),
}


class Crash(BaseException):
    """The process ends here: nothing may catch it."""


class Faults:
    """Lets every call through, but for those that were told otherwise. Counts what it saw."""

    def __init__(self, perform: Perform) -> None:
        self._perform = perform
        self._lock = threading.Lock()
        self._choose: Callable[[int, str], Fault | None] = lambda _, __: None
        self.seen: list[str] = []

    def __call__(self, operation: str, parameters: dict[str, Any]) -> Answer:
        with self._lock:
            self.seen.append(operation)
            fault = self._choose(len(self.seen) - 1, operation)
        with border():
            if fault is None:
                return self._perform(operation, parameters)
            return fault(self._perform, operation, parameters)

    def none(self) -> None:
        self.choose(lambda _, __: None)

    def at(self, number: int, fault: Fault) -> None:
        """Of the calls from now on the one of this number, counted from 0."""
        self.choose(lambda found, _: fault if found == number else None)

    def always(self, fault: Fault, *operations: str) -> None:
        self.choose(lambda _, found: fault if not operations or found in operations else None)

    def first(self, count: int, fault: Fault, *operations: str) -> None:
        """The first ``count`` calls, of these operations where some are named."""
        left = iter(range(count))

        def chosen(_: int, operation: str) -> Fault | None:
            is_meant = not operations or operation in operations
            return fault if is_meant and next(left, None) is not None else None

        self.choose(chosen)

    def choose(self, choose: Callable[[int, str], Fault | None]) -> None:
        with self._lock:
            self.seen.clear()
            self._choose = choose


def put_under(store: Store, monkeypatch: Any) -> Faults:
    """On DynamoDB below our own border, where botocore is; on the local file in front of the engine."""
    client: Any = store.engine.client
    beneath = client._client_of_this_process() if store.name == "dynamodb" else client
    faults = Faults(beneath._make_api_call)
    monkeypatch.setattr(beneath, "_make_api_call", faults)
    return faults


def fails(error: BaseException) -> Fault:
    """Nothing is done."""

    def fault(_: Perform, __: str, ___: dict[str, Any]) -> Answer:
        raise error

    return fault


def answer_is_lost(error: BaseException) -> Fault:
    """All is done, and nobody is told."""

    def fault(perform: Perform, operation: str, parameters: dict[str, Any]) -> Answer:
        perform(operation, parameters)
        raise error

    return fault


def in_part(share: float) -> Fault:
    """That much of a batch is written or read; the rest comes back unprocessed, other calls are whole."""

    def fault(perform: Perform, operation: str, parameters: dict[str, Any]) -> Answer:
        if not operation.startswith("Batch"):
            return perform(operation, parameters)
        now, rest = _divided(parameters["RequestItems"], share)
        left = {"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}[operation]
        empty: Answer = {"Responses": {}, "ConsumedCapacity": []}
        return (perform(operation, {**parameters, "RequestItems": now}) if now else empty) | {left: rest}

    return fault


def _divided(requests: dict[str, Any], share: float) -> tuple[dict[str, Any], dict[str, Any]]:
    now: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for table, wanted in requests.items():
        entries = wanted["Keys"] if isinstance(wanted, dict) else wanted
        count = int(len(entries) * share)
        for found, some in ((now, entries[:count]), (rest, entries[count:])):
            if some:
                found[table] = {**wanted, "Keys": some} if isinstance(wanted, dict) else some
    return now, rest
