"""Starts a DynamoDB and S3 server for tests: `ministack`, in an environment of its own: it pins botocore.

The environment is made on first use and kept in `.ministack/` of the checkout.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

CHECKOUT = Path(__file__).resolve().parent.parent
REQUIREMENTS = CHECKOUT / "requirements-ministack.txt"
ENVIRONMENT_DIRECTORY = CHECKOUT / ".ministack"
HOST = "127.0.0.1"
START_TIMEOUT_S = 20.0
POLL_INTERVAL_S = 0.05


class MinistackMissing(RuntimeError):
    """The server cannot be installed here; the message says why."""


@contextmanager
def running_ministack() -> Iterator[str]:
    """Start the server on a free port, give its URL, and stop it at the end."""
    python = _ensure_environment()
    port = _free_port()
    with tempfile.TemporaryFile() as log:
        process = _start(python, port, log)
        try:
            _wait_until_up(process, port, log)
            yield f"http://{HOST}:{port}"
        finally:
            process.terminate()
            process.wait(timeout=START_TIMEOUT_S)


def _ensure_environment() -> Path:
    """The interpreter of the environment that holds what the requirements ask for."""
    ENVIRONMENT_DIRECTORY.mkdir(exist_ok=True)
    environment, installed = ENVIRONMENT_DIRECTORY / "venv", ENVIRONMENT_DIRECTORY / "installed.txt"
    with (ENVIRONMENT_DIRECTORY / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may start at once
        wanted = f"{sys.version_info[:2]} {REQUIREMENTS.read_text()}"
        if not installed.exists() or installed.read_text() != wanted:
            shutil.rmtree(environment, ignore_errors=True)
            _install(environment)
            installed.write_text(wanted)
    return environment / "bin" / "python"


def _install(environment: Path) -> None:
    pip = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", environment], [*pip, "--requirement", REQUIREMENTS]):
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        if finished.returncode:
            last_line = (finished.stderr.strip() or finished.stdout.strip()).splitlines()[-1:]
            raise MinistackMissing(f"ministack could not be installed: {' '.join(last_line)}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _start(python: Path, port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
    address = {"GATEWAY_PORT": str(port), "BIND_HOST": HOST}
    variables = address | {"SERVICES": "dynamodb,s3", "LOG_LEVEL": "ERROR"}
    return subprocess.Popen(
        [python, "-m", "ministack"], env=os.environ | variables, stdout=log, stderr=subprocess.STDOUT
    )


def _wait_until_up(process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(POLL_INTERVAL_S)
    log.seek(0)
    raise RuntimeError(f"ministack did not start: {log.read()[-2000:].decode(errors='replace')}")
