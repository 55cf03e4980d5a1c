"""Builds the Lambda package: only what runs there, compiled for it, the same bytes from the same sources.

    python3 -m infrastructure.package [--architecture arm64|x86_64]

Zappa's own package holds the whole environment and bytecode that is never used: it zips sources with the
date 1980, so every .pyc is stale, and /var/task cannot be written. Here bytecode is never checked against
its source (``unchecked-hash``), which a read-only package allows. Needs .venv (for collectstatic) and a
Python of the version that runs on Lambda; without one the package works and starts more slowly.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infrastructure.trim import trim

CHECKOUT: Final = Path(__file__).resolve().parent.parent
BUILD: Final = CHECKOUT / "build"
RUNTIME_PYTHON: Final = json.loads((CHECKOUT / "zappa_settings.json").read_text())["dev"]["runtime"][6:]
"""The version in zappa_settings.json, like 3.13."""

MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
PLATFORMS: Final = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
"""What Amazon Linux 2023 (glibc 2.34) runs."""

NOT_ON_LAMBDA: Final = frozenset(
    {
        *("gunicorn", "packaging"),
        *("httpx", "httpcore", "h11", "anyio", "certifi", "idna"),
    }
)
"""The server and the HTTP client of other places. (botocore brings its own certificates.)"""

ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--architecture", choices=MACHINES, default="arm64")
    build(parser.parse_args().architecture)


def build(architecture: str, python: str = RUNTIME_PYTHON) -> Path:
    """Make the tree and the archive anew, say how large they are, and return the archive."""
    tree = tree_of(architecture)
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    copy_project(tree)
    collect_static_files(tree)
    install_dependencies(tree, architecture, python)
    trim(tree)
    compile_bytecode(tree, python)
    archive = zip_tree(tree, archive_of(architecture))
    unzipped_bytes = sum(file.stat().st_size for file in files_of(tree))
    say(f"{archive.name}: {archive.stat().st_size / 2**20:.1f} MB, {unzipped_bytes / 2**20:.1f} MB unzipped")
    return archive


def tree_of(architecture: str) -> Path:
    return BUILD / architecture


def archive_of(architecture: str) -> Path:
    return BUILD / f"llm-tracer-{architecture}.zip"


def copy_project(tree: Path) -> None:
    without = shutil.ignore_patterns("__pycache__", "bootstrap.py", "demo*.py", "runserver.py", "test.py")
    for name in ("traces_app", "tracer_project"):
        shutil.copytree(CHECKOUT / name, tree / name, ignore=without)
    shutil.copy(CHECKOUT / "manage.py", tree)


def collect_static_files(tree: Path) -> None:
    """Hashed names and gzip beside them; the key signs nothing and does not outlive the command."""
    python = CHECKOUT / ".venv/bin/python"
    if not python.exists():
        sys.exit("There is no .venv yet: run `python3 manage.py test --version` once.")
    variables = {
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "ENVIRONMENT": "production",
        "SECRET_KEY": "used-only-while-collecting-static-files",
        "ALLOWED_HOSTS": "localhost",
    }
    command = [str(python), "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
    subprocess.run(command, cwd=tree, env=variables, check=True)
    (tree / "manage.py").unlink()


def install_dependencies(tree: Path, architecture: str, python: str) -> None:
    requirements = BUILD / f"requirements-{architecture}.txt"
    requirements.write_text("\n".join(runtime_requirements((CHECKOUT / "requirements.txt").read_text())))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--no-compile", "--implementation=cp", f"--python-version={python}"]
    command += [f"--platform={name}_{MACHINES[architecture]}" for name in PLATFORMS]
    subprocess.run([*command, f"--target={tree}", f"--requirement={requirements}"], check=True)


def runtime_requirements(text: str) -> list[str]:
    """The pinned lines of requirements.txt without what is not used on Lambda."""
    lines = (line.strip() for line in text.splitlines())
    pins = (line for line in lines if line and not line.startswith("#"))
    return [line for line in pins if re.split("[=<>]", line)[0] not in NOT_ON_LAMBDA]


def compile_bytecode(tree: Path, python: str) -> None:
    interpreter = interpreter_of(python)
    if interpreter is None:
        say(f"No Python {python} on this machine: the package has no bytecode, so cold starts take longer.")
        return
    command = [str(interpreter), "-m", "compileall", "-q", "-j0", "--invalidation-mode=unchecked-hash"]
    finished = subprocess.run([*command, f"-s{tree}", "-p/var/task", str(tree)], check=False)
    if finished.returncode:
        sys.exit("Some files do not compile (see above).")


def interpreter_of(python: str) -> Path | None:
    """A Python of exactly this version, which is what bytecode is bound to."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [sys.executable, shutil.which(f"python{python}")]
    candidates += map(str, sorted(pyenv.glob(f"versions/{python}.*/bin/python")))
    for candidate in filter(None, candidates):
        command = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        if said.stdout.strip() == python:
            return Path(candidate)
    return None


def zip_tree(tree: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as opened:
        for file in files_of(tree):
            entry = zipfile.ZipInfo(str(file.relative_to(tree)), ZIP_DATE)
            entry.external_attr = (0o100644 | (0o111 if file.suffix == ".so" else 0)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            opened.writestr(entry, file.read_bytes())
    return archive


def files_of(tree: Path) -> Iterator[Path]:
    return (file for file in sorted(tree.rglob("*")) if file.is_file())


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
