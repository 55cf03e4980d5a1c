"""The shared DynamoDB client: which errors leave it, and how batches are sent again."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ReadTimeoutError

from tests.servers import serving
from traces_app.storage import dynamodb
from traces_app.storage.dynamodb import (
    MAX_ATTEMPTS,
    MAX_SENDS,
    DynamoDBClient,
    batch_put,
    border,
    missing_tables,
)
from traces_app.storage.engine import Engine
from traces_app.storage.errors import StoreUnavailable, StoreUnusable
from traces_app.storage.models import SpanItem


def client_error(code: str, **extra: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "because"}, **extra}, "PutItem")


def cancelled(*codes: str) -> ClientError:
    reasons = [{"Code": code} for code in codes]
    return client_error("TransactionCanceledException", CancellationReasons=reasons)


@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException"),
        client_error("ProvisionedThroughputExceededException"),
        client_error("InternalServerError"),
        cancelled("None", "TransactionConflict"),
        ReadTimeoutError(endpoint_url="http://somewhere"),
    ],
)
def test_weather_becomes_store_unavailable(error: Exception) -> None:
    with pytest.raises(StoreUnavailable) as caught, border():
        raise error

    assert caught.value.retry_after_seconds >= 1


@pytest.mark.parametrize("error", [client_error("AccessDeniedException"), NoCredentialsError()])
def test_a_wrong_set_up_becomes_store_unusable(error: Exception) -> None:
    with pytest.raises(StoreUnusable, match="DynamoDB refuses us"), border():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        client_error("ConditionalCheckFailedException"),
        client_error("ValidationException"),
        client_error("ResourceNotFoundException"),
        cancelled("ConditionalCheckFailed", "TransactionConflict"),
    ],
)
def test_what_a_caller_can_act_on_passes(error: ClientError) -> None:
    with pytest.raises(ClientError) as caught, border():
        raise error

    assert caught.value is error


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


def test_an_unreachable_server_is_unavailable_soon(closed_port: int) -> None:
    client = DynamoDBClient(region="us-east-1", endpoint_url=f"http://127.0.0.1:{closed_port}")

    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        client._make_api_call("ListTables", {})
    client.close()


class ScriptedDynamoDB:
    """A server on loopback that answers by the next line of its script; ``None``: not in time."""

    def __init__(self, *script: tuple[int, dict[str, Any]] | None) -> None:
        self.script, self.requests, self._is_over = list(script), 0, threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                server.requests += 1
                line = server.script.pop(0)
                if line is None:
                    server._is_over.wait(20)
                    return
                status, content = line
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True

    @contextmanager
    def client(self) -> Iterator[DynamoDBClient]:
        with serving(self._http):
            url = f"http://127.0.0.1:{self._http.server_address[1]}"
            client = DynamoDBClient(region="us-east-1", endpoint_url=url)
            try:
                yield client
            finally:
                self._is_over.set()
                client.close()


def throttling(code: str) -> tuple[int, dict[str, Any]]:
    return 400, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "because"}


@pytest.mark.parametrize("trouble", [throttling("ThrottlingException"), (500, {}), None])
def test_a_call_is_tried_again_over_http_and_a_slow_answer_given_up(
    trouble: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamodb, "READ_TIMEOUT_S", 0.2)
    server = ScriptedDynamoDB(trouble, (200, {"TableNames": ["a"]}))
    with server.client() as client:
        assert client._make_api_call("ListTables", {})["TableNames"] == ["a"]
    assert server.requests == 2


@pytest.mark.parametrize("trouble", [throttling("ProvisionedThroughputExceededException"), (503, {}), None])
def test_trouble_that_stays_is_unavailable_after_a_few_tries_over_http(
    trouble: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamodb, "READ_TIMEOUT_S", 0.2)
    server = ScriptedDynamoDB(*[trouble] * MAX_ATTEMPTS)
    with server.client() as client, pytest.raises(StoreUnavailable):
        client._make_api_call("ListTables", {})
    assert server.requests == MAX_ATTEMPTS


class StubbornClient:
    """A DynamoDB that leaves the last ``refused`` requests of a batch unprocessed, a number of times."""

    def __init__(self, refused: int, times: int) -> None:
        self.refused = refused
        self.times = times
        self.sent: list[list[str]] = []

    def _make_api_call(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]:
        ((table, requests),) = operation_kwargs["RequestItems"].items()
        self.sent.append([request["PutRequest"]["Item"]["sk"]["S"] for request in requests])
        left = requests[-self.refused :] if self.times > 0 else []
        self.times -= 1
        units = float(len(requests) - len(left))
        return {
            "UnprocessedItems": {table: left} if left else {},
            "ConsumedCapacity": [{"TableName": table, "CapacityUnits": units}],
        }

    def sweep(self, now_s: int) -> int:
        return 0

    def close(self) -> None:
        """Nothing is open."""


def items(count: int) -> list[SpanItem]:
    return [SpanItem("T", f"{number}", v=1) for number in range(count)]


def test_unprocessed_items_are_sent_again_after_growing_pauses() -> None:
    client, pauses = StubbornClient(refused=2, times=3), []

    units = batch_put(client, items(5), sleep=pauses.append)

    assert client.sent == [["0", "1", "2", "3", "4"], ["3", "4"], ["3", "4"], ["3", "4"]]
    assert units == 5
    assert len(pauses) == 3
    assert all(0 <= pause <= 0.05 * 2**number for number, pause in enumerate(pauses))


def test_a_batch_that_stays_refused_is_unavailable() -> None:
    client = StubbornClient(refused=1, times=100)

    with pytest.raises(StoreUnavailable, match="unprocessed after 7"):
        batch_put(client, items(3), sleep=lambda _: None)

    assert len(client.sent) == MAX_SENDS


def test_batches_hold_at_most_25_items() -> None:
    client = StubbornClient(refused=0, times=0)

    batch_put(client, items(60))

    assert [len(sent) for sent in client.sent] == [25, 25, 10]


def test_a_missing_table_names_the_command_that_makes_it() -> None:
    missing = ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "none"}}, "GetItem")
    ours = {"TableName": SpanItem.Meta.table_name}
    with pytest.raises(StoreUnusable, match="create_tables"), missing_tables("GetItem", ours):
        raise missing
    batch = {"RequestItems": {SpanItem.Meta.table_name: []}}
    with pytest.raises(StoreUnusable, match="create_tables"), missing_tables("BatchWriteItem", batch):
        raise missing
    with pytest.raises(ClientError), missing_tables("DescribeTable", ours):
        raise missing


def test_items_are_looked_up_a_hundred_to_a_request_and_what_is_not_there_is_left_out(engine: Engine) -> None:
    engine.batch_put(items(130))
    names = [("T", str(number)) for number in range(0, 260, 2)]
    found = engine.batch_get(SpanItem, names)
    assert sorted(int(item.sk) for item in found) == list(range(0, 130, 2))
