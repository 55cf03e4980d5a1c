"""Server processes for benchmarks: started, waited for, and ended."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def phoenix_server(home: Path, folder: str) -> Iterator[tuple[str, Path]]:
    """Phoenix from the virtual environment ``home``, made where there is none: its address and database."""
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "arize-phoenix"], check=True)
    port = free_port()
    file = Path(folder) / "phoenix.sqlite3"
    environment = os.environ | {
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_WORKING_DIR": folder,
        "PHOENIX_SQL_DATABASE_URL": f"sqlite:///{file}",
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    base = f"http://127.0.0.1:{port}"
    with running([str(python), "-m", "phoenix.server.main", "serve"], environment, f"{base}/healthz"):
        yield base, file


@contextmanager
def running(command: list[str], environment: dict[str, str], health: str) -> Iterator[None]:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet)
    try:
        wait_until_healthy(health)
        yield
    finally:
        process.terminate()
        process.wait()


def wait_until_healthy(health: str) -> None:
    for _ in range(1200):
        try:
            if httpx.get(health, timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(health)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
