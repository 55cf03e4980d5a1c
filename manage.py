#!/usr/bin/env python3
"""The command line: `python3 manage.py runserver`, `demo`, `test` ... Needs nothing but Python 3.11."""

import os
import sys
from importlib.util import find_spec


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracer_project.settings")
    if not all(map(find_spec, ("django", "ninja", "pynamodb"))):
        from tracer_project.bootstrap import run_in_own_environment  # noqa: PLC0415 - first run only

        run_in_own_environment(sys.argv)
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 - installed by now
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Not started. {error}")


if __name__ == "__main__":
    main()
