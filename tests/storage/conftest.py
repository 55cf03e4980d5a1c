"""The two engines every promise of the store is checked on: a local file, and a DynamoDB server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.ministack_server import MinistackMissing, running_ministack
from tests.storage.faults import Faults, put_under
from traces_app import access, storage
from traces_app.api import throttle
from traces_app.storage.dynamodb import DynamoDBClient
from traces_app.storage.engine import Engine, EngineOptions, bind_models, open_engine
from traces_app.storage.models import SpanItem
from traces_app.storage.store import Store

Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def ministack_url() -> Iterator[str]:
    """A DynamoDB server. Where it cannot be installed its tests are skipped, but never in CI."""
    try:
        with running_ministack() as url:
            yield url
    except MinistackMissing as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def ministack_client(ministack_url: str) -> Iterator[DynamoDBClient]:
    """One client for all tests: making one takes longer than any of them."""
    client = DynamoDBClient(region="us-east-1", endpoint_url=ministack_url)
    yield client
    client.close()


def ministack_engine(client: DynamoDBClient) -> Engine:
    """An engine with tables of its own on the shared server. It is not closed: the client is shared."""
    suffix = uuid4().hex[:12]
    bind_models(client, f"traces-{suffix}", f"spans-{suffix}")
    return Engine("dynamodb", client)


def sqlite_options(directory: Path) -> EngineOptions:
    return EngineOptions(f"sqlite:///{directory / 'traces.sqlite3'}")


@pytest.fixture(params=["embedded", "ministack"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An open engine with empty tables, bound to both models."""
    if request.param == "embedded":
        yield request.getfixturevalue("embedded")
    else:
        opened = ministack_engine(request.getfixturevalue("ministack_client"))
        opened.create_tables()
        yield opened


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Engine]:
    """Only the local file, for what DynamoDB does not have."""
    opened = open_engine(sqlite_options(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def call(engine: Engine) -> Call:
    """Raw operations on the spans table: ``call("GetItem", Key=...)``."""

    def perform(operation: str, **parameters: Any) -> dict[str, Any]:
        if not operation.startswith(("Batch", "Transact", "List")):
            parameters = {"TableName": SpanItem.Meta.table_name, **parameters}
        return engine.client._make_api_call(operation, parameters)

    return perform


@pytest.fixture(params=["sqlite", "dynamodb"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path, settings: Any) -> Iterator[Store]:
    """The store as a server opens it from its settings, on either engine; nothing is remembered."""
    storage.reset_store()
    access.forget_keys()
    throttle.buckets.clear()
    settings.API_KEYS, settings.RATE_LIMIT_RPM = ["project-dev"], 0
    settings.STORAGE_URL = f"sqlite:///{tmp_path / 'traces.sqlite3'}"
    if request.param == "dynamodb":
        suffix = uuid4().hex[:12]
        settings.STORAGE_URL = "dynamodb"
        settings.DYNAMODB_ENDPOINT_URL = request.getfixturevalue("ministack_url")
        settings.DYNAMODB_TRACES_TABLE, settings.DYNAMODB_SPANS_TABLE = f"traces-{suffix}", f"spans-{suffix}"
        storage.create_tables()
    yield storage.get_store()
    storage.reset_store()


@pytest.fixture
def faults(any_store: Store, monkeypatch: pytest.MonkeyPatch) -> Faults:
    """What goes wrong beneath the store."""
    return put_under(any_store, monkeypatch)
