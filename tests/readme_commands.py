"""Runs the README's commands word for word in a fresh clone, with the machine's own Python: for CI.

Prints seconds and megabytes of each. Makes an environment in this checkout too, for the checks that follow.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
INSTALL_TIMEOUT_S = 600


def main() -> None:
    run, demo, _pip, test = readme_commands()
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "llm-tracer"
        subprocess.run(["git", "clone", "--quiet", str(CHECKOUT), str(clone)], check=True)
        try_server(clone, run, demo)
        started = time.monotonic()
        subprocess.run(test, shell=True, cwd=clone, check=True, env=bare())
        say("test", started, clone)
    make_own_environment()


def readme_commands() -> list[str]:
    text = (CHECKOUT / "README.md").read_text()
    commands = re.findall(r"```bash\n(.+?)\n```", text, re.DOTALL)
    assert len(commands) == 4, commands
    return commands


def bare() -> dict[str, str]:
    """The environment of somebody who has set nothing up."""
    kept = ("PATH", "HOME", "LANG", "CI", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "SSL_CERT_FILE", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


def require_free_port() -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8001)) == 0:
            sys.exit("Port 8001 is in use: stop the server that is there, these commands start one.")


def try_server(clone: Path, run: str, demo: str) -> None:
    require_free_port()
    started = time.monotonic()
    server = subprocess.Popen(run, shell=True, cwd=clone, env=bare(), start_new_session=True)
    try:
        assert wait_for_health() == "ok"
        assert server.poll() is None
        say("first run, installing", started, clone)
        print(f"idle memory: {idle_mb(server.pid):.0f} MB", flush=True)
        subprocess.run(demo, shell=True, cwd=clone, check=True, env=bare())
        assert stored_traces() > 100
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
    started = time.monotonic()
    server = subprocess.Popen(run, shell=True, cwd=clone, env=bare(), start_new_session=True)
    try:
        assert wait_for_health() == "ok"
        print(f"second start to healthy: {time.monotonic() - started:.1f} s", flush=True)
        assert stored_traces() > 100, "the data did not survive a restart"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def wait_for_health() -> str:
    deadline = time.monotonic() + INSTALL_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen("http://localhost:8001/health", timeout=5) as answer:
                return str(json.load(answer)["status"])
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the server did not become healthy")


def stored_traces() -> int:
    request = urllib.request.Request(
        "http://localhost:8001/api/v1/stats", headers={"X-API-Key": "project-dev"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(json.load(answer)["total_traces"])


def idle_mb(leader: int) -> float:
    """Resident memory of the server's process group (Linux)."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[2]) == leader:
            total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return total / 2**20


def say(what: str, started: float, clone: Path) -> None:
    size = sum(file.lstat().st_size for file in (clone / ".venv").rglob("*") if not file.is_symlink())
    print(f"{what}: {time.monotonic() - started:.0f} s, .venv {size / 2**20:.0f} MB", flush=True)


def make_own_environment() -> None:
    """Give this checkout an environment too: one that is moved would name the clone's paths."""
    subprocess.run([sys.executable, "manage.py", "test", "--version"], cwd=CHECKOUT, check=True)


if __name__ == "__main__":
    main()
