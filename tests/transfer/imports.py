"""What the tests of import share: running the command, and looking at what came in."""

from __future__ import annotations

import io
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from traces_app import queries
from traces_app.domain.span import Span
from traces_app.queries import Trace, TraceFilter

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9
MESSAGES = [{"role": "user", "content": "How are you?"}]


def take(*files: Path, **options: Any) -> str:
    out = io.StringIO()
    call_command("import", *map(str, files), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def refused(*files: Path, **options: Any) -> tuple[str, str]:
    """What is told at the end, and of each line."""
    errors = io.StringIO()
    with pytest.raises(CommandError) as told:
        call_command("import", *map(str, files), stdout=io.StringIO(), stderr=errors, **options)
    return str(told.value), errors.getvalue()


def written(path: Path, *values: Any) -> Path:
    """JSON lines."""
    path.write_text("".join(json.dumps(value, default=str) + "\n" for value in values))
    return path


def traces(project: str = "dev") -> list[Any]:
    return queries.list_traces(project, TraceFilter(), limit=1000, now_ns=time.time_ns()).traces


def opened(name: str, project: str = "dev") -> Trace:
    return queries.get_trace(project, name, now_ns=time.time_ns())


def by_name(trace: Trace) -> dict[str, Span]:
    return {one.name: one for one in trace.spans()}
