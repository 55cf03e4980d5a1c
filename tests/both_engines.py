"""For tests of everything above the store on either engine, and of what dies half-way."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.storage.conftest import ministack_client, ministack_engine, ministack_url
from traces_app import storage
from traces_app.storage.models import MODELS, Item
from traces_app.storage.store import Store

__all__ = ["both", "dying", "items_of", "ministack_client", "ministack_url"]


@pytest.fixture(params=["embedded", "ministack"])
def both(request: pytest.FixtureRequest, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The process's store on either engine: everything above it asks it as it always does."""
    if request.param == "ministack":
        engine = ministack_engine(request.getfixturevalue("ministack_client"))
        engine.create_tables()
        monkeypatch.setattr(storage, "_store", Store(engine))
        yield storage.get_store()
        monkeypatch.undo()
    else:
        yield store


@contextmanager
def dying(store: Store, operations: Container[str], at: int) -> Iterator[None]:
    """The process is killed when it sends the so many-th of these operations."""
    client: Any = store.engine.client
    call, count = client._make_api_call, 0

    def send(operation: str, arguments: Any) -> Any:
        nonlocal count
        count += operation in operations
        if count == at:
            raise KeyboardInterrupt
        return call(operation, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_make_api_call", send)
        with pytest.raises(KeyboardInterrupt):
            yield


def items_of(trace: str) -> list[Item]:
    everything = [item for model in MODELS for item in model.scan()]
    return [item for item in everything if trace in item.pk or trace in item.sk]
