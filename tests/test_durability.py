"""Real server processes on one file: restarts, kill -9, two at once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import CHECKOUT, server_process

KEY = {"X-API-Key": "project-dev"}


def batch(number: int) -> dict[str, Any]:
    """Two traces with a span each."""
    now_ns = time.time_ns()
    return {
        "spans": [
            {
                "trace_id": f"{number * 2 + offset:032x}",
                "span_id": f"{number + 1:016x}",
                "name": f"batch {number}",
                "start_time_unix_nano": now_ns,
                "end_time_unix_nano": now_ns + 1000,
                "output": "x" * 2000,
            }
            for offset in (1, 2)
        ]
    }


def stored_traces(url: str) -> int:
    return int(httpx.get(f"{url}/api/v1/stats", headers=KEY).json()["total_traces"])


def send_until_it_fails(url: str, numbers: range, acknowledged: list[int]) -> None:
    with httpx.Client(base_url=url, headers=KEY) as client:
        for number in numbers:
            try:
                answer = client.post("/api/ingest", json=batch(number))
            except httpx.TransportError:
                return
            assert answer.status_code == 202, answer.text
            acknowledged.append(number)


def test_nothing_acknowledged_is_lost_by_kill_9_and_data_survives_the_restart(tmp_path: Path) -> None:
    file, acknowledged = tmp_path / "traces.sqlite3", []
    with server_process(file) as (url, process):
        sender = threading.Thread(target=send_until_it_fails, args=(url, range(100_000), acknowledged))
        sender.start()
        while len(acknowledged) < 40 and sender.is_alive():
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        sender.join()
    with server_process(file) as (url, _), httpx.Client(base_url=url, headers=KEY) as client:
        for number in acknowledged:
            for trace in batch(number)["spans"]:
                answer = client.get(f"/api/v1/traces/{trace['trace_id']}")
                assert answer.status_code == 200, (number, answer.text)
        assert len(acknowledged) >= 40
        assert len(acknowledged) * 2 <= stored_traces(url) <= len(acknowledged) * 2 + 2


def test_two_servers_on_one_file_lose_nothing_and_see_each_other(tmp_path: Path) -> None:
    file = tmp_path / "traces.sqlite3"
    with server_process(file) as (first, _), server_process(file) as (second, _):
        acknowledged: list[int] = []
        senders = [
            threading.Thread(target=send_until_it_fails, args=(url, range(start, start + 60), acknowledged))
            for start, url in ((0, first), (1000, second), (2000, first), (3000, second))
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert len(acknowledged) == 240
        assert (stored_traces(first), stored_traces(second)) == (480, 480)


@pytest.mark.parametrize(
    "content", [b"not a database at all, just text that somebody put there" * 20, b"PK\x03\x04"]
)
def test_a_file_that_is_not_ours_is_refused_by_name_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "traces.sqlite3"
    file.write_bytes(content)
    command = [sys.executable, "manage.py", "create_tables"]
    variables = os.environ | {"STORAGE_URL": f"sqlite:///{file}"}
    done = subprocess.run(command, cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "STORAGE_URL" in done.stderr
    assert file.read_bytes() == content


def test_a_file_that_is_removed_under_a_running_server_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "traces.sqlite3"
    with server_process(file) as (url, _):
        file.unlink()
        assert httpx.post(f"{url}/api/ingest", headers=KEY, json=batch(1)).status_code == 503
        assert httpx.get(f"{url}/health").status_code == 503


@pytest.mark.parametrize(
    "chunks", [b"1c\r\nGET /health HTTP/1.1\r\n\r\n\r\n0\r\n\r\n", b"GET /health HTTP/1.1\r\n\r\n"]
)
def test_a_chunked_body_is_not_taken_for_the_next_request(tmp_path: Path, chunks: bytes) -> None:
    with server_process(tmp_path / "traces.sqlite3") as (url, _):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(
                b"POST /api/ingest HTTP/1.1\r\nHost: localhost\r\nX-API-Key: project-dev\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n" + chunks
            )
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 400")
