"""One execution environment: the unzipped package under the runtime interface emulator."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

WORK = Path(os.environ["FAKE_AWS_WORK"])
EMULATOR = os.environ["FAKE_AWS_EMULATOR"]
RUNTIME = os.environ["FAKE_AWS_RUNTIME"]
RUNTIME_CLIENT = os.environ["FAKE_AWS_RUNTIME_CLIENT"]
ROLE_KEY = "role-key"


class Sandbox:
    """Made for one version of code and configuration; runs one event at a time, as Lambda's do."""

    def __init__(self, function: Any, endpoint_url: str) -> None:
        self._lock = threading.Lock()
        self._timeout_s = int(function.timeout) + 15
        folder = unzipped(function)
        self._port, api_port = free_port(), free_port()
        self.log = WORK / f"{function.function_name}-{self._port}.log"
        self._read_bytes = 0
        environment = variables_of(function, folder) | {"AWS_ENDPOINT_URL": endpoint_url}
        command = [EMULATOR, "--log-level", "warn"]
        command += ["--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"]
        command += ["--runtime-api-address", f"127.0.0.1:{api_port}"]
        command += [RUNTIME, "-m", "awslambdaric", function.handler]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        wait_for_port(self._port)

    def invoke(self, payload: bytes) -> tuple[bytes, str]:
        """The answer, and what was logged meanwhile."""
        url = f"http://127.0.0.1:{self._port}/2015-03-31/functions/function/invocations"
        with self._lock:
            try:
                with urllib.request.urlopen(
                    urllib.request.Request(url, payload), timeout=self._timeout_s
                ) as answer:
                    said = answer.read()
            except urllib.error.HTTPError as error:
                said = error.read()
            with self.log.open("rb") as log:
                log.seek(self._read_bytes)
                lines = log.read()
            self._read_bytes += len(lines)
            return said, lines.decode(errors="replace")

    def close(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        self._process.wait()


def unzipped(function: Any) -> Path:
    folder = WORK / function.code_sha_256.replace("/", "_")
    if not folder.exists():
        with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as archive:
            archive.extractall(folder)
        for file in folder.rglob("*"):
            if file.is_file():
                os.utime(file, (315532800, 315532800))  # 1980, as in the archive
                file.chmod(0o444)
    return folder


def variables_of(function: Any, folder: Path) -> dict[str, str]:
    """What Lambda sets, and the function's own; nothing of this machine."""
    return {
        "HOME": "/tmp",
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(folder),
        "PYTHONPATH": f"{folder}:{RUNTIME_CLIENT}",
        "PYTHONDONTWRITEBYTECODE": "1",  # /var/task cannot be written
        "_HANDLER": function.handler,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ACCESS_KEY_ID": ROLE_KEY,
        "AWS_SECRET_ACCESS_KEY": "role-secret",
        "AWS_SESSION_TOKEN": "role-token",
        **(function.environment_vars or {}),
    }


def fingerprint(function: Any) -> str:
    """Changes when AWS would start new execution environments."""
    return json.dumps(
        [function.code_sha_256, function.environment_vars, function.memory_size, function.handler],
        sort_keys=True,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), 0.1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(port)
