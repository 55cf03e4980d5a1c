"""Whose pages are raced: ours, Phoenix's and MLflow's, each on a new SQLite file."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from serving import free_port, phoenix_server, running

OURS_READY = "() => document.querySelector('[data-trace][data-ready]') !== null"


@dataclass(frozen=True)
class Site:
    """``page_of`` a trace by its id, ``listing`` of all; ``is_ready`` is asked beside the names.

    ``max_traces`` is what can be sent in reasonable time.
    """

    name: str
    traces: str
    listing: str
    page_of: Callable[[str], str]
    is_ready: str = "() => true"
    is_stored: Callable[[str, int], bool] = lambda _trace, _count: True
    headers: Mapping[str, str] = field(default_factory=dict)
    max_traces: int = 100_000


@contextmanager
def our_site(folder: str) -> Iterator[Site]:
    port = free_port()
    environment = os.environ | {
        "STORAGE_URL": f"sqlite:///{folder}/ours.sqlite3",
        "RATE_LIMIT_RPM": "0",
        "API_KEY_REQUIRED": "false",
        "LOG_LEVEL": "ERROR",
    }
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "manage.py", "runserver", str(port), "--noreload"]
    with running(command, environment, f"{base}/health"):
        yield Site(
            "ours",
            f"{base}/v1/traces",
            f"{base}/dashboard/",
            lambda trace_id: f"{base}/dashboard/t/{trace_id}?view=tree",
            OURS_READY,
        )


@contextmanager
def phoenix_site(home: Path, folder: str) -> Iterator[Site]:
    with phoenix_server(home, folder) as (base, _):

        def is_stored(trace_id: str, count: int) -> bool:
            query = f'{{projects {{edges {{node {{trace(traceId: "{trace_id}") {{numSpans}}}}}}}}}}'
            answer = httpx.post(f"{base}/graphql", json={"query": query}, timeout=30).json()
            edges = (answer.get("data") or {}).get("projects", {}).get("edges", [])
            return any((edge["node"].get("trace") or {}).get("numSpans") == count for edge in edges)

        yield Site(
            "Phoenix",
            f"{base}/v1/traces",
            f"{base}/projects/UHJvamVjdDox/traces",  # "Project:1", the default one
            lambda trace_id: f"{base}/redirects/traces/{trace_id}",
            is_stored=is_stored,
        )


@contextmanager
def mlflow_site(home: Path, folder: str) -> Iterator[Site]:
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "mlflow"], check=True)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GIT_PYTHON_REFRESH": "quiet",
        "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
    }
    store = f"sqlite:///{folder}/mlflow.sqlite3"
    command = [str(home / "bin" / "mlflow"), "server", "--backend-store-uri", store, "--port", str(port)]
    command += ["--default-artifact-root", f"{folder}/mlflow-artifacts"]

    def is_stored(trace_id: str, count: int) -> bool:
        address = f"{base}/api/3.0/mlflow/traces/get?trace_id=tr-{trace_id}&allow_partial=true"
        answer = httpx.get(address, timeout=30)
        return answer.is_success and len(answer.json()["trace"].get("spans", [])) == count

    with running(command, environment, f"{base}/health"):
        yield Site(
            "MLflow",
            f"{base}/v1/traces",
            f"{base}/#/experiments/0/traces",
            lambda trace_id: f"{base}/#/experiments/0/traces?selectedEvaluationId=tr-{trace_id}",
            is_stored=is_stored,
            headers={"x-mlflow-experiment-id": "0"},
            max_traces=1000,  # it took 43 a second
        )
