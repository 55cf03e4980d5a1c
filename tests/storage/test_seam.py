"""The private names of PynamoDB that the engines stand on: a new release must not move them unnoticed."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

from pynamodb.connection import Connection
from pynamodb.models import Model

from traces_app.storage.engine import Engine
from traces_app.storage.models import SpanItem, TraceItem

CHECKOUT = Path(__file__).resolve().parent.parent.parent


class RecordingClient:
    """Stands where botocore's client stands."""

    _request_signer = None

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict]] = []

    def _make_api_call(self, operation_name: str, operation_kwargs: dict) -> dict:
        self.calls.append((operation_name, operation_kwargs))
        return {"TableNames": []}


def test_the_connection_calls_the_client_that_was_set() -> None:
    connection, client = Connection(), RecordingClient()
    connection._client = client  # type: ignore[assignment]

    connection.list_tables()

    assert client.calls == [("ListTables", {})]
    assert connection.client is client, "a client without a signer must not be replaced"


def test_models_find_their_connection_by_the_known_name(embedded: Engine) -> None:
    assert callable(Model._get_connection)
    for model in (SpanItem, TraceItem):
        assert model._get_connection().connection._client is embedded.client
        assert model._get_connection().table_name == model.Meta.table_name


def test_both_models_have_the_same_few_attributes() -> None:
    names = ["at", "body", "expires_at", "pk", "sk", "v"]

    assert sorted(SpanItem.get_attributes()) == sorted(TraceItem.get_attributes()) == names


def test_pynamodb_is_pinned_to_the_release_line_it_was_checked_with() -> None:
    requirements = (CHECKOUT / "requirements.txt").read_text()

    assert re.search(r"^pynamodb(~=6\.1\.\d+|==6\.1\.\d+)", requirements, re.MULTILINE)
    assert version("pynamodb").startswith("6.1.")
