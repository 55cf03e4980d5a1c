"""DynamoDB in simulated time: the local engine behind limits, with the units of each partition and second."""

from __future__ import annotations

import heapq
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any

PARTITION_WRITES, PARTITION_READS = 1000.0, 3000.0
TABLE_WRITES = 40_000.0
"""On demand, where nobody asked for more."""

CALL_S = 0.006
INDEX_BYTES = 100
"""Of an item, beside what it holds, as storage is billed."""


class Clock:
    """Simulated seconds. Who sleeps lets the others go on; nobody runs beside another."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._numbers = count()
        self._due: list[tuple[float, int, Callable[[], Any]]] = []
        self._is_idle = threading.Event()

    def start(self, at_s: float, work: Callable[..., None], *arguments: Any) -> None:
        def task() -> None:
            try:
                work(*arguments)
            finally:
                self._is_idle.set()

        self._add(at_s, threading.Thread(target=task).start)

    def sleep(self, seconds: float) -> None:
        turn = threading.Event()
        self._add(self.now_s + max(0.0, seconds), turn.set)
        self._is_idle.set()
        turn.wait()

    def run(self) -> None:
        """Until nobody has anything to do."""
        while self._due:
            self.now_s, _, go_on = heapq.heappop(self._due)
            self._is_idle.clear()
            go_on()
            self._is_idle.wait()

    def _add(self, at_s: float, go_on: Callable[[], Any]) -> None:
        heapq.heappush(self._due, (at_s, next(self._numbers), go_on))


class Bucket:
    """Units that come back with the time, a second's worth at most. One request may overdraw it."""

    def __init__(self, units_a_second: float) -> None:
        self._rate, self._left, self._filled_at_s = units_a_second, 0.0, -1.0

    def has_any(self, now_s: float) -> bool:
        self._left = min(self._rate, self._left + (now_s - self._filled_at_s) * self._rate)
        self._filled_at_s = now_s
        return self._left > 0

    def take(self, units: float) -> None:
        self._left -= units


class SimulatedDynamoDB:
    """In the place of the server's client, with botocore's three attempts and our border."""

    _request_signer = None

    def __init__(self, folder: Path, clock: Clock, *, is_limited: bool) -> None:
        from traces_app.storage.embedded.client import EmbeddedClient

        self._inner = EmbeddedClient(folder / "simulated.sqlite3")
        self._clock = clock
        self._is_limited = is_limited
        self._tables: defaultdict[str, Bucket] = defaultdict(lambda: Bucket(TABLE_WRITES))
        self._writes: defaultdict[str, Bucket] = defaultdict(lambda: Bucket(PARTITION_WRITES))
        self._reads: defaultdict[str, Bucket] = defaultdict(lambda: Bucket(PARTITION_READS))
        self.heat: Counter[tuple[str, int]] = Counter()
        """Write units by partition and second."""
        self.units: Counter[str] = Counter()
        """By table; ``reads`` for those of both."""
        self.stored_bytes = 0
        self.refused = 0

    def _make_api_call(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        from traces_app.storage.dynamodb import MAX_ATTEMPTS, border

        with border():
            for attempt in range(1, MAX_ATTEMPTS + 1):
                self._clock.sleep(CALL_S)
                answer = self._answer(operation, parameters)
                if answer is not None:
                    return answer
                self.refused += 1
                if attempt < MAX_ATTEMPTS:
                    self._clock.sleep(random.random() * 2 ** (attempt - 1))
            raise throttled(operation)

    def _answer(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any] | None:
        """``None``: refused as a whole."""
        if operation == "BatchWriteItem":
            return self._write_batch(parameters)
        if operation in {"UpdateItem", "GetItem", "Query"}:
            return self._one_partition(operation, parameters)
        return self._inner._make_api_call(operation, parameters)

    def _write_batch(self, parameters: dict[str, Any]) -> dict[str, Any] | None:
        taken: dict[str, list[Any]] = {}
        left: dict[str, list[Any]] = {}
        for table, requests in parameters["RequestItems"].items():
            for request in requests:
                found = taken if self._takes(table, request["PutRequest"]["Item"]) else left
                found.setdefault(table, []).append(request)
        if not taken:
            return None
        self.refused += sum(map(len, left.values()))
        answer = self._inner._make_api_call("BatchWriteItem", {**parameters, "RequestItems": taken})
        return answer | {"UnprocessedItems": left}

    def _takes(self, table: str, item: dict[str, Any]) -> bool:
        from traces_app.storage.embedded.capacity import write_units
        from traces_app.storage.embedded.items import prepare

        size = prepare(item)[1]
        is_taken = self._spend(table, item["pk"]["S"], write_units(size))
        self.stored_bytes += (size + INDEX_BYTES) * is_taken
        return is_taken

    def _spend(self, table: str, partition: str, units: float) -> bool:
        now_s = self._clock.now_s
        buckets = (self._tables[table], self._writes[partition])
        if self._is_limited and not all(bucket.has_any(now_s) for bucket in buckets):
            return False
        for bucket in buckets:
            bucket.take(units)
        self.heat[partition, int(now_s)] += int(units)
        self.units[table] += int(units)
        return True

    def _one_partition(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any] | None:
        if "Key" in parameters:
            partition = parameters["Key"]["pk"]["S"]
        else:
            partition = next(iter(parameters["ExpressionAttributeValues"].values()))["S"]
        if operation == "UpdateItem":
            if not self._spend(parameters["TableName"], partition, 1):
                return None
        elif self._is_limited and not self._reads[partition].has_any(self._clock.now_s):
            return None
        answer = self._inner._make_api_call(operation, {**parameters, "ReturnConsumedCapacity": "TOTAL"})
        if operation != "UpdateItem":
            units = answer["ConsumedCapacity"]["CapacityUnits"]
            self._reads[partition].take(units)
            self.units["reads"] += units
        return answer

    def one_commit(self) -> AbstractContextManager[None]:
        return nullcontext()

    def sweep(self, now_s: int) -> int:  # noqa: ARG002 - the client's interface
        return 0

    def close(self) -> None:
        self._inner.close()


def throttled(operation: str) -> Exception:
    from botocore.exceptions import ClientError

    error = {"Code": "ProvisionedThroughputExceededException", "Message": "simulated"}
    return ClientError({"Error": error}, operation)
