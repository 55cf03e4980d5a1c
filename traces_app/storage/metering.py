"""What this process consumes of AWS, kept by project until the next batch carries it into its fragment.

Every answer of the store says how many units it took, and every request how long it worked. What a batch
notes of itself is taken off; the rest waits here and costs nothing to keep. A process that ends takes what no
batch has carried with it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any, Final

from traces_app.domain.metering import NOTHING, Consumed
from traces_app.storage import keys

__all__ = ["METER", "Meter", "attribute_request", "measured_request", "metered_call", "work_until_now"]

Call = Callable[[str, dict[str, Any]], dict[str, Any]]

READING: Final = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
WRITING: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
NO_PROJECT: Final = ""
MAX_ACCOUNTS: Final = 1000
"""What further projects consume goes with whoever writes next."""


class Meter:
    """Thread-safe. A batch claims what it is going to consume before it does, so an account may be below
    zero for a moment: then it gives nothing out.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Consumed] = {}

    def note(self, project: str, consumed: Consumed) -> None:
        with self._lock:
            self._add(project, consumed)

    def claim(self, project: str, consumed: Consumed) -> None:
        with self._lock:
            self._add(project, NOTHING.minus(consumed))

    def _add(self, project: str, consumed: Consumed) -> None:
        known = project in self._open or len(self._open) < MAX_ACCOUNTS
        account = project if known else NO_PROJECT
        self._open[account] = self._open.get(account, NOTHING).plus(consumed)

    def take(self, project: str) -> Consumed:
        """What is open of the project, and of none: dashboard sessions go with whoever writes next."""
        with self._lock:
            found = self._open.pop(project, NOTHING).plus(self._open.pop(NO_PROJECT, NOTHING))
            taken = Consumed(*(max(0, value) for value in found))
            left = found.minus(taken)
            if left != NOTHING:
                self._add(project, left)
        return taken

    def forget(self) -> None:
        with self._lock:
            self._open.clear()


METER: Final = Meter()
"""Of this process."""


# -- units -----------------------------------------------------------------------------------------
def metered_call(call: Call, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """``call`` it, and note what it consumed; the answer is as it would be otherwise."""
    if operation not in READING and operation not in WRITING:
        return call(operation, parameters)
    answer = call(operation, {"ReturnConsumedCapacity": "TOTAL", **parameters})
    found = answer.get("ConsumedCapacity") or []
    units = sum(entry["CapacityUnits"] for entry in (found if isinstance(found, list) else [found]))
    is_read = operation in READING
    consumed = Consumed(read_halves=round(2 * units)) if is_read else Consumed(write_units=round(units))
    METER.note(_project_of(parameters), consumed)
    if "ReturnConsumedCapacity" not in parameters:
        answer.pop("ConsumedCapacity", None)
    return answer


def _project_of(parameters: dict[str, Any]) -> str:
    """Of the first key; the items of one request are of one project."""
    for key in _keys_in(parameters):
        project = keys.project_of(key)
        if project:
            return project
    return NO_PROJECT


def _keys_in(parameters: dict[str, Any]) -> Iterator[str]:
    for holder in ("Key", "Item"):
        if holder in parameters:
            yield parameters[holder].get("pk", {}).get("S", "")
    for value in islice(
        parameters.get("ExpressionAttributeValues", {}).values(), 1
    ):  # of a query: the partition
        yield value.get("S", "")
    for requests in parameters.get("RequestItems", {}).values():
        for request in requests["Keys"] if isinstance(requests, dict) else requests:
            change = request.get("PutRequest", {}).get("Item") or request.get("DeleteRequest", {}).get("Key")
            yield (change or request).get("pk", {}).get("S", "")


# -- time ------------------------------------------------------------------------------------------
class _Work:
    """One request being answered: Lambda bills the time from its beginning to its end."""

    def __init__(self) -> None:
        self.project = NO_PROJECT
        self._since_s = time.perf_counter()
        self._requests = 1

    def take(self) -> Consumed:
        """Since the beginning, or since it was taken last."""
        now_s = time.perf_counter()
        taken = Consumed(requests=self._requests, work_us=max(1, round((now_s - self._since_s) * 1e6)))
        self._since_s, self._requests = now_s, 0
        return taken


_current: ContextVar[_Work | None] = ContextVar("work of the request being answered", default=None)


@contextmanager
def measured_request() -> Iterator[None]:
    """Round the answering of one request: its time is noted, or what of it no batch has taken."""
    work = _Work()
    token = _current.set(work)
    try:
        yield
    finally:
        _current.reset(token)
        METER.note(work.project, work.take())


def attribute_request(project: str) -> None:
    """Whose request it is that is being answered."""
    work = _current.get()
    if work is not None:
        work.project = project


def work_until_now() -> Consumed:
    """Of the request being answered, for a batch to note; nothing where a command is at work."""
    work = _current.get()
    return NOTHING if work is None else work.take()
