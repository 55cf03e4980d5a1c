"""Real servers on loopback: in threads of the test's process, and in processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseServer

import httpx
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

CHECKOUT = Path(__file__).resolve().parent.parent
RUNSERVER = ("manage.py", "runserver", "{port}")
GUNICORN = ("-m", "gunicorn", "tracer_project.wsgi", "--bind=127.0.0.1:{port}", "--workers=2", "--threads=4")


class QuietHandler(WSGIRequestHandler):
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def our_server() -> Iterator[str]:
    """The application over HTTP, on the store of the test."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    with serving(server):
        yield f"http://localhost:{server.server_port}"


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def server_process(
    file: Path, command: Sequence[str] = RUNSERVER, *, port: int = 0, **variables: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server of its own on the store in ``file``: its address, and the process."""
    port = port or unused_port()
    defaults = {"STORAGE_URL": f"sqlite:///{file}", "RATE_LIMIT_RPM": "0", "LOG_LEVEL": "ERROR"}
    process = subprocess.Popen(
        [sys.executable, *(word.format(port=port) for word in command)],
        cwd=CHECKOUT,
        env=os.environ | defaults | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(url, process)
        yield url, process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        assert process.poll() is None, "the server ended"
        try:
            if httpx.get(f"{url}/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError(url)
