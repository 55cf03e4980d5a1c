"""A copy of the checkout, a fake AWS, and the commands a person would type there."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from tests.aws.rehearsal.tools import CHECKOUT, WORK, Tools

REGION = "us-east-1"
FUNCTION = "llm-tracer-dev"


class Stage:
    def __init__(self, tools: Tools, api_port: int, gateway_port: int) -> None:
        self.tools = tools
        self.folder = WORK / "checkout"
        self.url = f"http://127.0.0.1:{gateway_port}/{FUNCTION}"
        self.gateway = f"http://127.0.0.1:{gateway_port}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "AWS_ACCESS_KEY_ID": "rehearsal",
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{api_port}",
            "PYTHONWARNINGS": "ignore",
        } | {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "PYENV_"))}

    def just(self, *words: str, fails: bool = False) -> str:
        """Run a recipe and return what it printed, which is shown where it ends otherwise than expected."""
        finished = subprocess.run(
            [self.tools.programs / "just", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        said = finished.stdout + finished.stderr
        assert bool(finished.returncode) == fails, f"just {' '.join(words)}\n{said}"
        return said

    def client(self, service: str, *, key: str = "") -> Any:
        names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        endpoint_url, own_key, secret = (self.environment[name] for name in names)
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=endpoint_url,
            aws_access_key_id=key or own_key,
            aws_secret_access_key=secret,
        )

    @property
    def settings_file(self) -> Path:
        return self.folder / "infrastructure/dev.env"

    def settings(self) -> dict[str, str]:
        lines = self.settings_file.read_text().splitlines()
        pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
        return {name: value for name, _, value in pairs}

    def change_settings(self, **values: str) -> None:
        kept = {**self.settings(), **values}
        self.settings_file.write_text("".join(f"{name}={value}\n" for name, value in kept.items()))

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text, (file, old)
        path.write_text(text.replace(old, new))


@contextmanager
def opened(tools: Tools) -> Iterator[Stage]:
    api_port, gateway_port = free_port(), free_port()
    stage = Stage(tools, api_port, gateway_port)
    copy_checkout(stage.folder, tools)
    with fake_aws(tools, api_port, gateway_port):
        yield stage


def copy_checkout(folder: Path, tools: Tools) -> None:
    """What git knows of this checkout, with its environment; the deploying tools of last time stay."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        if old.name != ".deploy":
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, folder / name)
    (folder / ".venv").symlink_to(CHECKOUT / ".venv")
    settings = folder / "zappa_settings.json"
    settings.write_text(settings.read_text().replace("python3.13", f"python{tools.python}"))


@contextmanager
def fake_aws(tools: Tools, api_port: int, gateway_port: int) -> Iterator[None]:
    work = WORK / "functions"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).parent),
        "FAKE_AWS_WORK": str(work),
        "FAKE_AWS_EMULATOR": str(tools.emulator),
        "FAKE_AWS_RUNTIME": str(tools.runtime),
        "FAKE_AWS_RUNTIME_CLIENT": str(tools.runtime_client),
    }
    command = [tools.programs / "python", "-m", "fake_aws", str(api_port), str(gateway_port)]
    with (WORK / "fake_aws.log").open("w") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=log, start_new_session=True, text=True
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", (WORK / "fake_aws.log").read_text()
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
