"""Installs what the rehearsal needs into .rehearsal, once per version of what it needs."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from infrastructure.package import RUNTIME_PYTHON, interpreter_of
from tracer_project import bootstrap

CHECKOUT = Path(__file__).resolve().parents[3]
WORK = CHECKOUT / ".rehearsal"
REQUIREMENTS = Path(__file__).parent / "requirements.txt"
SAM_CLI = "aws-sam-cli==1.170.0"
RUNTIME_CLIENT = "awslambdaric==4.2.2"
ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class Tools:
    programs: Path
    """The folder of just, cfn-lint, hadolint and a Python with moto."""
    emulator: Path
    runtime_client: Path
    """A folder for PYTHONPATH."""
    runtime: Path
    """The Python that stands for Lambda's."""
    python: str
    """Its version, like 3.13."""
    architecture: str


def install() -> Tools:
    WORK.mkdir(exist_ok=True)
    require_current_environment()
    python, interpreter = runtime_interpreter()
    tools = Tools(
        programs=WORK / "tools/bin",
        emulator=WORK / "aws-lambda-rie",
        runtime_client=WORK / f"runtime-client-{python}",
        runtime=WORK / f"python-{python}/bin/python",
        python=python,
        architecture=ARCHITECTURES[platform.machine()],
    )
    stamp = WORK / "installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + f"{SAM_CLI} {RUNTIME_CLIENT} {python}".encode())
    if not stamp.exists() or stamp.read_text() != wanted.hexdigest():
        install_all(tools, interpreter)
        stamp.write_text(wanted.hexdigest())
    return tools


def require_current_environment() -> None:
    """The copy shares .venv. Were it outdated, a recipe would install the copy's client into it."""
    stamp = CHECKOUT / ".venv/installed-requirements-dev.txt"
    wanted = bootstrap._fingerprint(["requirements.txt", "requirements-dev.txt"])
    if not stamp.exists() or stamp.read_text() != wanted:
        sys.exit("Run `python3 manage.py test --version` once: .venv is outdated.")


def runtime_interpreter() -> tuple[str, Path]:
    """Lambda's version of Python; where this machine has none, the one that runs this."""
    if found := interpreter_of(RUNTIME_PYTHON):
        return RUNTIME_PYTHON, found
    own = "{}.{}".format(*sys.version_info[:2])
    print(f"NOTE: no Python {RUNTIME_PYTHON} here, so package and function run on {own} instead.", flush=True)
    return own, Path(sys.executable)


def install_all(tools: Tools, interpreter: Path) -> None:
    shutil.rmtree(tools.programs.parent, ignore_errors=True)
    run(sys.executable, "-m", "venv", tools.programs.parent)
    pip(tools.programs / "python", "install", "-r", REQUIREMENTS)
    run(interpreter, "-m", "venv", "--without-pip", tools.runtime.parent.parent)
    exactly = (f"--python-version={tools.python}", "--only-binary=:all:")
    shutil.rmtree(tools.runtime_client, ignore_errors=True)
    pip(tools.programs / "python", "install", "--target", tools.runtime_client, *exactly, RUNTIME_CLIENT)
    pip(tools.programs / "python", "download", "--no-deps", "-d", WORK, SAM_CLI)
    unpack_emulator(tools)


def unpack_emulator(tools: Tools) -> None:
    (wheel,) = WORK.glob("aws_sam_cli-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        tools.emulator.write_bytes(archive.read(f"samcli/local/rapid/aws-lambda-rie-{tools.architecture}"))
    tools.emulator.chmod(0o755)
    wheel.unlink()


def pip(python: Path, *words: str | Path) -> None:
    run(python, "-m", "pip", words[0], "--quiet", "--disable-pip-version-check", *words[1:])


def run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True, env=os.environ | {"PYTHONPATH": ""})
