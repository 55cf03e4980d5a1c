"""Nobody pays for an integration that is not used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CLIENT = Path(__file__).resolve().parent.parent.parent / "client"
HEAVY = ("openai", "anthropic", "langchain_core", "httpx", "asyncio")


def imported_by(statement: str) -> set[str]:
    program = [sys.executable, "-c", f"import sys; {statement}; print(*sys.modules)"]
    paths = os.environ | {"PYTHONPATH": str(CLIENT)}
    done = subprocess.run(program, env=paths, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_client_imports_no_integration() -> None:
    modules = imported_by("import llm_tracer")
    assert not [name for name in modules if name.startswith("llm_tracer.integrations")]
    assert not modules & set(HEAVY)


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_a_wrapper_does_not_import_the_package_that_it_wraps(name: str) -> None:
    assert not imported_by(f"import llm_tracer.integrations.{name}") & set(HEAVY)
