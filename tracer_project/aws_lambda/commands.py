"""Management commands from a short list: ``{"manage": "create_key shop --scope ingest"}``.

A person sends such an event by ``just manage-dev``, a schedule by a rule in infrastructure/template.yaml
whose target has it as ``Input``. What a command prints goes back to the caller alone. It is never logged:
``create_key`` prints a key. One that fails is an error of the function, which the alarm tells by mail.
"""

from __future__ import annotations

import io
import shlex
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, Final

from django.core.management import call_command
from django.core.management.base import CommandError

from tracer_project.aws_lambda.refusal import CommandFailed, Refused

__all__ = ["ALLOWED", "run"]

ALLOWED: Final = frozenset(
    {
        "apply_retention",
        "check",
        "check_budgets",
        "create_key",
        "erase",
        "list_keys",
        "renormalize",
        "revoke_key",
        "train_dictionary",
    }
)
"""To allow one more, add its name. None may take a path, an address or code (the caller is whoever may invoke
the function), or run longer than timeout_seconds of zappa_settings.json; the stack makes tables, no command.
"""

MAX_CHARACTERS: Final = 1_000
"""Of one command line: the longest sensible one has a label of 200."""


def run(event: dict[str, Any]) -> dict[str, Any]:
    """Standard output and error of the command. Raises Refused, or CommandFailed with what it said."""
    name, *arguments = _words(event)
    if name not in ALLOWED:
        raise Refused(f"only these commands run here: {', '.join(sorted(ALLOWED))}")
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            call_command(name, *arguments, stdout=out, stderr=err)
    except CommandError as error:
        raise CommandFailed(f"{name}: {error}") from None
    except SystemExit as ended:  # --help and --version end this way
        if ended.code:
            raise CommandFailed(f"{name} ended with {ended.code}: {err.getvalue()}") from None
    return {"stdout": out.getvalue(), "stderr": err.getvalue()}


def _words(event: dict[str, Any]) -> list[str]:
    """The command line in words. An event that says anything besides is not one of ours."""
    line = event["manage"]
    if set(event) != {"manage"} or not isinstance(line, str) or len(line) > MAX_CHARACTERS:
        raise Refused('a command is {"manage": "NAME ARGUMENTS"} and nothing else')
    try:
        words = shlex.split(line)
    except ValueError:
        raise Refused("the command line has an open quote") from None
    if not words:
        raise Refused("the command line is empty")
    return words
