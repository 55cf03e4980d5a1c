"""Every capture over real connections, to server processes, as its exporter sent it: chunked ones chunked."""

from __future__ import annotations

import http.client
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.otlp import facts
from tests.otlp.exports import CAPTURES, CASES, expected_of, requests_of
from tests.servers import GUNICORN, RUNSERVER, server_process
from traces_app import storage

SECRET = "only-for-this-test-0123456789"
ORDERS = {
    "in order": lambda requests: requests,
    "in reverse order": lambda requests: requests[::-1],
    "twice": lambda requests: requests * 2,
}
REPLAYS = [(case, order) for case in CASES for order in ORDERS]
CHUNK_BYTES = 5_000
SENT_HEADERS = ("content-type", "content-encoding", "user-agent")


def project_of(case: str, order: str) -> str:
    return f"{case}-{list(ORDERS).index(order)}"


@pytest.mark.parametrize("command", [RUNSERVER, GUNICORN], ids=["runserver", "gunicorn"])
def test_every_capture_arrives_over_http(command: tuple[str, ...], tmp_path: Path, settings: Any) -> None:
    file = tmp_path / "replayed.sqlite3"
    api_keys = ",".join(f"project-{project_of(case, order)}.{SECRET}" for case, order in REPLAYS)
    wrong: list[str] = []
    with server_process(file, command, API_KEYS=api_keys) as (url, _):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
        for case, order in REPLAYS:
            wrong += replay(connection, case, order)
        connection.close()
    storage.reset_store()
    settings.STORAGE_URL = f"sqlite:///{file}"
    for case, order in REPLAYS:
        report = facts.check(expected_of(case), project_of(case, order))
        wrong += [f"{case} {order}: {difference}" for difference in report.differences]
    assert wrong == [], "\n" + "\n".join(wrong)


def replay(connection: http.client.HTTPConnection, case: str, order: str) -> Iterator[str]:
    """What was answered otherwise than it should be, a sentence each."""
    statuses = {body["file"]: body["expected_status"] for body in expected_of(case)["bodies"]}
    for request in ORDERS[order](requests_of(case)):
        status = send(connection, case, request, f"project-{project_of(case, order)}.{SECRET}")
        if str(status) not in re.findall(r"\b[2-5][0-9]{2}\b", str(statuses[request["file"]])):
            yield f"{case} {order} {request['file']}: {status}, not {statuses[request['file']]}"


def send(connection: http.client.HTTPConnection, case: str, request: dict[str, Any], key: str) -> int:
    sent = {name.lower(): value for name, value in request["headers"]}
    headers = {name: sent[name] for name in SENT_HEADERS if name in sent} | {"authorization": f"Bearer {key}"}
    body = (CAPTURES / case / request["file"]).read_bytes()
    if "chunked" in sent.get("transfer-encoding", ""):
        headers["transfer-encoding"] = "chunked"
        pieces = [body[at : at + CHUNK_BYTES] for at in range(0, len(body), CHUNK_BYTES)]
        connection.request("POST", request["path"], iter(pieces), headers, encode_chunked=True)
    else:
        connection.request("POST", request["path"], body, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status
