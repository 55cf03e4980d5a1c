"""The first run on a machine with nothing but Python: an environment of the checkout's own, in `.venv`.

Only the standard library may be imported here: it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
ENVIRONMENT = CHECKOUT / ".venv"
OLDEST_PYTHON = (3, 11)
TEST_COMMANDS = frozenset({"test"})


def run_in_own_environment(arguments: list[str]) -> None:
    """Replace this process by the same command under `.venv`, made first where it is missing or outdated."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"LLM Tracer needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    if sys.prefix != sys.base_prefix and Path(sys.prefix) != ENVIRONMENT:
        sys.exit(f"In your environment {sys.prefix}, run: pip install -r requirements.txt -e ./client")
    requirements = ["requirements.txt"]
    if len(arguments) > 1 and arguments[1] in TEST_COMMANDS:
        requirements.append("requirements-dev.txt")
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    _install(python, requirements)
    sys.exit(_run(python, arguments))


def _install(python: Path, requirements: list[str]) -> None:
    stamp = ENVIRONMENT / f"installed-{requirements[-1]}"
    wanted = _fingerprint(requirements)
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"First run: installing {' and '.join(requirements)} into .venv", file=sys.stderr, flush=True)  # noqa: T201
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)  # noqa: S603
    files = [word for name in requirements for word in ("-r", str(CHECKOUT / name))]
    pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    finished = subprocess.run([*pip, *files, "-e", str(CHECKOUT / "client")], check=False)  # noqa: S603
    if finished.returncode:
        sys.exit("pip could not install the requirements (its message is above).")
    stamp.write_text(wanted)


def _fingerprint(requirements: list[str]) -> str:
    texts = [(CHECKOUT / name).read_bytes() for name in requirements]
    return hashlib.sha256(b"\0".join([sys.version.encode(), *texts])).hexdigest()


def _run(python: Path, arguments: list[str]) -> int:
    if os.name != "nt":
        os.execv(python, [str(python), *arguments])  # noqa: S606 - our own interpreter
    return subprocess.run([python, *arguments], check=False).returncode  # noqa: S603
